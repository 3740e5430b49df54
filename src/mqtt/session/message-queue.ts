import type { QueuedMessage } from './queued-message.ts';

const FIRST_PLACES = 8;

/** The sum of the bytes of all queues that were made with it. */
export type QueuedTotal = { bytes: number };

/** Messages that wait, first in first out. A ring that grows; who pushes keeps to the limits. */
export class MessageQueue {
  #places: (QueuedMessage | undefined)[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;
  #qos0Count = 0;
  /** Nothing that waits expires before; what was sent already is not counted. Wall-clock ms. */
  #soonestExpiryMs = Number.POSITIVE_INFINITY;
  readonly #total: QueuedTotal;

  constructor(total: QueuedTotal) {
    this.#total = total;
  }

  get count(): number {
    return this.#count;
  }

  /** The sum of the messages' `sizeBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Those of QoS 0: what is published later must not overtake them [MQTT-4.6.0-5]. */
  get qos0Count(): number {
    return this.#qos0Count;
  }

  get first(): QueuedMessage | undefined {
    return this.#count === 0 ? undefined : this.#places[this.#head];
  }

  push(queued: QueuedMessage): void {
    if (this.#count === this.#places.length) this.#grow();
    this.#places[(this.#head + this.#count) & (this.#places.length - 1)] = queued;
    this.#count++;
    if (queued.qos === 0) this.#qos0Count++;
    this.#addBytes(queued.message.sizeBytes);
    const { expiresAtMs } = queued.message;
    if (expiresAtMs < this.#soonestExpiryMs && queued.packetId === 0) this.#soonestExpiryMs = expiresAtMs;
  }

  /** Puts a message in front of all others: it was sent before and is to be sent again, so not of QoS 0. */
  pushFirst(queued: QueuedMessage): void {
    if (this.#count === this.#places.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#places.length - 1);
    this.#places[this.#head] = queued;
    this.#count++;
    this.#addBytes(queued.message.sizeBytes);
  }

  shift(): QueuedMessage | undefined {
    const queued = this.first;
    if (queued === undefined) return undefined;
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#places.length - 1);
    this.#count--;
    if (queued.qos === 0) this.#qos0Count--;
    this.#addBytes(-queued.message.sizeBytes);
    if (this.#count === 0) {
      this.#places = [];
      this.#head = 0;
      this.#soonestExpiryMs = Number.POSITIVE_INFINITY;
    }
    return queued;
  }

  /**
   * Takes out those that have expired and were never sent; gives them back in their order. Where there can be none
   * nothing is looked at: a queue that is full is asked for room by each message that comes.
   */
  removeExpired(nowMs: number): QueuedMessage[] {
    if (this.#soonestExpiryMs > nowMs) return [];
    return this.removeWhere(({ message, packetId }) => packetId === 0 && message.expiresAtMs <= nowMs);
  }

  /** Takes out those that `isOver` says; gives them back in their order. */
  removeWhere(isOver: (queued: QueuedMessage) => boolean): QueuedMessage[] {
    const removed: QueuedMessage[] = [];
    this.#soonestExpiryMs = Number.POSITIVE_INFINITY;
    for (let left = this.#count; left > 0; left--) {
      const queued = this.shift()!;
      if (isOver(queued)) removed.push(queued);
      else this.push(queued);
    }
    return removed;
  }

  /** Forgets all, when their session ends. */
  clear(): void {
    this.#addBytes(-this.#bytes);
    this.#places = [];
    this.#head = 0;
    this.#count = 0;
    this.#qos0Count = 0;
    this.#soonestExpiryMs = Number.POSITIVE_INFINITY;
  }

  *[Symbol.iterator](): IterableIterator<QueuedMessage> {
    for (let index = 0; index < this.#count; index++) {
      yield this.#places[(this.#head + index) & (this.#places.length - 1)]!;
    }
  }

  #addBytes(bytes: number): void {
    this.#bytes += bytes;
    this.#total.bytes += bytes;
  }

  #grow(): void {
    const size = Math.max(FIRST_PLACES, this.#places.length * 2);
    const places: (QueuedMessage | undefined)[] = Array.from({ length: size }, () => undefined);
    for (let index = 0; index < this.#count; index++) {
      places[index] = this.#places[(this.#head + index) & (this.#places.length - 1)];
    }
    this.#places = places;
    this.#head = 0;
  }
}
