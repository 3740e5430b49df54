import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AuthenticationExchange, AuthenticationMethod, AuthenticationStep } from '../broker/hooks.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { decodeBase64 } from './base64.ts';
import { saslPrep } from './sasl-prep.ts';
import {
  DEFAULT_SCRAM_ITERATIONS,
  hmacSha256,
  SCRAM_KEY_BYTES,
  SCRAM_SALT_BYTES,
  sha256,
  type ScramCredentials,
} from './scram-credentials.ts';

export const SCRAM_SHA_256 = 'SCRAM-SHA-256';
/** Of one message of a client; a user name and two nonces fit in many times. */
export const MAX_SCRAM_MESSAGE_BYTES = 4096;
const SERVER_NONCE_BYTES = 18;

/** RFC 5802 section 7: any printable ASCII character but the comma. */
const NONCE = /^[\x21-\x2b\x2d-\x7e]{1,256}$/;
const CLIENT_FIRST =
  /^(?<header>(?<binding>[ny]|p=[A-Za-z0-9.-]+),(?:a=(?<authorizeAs>[^,]*))?,)(?<bare>.*)$/su;
const CLIENT_FIRST_BARE = /^n=(?<name>[^,]+),r=(?<nonce>[^,]+)(?:,[A-Za-z]=[^,]+)*$/u;
const CLIENT_FINAL =
  /^(?<withoutProof>c=(?<header>[^,]+),r=(?<nonce>[^,]+)(?:,[A-Za-z]=[^,]+)*),p=(?<proof>[^,]+)$/u;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The users that may come with SCRAM; the same answer in the same time for those that do not exist. */
export class ScramUsers {
  #users: ReadonlyMap<string, ScramCredentials> = new Map();
  #all: readonly ScramCredentials[] = [];
  #decoyKey: Buffer = randomBytes(SCRAM_KEY_BYTES);

