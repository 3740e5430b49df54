import type { Device, DevicePage as DeviceListPart } from '../../../client/index.ts';
import { cleanLines } from '../../ui/clean-text.ts';
import { EMPTY_ROW, widthOf, type Area, type Cell, type Row } from '../../ui/rows.ts';
import type { TextLine } from '../../ui/text-line.ts';
import { typingCells } from '../../ui/typing-row.ts';
import { presenceDot, sayPresence, sayTags, titleOf } from '../device-words.ts';
import { simulateCommandFor } from '../hub-url.ts';
import type { PageContext } from '../page-context.ts';

/** Which devices are shown. */
export type PresenceFilter = 'all' | 'online' | 'offline';

/** What is asked for of the devices, and what is seen of them. */
export type DeviceListView = {
  /** The part of all devices that was asked for; undefined before it came. */
  part: DeviceListPart | undefined;
  /** Where it begins; undefined: with the first device. */
  cursor: string | undefined;
  /** Where the parts before begin, and how many devices each had. */
  before: readonly { readonly cursor: string | undefined; readonly count: number }[];
  selected: number;
  filter: PresenceFilter;
  readonly search: TextLine;
  isSearching: boolean;
};

/** Filters, search and column heads. */
const HEAD_ROWS = 4;
const NUMBER_COLUMNS = 4;
const DOT_COLUMNS = 2;
const GATEWAY_COLUMNS = 10;
const GAP = 2;

/** How many devices fit on one page. */
export function deviceRows(area: Area): number {
  return Math.max(1, area.rows - HEAD_ROWS);
}

export function drawDeviceList(state: DeviceListView, app: PageContext, area: Area): readonly Row[] {
  const head = [drawFilters(state, app), drawSearch(state, app, area), EMPTY_ROW];
  const { part } = state;
  if (part === undefined) return [...head, [{ text: app.say('device.loading'), tone: 'dim' }]];
  if (part.total === 0) return [...head, ...drawNone(state, app)];
  const columns = chooseColumns(part.devices, app, area);
  const rows = part.devices
    .slice(0, deviceRows(area))
    .map((device, index) =>
      drawDeviceRow(device, { columns, app, number: index + 1, isSelected: index === state.selected }),
    );
  return [...head, drawHeads(columns, app), ...rows];
}

function drawFilters(state: DeviceListView, app: PageContext): Row {
  const tab = (filter: PresenceFilter): Cell[] => [
    { text: app.say(`devices.show.${filter}`), tone: state.filter === filter ? 'focus' : 'dim' },
    { text: '   ' },
  ];
  const range: Cell = { text: sayRange(state, app), width: 'rest', align: 'right', tone: 'dim' };
  return [...tab('all'), ...tab('online'), ...tab('offline'), range];
}

function sayRange({ part, before }: DeviceListView, { say, area, isLive }: PageContext): string {
  if (part === undefined) return '';
  const seen = isLive ? Math.min(part.devices.length, deviceRows(area)) : part.devices.length;
  const first = before.reduce((sum, { count }) => sum + count, 0);
  if (seen === 0 || (first === 0 && part.nextCursor === undefined))
    return say('devices.total', { count: part.total });
  return say('list.range', { from: first + 1, to: first + seen, total: part.total });
}

function drawSearch(state: DeviceListView, app: PageContext, area: Area): Row {
  const { search, isSearching } = state;
  if (!isSearching && search.text === '') return EMPTY_ROW;
  const label = `${app.say('devices.search')}  `;
  const columns = Math.max(1, area.columns - widthOf(label));
  return [
    { text: label, tone: isSearching ? 'focus' : 'dim' },
    ...typingCells(search, { columns, hasFocus: isSearching }),
  ];
}

function drawNone(state: DeviceListView, { say, hub }: PageContext): Row[] {
  const key = noneKey(state);
  const command = simulateCommandFor(hub.url);
  return [[{ text: say(key) }], [{ text: say(`${key}.advice`, { command }), tone: 'dim' }]];
}

function noneKey({ filter, search }: DeviceListView): 'devices.none' | 'devices.none.filtered' {
  return filter === 'all' && search.text === '' ? 'devices.none' : 'devices.none.filtered';
}

