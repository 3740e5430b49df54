import type { BusMessage, OutgoingMessage } from '../../bus/bus.ts';
import { AnswerSubscription } from '../answer-subscription.ts';
import { wrapRequest } from '../envelope.ts';
import type { Exchange, ExchangeEnd } from '../exchange.ts';
import { IdleShelf } from '../idle-shelf.ts';
import { RecentIds } from '../recent-ids.ts';
import { requestProperties } from '../request-message.ts';
import { tooManyRequestsError } from '../rpc-errors.ts';
import { publishRequest, type Correlation, type CorrelationParts } from './correlation.ts';

/** The requests on one topic, and the subscription to their answers. */
type AnswerTopic = {
  readonly exchanges: Map<string, Exchange>;
  readonly subscription: AnswerSubscription;
  readonly isIdle: boolean;
  close(): void;
};

/**
 * An answer topic of its own for each request, for brokers and clients before MQTT 5. The responder learns it from the
 * topic of the request, or from its payload when that is an envelope.
 */
export class TopicCorrelation implements Correlation {
  readonly #parts: CorrelationParts;
  readonly #topics: IdleShelf<AnswerTopic>;
  readonly #left: RecentIds;

  constructor(parts: CorrelationParts) {
    const { maxAnswerTopics, idleMs, maxInFlight } = parts.settings;
    this.#parts = parts;
    this.#topics = new IdleShelf(parts.clock, { maxItems: maxAnswerTopics, idleMs });
    this.#left = new RecentIds(maxInFlight);
  }

  start(exchange: Exchange): void {
    const { topicName } = exchange.fields;
    const topic = this.#topics.take(topicName, () => this.#open(topicName));
    if (topic === undefined) {
      this.#parts.counters.refusedFull++;
      const { maxAnswerTopics } = this.#parts.settings;
      const what = `answers on ${maxAnswerTopics} topics are waited for already (maxAnswerTopics)`;
      exchange.fail(tooManyRequestsError(what));
      return;
    }
    exchange.id = this.#parts.ids.next();
    topic.exchanges.set(exchange.id, exchange);
    if (topic.subscription.isReady) this.#send(exchange);
    else
      topic.subscription.ready().then(
        () => this.#send(exchange),
        (error: unknown) => exchange.fail(error),
      );
  }

  onOver({ id, fields }: Exchange, end: ExchangeEnd): void {
    this.#topics.find(fields.topicName)?.exchanges.delete(id);
    if (end === 'left') this.#left.add(id);
  }

  close(): void {
    this.#topics.closeAll();
  }

  #open(topicName: string): AnswerTopic {
    const exchanges = new Map<string, Exchange>();
    const subscription = new AnswerSubscription({
      bus: this.#parts.bus,
      counters: this.#parts.counters,
      topicFilter: this.#answerTopic(topicName, '+'),
      onMessage: (message) => this.#take(exchanges, message),
      onDenied: (error) => {
        for (const exchange of exchanges.values()) exchange.fail(error);
      },
    });
    return {
      exchanges,
      subscription,
      get isIdle() {
        return exchanges.size === 0;
      },
      close: () => subscription.close(),
    };
  }

  #send(exchange: Exchange): void {
    if (!exchange.isOver) publishRequest(this.#parts, exchange, this.#messageOf(exchange));
  }

  #messageOf(exchange: Exchange): OutgoingMessage {
    const { topicName, payload, qos, isEnvelope } = exchange.fields;
    const nowMs = this.#parts.clock.monotonic();
    const properties = requestProperties(exchange, nowMs, {});
    if (!isEnvelope) {
      const requestTopic = `${topicName}/requests/${this.#parts.requesterId}/${exchange.id}`;
      return { topicName: requestTopic, payload, qos, properties };
    }
    const envelope = wrapRequest(payload, {
      answerTo: this.#answerTopic(topicName, exchange.id),
      deadlineMs: Math.max(1, Math.ceil(exchange.deadlineMs - nowMs)),
      traceparent: exchange.fields.traceparent,
    });
    return { topicName, payload: envelope, qos, properties };
  }

  #answerTopic(topicName: string, id: string): string {
    return `${topicName}/answers/${this.#parts.requesterId}/${id}`;
  }

  #take(exchanges: ReadonlyMap<string, Exchange>, message: BusMessage): void {
    const { clock, counters } = this.#parts;
    const id = message.topicName.slice(message.topicName.lastIndexOf('/') + 1);
    const exchange = exchanges.get(id);
    if (exchange !== undefined) exchange.answer(message, clock.monotonic());
    else if (this.#left.take(id)) counters.late++;
    else counters.strays++;
  }
}