  setUsers(users: ReadonlyMap<string, ScramCredentials>): void {
    this.#users = users;
    this.#all = [...users.values()];
    if (this.#all.length === 0) return;
    // Salts of unknown users must not change when the server starts anew, because those of known ones do not.
    const digest = createHash('sha256');
    for (const { text } of this.#all) digest.update(text);
    this.#decoyKey = digest.digest();
  }

  find(userName: string): { readonly isKnown: boolean; readonly credentials: ScramCredentials } {
    const decoy = this.#decoyFor(userName);
    const credentials = this.#users.get(userName);
    return { isKnown: credentials !== undefined, credentials: credentials ?? decoy };
  }

  /** Iterations and length of the salt are those of some user. */
  #decoyFor(userName: string): ScramCredentials {
    const bytes = createHmac('sha512', this.#decoyKey).update(userName).digest();
    const like = this.#all[bytes.readUInt32BE() % Math.max(1, this.#all.length)];
    const { iterations = DEFAULT_SCRAM_ITERATIONS, salt: { length } = { length: SCRAM_SALT_BYTES } } =
      like ?? {};
    // 64 bytes for salts of at most that many; the key itself is never the right one, whatever it is.
    const salt = createHmac('sha512', this.#decoyKey).update(bytes).digest().subarray(0, length);
    const key = bytes.subarray(0, SCRAM_KEY_BYTES);
    return { text: '', iterations, salt, storedKey: key, serverKey: key };
  }
}

/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) as a method of enhanced authentication: its messages are the Authentication Data.
 * Without channel binding. Every failure is 0x87 Not authorized, which CONNACK and DISCONNECT both know.
 *
 * @param createNonce - the server's part of the nonce
 */
export function createScramMethod(
  users: ScramUsers,
  createNonce: () => string = randomNonce,
): AuthenticationMethod {
  return { name: SCRAM_SHA_256, begin: ({ userName }) => new ScramExchange(users, createNonce(), userName) };
}

type Challenge = {
  readonly userName: string;
  readonly isKnown: boolean;
  readonly credentials: ScramCredentials;
  /** In Base64, as the client must repeat it. */
  readonly header: string;
  readonly nonce: string;
  readonly clientFirstBare: string;
  readonly serverFirst: string;
};

class ScramExchange implements AuthenticationExchange {
  readonly #users: ScramUsers;
  readonly #serverNonce: string;
  readonly #expectedName: string | undefined;
  #state: 'began' | 'asked' | Challenge | 'over' = 'began';

  /** @param expectedName - what CONNECT, or the authentication before this one, said; another name is not let in */
  constructor(users: ScramUsers, serverNonce: string, expectedName: string | undefined) {
    this.#users = users;
    this.#serverNonce = serverNonce;
    this.#expectedName = expectedName;
  }

  next(data: Uint8Array): AuthenticationStep {
    const state = this.#state;
    this.#state = 'over';
    if (state === 'over') return fail('the exchange is over');
    if (state === 'began' && data.length === 0) {
      // RFC 4422 section 5.1: who did not begin is asked to, once, with an empty challenge.
      this.#state = 'asked';
      return { step: 'continue', data: new Uint8Array(0) };
    }
    const message = decodeMessage(data);
    if (message === undefined) return fail('the message is not a SCRAM message');
    return typeof state === 'string' ? this.#challenge(message) : this.#judge(message, state);
  }

  #challenge(message: string): AuthenticationStep {
    const { header = '', binding = '', authorizeAs, bare = '' } = CLIENT_FIRST.exec(message)?.groups ?? {};
    if (binding.startsWith('p')) return fail('channel binding is not supported');
    const { name, nonce: clientNonce = '' } = CLIENT_FIRST_BARE.exec(bare)?.groups ?? {};
    const userName = name === undefined ? undefined : readName(name);
    if (userName === undefined || !NONCE.test(clientNonce)) return fail('the first message is malformed');
    if (authorizeAs !== undefined && readName(authorizeAs) !== userName)
      return fail('to act as another user is not supported');
    const { isKnown, credentials } = this.#users.find(userName);
    const nonce = clientNonce + this.#serverNonce;
    const salt = credentials.salt.toString('base64');
    const serverFirst = `r=${nonce},s=${salt},i=${credentials.iterations}`;
    this.#state = {
      userName,
      isKnown: isKnown && (this.#expectedName === undefined || this.#expectedName === userName),
      credentials,
      header: Buffer.from(header).toString('base64'),
      nonce,
      clientFirstBare: bare,
      serverFirst,
    };
    return { step: 'continue', data: Buffer.from(serverFirst) };
  }

  #judge(message: string, challenge: Challenge): AuthenticationStep {
    const { withoutProof = '', header, nonce, proof = '' } = CLIENT_FINAL.exec(message)?.groups ?? {};
    const proofBytes = decodeBase64(proof);
    if (header !== challenge.header || nonce !== challenge.nonce || proofBytes?.length !== SCRAM_KEY_BYTES)
      return fail('the last message is malformed, or not of this exchange');
    const { userName, isKnown, credentials, clientFirstBare, serverFirst } = challenge;
    const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`;
    const clientSignature = hmacSha256(credentials.storedKey, authMessage);
    const clientKey = proofBytes.map((byte, index) => byte ^ (clientSignature[index] ?? 0));
    const isProven = timingSafeEqual(sha256(Buffer.from(clientKey)), credentials.storedKey);
    if (!isProven || !isKnown) return fail(undefined);
    const serverSignature = hmacSha256(credentials.serverKey, authMessage).toString('base64');
    return { step: 'success', userName, data: Buffer.from(`v=${serverSignature}`) };
  }
}

function fail(reasonString: string | undefined): AuthenticationStep {
  const reasonCode = ReasonCode.NOT_AUTHORIZED;
  return reasonString === undefined
    ? { step: 'failure', reasonCode }
    : { step: 'failure', reasonCode, reasonString };
}

function decodeMessage(data: Uint8Array): string | undefined {
  if (data.length > MAX_SCRAM_MESSAGE_BYTES) return undefined;
  try {
    return utf8.decode(data);
  } catch {
    return undefined;
  }
}

/** RFC 5802 section 5.1: a comma is written `=2C`, an equals sign `=3D`, and no other `=` may stand in a name. */
function readName(written: string): string | undefined {
  if (/=(?!2C|3D)/.test(written)) return undefined;
  return saslPrep(written.replaceAll('=2C', ',').replaceAll('=3D', '='));
}

function randomNonce(): string {
  return randomBytes(SERVER_NONCE_BYTES).toString('base64');
}
