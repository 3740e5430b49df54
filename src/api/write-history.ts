import type { HistoryValues } from '../devices/telemetry-store.ts';
import type { HistoryRange } from './history-query.ts';
import { showTime } from './resources.ts';

/** What was asked for, and what was found of each metric. */
export type FoundHistory = {
  readonly deviceId: string;
  readonly range: HistoryRange;
  readonly series: readonly { readonly metric: string; readonly found: HistoryValues }[];
};

/** The page of several metrics ends where that of the first one does that has more. */
export function endTogether(series: FoundHistory['series']): FoundHistory['series'] {
  const next = Math.min(...series.map(({ found }) => found.next ?? Number.POSITIVE_INFINITY));
  if (next === Number.POSITIVE_INFINITY) return series;
  return series.map(({ metric, found }) => {
    const end = found.times.findIndex((time) => time >= next);
    const kept = end < 0 ? found.times.length : end;
    const [times, values] = [found.times.subarray(0, kept), found.values.subarray(0, kept)];
    return { metric, found: { ...found, times, values, next } };
  });
}

/** `1m` where some of it is kept by the minute only. */
export function resolutionOf(series: FoundHistory['series']): string | null {
  return series.some(({ found }) => found.resolutionMs !== undefined) ? '1m' : null;
}

/** One metric by its name `value`, several each by its own. */
export function writeHistoryCsv({ series }: FoundHistory): string {
  const names = series.length === 1 ? ['value'] : series.map(({ metric }) => csvCell(metric));
  let text = `time,${names.join(',')}\r\n`;
  const at = series.map(() => 0);
  for (;;) {
    const time = Math.min(...series.map(({ found }, index) => found.times[at[index]!] ?? Infinity));
    if (time === Infinity) return text;
    text += showTime(time);
    for (const [index, { found }] of series.entries())
      text += found.times[at[index]!] === time ? `,${found.values[at[index]!++]!}` : ',';
    text += '\r\n';
  }
}

/** A metric on its own, as `getHistory` tells it. */
export function writeHistoryJson({ deviceId, range, series }: FoundHistory): string {
  const { metric, found } = series[0]!;
  const head = JSON.stringify({ deviceId, metric, ...showRange(range, series) });
  return `${head.slice(0, -1)},"values":${writeValues(found)},"nextFrom":${writeNext(found)}}`;
}

/** Several, as `getTelemetry` tells them. */
export function writeHistoriesJson({ deviceId, range, series }: FoundHistory): string {
  const head = JSON.stringify({ deviceId, ...showRange(range, series) });
  const each = series.map(
    ({ metric, found }) => `{"metric":${JSON.stringify(metric)},"values":${writeValues(found)}}`,
  );
  return `${head.slice(0, -1)},"series":[${each.join(',')}],"nextFrom":${writeNext(series[0]!.found)}}`;
}

function showRange({ from, to, every, by }: HistoryRange, series: FoundHistory['series']) {
  return {
    from: showTime(from),
    to: showTime(to),
    every: every ?? null,
    fn: by?.fn ?? null,
    resolution: resolutionOf(series),
  };
}

function writeValues({ times, values }: HistoryValues): string {
  let list = '';
  for (let index = 0; index < times.length; index++)
    list += `${index === 0 ? '' : ','}{"time":"${showTime(times[index]!)}","value":${values[index]!}}`;
  return `[${list}]`;
}

function writeNext({ next }: HistoryValues): string {
  return next === undefined ? 'null' : `"${showTime(next)}"`;
}

/** RFC 4180. */
function csvCell(name: string): string {
  return /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
