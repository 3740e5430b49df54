import { constants } from 'node:os';

const READ_FAULTS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'does not exist'],
  ['ENOTDIR', 'does not exist'],
  ['EACCES', 'may not be read by this user'],
  ['ELOOP', 'is a link that leads back to itself'],
  ['EISDIR', 'is a folder, not a file'],
  ['ENAMETOOLONG', 'has a name that is too long'],
]);

const WRITE_FAULTS: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'no space is left on the device'],
  ['EDQUOT', 'this user has no space left'],
  ['EROFS', 'the file system is read-only'],
  ['EACCES', 'this user may not write there'],
  ['EPERM', 'this user may not write there'],
  ['ENOENT', 'there is no such folder'],
  ['ENOTDIR', 'there is no such folder'],
  ['ENAMETOOLONG', 'the name is too long'],
]);

/**
 * The name of what a call of the system says; undefined for another kind of error. Node knows no name for a quota that
 * is used up.
 */
export function systemCodeOf(error: unknown): string | undefined {
  const { code, errno } = Object(error) as { readonly code?: unknown; readonly errno?: unknown };
  if (code === 'UNKNOWN') return errno === -constants.errno.EDQUOT ? 'EDQUOT' : code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Why a file could not be read: the end of a sentence that begins with its name. */
export function readFaultOf(error: unknown): string {
  return READ_FAULTS.get(systemCodeOf(error) ?? '') ?? `cannot be read: ${(error as Error).message}`;
}

/** Why nothing could be written, in a few words. */
export function writeFaultOf(error: unknown): string {
  return WRITE_FAULTS.get(systemCodeOf(error) ?? '') ?? (error as Error).message;
}
