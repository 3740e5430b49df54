import type { Clock } from '../base/clock.ts';
import { costOf, KeptKind } from '../base/kept-kinds.ts';
import type { Ledger, Party } from '../base/ledger.ts';
import type { InvocationRecord } from './invocation-record.ts';

/** How long a key stands for its invocation, from its acceptance on. */
const KEY_MS = 24 * 60 * 60 * 1000;

/** What a key is a key of: another principal, device or command has keys of its own. */
type KeyedCommand = {
  readonly principal: string;
  readonly deviceId: string;
  readonly command: string;
  readonly key: string;
};

/** What a key stands for, and the digest of the request that it came with. */
export type KeyedInvocation = {
  readonly id: string;
  readonly digest: string;
  /** Wall time, ms. */
  readonly acceptedAt: number;
};

type StandingKey = KeyedInvocation & {
  readonly party: Party;
  readonly bytes: number;
  /** What it costs that is kept of its command, once that has ended. */
  endBytes: number;
  /** By the clock that never jumps: whoever sets the other one has nothing done twice. */
  readonly untilMs: number;
};

/** The invocation with this id has no key any more; `isEarly`: others needed the room before the time was up. */
type OnFreed = (id: string, isEarly: boolean) => void;

/** Which invocation each idempotency key stands for. */
export class IdempotencyKeys {
  /** In the order of acceptance, and so of their end. */
  readonly #keys = new Map<string, StandingKey>();
  /** The names of the keys, by the ids of what they stand for. */
  readonly #names = new Map<string, string>();
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #onFreed: OnFreed;
  /** The names of the keys whose commands have ended, in that order, by who is booked for them. */
  readonly #ended = new Map<Party, Set<string>>();

  constructor(clock: Clock, ledger: Ledger, onFreed: OnFreed) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#onFreed = onFreed;
  }

  get(command: KeyedCommand): KeyedInvocation | undefined {
    this.forgetOld();
    return this.#keys.get(nameOf(command));
  }

  /** Whether a key stands for the invocation with this id. */
  stands(id: string): boolean {
    return this.#names.has(id);
  }

  /**
   * Lets a key stand for an invocation.
   *
   * @param caller - the party that it is booked to
   * @returns false when no more keys are kept for this caller
   */
  keep(command: KeyedCommand, invocation: KeyedInvocation, caller: string): boolean {
    const name = nameOf(command);
    const party = this.#ledger.open(caller);
    const bytes = costOf(KeptKind.IDEMPOTENCY_KEY, name.length);
    const giveUp = (most: Party): boolean => this.#giveUpFirst(most);
    const hasRoom = this.#ledger.makeRoomBy(party, KeptKind.IDEMPOTENCY_KEY, bytes, giveUp);
    if (hasRoom) party.charge(KeptKind.IDEMPOTENCY_KEY, bytes);
    party.close();
    if (hasRoom)
      this.#add(name, {
        ...invocation,
        party,
        bytes,
        endBytes: 0,
        untilMs: this.#clock.monotonic() + KEY_MS,
      });
    return hasRoom;
  }

  /** A key that stood before the hub was started. */
  restore({ id, principal, deviceId, command, acceptedAt, lasting }: InvocationRecord): void {
    const { key, digest, caller } = lasting ?? {};
    // A time that is still to come was said by a clock that has been set back since.
    const ageMs = Math.max(0, this.#clock.now() - acceptedAt);
    if (key === undefined || digest === undefined || ageMs >= KEY_MS) return;
    const name = nameOf({ principal, deviceId, command: command.name, key });
    const party = this.#ledger.open(caller!);
    const bytes = costOf(KeptKind.IDEMPOTENCY_KEY, name.length);
    party.charge(KeptKind.IDEMPOTENCY_KEY, bytes);
    party.close();
    const untilMs = this.#clock.monotonic() + KEY_MS - ageMs;
    this.#add(name, { id, digest, acceptedAt, party, bytes, endBytes: 0, untilMs });
  }

  /** What a key stands for has ended, or was answered late, and is kept with it. @param bytes - what that costs */
  noteEnd(id: string, bytes: number): void {
    const name = this.#names.get(id)!;
    const key = this.#keys.get(name)!;
    key.party.change(KeptKind.IDEMPOTENCY_KEY, bytes - key.endBytes, 0);
    key.endBytes = bytes;
    const ended = this.#ended.get(key.party) ?? new Set();
    this.#ended.set(key.party, ended.add(name));
  }

  /** What comes with this key again is done: nothing was sent for it, or it was the key of somebody else. */
  free(id: string): void {
    const name = this.#names.get(id);
    const key = name === undefined ? undefined : this.#keys.get(name);
    if (key !== undefined) this.#remove(name!, key);
  }

  /** Gives up the key of a party whose command ended first: one that has not ended is never done twice. */
  #giveUpFirst(party: Party): boolean {
    const name = this.#ended.get(party)?.values().next().value;
    if (name === undefined) return false;
    this.#remove(name, this.#keys.get(name)!, true);
    return true;
  }

  forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [name, key] of this.#keys) {
      if (key.untilMs > now) return;
      this.#remove(name, key);
    }
  }

  #add(name: string, key: StandingKey): void {
    const before = this.#keys.get(name);
    if (before !== undefined) this.#remove(name, before);
    this.#keys.set(name, key);
    this.#names.set(key.id, name);
  }

  #remove(name: string, { id, party, bytes, endBytes }: StandingKey, isEarly = false): void {
    this.#keys.delete(name);
    this.#names.delete(id);
    const ended = this.#ended.get(party);
    if (ended?.delete(name) === true && ended.size === 0) this.#ended.delete(party);
    party.release(KeptKind.IDEMPOTENCY_KEY, bytes + endBytes);
    this.#onFreed(id, isEarly);
  }
}

function nameOf({ principal, deviceId, command, key }: KeyedCommand): string {
  return JSON.stringify([principal, deviceId, command, key]);
}
