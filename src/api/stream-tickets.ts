import { randomBytes } from 'node:crypto';
import { digestSecret } from '../accounts/token-text.ts';
import type { Principal } from '../accounts/principal.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { costOf, KeptKind } from '../base/kept-kinds.ts';
import type { Ledger, Party } from '../base/ledger.ts';
import type { EventInterest } from '../devices/events.ts';

export const TICKET_SECONDS = 30;
const SECRET_BYTES = 32;

/** What a ticket opens: one stream, of what was asked for when it was made, for who asked. */
export type StreamTicket = {
  readonly principal: Principal;
  /** To whom it was given: of who has proven nothing, the address. */
  readonly caller: string;
  /** Events, or one WebSocket of a service. */
  readonly opens: EventWish | { readonly service: string };
};

/** Which events a stream tells, and from where on. */
export type EventWish = { readonly interest: EventInterest; readonly lastEventId: string | undefined };

/** What has it in the address of a WebSocket: `ticket` may be a word of the service's own. */
const IN_ADDRESS = /([?&])recado_ticket=([^&]*)(&?)/;

/** The ticket in the address of a WebSocket of a service. */
export function findServiceTicket(url: string): string | undefined {
  return IN_ADDRESS.exec(url)?.[2];
}

/** The address as the service may know it. */
export function withoutServiceTicket(target: string): string {
  return target.replace(IN_ADDRESS, (_, before: string, _ticket, after: string) =>
    after === '' ? '' : before,
  );
}

type Entry = {
  readonly ticket: StreamTicket;
  readonly party: Party;
  readonly cost: number;
  readonly until: number;
};

/**
 * Tickets for streams of those that can send no header, as an `EventSource` or the WebSocket of a page. An address is
 * read by many on the way (logs of proxies), so what stands in it is good once, and not for long. Kept here is the
 * digest.
 */
export class StreamTickets {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  /** By digest. All are good for as long, so the oldest are the first to end. */
  readonly #entries = new Map<string, Entry>();
  #timer: Timer | undefined;

  constructor({ ledger, clock }: { readonly ledger: Ledger; readonly clock: Clock }) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /**
   * @param characters - how much was asked for, which is kept until it is used
   * @returns the text of the ticket, which nobody can tell again; undefined where there is no room for one more
   */
  give(ticket: StreamTicket, characters: number): string | undefined {
    const party = this.#ledger.open(ticket.caller);
    const cost = costOf(KeptKind.STREAM_TICKET, characters);
    const isBooked = party.book(KeptKind.STREAM_TICKET, cost);
    party.close();
    if (!isBooked) return undefined;
    const text = randomBytes(SECRET_BYTES).toString('base64url');
    const until = this.#clock.monotonic() + TICKET_SECONDS * 1000;
    this.#entries.set(digestSecret(text), { ticket, party, cost, until });
    this.#timer ??= this.#clock.setTimer(TICKET_SECONDS * 1000, () => this.#endOld());
    return text;
  }

  /** Uses a ticket up. Undefined where it is none, is too old, or was used. */
  take(text: string): StreamTicket | undefined {
    const digest = digestSecret(text);
    const entry = this.#entries.get(digest);
    if (entry === undefined) return undefined;
    this.#remove(digest, entry);
    return entry.until > this.#clock.monotonic() ? entry.ticket : undefined;
  }

  close(): void {
    this.#timer?.clear();
    for (const [digest, entry] of this.#entries) this.#remove(digest, entry);
  }

  #endOld(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (const [digest, entry] of this.#entries) {
      if (entry.until > now) {
        this.#timer = this.#clock.setTimer(entry.until - now, () => this.#endOld());
        return;
      }
      this.#remove(digest, entry);
    }
  }

  #remove(digest: string, { party, cost }: Entry): void {
    this.#entries.delete(digest);
    party.release(KeptKind.STREAM_TICKET, cost);
  }
}
