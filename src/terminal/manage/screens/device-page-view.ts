import type { Command, Device, DeviceTelemetry, Reading } from '../../../client/index.ts';
import type { Desk } from '../desk.ts';
import { presenceDot, sayPresence, sayReading, sayReason, titleOf, titleOfMetric } from '../device-words.ts';
import { sayCount, sayIfKnown } from '../messages.ts';
import { sayTimestamp } from '../time-words.ts';
import { EMPTY_ROW, widthOf, wrapLines, type Area, type Cell, type Row } from '../../ui/rows.ts';
import { partShown, scrollTo } from '../../ui/list-window.ts';
import type { DevicePageState } from './device-page.ts';

/** Readings are always given this much room, if there are so many. */
const LEAST_READING_ROWS = 2;
/** Below this height there is no room for headings. */
const ROWS_FOR_HEADINGS = 9;
const NUMBER_COLUMNS = 4;
const METRIC_COLUMNS = 28;
const TIME_COLUMNS = 18;

export function drawDevicePage(state: DevicePageState, desk: Desk, area: Area): readonly Row[] {
  const head = [...drawHead(state.device, desk), ...drawBanner(state, desk, area), EMPTY_ROW];
  if (state.commands === undefined) return [...head, [{ text: desk.say('device.loading'), tone: 'dim' }]];
  if (area.rows < ROWS_FOR_HEADINGS) return drawCompact(state, state.commands, desk, area);
  const choices = state.commands.length + 1;
  // Two headings, and an empty row between the two parts.
  const room = area.rows - head.length - 3;
  const wanted = readingRowCount(state.telemetry);
  const readingRows = Math.max(Math.min(wanted, LEAST_READING_ROWS), Math.min(wanted, room - choices));
  const commandRows = Math.max(1, room - readingRows);
  return [
    ...head,
    [{ text: desk.say('device.readings'), tone: 'strong' }],
    ...drawReadings(state, readingRows, desk, area),
    EMPTY_ROW,
    ...drawCommandHeading({ count: choices, selected: state.selected, rows: commandRows }, desk),
    ...drawCommands(state.commands, { selected: state.selected, rows: commandRows, desk }),
  ];
}

/** A small window: whether it is there, one reading, the commands. */
function drawCompact(
  state: DevicePageState,
  commands: readonly Command[],
  desk: Desk,
  area: Area,
): readonly Row[] {
  const head = [...drawHead(state.device, desk).slice(-1), ...drawBanner(state, desk, area)];
  const reading = area.rows - head.length >= 4 ? drawReadings(state, 1, desk, area).slice(0, 1) : [];
  const rows = Math.max(1, area.rows - head.length - reading.length);
  return [...head, ...reading, ...drawCommands(commands, { selected: state.selected, rows, desk })];
}

function drawHead(device: Device, desk: Desk): Row[] {
  const { say, clock } = desk;
  const presence: Cell[] = [
    presenceDot(device, desk.session.status),
    { text: sayPresence(say, device, clock.now()) },
    { text: ` · ${sayReason(say, device.presence.reason)} · ${device.gateway}`, tone: 'dim' },
  ];
  const title = titleOf(device);
  return title === '' ? [presence] : [[{ text: title, tone: 'strong' }], presence];
}

function drawBanner(state: DevicePageState, { say }: Desk, area: Area): Row[] {
  const id = state.device.deviceId;
  if (state.isForgetAsked)
    return wrapLines(say('device.forget.ask', { id }), area.columns).map((text) => [{ text, tone: 'warn' }]);
  if (state.isUnknown) return [[{ text: say('device.unknown', { id }), tone: 'bad' }]];
  return [];
}

function readingRowCount(telemetry: DeviceTelemetry | undefined): number {
  if (telemetry === undefined) return 1;
  return Math.max(1, telemetry.readings.length + (telemetry.unavailable === null ? 0 : 1));
}

