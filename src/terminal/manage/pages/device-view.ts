import type { Command, Device, DeviceTelemetry, Reading } from '../../../client/index.ts';
import { sayIfKnown } from '../../messages.ts';
import { cleanLines } from '../../ui/clean-text.ts';
import { textRows } from '../../ui/blocks.ts';
import { partShown, scrollTo } from '../../ui/list-window.ts';
import { EMPTY_ROW, widthOf, type Area, type Cell, type Row } from '../../ui/rows.ts';
import {
  presenceDot,
  sayPresence,
  sayReading,
  sayReason,
  sayTags,
  titleOf,
  titleOfMetric,
} from '../device-words.ts';
import type { PageContext } from '../page-context.ts';
import { sayTimestamp } from '../time-words.ts';

/** What is seen of a device. */
export type DeviceDetailsView = {
  device: Device;
  telemetry: DeviceTelemetry | undefined;
  /** What can be sent, without the general description; undefined until the hub has told. */
  commands: readonly Command[] | undefined;
  /** How many commands wait for it. */
  waiting: number;
  /** A command, or the general description after the last one. */
  selected: number;
  /** The hub does not know the device any more; or somebody is asked whether to forget it. */
  concern: 'none' | 'unknown' | 'forgetting';
};

/** Below this height there is no room for headings. */
const ROWS_FOR_HEADINGS = 9;
const NUMBER_COLUMNS = 4;
const METRIC_COLUMNS = 28;
const TIME_COLUMNS = 18;

export function drawDevice(state: DeviceDetailsView, app: PageContext, area: Area): readonly Row[] {
  const { commands, selected } = state;
  const { head, readingRows, commandRows: rows } = layOutDevice(state, app, area);
  if (commands === undefined) return [...head, [{ text: app.say('device.loading'), tone: 'dim' }]];
  const readings = drawReadings(state, readingRows, app, area).slice(0, readingRows);
  const choices = drawCommands(commands, { selected, rows, app, columns: area.columns });
  if (isSmall(area)) return [...head, ...readings, ...choices];
  return [
    ...head,
    [{ text: app.say('device.readings'), tone: 'strong' }],
    ...readings,
    EMPTY_ROW,
    ...drawCommandHeading({ count: commands.length + 1, selected, rows }, app),
    ...choices,
  ];
}

/** How many commands are seen at once. */
export function commandRowCount(state: DeviceDetailsView, app: PageContext): number {
  return layOutDevice(state, app, app.area).commandRows;
}

type DeviceLayout = {
  readonly head: readonly Row[];
  readonly readingRows: number;
  readonly commandRows: number;
};

function layOutDevice(state: DeviceDetailsView, app: PageContext, area: Area): DeviceLayout {
  const banner = drawBanner(state, app, area);
  if (isSmall(area)) {
    // Whether it is there, one reading, the commands.
    const head = [drawPresence(state.device, app), ...banner];
    const readingRows = area.rows - head.length >= 4 ? 1 : 0;
    return { head, readingRows, commandRows: Math.max(1, area.rows - head.length - readingRows) };
  }
  const head = [...drawHead(state, app), ...banner, EMPTY_ROW];
  // Two headings, and an empty row between the two parts.
  const room = area.rows - head.length - 3;
  const choices = (state.commands?.length ?? 0) + 1;
  // Each part gets what the other leaves, and half of the room at least.
  const most = Math.max(room - choices, Math.floor(room / 2));
  const readingRows = Math.min(readingRowCount(state.telemetry), most);
  return { head, readingRows, commandRows: Math.max(1, room - readingRows) };
}

function isSmall({ rows }: Area): boolean {
  return rows < ROWS_FOR_HEADINGS;
}

function drawHead({ device, waiting }: DeviceDetailsView, app: PageContext): Row[] {
  const names: Cell[] = [
    { text: titleOf(device), tone: 'strong' },
    { text: sayTags(device), tone: 'dim' },
  ];
  const waits: Cell = { text: sayWaiting(waiting, app), tone: 'warn' };
  return [names.filter(isSeen), drawPresence(device, app), [waits].filter(isSeen)].filter(
    (row) => row.length > 0,
  );
}

function drawPresence(device: Device, { say, clock, hub }: PageContext): Row {
  return [
    presenceDot(device, hub.status),
    { text: sayPresence(say, device, clock.now()) },
    { text: ` · ${sayReason(say, device.presence.reason)} · ${device.gateway}`, tone: 'dim' },
  ];
}

function sayWaiting(count: number, { say }: PageContext): string {
  return count === 0 ? '' : say('device.waiting', { count });
}

function isSeen({ text }: Cell): boolean {
  return text !== '';
}

function drawBanner({ device, concern }: DeviceDetailsView, { say }: PageContext, area: Area): Row[] {
  const id = device.deviceId;
  if (concern === 'forgetting') return textRows(say('device.forget.ask', { id }), area, { tone: 'warn' });
  return concern === 'unknown' ? textRows(say('device.unknown', { id }), area, { tone: 'bad' }) : [];
}

function readingRowCount(telemetry: DeviceTelemetry | undefined): number {
  if (telemetry === undefined) return 1;
  return Math.max(1, telemetry.readings.length + (telemetry.unavailable === null ? 0 : 1));
}

function drawReadings(
  { device, telemetry }: DeviceDetailsView,
  rows: number,
  app: PageContext,
  area: Area,
): Row[] {
  const { say } = app;
  if (telemetry === undefined) return [[{ text: say('device.loading'), tone: 'dim' }]];
  const all = drawAllReadings(device, telemetry, app, area);
  if (all.length === 0) return [[{ text: say('device.readings.none'), tone: 'dim' }]];
  if (all.length <= rows) return all;
  const more = all.length - rows + 1;
  return [...all.slice(0, rows - 1), [{ text: say('device.readings.more', { count: more }), tone: 'dim' }]];
}

