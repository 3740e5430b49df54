import type { Clock, Timer } from '../base/clock.ts';
import { KeptKind } from '../base/kept-kinds.ts';
import { OWN_PARTY, type Ledger, type Party } from '../base/ledger.ts';
import { Roster } from '../base/roster.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { Invocation, type InvocationJournal } from './invocation.ts';
import { historyCost, InvocationHistory } from './invocation-history.ts';
import { endByRestart, recordInvocation, type InvocationRecord } from './invocation-record.ts';
import type { InvocationStore } from './invocation-store.ts';

/** How long a phase that was reached waits for a commit that is needed anyway. */
const PHASES_MS = 100;

type HistoryLimits = {
  /** Ended invocations that are kept to be read. */
  readonly maxHistory: number;
  /** How long, in ms. */
  readonly historyMs: number;
};

type InvocationFilter = {
  readonly deviceId?: string | undefined;
  readonly command?: string | undefined;
  readonly state?: InvocationRecord['state'] | undefined;
  /** Whether who asks may see what this device was asked. */
  readonly isSeen?: (deviceId: string) => boolean;
};

/**
 * All invocations of a hub: those that run, and what became of those that ended, as long as it is kept. What lasts is
 * in the store before anybody is told of it; the others are here only.
 */
export class InvocationBook implements InvocationJournal {
  readonly keys: IdempotencyKeys;
  /** Those that end with their callers: one comes and goes with every command. */
  readonly #plain = new Roster<Invocation>();
  /** Those that last and have not ended. */
  readonly #lasting = new Map<string, Invocation>();
  /** How those of them stood that have ended, where that is not written down yet. */
  readonly #ending = new Map<string, InvocationRecord>();
  /** What a key stands for, as long as the key does. */
  readonly #keyed = new Map<string, InvocationRecord>();
  /** The others that last and have ended, in the order of their end. */
  readonly #ended = new Map<string, InvocationRecord>();
  /** Those that ended with their callers. */
  readonly #history: InvocationHistory;
  readonly #store: InvocationStore;
  readonly #limits: HistoryLimits;
  readonly #clock: Clock;
  readonly #party: Party;
  #phases: Timer | undefined;

