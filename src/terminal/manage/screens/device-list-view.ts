import type { Device } from '../../../client/index.ts';
import type { Desk } from '../desk.ts';
import { presenceDot, sayPresence, titleOf } from '../device-words.ts';
import { sayCount } from '../messages.ts';
import { EMPTY_ROW, widthOf, type Area, type Cell, type Row } from '../../ui/rows.ts';
import { typingCells } from '../../ui/typing-row.ts';
import type { DeviceListState, DeviceStatusFilter } from './device-list.ts';

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

export function drawDeviceList(state: DeviceListState, desk: Desk, area: Area): readonly Row[] {
  const head = [drawFilters(state, desk, area), drawSearch(state, desk, area), EMPTY_ROW];
  const { page } = state;
  if (page === undefined) return [...head, [{ text: desk.say('devices.loading'), tone: 'dim' }]];
  if (page.total === 0) return [...head, ...drawNone(state, desk)];
  const columns = chooseColumns(page.devices, desk, area);
  const rows = page.devices
    .slice(0, deviceRows(area))
    .map((device, index) =>
      drawDevice(device, { columns, desk, number: index + 1, isSelected: index === state.selected }),
    );
  return [...head, drawHeads(columns, desk), ...rows];
}

function drawFilters(state: DeviceListState, desk: Desk, area: Area): Row {
  const tab = (filter: DeviceStatusFilter): Cell[] => [
    { text: desk.say(`devices.show.${filter}`), tone: state.filter === filter ? 'focus' : 'dim' },
    { text: '   ' },
  ];
  const range: Cell = { text: sayRange(state, desk, area), width: 'rest', align: 'right', tone: 'dim' };
  return [...tab('all'), ...tab('online'), ...tab('offline'), range];
}

function sayRange({ page, before }: DeviceListState, { say }: Desk, area: Area): string {
  if (page === undefined) return '';
  const seen = Math.min(page.devices.length, deviceRows(area));
  if (seen === 0 || (before === 0 && page.nextCursor === undefined))
    return sayCount(say, 'devices.total', page.total);
  return say('list.range', { from: before + 1, to: before + seen, total: page.total });
}

function drawSearch(state: DeviceListState, desk: Desk, area: Area): Row {
  const { search, isSearching } = state;
  if (!isSearching && search.text === '') return EMPTY_ROW;
  const label = `${desk.say('devices.search')}  `;
  const columns = Math.max(1, area.columns - widthOf(label));
  return [
    { text: label, tone: isSearching ? 'focus' : 'dim' },
    ...typingCells(search, { columns, hasFocus: isSearching }),
  ];
}

function drawNone(state: DeviceListState, { say }: Desk): Row[] {
  const isNarrowed = state.filter !== 'all' || state.search.text !== '';
  const key = isNarrowed ? 'devices.none.filtered' : 'devices.none';
  return [[{ text: say(key) }], [{ text: say(`${key}.advice`), tone: 'dim' }]];
}

type Columns = {
  readonly id: number;
  readonly title: boolean;
  readonly gateway: boolean;
  readonly presence: number;
};

/** Gives each column what its longest text needs, and drops the less important ones where there is no room. */
function chooseColumns(devices: readonly Device[], desk: Desk, area: Area): Columns {
  const now = desk.clock.now();
  const longest = (texts: string[], most: number): number =>
    Math.min(most, Math.max(...texts.map(widthOf)) + GAP);
  const id = longest([desk.say('devices.column.device'), ...devices.map((device) => device.deviceId)], 28);
  const presence = longest(
    [desk.say('devices.column.presence'), ...devices.map((device) => sayPresence(desk.say, device, now))],
    24,
  );
  const left = area.columns - NUMBER_COLUMNS - 2 - DOT_COLUMNS - id - presence;
  return { id, presence, title: left >= 10, gateway: left >= 20 + GATEWAY_COLUMNS };
}

function drawHeads(columns: Columns, { say }: Desk): Row {
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
  readonly desk: Desk;
  readonly number: number;
  readonly isSelected: boolean;
};

function drawDevice(device: Device, { columns, desk, number, isSelected }: RowOptions): Row {
  const isOnline = device.presence.status === 'online';
  const presence = sayPresence(desk.say, device, desk.clock.now());
  return [
    { text: isSelected ? '❯' : '', width: 2, tone: 'focus' },
    { text: String(number), width: NUMBER_COLUMNS - 1, align: 'right', tone: 'dim' },
    { text: '', width: 1 },
    presenceDot(device, desk.session.status),
    { text: device.deviceId, width: columns.id, tone: isSelected ? 'focus' : 'plain' },
    ...(columns.title
      ? [{ text: titleOf(device), width: 'rest', tone: isSelected ? 'focus' : 'plain' } satisfies Cell]
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
