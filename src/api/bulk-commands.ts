import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { partyOf } from '../accounts/principal.ts';
import { systemClock, type Timer } from '../base/clock.ts';
import { FairPlaces } from '../base/fair-places.ts';
import type { Holding } from '../base/holding.ts';
import { costOf, KeptKind } from '../base/kept-kinds.ts';
import type { Party } from '../base/ledger.ts';
import type { Hub } from '../hub/hub.ts';
import { BulkCommand } from './bulk-command.ts';
import { MAX_KEPT_CHARACTERS } from './bulk-lines.ts';
import type { BulkBody } from './bulk-schemas.ts';
import { RequestRefused } from './problems.ts';

/** Asked at once where the caller does not say how many. */
const DEFAULT_CONCURRENT = 256;
/** What a place in the list of those that are asked costs. */
const ID_BYTES = 16;

type BulkLimits = { readonly maxBulkInFlight: number; readonly maxBulksPerCaller: number };

type Entry = {
  readonly bulk: BulkCommand;
  readonly resumeForMs: number | undefined;
  readonly giveBack: () => void;
  /** Runs while its reader is away. */
  timer: Timer | undefined;
  /** Nobody comes back to it. */
  isAbandoned: boolean;
};

type Asker = Pick<FastifyRequest, 'principal' | 'address'>;

/** The commands to many devices that run, and those that wait for callers who have left. */
export class BulkCommands {
  readonly #hub: Hub;
  readonly #limits: BulkLimits;
  readonly #entries = new Map<string, Entry>();
  /** Of each caller. */
  readonly #places = new FairPlaces();
  readonly #inFlight = new FairPlaces();

  constructor(hub: Hub, limits: BulkLimits) {
    this.#hub = hub;
    this.#limits = limits;
  }

  /**
   * Begins one. Throws `TOO_MANY_REQUESTS`.
   *
   * @param onEnded - it has ended; what came of it is for people
   */
  begin(
    { principal, address }: Asker,
    body: BulkBody,
    { selected, onEnded }: { selected: readonly string[]; onEnded: (summary: string) => void },
  ): BulkCommand {
    const caller = partyOf(principal, address);
    const { maxBulksPerCaller, maxBulkInFlight } = this.#limits;
    if (this.#places.heldBy(caller) >= maxBulksPerCaller) this.#forgetEndedOf(caller);
    if (this.#places.heldBy(caller) >= maxBulksPerCaller)
      throw tooMany(`You have as many of them as one may have (invocations.maxBulksPerCaller).`);
    const id = randomBytes(12).toString('base64url');
    const party = this.#hub.ledger.open(caller);
    const giveBack = this.#book(party, body, selected.length, () => this.#abandon(entry));
    party.close();
    const targetOf = this.#hub.devices.targetOf.bind(this.#hub.devices);
    const bulk = new BulkCommand({
      id,
      hub: this.#hub,
      principal,
      caller,
      body,
      selected,
      targetOf,
      maxConcurrent: Math.min(body.maxConcurrent ?? DEFAULT_CONCURRENT, maxBulkInFlight),
      mayBegin: () => this.#inFlight.heldBy(caller) < maxBulkInFlight,
      onInFlight: (change) => this.#countInFlight(caller, change),
      onEnded: () => {
        onEnded(bulk.summary);
        if (entry.isAbandoned) this.#forget(entry);
      },
    });
    const { resumeForMs } = body;
    const entry: Entry = { bulk, resumeForMs, giveBack, timer: undefined, isAbandoned: false };
    this.#entries.set(id, entry);
    this.#places.take(caller);
    return bulk;
  }

  /** Gives one to a reader. @param after - the last line that it has; -1 for none */
  read(
    { id }: BulkCommand,
    { principal, raw: { socket } }: FastifyRequest,
    response: ServerResponse,
    after: number,
  ): void {
    const entry = this.#entries.get(id)!;
    entry.timer?.clear();
    const left = (): void => {
      socket.off('close', left);
      if (entry.bulk.lines.leave(response)) this.#onLeft(entry);
    };
    response.once('close', left);
    // Not every Node tells responses that wait behind others of their end.
    socket.once('close', left);
    entry.bulk.read(response, { after, principal });
  }

  /** The one of a caller; throws `BULK_UNKNOWN`. */
  find(id: string, { principal, address }: Asker): BulkCommand {
    const bulk = this.#entries.get(id)?.bulk;
    if (bulk?.caller === partyOf(principal, address)) return bulk;
    throw new RequestRefused('BULK_UNKNOWN', `You have no command to many devices with the id ${id}.`);
  }

  /** Ends one; of one that has ended, nothing is kept any more. */
  cancel({ id, hasEnded }: BulkCommand): void {
    const entry = this.#entries.get(id)!;
    if (hasEnded) this.#abandon(entry);
    else entry.bulk.cancel();
  }

  /** The hub stops. */
  close(): void {
    for (const entry of this.#entries.values()) {
      entry.timer?.clear();
      entry.bulk.cancel();
    }
  }

  #book(party: Party, body: BulkBody, devices: number, abandon: () => void): () => void {
    const inputBytes = body.input === undefined ? 0 : JSON.stringify(body.input).length;
    const keptBytes = body.resumeForMs === undefined ? 0 : MAX_KEPT_CHARACTERS;
    const cost = costOf(KeptKind.BULK, devices * ID_BYTES + inputBytes + keptBytes);
    if (!party.admit(KeptKind.BULK, cost)) throw tooMany('The hub keeps as much for them as it may.');
    const holding: Holding = party.hold({
      yieldRoom(kind) {
        if (kind === undefined || kind === KeptKind.BULK || kind === KeptKind.INVOCATION) abandon();
      },
    });
    return () => {
      holding.leave();
      party.release(KeptKind.BULK, cost);
    };
  }

  /** Of those that wait for their caller to come back, the one that was begun first. */
  #forgetEndedOf(caller: string): void {
    for (const entry of this.#entries.values())
      if (entry.bulk.caller === caller && entry.bulk.hasEnded) return this.#abandon(entry);
  }

  #countInFlight(caller: string, change: 1 | -1): void {
    if (change === 1) return this.#inFlight.take(caller);
    const wasFull = this.#inFlight.heldBy(caller) >= this.#limits.maxBulkInFlight;
    this.#inFlight.give(caller);
    if (wasFull) for (const { bulk } of this.#entries.values()) if (bulk.caller === caller) bulk.goOn();
  }

  #onLeft(entry: Entry): void {
    const { resumeForMs } = entry;
    if (resumeForMs === undefined) return this.#abandon(entry);
    entry.timer = systemClock.setTimer(resumeForMs, () => this.#abandon(entry));
  }

  #abandon(entry: Entry): void {
    if (entry.isAbandoned) return;
    entry.isAbandoned = true;
    entry.timer?.clear();
    entry.bulk.lines.dismiss();
    entry.bulk.cancel();
    if (entry.bulk.hasEnded) this.#forget(entry);
  }

  #forget({ bulk, giveBack }: Entry): void {
    this.#entries.delete(bulk.id);
    this.#places.give(bulk.caller);
    bulk.lines.close();
    giveBack();
  }
}

function tooMany(text: string): RequestRefused {
  return new RequestRefused('TOO_MANY_REQUESTS', text, { headers: { 'retry-after': '5' } });
}
