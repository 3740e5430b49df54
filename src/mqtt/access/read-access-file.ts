import type { BigIntStats } from 'node:fs';
import { open, stat } from 'node:fs/promises';

/** A password or access file larger than this is the wrong file; 100,000 users fit. */
export const MAX_ACCESS_FILE_BYTES = 16_777_216;

/** What tells one state of a file from another. */
export type FileSignature = string;

export const NO_FILE: FileSignature = 'none';

export type FileReading =
  | {
      readonly ok: true;
      readonly text: string;
      readonly signature: FileSignature;
      readonly isOpenToOthers: boolean;
    }
  /** For people, and for the end of a sentence that begins with the name of the file. */
  | { readonly ok: false; readonly message: string; readonly signature: FileSignature };

const OTHERS_MAY_READ = 0o004n;
const READ_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder, not a file',
};

/** Reads a file in one piece: never half of what somebody is writing. */
export async function readAccessFile(file: string): Promise<FileReading> {
  try {
    const handle = await open(file, 'r');
    try {
      const before = await handle.stat({ bigint: true });
      const signature = signatureOf(before);
      if (!before.isFile()) return { ok: false, message: 'is no file', signature };
      if (before.size > MAX_ACCESS_FILE_BYTES)
        return { ok: false, message: `is larger than ${MAX_ACCESS_FILE_BYTES} bytes`, signature };
      const bytes = await handle.readFile();
      if (signatureOf(await handle.stat({ bigint: true })) !== signature)
        return { ok: false, message: 'was written to while it was read', signature };
      const text = decode(bytes);
      if (text === undefined) return { ok: false, message: 'is not UTF-8 text', signature };
      const isOpenToOthers = process.platform !== 'win32' && (before.mode & OTHERS_MAY_READ) !== 0n;
      return { ok: true, text, signature, isOpenToOthers };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return { ok: false, message: READ_PROBLEMS[code] ?? `cannot be read (${message})`, signature: NO_FILE };
  }
}

/** Follows links. */
export async function findSignature(file: string): Promise<FileSignature> {
  try {
    return signatureOf(await stat(file, { bigint: true }));
  } catch {
    return NO_FILE;
  }
}

function signatureOf({ dev, ino, size, mtimeNs }: BigIntStats): FileSignature {
  return `${dev}:${ino}:${size}:${mtimeNs}`;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
