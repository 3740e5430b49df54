import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../helpers/mqtt-packets.ts';
import type { DiskChange } from './watched-disk.ts';

const SECTOR_BYTES = 512;

/**
 * What becomes of changes that were not synced: the system has them (a process was killed), they are gone, or some
 * sectors of some of them are there (power was lost).
 */
export type Unsynced = 'kept' | 'lost' | Random;

type FileState = { synced: Buffer; unsynced: DiskChange[] };

/** Files of one folder as the changes left them: what is on the disk for certain, and what only the system has. */
class DiskImage {
  /** By name, as a program sees them. */
  readonly #files = new Map<string, FileState>();
  /** By name, as they were when the folder was synced last. */
  #syncedFiles = new Map<string, FileState>();

  constructor(before: ReadonlyMap<string, Buffer>) {
    for (const [name, synced] of before) this.#files.set(name, { synced, unsynced: [] });
    this.#syncedFiles = new Map(this.#files);
  }

  apply(change: DiskChange): void {
    const { kind, name, data } = change;
    if (kind === 'S' && name === '') {
      this.#syncedFiles = new Map(this.#files);
      return;
    }
    const file = this.#files.get(name) ?? { synced: Buffer.alloc(0), unsynced: [] };
    if (kind === 'U' || kind === 'R') this.#files.delete(name);
    else this.#files.set(name, file);
    if (kind === 'R') this.#files.set(data.toString(), file);
    if (kind === 'W' || kind === 'T') file.unsynced.push(change);
    if (kind === 'S') file.synced = apply(file.synced, file.unsynced.splice(0));
  }

  /** What is found afterwards. */
  contents(unsynced: Unsynced): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    const bytesOf = (file: FileState): Buffer => apply(file.synced, survivors(file.unsynced, unsynced));
    for (const name of new Set([...this.#files.keys(), ...this.#syncedFiles.keys()])) {
      const isNew = unsynced === 'kept' || (unsynced !== 'lost' && unsynced(2) === 0);
      const file = (isNew ? this.#files : this.#syncedFiles).get(name);
      if (file !== undefined) found.set(name, bytesOf(file));
    }
    return found;
  }
}

/** Those of the changes, or parts of them, that are on the disk though nobody synced them. */
function survivors(changes: readonly DiskChange[], unsynced: Unsynced): readonly DiskChange[] {
  if (unsynced === 'kept') return changes;
  if (unsynced === 'lost') return [];
  return changes.flatMap((change) => {
    if (change.kind === 'T') return unsynced(2) === 0 ? [change] : [];
    const sectors: DiskChange[] = [];
    for (let at = 0; at < change.data.length; at += SECTOR_BYTES)
      if (unsynced(2) === 0)
        sectors.push({
          ...change,
          offset: change.offset + at,
          data: change.data.subarray(at, at + SECTOR_BYTES),
        });
    return sectors;
  });
}

function apply(before: Buffer, changes: readonly DiskChange[]): Buffer {
  const length = changes.reduce((longest, { offset, data }) => Math.max(longest, offset + data.length), 0);
  const bytes = Buffer.alloc(Math.max(length, before.length));
  before.copy(bytes);
  let end = before.length;
  for (const { kind, offset, data } of changes) {
    if (kind === 'T' && offset < end) bytes.fill(0, offset, end);
    else data.copy(bytes, offset);
    end = kind === 'T' ? offset : Math.max(end, offset + data.length);
  }
  return bytes.subarray(0, end);
}

/** The files of a folder, to begin an image with. */
export function readFolder(folder: string): Map<string, Buffer> {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(files.map(({ name }) => [name, readFileSync(join(folder, name))]));
}

/** Makes a folder, instead of what is there, as it is found after the changes. */
export function writeImage(
  folder: string,
  {
    before = new Map(),
    changes = [],
    unsynced = 'kept',
  }: {
    readonly before?: ReadonlyMap<string, Buffer>;
    readonly changes?: readonly DiskChange[];
    readonly unsynced?: Unsynced;
  },
): void {
  const image = new DiskImage(before);
  for (const change of changes) image.apply(change);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, bytes] of image.contents(unsynced)) writeFileSync(join(folder, name), bytes);
}
