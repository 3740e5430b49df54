import { accessSync, constants, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { RecadoError } from '../base/errors.ts';
import { readFaultOf, writeFaultOf } from '../base/file-fault.ts';
import { isHalfRestored } from './place-restored.ts';
import { openToRead, sizeOf } from './sqlite/open-database.ts';
import { faultOf } from './sqlite/sqlite-error.ts';
import type { Grain } from './sqlite/telemetry/chunk-table.ts';
import { holdsMinutes } from './sqlite/telemetry/minute-file.ts';
import type { StoreFault } from './store-state.ts';

/** What there is to say of one database. */
type DatabaseReport = {
  readonly name: string;
  readonly bytes: number;
  /** Of its write-ahead log: what a hub that was killed had not copied yet. */
  readonly logBytes: number;
  /** Of history: whether it has each reading, or minutes. */
  readonly grain: Grain | undefined;
  /** Why it cannot be read as a whole; undefined when it can, and is whole. */
  readonly fault: StoreFault | undefined;
  /** Why this user cannot write it, in a few words; undefined when it can. */
  readonly whyOnlyRead: string | undefined;
};

/**
 * All that is in a folder; nothing where there is none.
 *
 * @throws {RecadoError} `STORE_UNAVAILABLE` when this user may not look into it
 */
function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const isFile = (error as NodeJS.ErrnoException).code === 'ENOTDIR';
    const fault = isFile ? 'is no folder' : readFaultOf(error);
    throw new RecadoError('STORE_UNAVAILABLE', `${folder} ${fault}`, { cause: error });
  }
}

/**
 * The databases of a folder, by name, for whoever only reads: where there are none, the name of the folder is likely
 * a slip.
 *
 * @throws {RecadoError} `STORE_UNAVAILABLE`
 */
export function requireDatabases(folder: string): string[] {
  const all = listFolder(folder);
  const names = all.filter((name) => name.endsWith('.db'));
  if (names.length > 0 && !isHalfRestored(all)) return names;
  const text = isHalfRestored(all)
    ? `a backup is being brought back to ${resolve(folder)}; where that was ended in the middle, start the hub, and it goes on`
    : `no hub has kept anything in ${resolve(folder)}; name its folder with --data-dir, or its configuration with --config`;
  throw new RecadoError('STORE_UNAVAILABLE', text);
}

/** Reads all of a database, while a hub writes it or not. Nothing is changed. */
export function examineFile(file: string): Omit<DatabaseReport, 'name' | 'grain'> {
  const seen = { bytes: sizeOf(file), logBytes: sizeOf(`${file}-wal`), whyOnlyRead: findWhyOnlyRead(file) };
  let db: DatabaseSync | undefined;
  try {
    db = openToRead(file);
    const found = db.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
    return { ...seen, fault: found === 'ok' ? undefined : { state: 'damaged', message: String(found) } };
  } catch (error) {
    const fault = faultOf(error) ?? { state: 'damaged', message: (error as Error).message };
    // What its log has is read by an index beside it, which cannot be made there.
    const isOnlyRead = fault.state === 'unreachable' && seen.whyOnlyRead !== undefined;
    return { ...seen, fault: isOnlyRead ? { ...fault, state: 'read-only' } : fault };
  } finally {
    db?.close();
  }
}

/**
 * The same for each database of a folder, and copies that older versions or a restore have left.
 *
 * @throws {RecadoError} `STORE_UNAVAILABLE` where there are none
 */
export function examineFolder(folder: string): {
  readonly databases: readonly DatabaseReport[];
  readonly copies: readonly string[];
  /** Files of the history that a hub found damaged and set aside. */
  readonly setAside: readonly string[];
} {
  const databases = requireDatabases(folder).map((name) => {
    const file = join(folder, name);
    return { name, grain: grainOf(file), ...examineFile(file) };
  });
  const isCopy = (name: string): boolean => /\.db\.v\d+$/.test(name) || name.startsWith('before-restore-');
  const names = listFolder(folder);
  return {
    databases,
    copies: names.filter(isCopy),
    setAside: names.filter((name) => name.endsWith('.db.damaged')),
  };
}

function findWhyOnlyRead(file: string): string | undefined {
  try {
    for (const each of [dirname(file), file]) accessSync(each, constants.W_OK);
    return undefined;
  } catch (error) {
    return writeFaultOf(error);
  }
}

function grainOf(file: string): Grain | undefined {
  if (!basename(file).startsWith('telemetry-')) return undefined;
  return holdsMinutes(file) ? 'minutes' : 'readings';
}
