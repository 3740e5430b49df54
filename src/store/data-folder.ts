import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RecadoError } from '../base/errors.ts';
import { writeFaultOf } from '../base/file-fault.ts';
import { takeFolder, type OwnerLock } from './owner-lock.ts';
import { finishRestore } from './place-restored.ts';
import { syncFolder } from './sync-folder.ts';

/** What a folder's files have in all; 0 for one that is not there, or that this user may not look into. */
export function folderBytes(path: string): number {
  try {
    return readdirSync(path)
      .map((name) => statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0)
      .reduce((sum, bytes) => sum + bytes, 0);
  } catch {
    return 0;
  }
}

/**
 * Where a hub keeps what is to last: one folder, which one process at a time has. Nothing is written elsewhere. A
 * folder that cannot be made or written leaves the stores in it to say so.
 */
export class DataFolder {
  /** Its full name. */
  readonly path: string;
  #lock: OwnerLock | undefined;
  /** The folder, or the one nearest to the root above it, that `open` had to make. */
  #made: string | undefined;

  constructor(path: string) {
    this.path = resolve(path);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** @throws {RecadoError} `DATA_FOLDER_TAKEN`, `STORE_UNAVAILABLE` where a restore was ended and cannot go on */
  open(): void {
    try {
      this.#made = makeFolders(this.path);
    } catch {
      return;
    }
    syncAbove(this.path, this.#made ?? this.path);
    const taken = takeFolder(this.path);
    if (!taken.ok) {
      const text = `the folder ${this.path} is in use by ${taken.failure}; stop that hub, or set another dataDir (RECADO_DATA_DIR)`;
      throw new RecadoError('DATA_FOLDER_TAKEN', text);
    }
    this.#lock = taken.value;
    if (this.#lock === undefined) return;
    try {
      finishRestore(this.path);
    } catch (error) {
      this.close();
      const text = `a restore into ${this.path} was ended, and cannot go on: ${writeFaultOf(error)}`;
      throw new RecadoError('STORE_UNAVAILABLE', text, { cause: error });
    }
  }

  /** After everything in it was closed. */
  close(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  /**
   * The same where it turned out that nothing is to be kept: a folder that was not there before is taken away again.
   * Its name is likely a slip.
   */
  abandon(): void {
    this.close();
    if (this.#made === undefined) return;
    try {
      rmSync(this.path, { recursive: true, force: true });
      for (let path = this.path; path !== this.#made;) {
        path = dirname(path);
        rmdirSync(path);
      }
    } catch {
      // Somebody has put something beside it meanwhile.
    }
    this.#made = undefined;
  }
}

/**
 * Makes a folder and those above it. Node's own way never comes to an end where there can be none (in /proc).
 *
 * @returns the highest that was new
 */
function makeFolders(path: string): string | undefined {
  if (existsSync(path)) return undefined;
  const highest = makeFolders(dirname(path));
  mkdirSync(path, { mode: 0o700 });
  return highest ?? path;
}

/** A folder has its name in the one above it: there it is made lasting, up to the highest that was new. */
function syncAbove(path: string, highest: string): void {
  try {
    for (let made = path; made.length >= highest.length && made !== dirname(made); made = dirname(made))
      syncFolder(dirname(made));
  } catch {
    // A disk that fails says so to the stores.
  }
}
