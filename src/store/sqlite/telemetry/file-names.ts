import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const FILE_NAME = /^telemetry-(\d{4}-\d\d-\d\d)\.(\d{1,6})\.db$/;
/** Behind the name of a file while another one is written that is to take its place. */
const UNFINISHED = '.minutes';

/** The files of a folder, in the order in which they were begun. What was left unfinished is taken away. */
export function listTelemetryFiles(folder: string): string[] {
  const names = readdirSync(folder);
  for (const name of names.filter((each) => each.startsWith('telemetry-') && each.endsWith(UNFINISHED)))
    rmSync(join(folder, name), { force: true });
  return names.filter(isTelemetryFile).sort(byAge);
}

export function isTelemetryFile(name: string): boolean {
  return FILE_NAME.test(name);
}

export function unfinishedOf(path: string): string {
  return path + UNFINISHED;
}

export function byAge(a: string, b: string): number {
  return beginningOf(a) - beginningOf(b) || numberOf(a) - numberOf(b);
}

/** The name of the file that follows `last`, for what comes on a day. */
export function nameAfter(last: string | undefined, day: string): string {
  const lastDay = last === undefined ? '' : dayOf(last);
  const number = last === undefined || day > lastDay ? 1 : numberOf(last) + 1;
  return `telemetry-${day > lastDay ? day : lastDay}.${String(number).padStart(3, '0')}.db`;
}

/** UTC. */
export function dayOfTime(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

export function dayOf(name: string): string {
  return FILE_NAME.exec(name)![1]!;
}

/** When the day of a file begins; wall time, ms. */
export function beginningOf(name: string): number {
  return Date.parse(dayOf(name));
}

function numberOf(name: string): number {
  return Number(FILE_NAME.exec(name)![2]);
}
