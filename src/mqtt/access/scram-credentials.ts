import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { fail, succeed, type Result } from '../../base/result.ts';
import { decodeBase64, encodeUnpadded } from './base64.ts';
import { saslPrep } from './sasl-prep.ts';

/** What the server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 2.2, RFC 7677). */
export type ScramCredentials = {
  /** As it stands in a file. */
  readonly text: string;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
};

export const SCRAM_PREFIX = '$scram-sha-256$';
export const SCRAM_SALT_BYTES = 16;
export const SCRAM_KEY_BYTES = 32;
/** RFC 7677 section 4. */
const MIN_SCRAM_ITERATIONS = 4096;
/** The client does this work: more than this would lock small devices out for good. */
const MAX_SCRAM_ITERATIONS = 5_000_000;
/** Above the 15,000 of RFC 7677's rule of thumb, and what a small device still does in seconds. */
export const DEFAULT_SCRAM_ITERATIONS = 16_384;
const MAX_SALT_BYTES = 64;

const derivePbkdf2 = promisify(pbkdf2);

type Parameters = { readonly salt?: Buffer; readonly iterations?: number };

/**
 * Makes what is stored of a password, with a random salt unless one is given.
 *
 * @returns undefined when SASLprep prohibits a character of the password
 */
export async function createScramCredentials(
  password: string,
  { salt = randomBytes(SCRAM_SALT_BYTES), iterations = DEFAULT_SCRAM_ITERATIONS }: Parameters = {},
): Promise<ScramCredentials | undefined> {
  const prepared = saslPrep(password);
  if (prepared === undefined) return undefined;
  const saltedPassword = await derivePbkdf2(prepared, salt, iterations, SCRAM_KEY_BYTES, 'sha256');
  const storedKey = sha256(hmacSha256(saltedPassword, 'Client Key'));
  const serverKey = hmacSha256(saltedPassword, 'Server Key');
  const texts = [salt, storedKey, serverKey].map(encodeUnpadded).join('$');
  return { text: `${SCRAM_PREFIX}i=${iterations}$${texts}`, iterations, salt, storedKey, serverKey };
}

/** Reads `$scram-sha-256$i=…$salt$storedKey$serverKey`; a failure goes on where the name of the user stood. */
export function parseScramCredentials(text: string): Result<ScramCredentials, string> {
  const [costs = '', ...fields] = text.slice(SCRAM_PREFIX.length).split('$');
  const iterations = Number(/^i=(\d{1,9})$/.exec(costs)?.[1] ?? 0);
  if (
    !text.startsWith(SCRAM_PREFIX) ||
    iterations < MIN_SCRAM_ITERATIONS ||
    iterations > MAX_SCRAM_ITERATIONS
  )
    return fail(`must begin with ${SCRAM_PREFIX}i= and ${MIN_SCRAM_ITERATIONS} to ${MAX_SCRAM_ITERATIONS}`);
  const [salt, storedKey, serverKey] = fields.map(decodeBase64);
  if (fields.length !== 3 || salt === undefined || storedKey === undefined || serverKey === undefined)
    return fail('must end with salt, stored key and server key in Base64; is the line whole?');
  if (salt.length < 1 || salt.length > MAX_SALT_BYTES)
    return fail(`must have a salt of 1 to ${MAX_SALT_BYTES} bytes`);
  if (storedKey.length !== SCRAM_KEY_BYTES || serverKey.length !== SCRAM_KEY_BYTES)
    return fail(`must have keys of ${SCRAM_KEY_BYTES} bytes; is the line whole?`);
  return succeed({ text, iterations, salt, storedKey, serverKey });
}

export function hmacSha256(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

export function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
