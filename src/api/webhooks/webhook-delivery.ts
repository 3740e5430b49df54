import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../../base/clock.ts';
import { Backoff } from '../../device/backoff.ts';
import type {
  DeviceEvent,
  EventFeed,
  EventInterest,
  FeedReader,
  MissedEvents,
} from '../../devices/events.ts';
import type { WebhookFailure, WebhookRecord } from '../../devices/webhook-store.ts';
import { writeData } from '../write-event.ts';
import type { Post, PostFailure, WebhookPoster } from './post-webhook.ts';
import { signDelivery } from './sign-webhook.ts';

/** Of the events of one delivery. */
const MAX_BATCH_CHARACTERS = 65_536;
/** What a webhook has waiting at the most: one delivery, as text and as bytes. */
export const MAX_DELIVERY_BYTES = 4 * MAX_BATCH_CHARACTERS;
/** For events that come together to go together. */
const GATHER_MS = 100;
const LEAST_RETRY_MS = 500;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 300_000;
/** The receiver wants no more (Standard Webhooks, "Response status codes"). */
const GONE = 410;

type ResetReason = 'hub-restarted' | 'not-kept';

type Batch = Pick<Post, 'body'> & { readonly id: string; readonly place: string; readonly count: number };

export type DeliveryParts = {
  readonly feed: EventFeed;
  /** Of this run of the hub: numbers of events mean nothing in another. */
  readonly run: string;
  readonly poster: WebhookPoster;
  readonly clock: Clock;
  /** After how long without success it is given up. */
  readonly giveUpMs: number;
  readonly counters: { delivered: number; failed: number; events: number; missed: number };
  /** The record is another one now, which is to be kept. */
  readonly onChange: (record: WebhookRecord, before: WebhookRecord) => void;
};

/**
 * `stopped`: it is paused, dead, or taken away. `idle`: its receiver has all. `gathering`: it waits for what comes together.
 * `sending`: one delivery is on its way, and no other. `waiting`: the same one is sent again later.
 */
type DeliveryState = 'stopped' | 'idle' | 'gathering' | 'sending' | 'waiting';

