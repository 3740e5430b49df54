import type { Bus, BusMessage, Subscription } from '../bus/bus.ts';
import type { RequesterCounters } from './requester-options.ts';

type Parts = {
  readonly bus: Bus;
  readonly counters: RequesterCounters;
  readonly topicFilter: string;
  readonly onMessage: (message: BusMessage) => void;
  /** The broker took the subscription back: answers to what is on its way do not come. */
  readonly onDenied: (error: Error) => void;
};

/** A subscription to answers: made when it is first needed, again when it failed, and shared by all who need it. */
export class AnswerSubscription {
  readonly #parts: Parts;
  readonly #unwatch: () => void;
  #asking: Promise<void> | undefined;
  #subscription: Subscription | undefined;
  #isClosed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#unwatch = parts.bus.watch((event) => {
      if (event.type !== 'subscription-denied' || event.topicFilter !== parts.topicFilter) return;
      this.#subscription = undefined;
      parts.onDenied(event.error);
    });
  }

  get isReady(): boolean {
    return this.#subscription !== undefined;
  }

  /**
   * Resolves when answers can come.
   *
   * @throws {BusError} what `Bus.subscribe` throws
   */
  ready(): Promise<void> {
    this.#asking ??= this.#subscribe().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    void this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  async #subscribe(): Promise<void> {
    const { bus, topicFilter } = this.#parts;
    const subscription = await bus.subscribe(topicFilter, { qos: 1 }, (message) => this.#take(message));
    if (this.#isClosed) void subscription.unsubscribe();
    else this.#subscription = subscription;
  }

  #take(message: BusMessage): void {
    // What the broker has kept was never an answer to a request of ours.
    if (message.retain) this.#parts.counters.strays++;
    else if (!this.#isClosed) this.#parts.onMessage(message);
  }
}