type Columns = {
  readonly id: number;
  readonly title: boolean;
  readonly gateway: boolean;
  readonly presence: number;
};

/** Gives each column what its longest text needs, and drops the less important ones where there is no room. */
function chooseColumns(devices: readonly Device[], app: PageContext, area: Area): Columns {
  const now = app.clock.now();
  const longest = (texts: string[], most: number): number =>
    Math.min(most, Math.max(...texts.map(widthOf)) + GAP);
  const id = longest([app.say('devices.column.device'), ...devices.map((device) => device.deviceId)], 28);
  const presence = longest(
    [app.say('devices.column.presence'), ...devices.map((device) => sayPresence(app.say, device, now))],
    24,
  );
  const left = area.columns - NUMBER_COLUMNS - 2 - DOT_COLUMNS - id - presence;
  return { id, presence, title: left >= 10, gateway: left >= 20 + GATEWAY_COLUMNS };
}

function drawHeads(columns: Columns, { say }: PageContext): Row {
  const head = (text: string, width: number | 'rest'): Cell => ({ text, width, tone: 'dim' });
  return [
    head('', 2 + NUMBER_COLUMNS + DOT_COLUMNS),
    head(say('devices.column.device'), columns.id),
    ...(columns.title ? [head(say('devices.column.title'), 'rest')] : []),
    ...(columns.gateway ? [head('', GAP), head(say('devices.column.gateway'), GATEWAY_COLUMNS)] : []),
    head(say('devices.column.presence'), columns.presence),
  ];
}

type RowOptions = {
  readonly columns: Columns;
  readonly app: PageContext;
  readonly number: number;
  readonly isSelected: boolean;
};

function drawDeviceRow(device: Device, { columns, app, number, isSelected }: RowOptions): Row {
  const isOnline = device.presence.status === 'online';
  const presence = sayPresence(app.say, device, app.clock.now());
  return [
    { text: isSelected ? '❯' : '', width: 2, tone: 'focus' },
    { text: String(number), width: NUMBER_COLUMNS - 1, align: 'right', tone: 'dim' },
    { text: '', width: 1 },
    presenceDot(device, app.hub.status),
    { text: device.deviceId, width: columns.id, tone: isSelected ? 'focus' : 'plain' },
    ...(columns.title
      ? [
          {
            text: titleOf(device) + sayTags(device),
            width: 'rest',
            tone: isSelected ? 'focus' : 'plain',
          } satisfies Cell,
        ]
      : []),
    ...(columns.gateway
      ? [
          { text: '', width: GAP } satisfies Cell,
          { text: device.gateway, width: GATEWAY_COLUMNS, tone: 'dim' } satisfies Cell,
        ]
      : []),
    { text: presence, width: columns.presence, tone: isOnline ? 'plain' : 'dim' },
  ];
}

/** The same in plain lines. */
export function tellDeviceList(state: DeviceListView, app: PageContext): string[] {
  const { say, clock } = app;
  const { part } = state;
  if (part === undefined) return [];
  const line = (device: Device, index: number): string =>
    [
      `${index + 1}.`,
      device.deviceId,
      titleOf(device) + sayTags(device),
      sayPresence(say, device, clock.now()),
    ]
      .filter((text) => text !== '')
      .join('  ');
  const devices =
    part.total === 0 ? [say(noneKey(state))] : [sayRange(state, app), ...part.devices.map(line)];
  return [cleanLines(devices), sayMenu(state, app)];
}

function sayMenu({ part, before, search }: DeviceListView, { say }: PageContext): string {
  const keys = [
    ...(part?.nextCursor === undefined ? [] : [say('plain.key.next')]),
    ...(before.length === 0 ? [] : [say('plain.key.previous')]),
    say('plain.key.search'),
    ...(search.text === '' ? [] : [say('plain.key.all')]),
    say('plain.key.filter'),
    say('plain.key.refresh'),
    say('plain.key.server'),
    say('plain.key.help'),
    say('plain.key.quit'),
  ];
  return say('plain.menu.devices', { keys: keys.join(', ') });
}