/** Brings the events of one webhook to its receiver, in order, each at least once while the feed has it. */
export class WebhookDelivery {
  record: WebhookRecord;
  /** When the same delivery is tried again, wall time; undefined where none has failed. */
  nextAttemptAt: number | undefined;
  readonly #interest: EventInterest;
  readonly #parts: DeliveryParts;
  readonly #backoff = new Backoff({
    minMs: FIRST_RETRY_MS,
    maxMs: LONGEST_RETRY_MS,
    random: Math.random,
  });
  #state: DeliveryState = 'stopped';
  #reader: FeedReader | undefined;
  #reset: ResetReason | undefined;
  #batch: Batch | undefined;
  #timer: Timer | undefined;
  #abort = new AbortController();
  /** Monotonic, ms; undefined while all goes well. */
  #failingSince: number | undefined;

  constructor(record: WebhookRecord, interest: EventInterest, parts: DeliveryParts) {
    this.record = record;
    this.#interest = interest;
    this.#parts = parts;
  }

  /** Goes on where its receiver is, and tells it where that cannot be. */
  start(): void {
    const { feed, run } = this.#parts;
    const wake = (): void => {
      if (this.#state === 'idle') this.#gather();
    };
    const [of, number] = this.record.place?.split('-') ?? [];
    const after = of === run ? Number(number) : undefined;
    const resumed = after === undefined ? undefined : feed.open(this.#interest, { wake, after });
    if (resumed === undefined && of !== undefined) this.#reset = of === run ? 'not-kept' : 'hub-restarted';
    // Without `after` it can always be opened.
    this.#reader = resumed ?? feed.open(this.#interest, { wake })!;
    this.#abort = new AbortController();
    // From here on it goes on where it is now, however soon it ends.
    if (resumed === undefined) this.record = { ...this.record, place: this.#place };
    this.#gather();
  }

  /** What was not taken by the receiver stays in the feed. */
  stop(): void {
    this.#state = 'stopped';
    this.#timer?.clear();
    this.#abort.abort();
    this.#reader?.close();
    this.#batch = undefined;
    this.#failingSince = undefined;
    this.nextAttemptAt = undefined;
    this.#backoff.reset();
  }

  get #place(): string {
    return `${this.#parts.run}-${this.#reader!.position}`;
  }

  #gather(): void {
    this.#state = 'gathering';
    this.#timer = this.#parts.clock.setTimer(GATHER_MS, () => this.#send());
  }

  #send(): void {
    const { poster, clock, counters } = this.#parts;
    const batch = (this.#batch ??= this.#take());
    this.nextAttemptAt = undefined;
    if (batch === undefined) {
      this.#state = 'idle';
      return;
    }
    this.#state = 'sending';
    const { signal } = this.#abort;
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'recado',
      ...signDelivery(batch, this.record.secret, clock.now()),
    };
    void poster.post({ url: this.record.url, headers, body: batch.body, signal }).then((posted) => {
      if (signal.aborted) return;
      counters[posted.ok ? 'delivered' : 'failed']++;
      if (posted.ok) this.#succeed(batch);
      else this.#fail(posted.failure);
    });
  }

  /** The next events for it, as many as go together. */
  #take(): Batch | undefined {
    const reader = this.#reader!;
    const events: string[] = [];
    if (this.#reset !== undefined)
      events.push(`{"id":"${this.#place}","event":"reset","data":{"reason":"${this.#reset}"}}`);
    this.#reset = undefined;
    let length = 0;
    let count = 0;
    for (let item = reader.next(); item !== undefined; item = reader.next()) {
      const text = this.#write(item);
      events.push(text);
      count++;
      length += text.length;
      if (length >= MAX_BATCH_CHARACTERS) break;
    }
    if (events.length === 0) return undefined;
    const timestamp = new Date(this.#parts.clock.now()).toISOString();
    return {
      id: `msg_${randomBytes(12).toString('hex')}`,
      body: `{"type":"device.events","timestamp":"${timestamp}","data":{"events":[${events.join(',')}]}}`,
      place: this.#place,
      count,
    };
  }

  #write(item: DeviceEvent | MissedEvents): string {
    if (item.kind === 'missed') this.#parts.counters.missed += item.count;
    return `{"id":"${this.#place}","event":"${item.kind}","data":${writeData(item)}}`;
  }

  #succeed({ place, count }: Batch): void {
    this.#parts.counters.events += count;
    this.#batch = undefined;
    this.#failingSince = undefined;
    this.#backoff.reset();
    const before = this.record;
    const { failure, ...rest } = before;
    this.record = { ...rest, place, deliveredAt: this.#parts.clock.now() };
    // How far it is does not outlive the hub: it is kept when there is more to say.
    if (failure !== undefined) this.#parts.onChange(this.record, before);
    this.#gather();
  }

  #fail({ status, detail, retryAfterSeconds = 0 }: PostFailure): void {
    const { clock, giveUpMs, onChange } = this.#parts;
    const now = clock.monotonic();
    this.#failingSince ??= now;
    const before = this.record;
    const failure: WebhookFailure = {
      time: clock.now(),
      attempts: (before.failure?.attempts ?? 0) + 1,
      ...(status !== undefined && { status }),
      detail,
    };
    if (status === GONE || now - this.#failingSince >= giveUpMs) {
      this.record = { ...before, failure, status: 'dead' };
      this.stop();
    } else {
      this.record = { ...before, failure };
      this.#state = 'waiting';
      const wanted = Math.min(LONGEST_RETRY_MS, retryAfterSeconds * 1000);
      const delayMs = Math.max(LEAST_RETRY_MS + this.#backoff.next(), wanted);
      this.nextAttemptAt = clock.now() + delayMs;
      this.#timer = clock.setTimer(delayMs, () => this.#send());
    }
    onChange(this.record, before);
  }
}
