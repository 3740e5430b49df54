const SQLITE_CORRUPT = 11;

/** What a file of ours holds is not what was written: to callers it is as if SQLite had found a page damaged. */
export class DamagedFileError extends Error {
  override readonly name = 'DamagedFileError';
  readonly errcode = SQLITE_CORRUPT;
}

/** What a row has as JSON. @throws {DamagedFileError} */
export function parseRow(json: unknown): unknown {
  try {
    return JSON.parse(String(json));
  } catch (error) {
    throw new DamagedFileError((error as Error).message, { cause: error });
  }
}
