import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RecadoError } from '../base/errors.ts';
import { takeFolder, type OwnerLock } from './owner-lock.ts';

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

  constructor(path: string) {
    this.path = resolve(path);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** @throws {RecadoError} `DATA_FOLDER_TAKEN` */
  open(): void {
    try {
      mkdirSync(this.path, { recursive: true, mode: 0o700 });
    } catch {
      return;
    }
    const taken = takeFolder(this.path);
    if (!taken.ok) {
      const text = `the folder ${this.path} is in use by ${taken.failure}; stop that hub, or set another dataDir (RECADO_DATA_DIR)`;
      throw new RecadoError('DATA_FOLDER_TAKEN', text);
    }
    this.#lock = taken.value;
  }

  /** After everything in it was closed. */
  close(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }
}
