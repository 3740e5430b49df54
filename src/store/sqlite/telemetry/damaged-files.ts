import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOf } from '../open-database.ts';
import { byAge, isTelemetryFile } from './file-names.ts';

const DAMAGED = '.damaged';
/** What SQLite keeps beside a file belongs to it, and not to another of its name. */
const PARTS = ['', '-wal', '-shm'];

/** Gives a damaged file another name: history goes on without it, and it stays for who can read it. */
export function setFileAside(folder: string, name: string): void {
  try {
    for (const part of PARTS.filter((each) => sizeOf(join(folder, name + each)) > 0))
      renameSync(join(folder, name + part), join(folder, name + DAMAGED + part));
  } catch {
    // Then it is met again, and told again, by the next run.
  }
}

/** Takes those away that are as old as history may be, and the oldest of those that have too much together. */
export function dropDamagedFiles(
  folder: string,
  { maxBytes, isOld }: { readonly maxBytes: number; readonly isOld: (name: string) => boolean },
): void {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(DAMAGED))
    .map((name) => name.slice(0, -DAMAGED.length))
    .filter(isTelemetryFile)
    .toSorted(byAge);
  let bytes = names.reduce((sum, name) => sum + sizeOf(join(folder, name + DAMAGED)), 0);
  for (const name of names) {
    if (!isOld(name) && bytes <= maxBytes) continue;
    bytes -= sizeOf(join(folder, name + DAMAGED));
    for (const part of PARTS) rmSync(join(folder, name + DAMAGED + part), { force: true });
  }
}
