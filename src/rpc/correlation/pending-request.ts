import { WheelTimer } from '../../base/timer-wheel.ts';
import type { BusMessage, MessageProperties } from '../../bus/bus.ts';
import type { QoS } from '../../mqtt/codec/control-packet.ts';

/** What came back. */
export type Answer = {
  readonly payload: Uint8Array;
  readonly topicName: string;
  readonly properties: MessageProperties;
  /** From the call to the answer. */
  readonly durationMs: number;
};

/**
 * How a request ended: `left` is the caller, by its time or its signal; `unheard` is one that nobody has got, so that
 * no answer to it can come.
 */
export type RequestEnd = 'answered' | 'unheard' | 'failed' | 'left';

/** How far a request has come on its way to the broker; it stays where it was when its caller leaves. */
type RequestPhase = 'waiting' | 'sent' | 'acknowledged';

type RequestFields = {
  readonly topicName: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly properties: MessageProperties;
  readonly traceparent: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Callers take turns where requests have to wait for each other. */
  readonly caller: string;
  /** The one topic of all answers; empty where there is none. */
  readonly responseTopic: string;
  /** It is known that answers on that topic carry Correlation Data. */
  readonly isParallel: boolean;
  /** The payload says where the answer goes. */
  readonly isEnvelope: boolean;
  readonly failsWithoutResponder: boolean;
  /** When the call came, by the clock's `monotonic`. */
  readonly startedMs: number;
};

export type RequestOwner = {
  /** The time of the request is over. */
  onDue(request: PendingRequest): void;
  onAbort(request: PendingRequest): void;
  onOver(request: PendingRequest, end: RequestEnd): void;
};

/** How answers find their requests. */
export type Correlation = {
  /** Sends a request. The request may be over before this returns. */
  start(request: PendingRequest): void;
  /** A request that was started is over, for whatever reason. */
  onOver(request: PendingRequest, end: RequestEnd): void;
  close(): void;
};

/** One request and its caller, until the caller has an answer or leaves. */
export class PendingRequest {
  readonly fields: RequestFields;
  readonly promise: Promise<Answer>;
  readonly deadlineMs: number;
  readonly timer: WheelTimer;
  /** Given when it is sent; empty until then. */
  id = '';
  /** Undefined until it is known which version of MQTT the broker speaks. */
  correlation: Correlation | undefined = undefined;
  phase: RequestPhase = 'waiting';
  rosterIndex = -1;
  #isOver = false;
  readonly #owner: RequestOwner;
  readonly #settlers = Promise.withResolvers<Answer>();

  constructor(fields: RequestFields, owner: RequestOwner) {
    this.fields = fields;
    this.deadlineMs = fields.startedMs + fields.timeoutMs;
    this.timer = new WheelTimer(() => owner.onDue(this));
    this.#owner = owner;
    this.promise = this.#settlers.promise;
    fields.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  answer({ payload, topicName, properties }: BusMessage, nowMs: number): void {
    if (!this.#end('answered')) return;
    this.#settlers.resolve({ payload, topicName, properties, durationMs: nowMs - this.fields.startedMs });
  }

  fail(error: unknown, end: Exclude<RequestEnd, 'answered'> = 'failed'): void {
    if (this.#end(end)) this.#settlers.reject(error);
  }

  #end(end: RequestEnd): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.fields.signal?.removeEventListener('abort', this.#onAbort);
    this.#owner.onOver(this, end);
    return true;
  }

  readonly #onAbort = (): void => this.#owner.onAbort(this);
}
