import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { systemCodeOf } from '../../base/file-fault.ts';
import type { StoreFault } from '../store-state.ts';
import { faultOf } from './sqlite-error.ts';

const STATE_OF: Readonly<Record<string, StoreFault['state']>> = {
  EROFS: 'read-only',
  EACCES: 'read-only',
  EPERM: 'read-only',
  ENOSPC: 'full',
  EDQUOT: 'full',
};
/** Of what is written to see why nothing can be: more than a file system keeps beside the name of a file. */
const TRIED = Buffer.alloc(4096);

/** Without rights a file cannot be opened; with rights that were taken away, not be written. */
const NO_RIGHTS = ['EACCES', 'EPERM'];

/**
 * What an error says of the disk and a file, which need not be there; undefined when it is a mistake of a program.
 * SQLite says of most writes only that they failed: why is seen by writing something.
 */
export function diskFaultOf(error: unknown, path: string): StoreFault | undefined {
  const fault = faultOf(error);
  if (fault?.state !== 'failing' && fault?.state !== 'unreachable') return fault;
  const code = tryDisk(path);
  if (fault.state === 'unreachable' && NO_RIGHTS.includes(code)) return fault;
  return { ...fault, state: STATE_OF[code] ?? fault.state };
}

/** What an error of a call of the system says; undefined when it is another kind of error. */
export function systemFaultOf(error: unknown): StoreFault | undefined {
  const code = systemCodeOf(error);
  if (code === undefined) return undefined;
  return { state: STATE_OF[code] ?? 'unreachable', message: (error as Error).message };
}

/** With what error nothing can be written beside a file; empty when something can. */
function tryDisk(path: string): string {
  const tried = `${path}.try`;
  try {
    for (const each of [dirname(path), path]) if (existsSync(each)) accessSync(each, constants.W_OK);
    const handle = openSync(tried, 'w', 0o600);
    try {
      writeSync(handle, TRIED);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    return systemCodeOf(error) ?? '';
  } finally {
    remove(tried);
  }
  return '';
}

/** A disk that takes no change does not take this one either. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It is overwritten by the next try.
  }
}
