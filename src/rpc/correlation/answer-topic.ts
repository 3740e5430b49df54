import type {
  BusMessage,
  OutgoingMessage,
  Patience,
  PublishReceipt,
  Subscription,
  UnacknowledgedMessage,
} from '../../bus/bus.ts';
import type { CorrelationParts, TopicCorrelation } from './correlation.ts';
import type { PendingRequest, RequestEnd } from './pending-request.ts';
import { noResponderError, wasNeverSent } from './rpc-errors.ts';

/** Where answers come, and how they are told apart. */
export type Addressing = {
  readonly topicFilter: string;
  /** The id of the request that an answer is to; empty when it does not say. */
  idOf(message: BusMessage): string;
  /** The message that asks. */
  messageOf(request: PendingRequest): OutgoingMessage;
  /** The message that tells the responder that nobody waits any more; undefined where it could not know for what. */
  cancellationOf(request: PendingRequest): UnacknowledgedMessage | undefined;
};

/** Who has more to do with answers than to hand them over. */
export type AnswerListener = {
  /** An answer came that said which of our requests it is to, also when its caller has left. It is handed over. */
  onIdentified(): void;
  /** An answer came that does not say whose it is. */
  onUnidentified(message: BusMessage): void;
  /** Nobody has got this request, so no answer to it comes. The caller may have left before. */
  onUnheard(request: PendingRequest): void;
  onDenied(error: Error): void;
};

/**
 * A subscription to answers, and the requests whose answers come on it. It is made when it is first needed, and again
 * when it failed.
 */
export class AnswerTopic implements TopicCorrelation {
  readonly #parts: CorrelationParts;
  readonly #addressing: Addressing;
  readonly #listener: AnswerListener | undefined;
  readonly #requests = new Map<string, PendingRequest>();
  /** The last requests whose callers have left: an answer to one of them is late, one to another id a stray. */
  readonly #left = new Set<string>();
  readonly #unwatch: () => void;
  #asking: Promise<void> | undefined;
  #subscription: Subscription | undefined;
  #isClosed = false;

  constructor(parts: CorrelationParts, addressing: Addressing, listener?: AnswerListener) {
    this.#parts = parts;
    this.#addressing = addressing;
    this.#listener = listener;
    this.#unwatch = parts.bus.watch((event) => {
      if (event.type !== 'subscription-denied' || event.topicFilter !== addressing.topicFilter) return;
      this.#subscription = undefined;
      for (const request of this.#requests.values()) request.fail(event.error);
      listener?.onDenied(event.error);
    });
  }

  get isIdle(): boolean {
    return this.#requests.size === 0;
  }

  /** Whether answers can come. */
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

  start(request: PendingRequest): void {
    request.id = this.#parts.ids.next();
    this.#requests.set(request.id, request);
    if (this.isReady) this.#send(request);
    else
      this.ready().then(
        () => this.#send(request),
        (error: unknown) => request.fail(error),
      );
  }

  onOver(request: PendingRequest, end: RequestEnd): void {
    if (!this.#requests.delete(request.id) || end !== 'left' || request.phase === 'waiting') return;
    this.#left.add(request.id);
    if (this.#left.size > this.#parts.settings.maxInFlight) {
      const [oldest = ''] = this.#left;
      this.#left.delete(oldest);
    }
    this.#cancel(request);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    void this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  async #subscribe(): Promise<void> {
    const { topicFilter } = this.#addressing;
    const take = (message: BusMessage): void => this.#take(message);
    const subscription = await this.#parts.bus.subscribe(topicFilter, { qos: 1 }, take);
    if (this.#isClosed) void subscription.unsubscribe();
    else this.#subscription = subscription;
  }

  #send(request: PendingRequest): void {
    if (request.isOver) return;
    const { bus, clock } = this.#parts;
    const message = this.#addressing.messageOf(request);
    request.phase = 'sent';
    // What waits for the broker waits no longer than the caller.
    const timeoutMs = Math.max(1, request.deadlineMs - clock.monotonic());
    const { signal } = request.fields;
    const patience: Patience = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    bus.publish(message, patience).then(
      (receipt) => this.#onPublished(request, receipt),
      (error: unknown) => {
        const isUnheard = wasNeverSent(error);
        request.fail(error, isUnheard ? 'unheard' : 'failed');
        if (isUnheard) this.#listener?.onUnheard(request);
      },
    );
  }

  #onPublished(request: PendingRequest, { matched }: PublishReceipt): void {
    request.phase = 'acknowledged';
    if (matched !== false) return;
    if (!request.isOver && request.fields.failsWithoutResponder) {
      this.#parts.counters.noResponder++;
      request.fail(noResponderError(request), 'unheard');
    }
    this.#listener?.onUnheard(request);
  }

  /** The caller has left. Where the deadline travels, the responder knows by itself that the time is over. */
  #cancel(request: PendingRequest): void {
    const { bus, clock } = this.#parts;
    const knowsDeadline = request.fields.isEnvelope || bus.protocolVersion === 5;
    if (knowsDeadline && request.deadlineMs <= clock.monotonic()) return;
    const message = this.#addressing.cancellationOf(request);
    // If it is lost, the responder works in vain until the time is over, as it would have without.
    if (message !== undefined) bus.send(message);
  }

  #take(message: BusMessage): void {
    if (this.#isClosed) return;
    const { clock, counters } = this.#parts;
    // What the broker has kept was never an answer to a request of ours.
    const id = message.retain ? undefined : this.#addressing.idOf(message);
    const request = id === undefined ? undefined : this.#requests.get(id);
    if (request !== undefined) {
      request.answer(message, clock.monotonic());
      this.#listener?.onIdentified();
    } else if (id !== undefined && this.#left.delete(id)) {
      counters.late++;
      this.#listener?.onIdentified();
    } else if (id === '' && this.#listener !== undefined) {
      this.#listener.onUnidentified(message);
    } else {
      counters.strays++;
    }
  }
}
