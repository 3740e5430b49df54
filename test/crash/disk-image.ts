import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Random } from '../helpers/mqtt-packets.ts';
import type { DiskChange } from './watched-disk.ts';

const SECTOR_BYTES = 512;

/**
 * What becomes of changes that were not synced: the system has them (a process was killed), they are gone, or some
 * sectors of some of them are there (power was lost).
 */
export type Unsynced = 'kept' | 'lost' | Random;

type FileState = { synced: Buffer; unsynced: DiskChange[] };
/** A folder has no contents of its own here: what is in it has its name in front. */
type Entry = FileState | 'folder';

/** Names that come and go at once: they last when one of these folders was synced. */
type NameChange = {
  readonly folders: readonly string[];
  readonly gone: readonly string[];
  readonly come: readonly (readonly [name: string, entry: Entry])[];
};

/** The files of one folder and of those in it as the changes left them: what is on the disk for certain, and what only the system has. */
class DiskImage {
  /** By name, as a program sees them. */
  readonly #entries = new Map<string, Entry>();
  /** By name, as they are on the disk. */
  readonly #synced = new Map<string, Entry>();
  #unsynced: NameChange[] = [];

  constructor(before: ReadonlyMap<string, Buffer>) {
    for (const [name, synced] of before) {
      for (let folder = dirname(name); folder !== '.'; folder = dirname(folder))
        this.#entries.set(folder, 'folder');
      this.#entries.set(name, { synced, unsynced: [] });
    }
    this.#synced = new Map(this.#entries);
  }

  apply(change: DiskChange): void {
    const { kind, name, data } = change;
    const known = this.#entries.get(name);
    if (kind === 'S' && (name === '' || known === 'folder')) return this.#syncFolder(name);
    if (kind === 'U') return this.#rename({ folders: [folderOf(name)], gone: [name], come: [] });
    if (kind === 'R') return this.#move(name, data.toString());
    if (kind === 'D') return this.#add(name, 'folder');
    if (known === 'folder') throw new TypeError(`${name} is a folder, and was written`);
    const file = known ?? { synced: Buffer.alloc(0), unsynced: [] };
    if (known === undefined) this.#add(name, file);
    if (kind === 'S') file.synced = apply(file.synced, file.unsynced.splice(0));
    else file.unsynced.push(change);
  }

  /** What is found afterwards; a folder has no bytes. */
  contents(unsynced: Unsynced): Map<string, Buffer | undefined> {
    const entries = new Map(this.#synced);
    for (const change of this.#unsynced)
      if (unsynced === 'kept' || (unsynced !== 'lost' && unsynced(2) === 0)) applyNames(entries, change);
    const found = new Map<string, Buffer | undefined>();
    const isThere = (name: string): boolean =>
      name === '' || (entries.get(name) === 'folder' && isThere(folderOf(name)));
    for (const [name, entry] of entries) {
      if (!isThere(folderOf(name))) continue;
      const isFolder = entry === 'folder';
      found.set(name, isFolder ? undefined : apply(entry.synced, survivors(entry.unsynced, unsynced)));
    }
    return found;
  }

  #add(name: string, entry: Entry): void {
    this.#rename({ folders: [folderOf(name)], gone: [], come: [[name, entry]] });
  }

  /** A folder takes what is in it along. */
  #move(name: string, next: string): void {
    const moved = [...this.#entries].filter(([each]) => each === name || each.startsWith(`${name}/`));
    this.#rename({
      folders: [folderOf(name), folderOf(next)],
      gone: moved.map(([each]) => each),
      come: moved.map(([each, entry]) => [next + each.slice(name.length), entry]),
    });
  }

  #rename(change: NameChange): void {
    applyNames(this.#entries, change);
    this.#unsynced.push(change);
  }

  #syncFolder(name: string): void {
    const isSynced = ({ folders }: NameChange): boolean => folders.includes(name);
    for (const change of this.#unsynced.filter(isSynced)) applyNames(this.#synced, change);
    this.#unsynced = this.#unsynced.filter((change) => !isSynced(change));
  }
}

function applyNames(entries: Map<string, Entry>, { gone, come }: NameChange): void {
  for (const name of gone) entries.delete(name);
  for (const [name, entry] of come) entries.set(name, entry);
}

/** Empty for the folder that is watched. */
function folderOf(name: string): string {
  return name.includes('/') ? dirname(name) : '';
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

/** The files of a folder and of those in it, to begin an image with. */
export function readFolder(folder: string): Map<string, Buffer> {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path)]));
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
  for (const [name, bytes] of image.contents(unsynced)) {
    mkdirSync(join(folder, bytes === undefined ? name : folderOf(name)), { recursive: true, mode: 0o700 });
    if (bytes !== undefined) writeFileSync(join(folder, name), bytes);
  }
}
