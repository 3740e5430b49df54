import type { Bus, BusMessage, Subscription } from '../../bus/bus.ts';

type Listening = {
  readonly wants: ReadonlySet<string>;
  readonly subscription: Promise<Subscription | undefined>;
};

/** A broker that is away is waited for. */
const SUBSCRIBE_TIMEOUT_MS = 2_147_483_647;

/** The topics that one device is heard on. */
export class StateTopics {
  readonly #bus: Bus;
  readonly #onMessage: (topic: string, message: BusMessage) => void;
  readonly #topics = new Map<string, Listening>();

  /** @param onMessage - gets the topic as it was listened on: it may have a `+` */
  constructor(bus: Bus, onMessage: (topic: string, message: BusMessage) => void) {
    this.#bus = bus;
    this.#onMessage = onMessage;
  }

  /**
   * Listens on these topics, and on no others. One on which something new is listened for is subscribed to anew, so
   * that what the broker has retained comes again.
   *
   * @param wanted - by topic, the names of what is listened for
   */
  listen(wanted: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const topic of this.#topics.keys()) if (!wanted.has(topic)) this.#leave(topic);
    for (const [topic, wants] of wanted) {
      const before = this.#topics.get(topic);
      if (before !== undefined && [...wants].every((want) => before.wants.has(want))) continue;
      this.#leave(topic);
      this.#topics.set(topic, { wants, subscription: this.#subscribe(topic) });
    }
  }

  close(): void {
    for (const topic of this.#topics.keys()) this.#leave(topic);
  }

  /** What the broker does not allow, or no broker tells any more, is not heard. */
  #subscribe(topic: string): Promise<Subscription | undefined> {
    const options = { timeoutMs: SUBSCRIBE_TIMEOUT_MS, borrowsPayload: true };
    return this.#bus
      .subscribe(topic, options, (message) => this.#onMessage(topic, message))
      .catch(() => undefined);
  }

  #leave(topic: string): void {
    const listening = this.#topics.get(topic);
    this.#topics.delete(topic);
    void listening?.subscription.then((subscription) => subscription?.unsubscribe());
  }
}