function drawReadings({ device, telemetry }: DevicePageState, rows: number, desk: Desk, area: Area): Row[] {
  const { say } = desk;
  if (telemetry === undefined) return [[{ text: say('device.loading'), tone: 'dim' }]];
  const all = [
    ...drawUnavailable(telemetry, desk),
    ...telemetry.readings.map((reading) => drawReading(reading, device, desk, area)),
  ];
  if (all.length === 0) return [[{ text: say('device.readings.none'), tone: 'dim' }]];
  if (all.length <= rows) return all;
  const more = all.length - rows + 1;
  return [...all.slice(0, rows - 1), [{ text: sayCount(say, 'device.readings.more', more), tone: 'dim' }]];
}

/** What the device says when it has nothing to report; empty when it reports. */
export function drawUnavailable({ unavailable }: DeviceTelemetry, { say, clock }: Desk): Row[] {
  if (unavailable === null) return [];
  const values = { time: sayTimestamp(unavailable.time, clock.now()), reason: unavailable.reason };
  return [[{ text: say('device.readings.unavailable', values), tone: 'warn' }]];
}

/** One reading: metric, value with unit, time. */
export function drawReading(reading: Reading, device: Device, desk: Desk, area: Area): Row {
  const time: Cell[] =
    area.columns < 50
      ? []
      : [
          {
            text: sayTimestamp(reading.time, desk.clock.now()),
            width: TIME_COLUMNS,
            align: 'right',
            tone: 'dim',
          },
        ];
  return [
    {
      text: titleOfMetric(device, reading.metric),
      width: Math.min(METRIC_COLUMNS, Math.floor(area.columns / 2)),
      tone: 'dim',
    },
    { text: sayReading(desk.say, reading), width: 'rest' },
    ...time,
  ];
}

type ListPart = { readonly count: number; readonly selected: number; readonly rows: number };

/** The selection stands in the middle of what is shown, away from the ends. */
function firstCommand({ count, selected, rows }: ListPart): number {
  return scrollTo(Math.max(0, selected - Math.floor(rows / 2)), { count, selected, rows });
}

function drawCommandHeading(list: ListPart, { say }: Desk): Row[] {
  const part = partShown(firstCommand(list), list);
  const range = part === undefined ? '' : say('list.range', part);
  return [
    [
      { text: say('device.commands'), tone: 'strong', width: 'rest' },
      { text: range, tone: 'dim' },
    ],
  ];
}

type CommandRows = { readonly selected: number; readonly rows: number; readonly desk: Desk };

function drawCommands(commands: readonly Command[], { selected, rows, desk }: CommandRows): Row[] {
  const { say } = desk;
  const titles = [...commands.map((command) => command.title), say('device.description')];
  const width = Math.max(...titles.map((title) => widthOf(title))) + 4;
  const drawn = commands.map((command, index) =>
    drawCommand(command, { width, isSelected: index === selected, desk }),
  );
  const isDescription = selected === commands.length;
  drawn.push([
    { text: isDescription ? '❯' : '', width: 2, tone: 'focus' },
    { text: 'd', width: NUMBER_COLUMNS - 1, align: 'right', tone: 'dim' },
    { text: ' ' },
    { text: say('device.description'), tone: isDescription ? 'focus' : 'plain' },
  ]);
  const first = scrollTo(Math.max(0, selected - Math.floor(rows / 2)), {
    count: drawn.length,
    selected,
    rows,
  });
  return drawn.slice(first, first + rows);
}

function drawCommand(command: Command, options: { width: number; isSelected: boolean; desk: Desk }): Row {
  const { width, isSelected, desk } = options;
  const needs = command.input === null ? '' : ` · ${desk.say('device.needsInput')}`;
  return [
    { text: isSelected ? '❯' : '', width: 2, tone: 'focus' },
    { text: String(command.number), width: NUMBER_COLUMNS - 1, align: 'right', tone: 'dim' },
    { text: ' ' },
    { text: command.title, width, tone: isSelected ? 'focus' : 'plain' },
    { text: (sayIfKnown(desk.say, `device.kind.${command.kind}`) ?? command.kind) + needs, tone: 'dim' },
  ];
}
