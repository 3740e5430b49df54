const FAULTS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'does not exist'],
  ['ENOTDIR', 'does not exist'],
  ['EACCES', 'may not be read by this user'],
  ['EISDIR', 'is a folder, not a file'],
]);

/** Why a file could not be read: the end of a sentence that begins with its name. */
export function fileFaultOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return FAULTS.get(code) ?? `cannot be read: ${message}`;
}
