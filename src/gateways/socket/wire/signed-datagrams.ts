import { parseJsonObject, type JsonObject } from '../../../base/json.ts';
import { readText } from '../../../base/read-text.ts';
import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';

const MAC_CHARACTERS = 43;
const MAC_MEMBER = Buffer.from(',"mac":"');
const CLOSING = Buffer.from('"}');
const SUFFIX_BYTES = MAC_MEMBER.length + MAC_CHARACTERS + CLOSING.length;

/** How far a datagram may be overtaken by later ones. */
const REPLAY_WINDOW_DATAGRAMS = 64;

/** True when the datagram ends in `,"mac":"…"}`: it is of a framed device. */
export function isSigned(bytes: Buffer): boolean {
  const at = bytes.length - SUFFIX_BYTES;
  return (
    at > 0 &&
    bytes.compare(MAC_MEMBER, 0, MAC_MEMBER.length, at, at + MAC_MEMBER.length) === 0 &&
    bytes.compare(CLOSING, 0, CLOSING.length, bytes.length - CLOSING.length) === 0
  );
}

/** The JSON of a signed datagram before anything of it is believed: for its `id`. */
export function parseSigned(bytes: Buffer): JsonObject | undefined {
  const text = readText(bytes);
  return text === undefined ? undefined : parseJsonObject(text);
}

/** Checks the HMAC-SHA-256, which covers every byte before `,"mac":`. */
export function hasValidMac(bytes: Buffer, key: KeyObject): boolean {
  const at = bytes.length - SUFFIX_BYTES;
  const expected = createHmac('sha256', key).update(bytes.subarray(0, at)).digest();
  const from = at + MAC_MEMBER.length;
  const given = Buffer.from(bytes.toString('latin1', from, from + MAC_CHARACTERS), 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Tells new datagrams from replayed ones, and counts those that never came. */
export class ReplayWindow {
  #highest = 0;
  /** Bit n: the sequence number `highest - n` was seen. */
  #seen = 0n;
  #taken = 0;

  /** Takes a sequence number: false when it was seen before, or is too old to tell. */
  accept(sequence: number): boolean {
    if (!Number.isSafeInteger(sequence) || sequence < 1) return false;
    if (sequence > this.#highest) {
      const shift = BigInt(Math.min(sequence - this.#highest, REPLAY_WINDOW_DATAGRAMS));
      this.#seen = BigInt.asUintN(REPLAY_WINDOW_DATAGRAMS, this.#seen << shift) | 1n;
      this.#highest = sequence;
    } else {
      const age = this.#highest - sequence;
      if (age >= REPLAY_WINDOW_DATAGRAMS) return false;
      const bit = 1n << BigInt(age);
      if ((this.#seen & bit) !== 0n) return false;
      this.#seen |= bit;
    }
    this.#taken++;
    return true;
  }

  /** How many sequence numbers up to the highest did not come. */
  get lost(): number {
    return this.#highest - this.#taken;
  }
}
