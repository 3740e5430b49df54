import { closeSync, fsyncSync, openSync } from 'node:fs';

/** What says that this system, or this file system, syncs no folders, or not for this user. */
const NOT_HERE = new Set(['EACCES', 'EPERM', 'EINVAL', 'EISDIR', 'ENOTSUP']);

/** Makes lasting which names a folder has: those of new and renamed files, and that others are gone. */
export function syncFolder(path: string): void {
  try {
    const handle = openSync(path, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if (!NOT_HERE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
