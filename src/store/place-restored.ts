import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { syncFolder } from './sync-folder.ts';

/**
 * How far a restore is, is told by the name of the folder that has what was in the backup. Each name lasts before the
 * next step begins, so that one that ends at any moment is undone, or goes on, when the data folder is opened again.
 */
const STEPS = {
  /** It is being written: nothing is decided. */
  writing: 'restoring',
  /** All of it is there, and is to be what the data folder has; its moment follows. */
  written: 'restored-',
  /** What the data folder had is set aside. */
  placing: 'restored',
} as const;

/** A database, or what belongs to it: its write-ahead log, copies of before a migration. */
const OF_DATABASE = /\.db(?:[-.].*)?$/;

/** A new folder in a data folder, for the databases of a backup. */
export function beginRestore(path: string): string {
  const fresh = join(path, STEPS.writing);
  mkdirSync(fresh, { mode: 0o700 });
  return fresh;
}

/** Takes back what was begun. */
export function undoRestore(path: string): void {
  rmSync(join(path, STEPS.writing), { recursive: true, force: true });
}

/**
 * What was written is to be in place of what the data folder has: `finishRestore` puts it there.
 *
 * @returns where that goes; undefined where there is nothing
 */
export function decideRestore(path: string): string | undefined {
  const moment = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const former = join(path, `before-restore-${moment}`);
  const hadAny = readdirSync(path).some((name) => OF_DATABASE.test(name));
  // Made now: on a disk that is too full for it, nothing is decided.
  if (hadAny) mkdirSync(former, { mode: 0o700 });
  syncFolder(join(path, STEPS.writing));
  renameSync(join(path, STEPS.writing), join(path, STEPS.written + moment));
  syncFolder(path);
  return hadAny ? former : undefined;
}

/** Undoes a restore that had decided nothing, and goes on with one that had. */
export function finishRestore(path: string): void {
  undoRestore(path);
  const placing = join(path, STEPS.placing);
  const written = readdirSync(path).find((name) => name.startsWith(STEPS.written));
  if (written !== undefined) {
    setAside(path, join(path, `before-restore-${written.slice(STEPS.written.length)}`));
    renameSync(join(path, written), placing);
    syncFolder(path);
  }
  if (!existsSync(placing)) return;
  for (const name of readdirSync(placing)) renameSync(join(placing, name), join(path, name));
  syncFolder(path);
  rmdirSync(placing);
}

/** Whether one is decided, and not at its end: what a data folder with these names has is not what it is to have. */
export function isHalfRestored(names: readonly string[]): boolean {
  return names.some((name) => name === STEPS.placing || name.startsWith(STEPS.written));
}

function setAside(path: string, former: string): void {
  const names = readdirSync(path).filter((name) => OF_DATABASE.test(name));
  for (const name of names) renameSync(join(path, name), join(former, name));
  if (names.length > 0) syncFolder(former);
}