  constructor(parts: { store: InvocationStore; limits: HistoryLimits; clock: Clock; ledger: Ledger }) {
    this.#store = parts.store;
    this.#limits = parts.limits;
    this.#clock = parts.clock;
    this.#party = parts.ledger.open(OWN_PARTY);
    this.#history = new InvocationHistory(parts.limits.maxHistory, this.#party);
    this.keys = new IdempotencyKeys(parts.clock, parts.ledger, (id, isEarly) => this.#onFreed(id, isEarly));
  }

  /** Whether what waits goes on when the hub is started again. */
  get outlivesHub(): boolean {
    return this.#store.outlivesHub;
  }

  /**
   * Reads what was stored. What was on its way when the hub ended without a word has ended with it.
   *
   * @returns what waits for its device, in the order in which it was accepted
   */
  async load(): Promise<readonly InvocationRecord[]> {
    const queued: InvocationRecord[] = [];
    for await (const records of this.#store.load()) {
      for (const record of records) {
        this.keys.restore(record);
        if (record.state === 'queued') queued.push(record);
        else if (record.state === 'running') this.end(endByRestart(record, this.#clock.now()));
        else this.#keep(record);
      }
    }
    this.#forgetOld();
    await this.#store.commit();
    return queued;
  }

  /** Something that was stored has ended otherwise than by its device. */
  end(record: InvocationRecord): void {
    this.#store.saveInvocation(record);
    this.#keep(record);
  }

  /** It runs, or waits, from now on. */
  begin(invocation: Invocation): void {
    if (invocation.lasting === undefined) this.#plain.add(invocation);
    else this.#lasting.set(invocation.id, invocation);
  }

  noteEnding(invocation: Invocation): void {
    this.#ending.set(invocation.id, recordInvocation(invocation));
  }

  write(invocation: Invocation): Promise<void> | undefined {
    if (invocation.lasting === undefined) {
      if (invocation.isEnded) this.#writePlain(invocation);
      return undefined;
    }
    const record = recordInvocation(invocation);
    this.#store.saveInvocation(record);
    const written = this.#store.commit();
    if (!invocation.isEnded) return written;
    // What the device did is known from then on, also where it could not be written down.
    const settle = (): void => this.#settle(record);
    if (written === undefined) settle();
    else written.then(settle, settle);
    return written;
  }

  /** It has ended, for all who ask. */
  #settle(record: InvocationRecord): void {
    const { id } = record;
    this.#ending.delete(id);
    this.#lasting.delete(id);
    if (wasRefused(record)) this.keys.free(id);
    this.#forget(id);
    this.#keep(record);
    this.#forgetOld();
  }

  notePhase(invocation: Invocation): void {
    this.#store.saveInvocation(recordInvocation(invocation));
    // The end comes sooner than that to most, and takes it along: a commit of its own would only stand in its way.
    if (this.#phases !== undefined) return;
    this.#phases = this.#clock.setTimer(PHASES_MS, () => {
      this.#phases = undefined;
      void this.#store.commit()?.catch(() => {});
    });
  }

  live(id: string): Invocation | undefined {
    return this.#lasting.get(id) ?? this.#plain.find((invocation) => invocation.id === id);
  }

  /** How an invocation stands, or what became of it. */
  get(id: string): InvocationRecord | undefined {
    this.#forgetOld();
    const invocation = this.live(id);
    return invocation === undefined ? this.#find(id) : (this.#ending.get(id) ?? recordInvocation(invocation));
  }

  /** Those that match, the newest first, from the one before `before` on. */
  list(filter: InvocationFilter, before: string | undefined, limit: number): readonly InvocationRecord[] {
    this.#forgetOld();
    const matches = ({ id, deviceId, command, state }: Invocation | InvocationRecord): boolean =>
      (before === undefined || id < before) &&
      (filter.deviceId === undefined || deviceId === filter.deviceId) &&
      (filter.command === undefined || command.name === filter.command) &&
      (filter.state === undefined || state === filter.state) &&
      (filter.isSeen === undefined || filter.isSeen(deviceId));
    const lasting = [...this.#lasting.values()].map((one) => this.#ending.get(one.id) ?? one);
    const found = [...lasting, ...this.#plain.all()]
      .filter(matches)
      .map((one) => (one instanceof Invocation ? recordInvocation(one) : one));
    for (const ended of [this.#keyed.values(), this.#ended.values(), this.#history.all()])
      for (const record of ended) if (matches(record) && !this.#isOld(record)) found.push(record);
    return found.toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);
  }

  #writePlain(invocation: Invocation): void {
    // One that was answered late has ended before.
    if (this.#plain.remove(invocation)) this.#history.add(invocation.snapshot());
    else this.#history.replace(recordInvocation(invocation));
  }

  #find(id: string): InvocationRecord | undefined {
    const record = this.#keyed.get(id) ?? this.#ended.get(id) ?? this.#history.get(id);
    return record === undefined || this.#isOld(record) ? undefined : record;
  }

  #keep(record: InvocationRecord): void {
    if (this.keys.stands(record.id)) {
      this.#keyed.set(record.id, record);
      this.keys.noteEnd(record.id, historyCost(record));
    } else {
      this.#party.charge(KeptKind.HISTORY, historyCost(record));
      this.#ended.set(record.id, record);
    }
  }

  /** The key stands for it no more: it is one of the others. One that was given up does not come back with the hub. */
  #onFreed(id: string, isEarly: boolean): void {
    const record = this.#keyed.get(id);
    if (record === undefined) return;
    this.#keyed.delete(id);
    const { lasting } = record;
    const kept = isEarly
      ? { ...record, lasting: { ...lasting!, key: undefined, digest: undefined } }
      : record;
    this.#keep(kept);
    if (isEarly) this.#store.saveInvocation(kept);
    if (this.#isOld(kept)) this.#drop(id);
  }

  /** What a key stands for stays as long as the key. */
  #isOld({ id, endedAt }: InvocationRecord): boolean {
    return endedAt <= this.#clock.now() - this.#limits.historyMs && !this.keys.stands(id);
  }

  /** What is too old, too many or too much goes. */
  #forgetOld(): void {
    this.keys.forgetOld();
    for (const [id, record] of this.#ended) {
      if (this.#ended.size <= this.#limits.maxHistory && !this.#isOld(record) && this.#hasRoom) return;
      this.#drop(id);
    }
  }

  get #hasRoom(): boolean {
    return this.#party.hasRoomFor(KeptKind.HISTORY, 0);
  }

  #drop(id: string): void {
    this.#forget(id);
    this.#store.deleteInvocation(id);
  }

  #forget(id: string): void {
    const record = this.#ended.get(id);
    if (record === undefined) return;
    this.#ended.delete(id);
    this.#party.release(KeptKind.HISTORY, historyCost(record));
  }
}

/** Whether the hub had no room for it, or could not write it down: then it was not sent, and may be asked again. */
function wasRefused({ code }: InvocationRecord): boolean {
  return code === 'TOO_MANY_INVOCATIONS' || code === 'STORE_UNAVAILABLE';
}
