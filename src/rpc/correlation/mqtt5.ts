import type { BusMessage } from '../../bus/bus.ts';
import { AnswerSubscription } from '../answer-subscription.ts';
import type { Exchange, ExchangeEnd } from '../exchange.ts';
import { RecentIds } from '../recent-ids.ts';
import { requestProperties } from '../request-message.ts';
import { publishRequest, type Correlation, type CorrelationParts } from './correlation.ts';

/** Response Topic and Correlation Data (MQTT 5.0 section 4.10): one subscription, any number in flight. */
export class Mqtt5Correlation implements Correlation {
  readonly #parts: CorrelationParts;
  readonly #responseTopic: string;
  readonly #subscription: AnswerSubscription;
  readonly #exchanges = new Map<string, Exchange>();
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

  start(exchange: Exchange): void {
    exchange.id = this.#parts.ids.next();
    this.#exchanges.set(exchange.id, exchange);
    if (this.#subscription.isReady) this.#send(exchange);
    else
      this.#subscription.ready().then(
        () => this.#send(exchange),
        (error: unknown) => exchange.fail(error),
      );
  }

  onOver({ id }: Exchange, end: ExchangeEnd): void {
    this.#exchanges.delete(id);
    if (end === 'left') this.#left.add(id);
  }

  close(): void {
    this.#subscription.close();
  }

  #send(exchange: Exchange): void {
    if (exchange.isOver) return;
    const { topicName, payload, qos } = exchange.fields;
    const properties = requestProperties(exchange, this.#parts.clock.monotonic(), {
      responseTopic: this.#responseTopic,
      correlationData: Buffer.from(exchange.id, 'latin1'),
    });
    publishRequest(this.#parts, exchange, { topicName, payload, qos, properties });
  }

  #take(message: BusMessage): void {
    const { clock, counters } = this.#parts;
    const id = readId(message);
    const exchange = this.#exchanges.get(id);
    if (exchange !== undefined) exchange.answer(message, clock.monotonic());
    else if (this.#left.take(id)) counters.late++;
    else counters.strays++;
  }

  #failAll(error: Error): void {
    for (const exchange of this.#exchanges.values()) exchange.fail(error);
  }
}

/** The id in the Correlation Data; empty when there is none. */
export function readId({ properties: { correlationData } }: BusMessage): string {
  if (correlationData === undefined) return '';
  const { buffer, byteOffset, byteLength } = correlationData;
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}
