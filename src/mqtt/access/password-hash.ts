import { argon2, createHash, pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { fail, succeed, type Result } from '../../base/result.ts';
import { decodeBase64, encodeUnpadded } from './base64.ts';

/** How a password became a digest. */
type HashMethod =
  | { readonly kind: 'argon2id'; readonly memoryKiB: number; readonly passes: number; readonly lanes: number }
  | { readonly kind: 'scrypt'; readonly cost: number; readonly blockSize: number; readonly lanes: number }
  | { readonly kind: 'pbkdf2-sha512'; readonly iterations: number }
  /** Once, of password and salt: what Mosquitto 1 wrote. A stolen file of it is a file of passwords soon. */
  | { readonly kind: 'sha512' };

/** A password as it is stored: nothing that it could be read back from. */
export type PasswordHash = {
  /** As it stands in a file. */
  readonly text: string;
  readonly method: HashMethod;
  readonly salt: Buffer;
  readonly digest: Buffer;
};

/**
 * What one hash from a file may cost, so that no line of it stops the server. Memory is that of one hash; work is
 * memory times passes for argon2id and scrypt.
 */
const HASH_LIMITS = {
  maxMemoryKiB: 262_144,
  maxWorkKiB: 1_048_576,
  maxLanes: 16,
  maxIterations: 5_000_000,
  maxSaltBytes: 64,
  minDigestBytes: 16,
  maxDigestBytes: 64,
} as const;

/** OWASP's first choice for argon2id: 19 MiB, two passes. */
const DEFAULT_METHOD = { kind: 'argon2id', memoryKiB: 19_456, passes: 2, lanes: 1 } as const;
const SALT_BYTES = 16;
const DIGEST_BYTES = 32;
/** RFC 9106 section 3.1. */
const MIN_ARGON2_SALT_BYTES = 8;
const SHA512_BYTES = 64;
/** Version 1.3 of Argon2, as PHC strings write it. */
const ARGON2_VERSION = 'v=19';

const deriveArgon2 = promisify(argon2);
const derivePbkdf2 = promisify(pbkdf2);
const deriveScrypt = promisify<Buffer | string, Buffer, number, object, Buffer>(scrypt);

/** Hashes a password for storage: argon2id, in the form `$argon2id$v=19$m=19456,t=2,p=1$salt$digest`. */
export async function hashPassword(password: Buffer): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const digest = await derive(DEFAULT_METHOD, { password, salt, digestBytes: DIGEST_BYTES });
  const { memoryKiB, passes, lanes } = DEFAULT_METHOD;
  const costs = `m=${memoryKiB},t=${passes},p=${lanes}`;
  return `$argon2id$${ARGON2_VERSION}$${costs}$${encodeUnpadded(salt)}$${encodeUnpadded(digest)}`;
}

/** Whether a password is the one that was hashed. Takes as long for a wrong one. */
export async function isPasswordOf(hash: PasswordHash, password: Buffer): Promise<boolean> {
  const { method, salt, digest } = hash;
  return timingSafeEqual(await derive(method, { password, salt, digestBytes: digest.length }), digest);
}

/** A hash that no password has, and that costs as much to check as a new one. */
export function createDecoyHash(): PasswordHash {
  const [salt, digest] = [randomBytes(SALT_BYTES), randomBytes(DIGEST_BYTES)];
  return { text: '', method: DEFAULT_METHOD, salt, digest };
}

/**
 * Reads a stored password: `$argon2id$v=19$m=…,t=…,p=…$salt$digest` and `$scrypt$ln=…,r=…,p=…$salt$digest` (PHC
 * strings), and Mosquitto's `$7$iterations$salt$digest` (PBKDF2 with SHA-512) and `$6$salt$digest` (SHA-512). A failure
 * says what is wrong and what to do; it never repeats the text, which may be a password.
 */
export function parsePasswordHash(text: string): Result<PasswordHash, string> {
  const [before, name, ...fields] = text.split('$');
  if (before === '' && name === 'argon2id') return parseArgon2(text, fields);
  if (before === '' && name === 'scrypt') return parseScrypt(text, fields);
  if (before === '' && name === '7') return parsePbkdf2(text, fields);
  if (before === '' && name === '6') return parseMosquitto(text, { kind: 'sha512' }, fields);
  return fail(
    'has no hash that is known ($argon2id$, $scrypt$, $7$, $6$); a password in the clear cannot stand here',
  );
}

function parseArgon2(
  text: string,
  [version, costs = '', ...rest]: readonly string[],
): Result<PasswordHash, string> {
  const match = /^m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})$/.exec(costs);
  if (version !== ARGON2_VERSION || match === null)
    return fail(`must begin with $argon2id$${ARGON2_VERSION}$m=…,t=…,p=…$`);
  const [memoryKiB = 0, passes = 0, lanes = 0] = match.slice(1).map(Number);
  if (lanes < 1 || passes < 1 || memoryKiB < 8 * lanes)
    return fail('has costs that argon2id does not know: t and p at least 1, m at least 8 times p');
  const costFault = findCostFault({ memoryKiB, workKiB: memoryKiB * passes, lanes });
  if (costFault !== undefined) return fail(costFault);
  const method = { kind: 'argon2id', memoryKiB, passes, lanes } as const;
  return finish(text, method, { minSaltBytes: MIN_ARGON2_SALT_BYTES, fields: rest });
}

