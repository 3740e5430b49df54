import { constants, type BigIntStats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { readFaultOf } from '../../base/file-fault.ts';
import { fail, succeed, type Result } from '../../base/result.ts';

/** A password or access file larger than this is the wrong file; 100,000 users fit. */
export const MAX_ACCESS_FILE_BYTES = 16_777_216;

/** What tells one state of a file from another. */
type FileSignature = string;

const NO_FILE: FileSignature = 'none';

export type FileReading = {
  /** Also of a file that is not good: it is looked at again when it changes. */
  readonly signature: FileSignature;
  /** The failure is for people, and for the end of a sentence that begins with the name of the file. */
  readonly result: Result<{ readonly text: string; readonly openness: Openness }, string>;
};

/** What every user of the machine may do with a file. */
type Openness = { readonly isReadable: boolean; readonly isWritable: boolean };

const OTHERS_MAY_READ = 0o004n;
const OTHERS_MAY_WRITE = 0o002n;

/** Reads a file in one piece: never half of what somebody is writing. */
export async function readAccessFile(file: string): Promise<FileReading> {
  try {
    // A pipe into which nobody writes would not open.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const before = await handle.stat({ bigint: true });
      const signature = signatureOf(before);
      const refuse = (failure: string): FileReading => ({ signature, result: fail(failure) });
      if (!before.isFile()) return refuse('is no file');
      if (before.size > MAX_ACCESS_FILE_BYTES) return refuse(`is larger than ${MAX_ACCESS_FILE_BYTES} bytes`);
      const bytes = await handle.readFile();
      if (signatureOf(await handle.stat({ bigint: true })) !== signature)
        return refuse('was written to while it was read');
      const text = decode(bytes);
      if (text === undefined) return refuse('is not UTF-8 text');
      return { signature, result: succeed({ text, openness: opennessOf(before) }) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { signature: NO_FILE, result: fail(readFaultOf(error)) };
  }
}

function opennessOf({ mode }: BigIntStats): Openness {
  const isKnown = process.platform !== 'win32';
  return {
    isReadable: isKnown && (mode & OTHERS_MAY_READ) !== 0n,
    isWritable: isKnown && (mode & OTHERS_MAY_WRITE) !== 0n,
  };
}

/**
 * What is risky about who may do what with a file that was read, for people.
 *
 * @param secret - what is in it that others must not read: `the hashes`
 */
export function warnOfOpenness(file: string, { result }: FileReading, secret: string | undefined): string[] {
  if (!result.ok) return [];
  const { isReadable, isWritable } = result.value.openness;
  const everybody = 'every user of this machine can';
  return [
    ...(isReadable && secret !== undefined
      ? [`${everybody} read ${secret} in ${file}; say chmod 600 to it`]
      : []),
    ...(isWritable ? [`${everybody} change ${file}, and so who may do what here; say chmod o-w to it`] : []),
  ];
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