/** What the device says when it has nothing to report, and its readings. */
export function drawAllReadings(
  device: Device,
  { unavailable, readings }: DeviceTelemetry,
  app: PageContext,
  area: Area,
): Row[] {
  const why: Row[] = unavailable === null ? [] : [[{ text: sayUnavailable(unavailable, app), tone: 'warn' }]];
  return [...why, ...readings.map((reading) => drawReading(reading, device, app, area))];
}

function sayUnavailable(
  { time, reason }: NonNullable<DeviceTelemetry['unavailable']>,
  { say, clock }: PageContext,
): string {
  return say('device.readings.unavailable', { time: sayTimestamp(time, clock.now()), reason });
}

/** One reading: metric, value with unit, time. */
function drawReading(reading: Reading, device: Device, app: PageContext, area: Area): Row {
  const time: Cell[] =
    area.columns < 50
      ? []
      : [
          {
            text: sayTimestamp(reading.time, app.clock.now()),
            width: TIME_COLUMNS,
            align: 'right',
            tone: 'dim',
          },
        ];
  return [
    {
      text: titleOfMetric(device, reading.metric),
      width: Math.min(METRIC_COLUMNS, Math.floor(area.columns / 2)) - 1,
      tone: 'dim',
    },
    { text: ' ' },
    { text: sayReading(app.say, reading), width: 'rest' },
    ...time,
  ];
}

type ListPart = { readonly count: number; readonly selected: number; readonly rows: number };

/** The selection stands in the middle of what is shown, away from the ends. */
function firstCommand({ count, selected, rows }: ListPart): number {
  return scrollTo(Math.max(0, selected - Math.floor(rows / 2)), { count, selected, rows });
}

function drawCommandHeading(list: ListPart, { say }: PageContext): Row[] {
  const part = partShown(firstCommand(list), list);
  return [
    [
      { text: say('device.commands'), tone: 'strong', width: 'rest' },
      { text: part === undefined ? '' : say('list.range', part), tone: 'dim' },
    ],
  ];
}

type CommandRows = {
  readonly selected: number;
  readonly rows: number;
  readonly app: PageContext;
  readonly columns: number;
};

function drawCommands(commands: readonly Command[], { selected, rows, app, columns }: CommandRows): Row[] {
  const { say } = app;
  const lines = [
    ...commands.map((command) => ({
      key: String(command.number),
      title: command.title,
      about: sayKind(command, app),
    })),
    { key: 'd', title: say('device.description'), about: '' },
  ];
  const aboutWidth = Math.max(...lines.map(({ about }) => widthOf(about)));
  const room = Math.max(1, columns - 2 - NUMBER_COLUMNS - aboutWidth - 1);
  const width = Math.min(room, Math.max(...lines.map(({ title }) => widthOf(title))) + 3);
  const drawn = lines.map(({ key, title, about }, index): Row => [
    { text: index === selected ? '❯' : '', width: 2, tone: 'focus' },
    { text: key, width: NUMBER_COLUMNS - 1, align: 'right', tone: 'dim' },
    { text: ' ' },
    { text: title, width, tone: index === selected ? 'focus' : 'plain' },
    { text: ` ${about}`, tone: 'dim' },
  ]);
  const first = firstCommand({ count: drawn.length, selected, rows });
  return drawn.slice(first, first + rows);
}

function sayKind({ kind, input }: Command, { say }: PageContext): string {
  return (
    (sayIfKnown(say, `device.kind.${kind}`) ?? kind) +
    (input === null ? '' : ` · ${say('device.needsInput')}`)
  );
}

/** The same in plain lines. */
export function tellDevice(
  { device, telemetry, commands = [], waiting }: DeviceDetailsView,
  app: PageContext,
): string[] {
  const { say, clock } = app;
  const now = clock.now();
  const name = [device.deviceId, titleOf(device)].filter((part) => part !== '').join(', ') + sayTags(device);
  const { unavailable = null, readings = [] } = telemetry ?? {};
  const told = [
    ...(unavailable === null ? [] : [sayUnavailable(unavailable, app)]),
    ...readings.map(
      (reading) =>
        `  ${titleOfMetric(device, reading.metric)}: ${sayReading(say, reading)} (${sayTimestamp(reading.time, now)})`,
    ),
  ];
  const needs = ({ input }: Command): string => (input === null ? '' : ` (${say('device.needsInput')})`);
  const numbered = commands.map((command) => `${command.number}. ${command.title}${needs(command)}`);
  return [
    cleanLines(
      [
        `${name}: ${sayPresence(say, device, now)} (${sayReason(say, device.presence.reason)})`,
        sayWaiting(waiting, app),
      ].filter((line) => line !== ''),
    ),
    cleanLines([`${say('device.readings')}:`, ...(told.length === 0 ? [say('device.readings.none')] : told)]),
    numbered.length === 0
      ? say('device.commands.none')
      : cleanLines([`${say('device.commands')}:`, ...numbered]),
    sayMenu(device, app),
  ];
}

function sayMenu({ presence }: Device, { say }: PageContext): string {
  const keys = [
    say('plain.key.description'),
    say('plain.key.invocations'),
    say('plain.key.refresh'),
    ...(presence.status === 'offline' ? [say('plain.key.forget')] : []),
    say('plain.key.back'),
    say('plain.key.help'),
    say('plain.key.quit'),
  ];
  return say('plain.menu.device', { keys: keys.join(', ') });
}
