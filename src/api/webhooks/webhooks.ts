import { randomBytes } from 'node:crypto';
import { costOf, KeptKind } from '../../base/kept-kinds.ts';
import type { Ledger, Party } from '../../base/ledger.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { EventFeed, EventInterest } from '../../devices/events.ts';
import type { WebhookRecord, WebhookStore } from '../../devices/webhook-store.ts';
import { RequestRefused } from '../problems.ts';
import { WebhookPoster } from './post-webhook.ts';
import { makeSecret } from './sign-webhook.ts';
import { MAX_DELIVERY_BYTES, WebhookDelivery, type DeliveryParts } from './webhook-delivery.ts';

type WebhookOptions = {
  readonly maxWebhooks: number;
  readonly allowedNetworks: readonly string[];
  readonly timeoutMs: number;
  readonly giveUpMs: number;
};

type WebhooksParts = {
  readonly feed: EventFeed;
  readonly ledger: Ledger;
  readonly store: WebhookStore;
  readonly options: WebhookOptions;
  /** Which events are meant. Throws `RequestRefused` where that makes no sense. */
  readonly interestOf: (events: WebhookRecord['events']) => EventInterest;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What people say of a webhook. */
type WebhookWish = Pick<WebhookRecord, 'url' | 'title' | 'events'>;
type WebhookChangeWish = Partial<WebhookWish> & { readonly status?: 'active' | 'paused' };

type Entry = { readonly delivery: WebhookDelivery; readonly party: Party };

/** Programs elsewhere that are told by HTTP what happens at devices. */
export class Webhooks {
  readonly counters = { delivered: 0, failed: 0, events: 0, missed: 0 };
  readonly #parts: WebhooksParts;
  readonly #deliveryParts: DeliveryParts;
  readonly #poster: WebhookPoster;
  readonly #entries = new Map<string, Entry>();
  #loading: Promise<void> | undefined;
  /** What was to be kept, and nobody waits for. */
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
    this.#poster = new WebhookPoster(parts.options);
    this.#deliveryParts = {
      feed: parts.feed,
      run: randomBytes(6).toString('hex'),
      poster: this.#poster,
      clock: parts.clock,
      giveUpMs: parts.options.giveUpMs,
      counters: this.counters,
      onChange: (record, before) => this.#note(record, before),
    };
  }

  /** After the store was opened. What cannot be read now is read when somebody asks. */
  async start(): Promise<void> {
    await this.#load().catch((error: unknown) => {
      this.#parts.log.error({ err: error }, 'webhooks cannot be read, so none of them is told anything');
    });
  }

  /** While the store is open still. */
  async close(): Promise<void> {
    for (const { delivery } of this.#entries.values()) {
      delivery.stop();
      this.#keep(delivery.record);
    }
    await this.#writing;
  }

  /** As far as they were read. */
  get deliveries(): WebhookDelivery[] {
    return [...this.#entries.values()].map(({ delivery }) => delivery);
  }

  /** Rejects with a `StoreError` where it is not known what there is. */
  async list(): Promise<WebhookDelivery[]> {
    await this.#load();
    return this.deliveries;
  }

  /** Rejects as `list` does, or with `WEBHOOK_UNKNOWN`. */
  async get(id: string): Promise<WebhookDelivery> {
    await this.#load();
    return this.#entryOf(id).delivery;
  }

  /** Rejects with a `RequestRefused`, or a `StoreError`: there is none then. */
  async create(wish: WebhookWish, createdBy: string): Promise<WebhookDelivery> {
    const { maxWebhooks } = this.#parts.options;
    await this.#load();
    this.#check(wish.url);
    this.#parts.interestOf(wish.events);
    if (this.#entries.size >= maxWebhooks)
      throw new RequestRefused(
        'WEBHOOKS_FULL',
        `There are as many webhooks as there may be (webhooks.maxWebhooks: ${maxWebhooks}).`,
      );
    const record: WebhookRecord = {
      id: randomBytes(6).toString('hex'),
      ...wish,
      secret: makeSecret(),
      status: 'active',
      createdBy,
      createdAt: this.#parts.clock.now(),
    };
    const party = this.#open(record);
    if (!party.book(KeptKind.WEBHOOK, COST)) {
      party.close();
      throw new RequestRefused('WEBHOOKS_FULL', 'The hub keeps as much for webhooks as it may.');
    }
    const delivery = this.#insert(record, party);
    try {
      // Whoever is told by it after a restart has missed what was since now.
      await this.#parts.store.write({ put: { ...record, place: this.#placeNow } });
    } catch (error) {
      this.#entries.delete(record.id);
      giveBack(party);
      throw error;
    }
    if (this.#entries.has(record.id)) delivery.start();
    return delivery;
  }

  /**
   * Changes one; it goes on where its receiver is. `active` revives one that is dead. Rejects as `create` does: nothing
   * has changed then.
   */
  async change(id: string, wish: WebhookChangeWish, secret?: string): Promise<WebhookDelivery> {
    await this.#load();
    if (wish.url !== undefined) this.#check(wish.url);
    const changed = (): WebhookRecord => {
      const { failure, ...rest } = this.#entryOf(id).delivery.record;
      const isRevived = wish.status === 'active';
      return {
        ...rest,
        ...(!isRevived && failure !== undefined && { failure }),
        ...wish,
        ...(secret !== undefined && { secret }),
      };
    };
    this.#parts.interestOf(changed().events);
    await this.#parts.store.write({ put: changed() });
    const record = changed();
    const { delivery, party } = this.#entryOf(id);
    delivery.stop();
    const next = this.#insert(record, party);
    if (record.status === 'active') next.start();
    return next;
  }

  /** Rejects with a `StoreError`: it goes on then. */
  async remove(id: string): Promise<void> {
    await this.#load();
    const entry = this.#entryOf(id);
    this.#entries.delete(id);
    try {
      await this.#parts.store.write({ remove: id });
    } catch (error) {
      this.#entries.set(id, entry);
      throw error;
    }
    entry.delivery.stop();
    giveBack(entry.party);
  }

  /** Once: again only where it failed. */
  #load(): Promise<void> {
    this.#loading ??= this.#parts.store.load().then(
      (records) => {
        for (const record of records) this.#add(record);
      },
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  get #placeNow(): string {
    return `${this.#deliveryParts.run}-${this.#parts.feed.last}`;
  }

  #entryOf(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    throw new RequestRefused('WEBHOOK_UNKNOWN', `There is no webhook ${id.slice(0, 64)}.`);
  }

  #check(url: string): void {
    const fault = this.#poster.findFault(url);
    if (fault !== undefined) throw new RequestRefused('REQUEST_INVALID', fault);
  }

  #open({ createdBy }: WebhookRecord): Party {
    return this.#parts.ledger.open(createdBy);
  }

  /** One that was there before. */
  #add(record: WebhookRecord): void {
    const party = this.#open(record);
    party.charge(KeptKind.WEBHOOK, COST);
    const delivery = this.#insert(record, party);
    if (record.status === 'active') delivery.start();
  }

  #insert(record: WebhookRecord, party: Party): WebhookDelivery {
    const interest = this.#parts.interestOf(record.events);
    const delivery = new WebhookDelivery(record, interest, this.#deliveryParts);
    this.#entries.set(record.id, { delivery, party });
    return delivery;
  }

  #note(record: WebhookRecord, before: WebhookRecord): void {
    if (!this.#entries.has(record.id)) return;
    const { log } = this.#parts;
    const { id, failure, url } = record;
    const about = { webhook: id, host: URL.parse(url)?.host };
    if (record.status === 'dead')
      log.warn(about, `webhook ${id} is given up after ${failure?.attempts} tries: ${failure?.detail}`);
    else if (before.failure === undefined) log.warn(about, `webhook ${id} fails: ${failure?.detail}`);
    else if (failure === undefined) log.info(about, `webhook ${id} is delivered again`);
    this.#keep(record);
  }

  #keep(record: WebhookRecord): void {
    const write = this.#parts.store.write({ put: record }).catch((error: unknown) => {
      this.#parts.log.warn({ err: error, webhook: record.id }, 'the state of a webhook could not be stored');
    });
    this.#writing = Promise.all([this.#writing, write]).then(() => undefined);
  }
}

const COST = costOf(KeptKind.WEBHOOK, MAX_DELIVERY_BYTES);

function giveBack(party: Party): void {
  party.release(KeptKind.WEBHOOK, COST);
  party.close();
}