function parseScrypt(text: string, [costs = '', ...rest]: readonly string[]): Result<PasswordHash, string> {
  const match = /^ln=(\d{1,2}),r=(\d{1,9}),p=(\d{1,9})$/.exec(costs);
  if (match === null) return fail('must begin with $scrypt$ln=…,r=…,p=…$');
  const [log2Cost = 0, blockSize = 0, lanes = 0] = match.slice(1).map(Number);
  if (log2Cost < 1 || blockSize < 1 || lanes < 1)
    return fail('has costs that scrypt does not know: each at least 1');
  const cost = 2 ** log2Cost;
  // RFC 7914 section 2: 128 bytes of memory for each step and block.
  const memoryKiB = (cost * blockSize) / 8;
  const costFault = findCostFault({ memoryKiB, workKiB: memoryKiB * lanes, lanes });
  if (costFault !== undefined) return fail(costFault);
  return finish(text, { kind: 'scrypt', cost, blockSize, lanes }, { minSaltBytes: 1, fields: rest });
}

function parsePbkdf2(text: string, [count = '', ...rest]: readonly string[]): Result<PasswordHash, string> {
  const iterations = /^\d{1,9}$/.test(count) ? Number(count) : 0;
  if (iterations < 1) return fail('must begin with $7$ and a number of iterations');
  if (iterations > HASH_LIMITS.maxIterations)
    return fail(`asks for more than ${HASH_LIMITS.maxIterations} iterations`);
  return parseMosquitto(text, { kind: 'pbkdf2-sha512', iterations }, rest);
}

/** What Mosquitto writes is as long as what SHA-512 gives. */
function parseMosquitto(
  text: string,
  method: HashMethod,
  fields: readonly string[],
): Result<PasswordHash, string> {
  const parsed = finish(text, method, { minSaltBytes: 1, fields });
  if (parsed.ok && parsed.value.digest.length !== SHA512_BYTES)
    return fail(`has a digest that is not ${SHA512_BYTES} bytes long; is the line whole?`);
  return parsed;
}

type Costs = { readonly memoryKiB: number; readonly workKiB: number; readonly lanes: number };

function findCostFault({ memoryKiB, workKiB, lanes }: Costs): string | undefined {
  const { maxMemoryKiB, maxWorkKiB, maxLanes } = HASH_LIMITS;
  if (memoryKiB > maxMemoryKiB) return `asks for more than ${maxMemoryKiB} KiB of memory`;
  if (workKiB > maxWorkKiB) return `asks for more work than ${maxWorkKiB} KiB, all passes together`;
  return lanes > maxLanes ? `asks for more than ${maxLanes} lanes (p)` : undefined;
}

type Rest = { readonly minSaltBytes: number; readonly fields: readonly string[] };

/** Salt and digest, which every form ends with. */
function finish(
  text: string,
  method: HashMethod,
  { minSaltBytes, fields }: Rest,
): Result<PasswordHash, string> {
  const [saltText = '', digestText = '', ...more] = fields;
  const [salt, digest] = [decodeBase64(saltText), decodeBase64(digestText)];
  if (salt === undefined || digest === undefined || more.length > 0)
    return fail('must end with salt and digest in Base64; is the line whole?');
  const { maxSaltBytes, minDigestBytes, maxDigestBytes } = HASH_LIMITS;
  if (salt.length < minSaltBytes || salt.length > maxSaltBytes)
    return fail(`must have a salt of ${minSaltBytes} to ${maxSaltBytes} bytes`);
  if (digest.length < minDigestBytes || digest.length > maxDigestBytes)
    return fail(`must have a digest of ${minDigestBytes} to ${maxDigestBytes} bytes; is the line whole?`);
  return succeed({ text, method, salt, digest });
}

type Input = { readonly password: Buffer; readonly salt: Buffer; readonly digestBytes: number };

/** In a thread of the pool, unless it takes next to nothing; the event loop goes on. */
async function derive(method: HashMethod, { password, salt, digestBytes }: Input): Promise<Buffer> {
  if (method.kind === 'sha512') return createHash('sha512').update(password).update(salt).digest();
  if (method.kind === 'pbkdf2-sha512')
    return derivePbkdf2(password, salt, method.iterations, digestBytes, 'sha512');
  if (method.kind === 'scrypt') {
    const { cost, blockSize, lanes: parallelization } = method;
    const maxmem = 128 * blockSize * (cost + parallelization + 2);
    return deriveScrypt(password, salt, digestBytes, { cost, blockSize, parallelization, maxmem });
  }
  const { memoryKiB: memory, passes, lanes: parallelism } = method;
  const parameters = { message: password, nonce: salt, memory, passes, parallelism, tagLength: digestBytes };
  return deriveArgon2('argon2id', parameters);
}
