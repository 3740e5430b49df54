import type { BusMessage, OutgoingMessage } from '../../bus/bus.ts';
import { AnswerSubscription } from '../answer-subscription.ts';
import { wrapRequest } from '../envelope.ts';
import type { Correlation, PendingRequest, RequestEnd } from '../pending-request.ts';
import { IdlePool } from '../idle-pool.ts';
import { RecentIds } from '../recent-ids.ts';
import { requestProperties } from '../request-message.ts';
import { tooManyRequestsError } from '../rpc-errors.ts';
import { publishRequest, type CorrelationParts } from './correlation.ts';

/** The requests on one topic, and the subscription to their answers. */
type AnswerTopic = {
  readonly requests: Map<string, PendingRequest>;
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
  readonly #topics: IdlePool<AnswerTopic>;
  readonly #left: RecentIds;

  constructor(parts: CorrelationParts) {
    const { maxAnswerTopics, idleMs, maxInFlight } = parts.settings;
    this.#parts = parts;
    this.#topics = new IdlePool(parts.clock, { maxItems: maxAnswerTopics, idleMs });
    this.#left = new RecentIds(maxInFlight);
  }

  start(request: PendingRequest): void {
    const { topicName } = request.fields;
    const topic = this.#topics.take(topicName, () => this.#open(topicName));
    if (topic === undefined) {
      this.#parts.counters.refusedFull++;
      const { maxAnswerTopics } = this.#parts.settings;
      const what = `answers on ${maxAnswerTopics} topics are waited for already (maxAnswerTopics)`;
      request.fail(tooManyRequestsError(what));
      return;
    }
    request.id = this.#parts.ids.next();
    topic.requests.set(request.id, request);
    if (topic.subscription.isReady) this.#send(request);
    else
      topic.subscription.ready().then(
        () => this.#send(request),
        (error: unknown) => request.fail(error),
      );
  }

  onOver({ id, fields }: PendingRequest, end: RequestEnd): void {
    this.#topics.find(fields.topicName)?.requests.delete(id);
    if (end === 'left') this.#left.add(id);
  }

  close(): void {
    this.#topics.closeAll();
  }

  #open(topicName: string): AnswerTopic {
    const requests = new Map<string, PendingRequest>();
    const subscription = new AnswerSubscription({
      bus: this.#parts.bus,
      counters: this.#parts.counters,
      topicFilter: this.#answerTopic(topicName, '+'),
      onMessage: (message) => this.#take(requests, message),
      onDenied: (error) => {
        for (const request of requests.values()) request.fail(error);
      },
    });
    return {
      requests,
      subscription,
      get isIdle() {
        return requests.size === 0;
      },
      close: () => subscription.close(),
    };
  }

  #send(request: PendingRequest): void {
    if (!request.isOver) publishRequest(this.#parts, request, this.#messageOf(request));
  }

  #messageOf(request: PendingRequest): OutgoingMessage {
    const { topicName, payload, qos, isEnvelope } = request.fields;
    const nowMs = this.#parts.clock.monotonic();
    const properties = requestProperties(request, nowMs, {});
    if (!isEnvelope) {
      const requestTopic = `${topicName}/requests/${this.#parts.requesterId}/${request.id}`;
      return { topicName: requestTopic, payload, qos, properties };
    }
    const envelope = wrapRequest(payload, {
      answerTo: this.#answerTopic(topicName, request.id),
      deadlineMs: Math.max(1, Math.ceil(request.deadlineMs - nowMs)),
      traceparent: request.fields.traceparent,
    });
    return { topicName, payload: envelope, qos, properties };
  }

  #answerTopic(topicName: string, id: string): string {
    return `${topicName}/answers/${this.#parts.requesterId}/${id}`;
  }

  #take(requests: ReadonlyMap<string, PendingRequest>, message: BusMessage): void {
    const { clock, counters } = this.#parts;
    const id = message.topicName.slice(message.topicName.lastIndexOf('/') + 1);
    const request = requests.get(id);
    if (request !== undefined) request.answer(message, clock.monotonic());
    else if (this.#left.take(id)) counters.late++;
    else counters.strays++;
  }
}
