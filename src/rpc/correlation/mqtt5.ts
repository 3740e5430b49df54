import type { BusMessage } from '../../bus/bus.ts';
import { AnswerSubscription } from '../answer-subscription.ts';
import type { Correlation, PendingRequest, RequestEnd } from '../pending-request.ts';
import { RecentIds } from '../recent-ids.ts';
import { requestProperties } from '../request-message.ts';
import { publishRequest, type CorrelationParts } from './correlation.ts';

/** Response Topic and Correlation Data (MQTT 5.0 section 4.10): one subscription, any number in flight. */
export class Mqtt5Correlation implements Correlation {
  readonly #parts: CorrelationParts;
  readonly #responseTopic: string;
  readonly #subscription: AnswerSubscription;
  readonly #pending = new Map<string, PendingRequest>();
  readonly #left: RecentIds;

  constructor(parts: CorrelationParts) {
    this.#parts = parts;
    this.#responseTopic = `${parts.settings.prefix}/answers/${parts.requesterId}`;
    this.#left = new RecentIds(parts.settings.maxInFlight);
    this.#subscription = new AnswerSubscription({
      bus: parts.bus,
      counters: parts.counters,
      topicFilter: this.#responseTopic,
      onMessage: (message) => this.#take(message),
      onDenied: (error) => this.#failAll(error),
    });
  }

  start(request: PendingRequest): void {
    request.id = this.#parts.ids.next();
    this.#pending.set(request.id, request);
    if (this.#subscription.isReady) this.#send(request);
    else
      this.#subscription.ready().then(
        () => this.#send(request),
        (error: unknown) => request.fail(error),
      );
  }

  onOver({ id }: PendingRequest, end: RequestEnd): void {
    this.#pending.delete(id);
    if (end === 'left') this.#left.add(id);
  }

  close(): void {
    this.#subscription.close();
  }

  #send(request: PendingRequest): void {
    if (request.isOver) return;
    const { topicName, payload, qos } = request.fields;
    const properties = requestProperties(request, this.#parts.clock.monotonic(), {
      responseTopic: this.#responseTopic,
      correlationData: Buffer.from(request.id, 'latin1'),
    });
    publishRequest(this.#parts, request, { topicName, payload, qos, properties });
  }

  #take(message: BusMessage): void {
    const { clock, counters } = this.#parts;
    const id = readId(message);
    const request = this.#pending.get(id);
    if (request !== undefined) request.answer(message, clock.monotonic());
    else if (this.#left.take(id)) counters.late++;
    else counters.strays++;
  }

  #failAll(error: Error): void {
    for (const request of this.#pending.values()) request.fail(error);
  }
}

/** The id in the Correlation Data; empty when there is none. */
export function readId({ properties: { correlationData } }: BusMessage): string {
  if (correlationData === undefined) return '';
  const { buffer, byteOffset, byteLength } = correlationData;
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}
