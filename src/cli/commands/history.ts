import { InvalidArgumentError, Option, type Command } from 'commander';
import { readTime } from '../../base/read-time.ts';
import type { Client, HistoryOptions } from '../../client/index.ts';
import { HISTORY_FUNCTIONS, type HistoryFunction } from '../../devices/telemetry-store.ts';
import { tellFailure } from '../devices/failures.ts';
import { hubQuestion, openHub, printLine, refuseEmptyNames, type HubFlags } from '../devices/hub-flags.ts';
import { tell } from '../tell.ts';

type HistoryFlags = HubFlags & {
  readonly from?: Date;
  readonly to?: Date;
  readonly every?: string;
  readonly fn?: HistoryFunction;
};

/** Values of one metric that are asked for at once. */
const PAGE_VALUES = 3000;
const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const HELP = `
A line for each time, in UTC: CSV with a column for each metric, or JSON with --json. Without metrics, all that the
device has reported since the hub started. Old history is kept by the minute: a line on standard error says so.

Examples:
  recado history thermometer-1                          the last day, each reading
  recado history thermometer-1 temperature --from 1h
  recado history DE1 temperature humidity --from 30d --every 1h --fn max > DE1.csv`;

/** `recado history DEVICE [METRIC...]`: what metrics were, as CSV. */
export function historyCommand(): Command {
  return hubQuestion('history', 'print what metrics of a device were, as CSV', HELP)
    .argument('<device>', 'id of the device')
    .argument('[metric...]', 'only these')
    .option('--from <time>', 'from then on: RFC 3339, or 15m, 12h, 7d ago (default: 1d)', readMoment)
    .option('--to <time>', 'before then (default: now)', readMoment)
    .option('--every <time>', 'one value for each stretch of time: 15s, 1m, 1h, 1d')
    .addOption(
      new Option('--fn <function>', 'what a stretch comes to (default: avg)').choices(HISTORY_FUNCTIONS),
    )
    .action(printHistory);
}

async function printHistory(
  deviceId: string,
  metrics: readonly string[],
  flags: HistoryFlags,
  command: Command,
): Promise<void> {
  refuseEmptyNames([deviceId, ...metrics], command);
  const client = openHub(flags, command);
  try {
    const names = metrics.length > 0 ? metrics : await numbersOf(client, deviceId);
    if (names.length === 0) return tell(`${deviceId} has reported no number`);
    await printPages(client, { deviceId, names }, flags);
  } catch (error) {
    tellFailure(error, flags);
  }
}

async function printPages(
  client: Client,
  { deviceId, names }: { readonly deviceId: string; readonly names: readonly string[] },
  { from, to = new Date(), every, fn, json }: HistoryFlags,
): Promise<void> {
  let hasMinutes = false;
  let begin: Date | undefined = from ?? new Date(to.getTime() - UNITS_MS['d']!);
  for (let page = 0; begin !== undefined; page++) {
    const asked: HistoryOptions = { from: begin, to, every, fn, limit: PAGE_VALUES };
    const { series, nextFrom, resolution } = await client.devices.histories(deviceId, names, asked);
    if (page === 0 && json !== true) printLine(`time,${names.map(csvCell).join(',')}`);
    const rows = new Map<string, (number | undefined)[]>();
    for (const [index, { values }] of series.entries())
      for (const { time, value } of values) {
        const row = rows.get(time) ?? names.map(() => undefined);
        row[index] = value;
        rows.set(time, row);
      }
    for (const [time, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1)))
      printLine(json === true ? jsonOf(time, names, row) : `${time},${row.join(',')}`);
    if (!hasMinutes && typeof resolution === 'string') tell('some of it is old, and kept by the minute only');
    hasMinutes ||= typeof resolution === 'string';
    begin = nextFrom === null ? undefined : new Date(nextFrom);
  }
}

/** Texts have no history. */
async function numbersOf(client: Client, deviceId: string): Promise<string[]> {
  const { readings } = await client.devices.telemetry(deviceId);
  return readings.filter(({ value }) => typeof value !== 'string').map(({ metric }) => metric);
}

function jsonOf(time: string, names: readonly string[], row: readonly (number | undefined)[]): string {
  const found = names.flatMap((name, index) =>
    row[index] === undefined ? [] : [[name, row[index]] as const],
  );
  return JSON.stringify({ time, values: Object.fromEntries(found) });
}

/** RFC 4180. */
function csvCell(name: string): string {
  return /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

function readMoment(text: string): Date {
  const [, number = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const time = unit === '' ? readTime(text) : Date.now() - Number(number) * UNITS_MS[unit]!;
  if (time !== undefined && time >= 0) return new Date(time);
  throw new InvalidArgumentError(
    'It must be a time such as 2026-11-22T10:00:00Z, or how long ago: 15m, 12h, 7d.',
  );
}
