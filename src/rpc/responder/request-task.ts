import { WheelTimer } from '../../base/timer-wheel.ts';
import type { BusMessage } from '../../bus/bus.ts';
import type { Cancellation } from '../wire/cancel-message.ts';
import type { IncomingRequest } from '../wire/incoming-request.ts';
import type { ReceivedRequest, RequestHandler } from './responder-options.ts';

/** One request at a responder, from its arrival to its answer. */
export class RequestTask {
  readonly message: BusMessage;
  readonly request: IncomingRequest;
  readonly answerTopic: string;
  readonly handler: RequestHandler;
  readonly deadlineMs: number;
  readonly timer: WheelTimer;
  /** `over`: it is answered, or nobody waits for an answer any more. Its handler may still run. */
  phase: 'waiting' | 'running' | 'over' = 'waiting';
  rosterIndex = -1;
  /** Its answer is on the way to the broker. */
  isAnswering = false;
  #done: PromiseWithResolvers<void> | undefined;
  #abortion: AbortController | undefined;
  #abortReason: unknown;

  constructor(
    parts: Pick<RequestTask, 'message' | 'request' | 'answerTopic' | 'handler' | 'deadlineMs'>,
    onDue: (task: RequestTask) => void,
  ) {
    this.message = parts.message;
    this.request = parts.request;
    this.answerTopic = parts.answerTopic;
    this.handler = parts.handler;
    this.deadlineMs = parts.deadlineMs;
    this.timer = new WheelTimer(() => onDue(this));
  }

  /** What the handler gets. The signal is made when it is asked for: many handlers never use it. */
  received(nowMs: number): ReceivedRequest {
    const { topicName, payload, traceparent } = this.request;
    const signal = (): AbortSignal => this.#signal();
    return {
      topicName,
      payload,
      properties: this.message.properties,
      deadlineMs: this.deadlineMs - nowMs,
      traceparent,
      get signal() {
        return signal();
      },
    };
  }

  /** Its message is not acknowledged before the promise is settled. */
  hold(): Promise<void> {
    this.#done ??= Promise.withResolvers();
    return this.#done.promise;
  }

  /** The broker would send it again if this program ended now. */
  get isHeld(): boolean {
    return this.#done !== undefined;
  }

  /** There is nothing more to do for it. */
  release(): void {
    this.#done?.resolve();
  }

  /** Whether a message that the broker sends again is this one. */
  isSameAs({ properties: { correlationData } }: BusMessage, answerTopic: string): boolean {
    if (this.answerTopic !== answerTopic) return false;
    const own = this.message.properties.correlationData;
    if (own === undefined) return correlationData === undefined && !this.request.isFixedTopic;
    return correlationData !== undefined && Buffer.from(own).equals(correlationData);
  }

  /** On a topic that all answers share, only Correlation Data tells one request from another. */
  isGivenUpBy({ answerTo, id }: Cancellation): boolean {
    if (this.answerTopic !== answerTo) return false;
    const { correlationData } = this.message.properties;
    if (correlationData === undefined) return id === undefined && !this.request.isFixedTopic;
    return id !== undefined && Buffer.from(id, 'latin1').equals(correlationData);
  }

  abort(reason: Error): void {
    this.#abortReason ??= reason;
    this.#abortion?.abort(reason);
  }

  #signal(): AbortSignal {
    if (this.#abortion === undefined) {
      this.#abortion = new AbortController();
      if (this.#abortReason !== undefined) this.#abortion.abort(this.#abortReason);
    }
    return this.#abortion.signal;
  }
}
