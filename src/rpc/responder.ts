import { systemClock, type Clock } from '../base/clock.ts';
import { RecadoError } from '../base/errors.ts';
import { silentLogger, type Logger } from '../base/logger.ts';
import type { Bus, BusMessage, Subscription } from '../bus/bus.ts';
import { AnswerError } from './answer-error.ts';
import { answerOf, errorAnswerOf, tellableError, type AnswerParts } from './answer-message.ts';
import { Alarms } from '../base/alarms.ts';
import { readRequest } from './incoming-request.ts';
import { RequestTask } from './request-task.ts';
import {
  DEFAULT_RESPONDER_LIMITS,
  type RequestHandler,
  ResponderCounters,
  type ResponderLimits,
  type ResponderOptions,
  type ServeOptions,
} from './responder-options.ts';

/** The requests of one topic, until they are stopped. */
export type ServedTopic = {
  /** Takes no more requests; those that came are answered. */
  stop(): Promise<void>;
};

/** Answers questions over MQTT. The bus stays open when the responder is closed. */
export type Responder = {
  readonly counters: Readonly<ResponderCounters>;
  /** Handlers that run. */
  readonly running: number;
  /** Requests that wait for one. */
  readonly waiting: number;

  /**
   * Answers the requests on a topic, and on `{topic}/requests/+/+`, by which callers before MQTT 5 say where the answer
   * goes. Resolves when the broker has granted the subscriptions.
   *
   * @param topicFilter - may have wildcards
   * @throws {BusError} what `Bus.subscribe` throws
   */
  serve(topicFilter: string, handler: RequestHandler, options?: ServeOptions): Promise<ServedTopic>;

  /** Answers what waits with `RESPONDER_CLOSED`, aborts what runs, and waits for it for `closeTimeoutMs`. */
  close(): Promise<void>;
};

export function createResponder(bus: Bus, options: ResponderOptions = {}): Responder {
  return new BusResponder(bus, options);
}

class BusResponder implements Responder {
  readonly counters = new ResponderCounters();
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: ResponderLimits;
  readonly #alarms: Alarms;
  readonly #services = new Set<ServedTopic>();
  readonly #running = new Set<RequestTask>();
  readonly #sending = new Set<Promise<void>>();
  #waiting: RequestTask[] = [];
  /** Called when the last handler has ended. */
  #onIdle = (): void => {};
  #isClosed = false;

  constructor(bus: Bus, { clock = systemClock, log = silentLogger, ...limits }: ResponderOptions) {
    this.#bus = bus;
    this.#clock = clock;
    this.#log = log;
    this.#limits = { ...DEFAULT_RESPONDER_LIMITS, ...limits };
    this.#alarms = new Alarms(clock);
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async serve(
    topicFilter: string,
    handler: RequestHandler,
    options: ServeOptions = {},
  ): Promise<ServedTopic> {
    if (this.#isClosed) throw closedError();
    const { group, qos = 1 } = options;
    const share = group === undefined ? '' : `$share/${group}/`;
    // `#` has the requests below it already.
    const filters = topicFilter.endsWith('#') ? [topicFilter] : [topicFilter, `${topicFilter}/requests/+/+`];
    const hasWildcards = /[+#]/.test(topicFilter);
    const take = (message: BusMessage): void => {
      // A filter with wildcards may cover the answers as well.
      if (!(hasWildcards && isAnswer(message, options))) this.#take(message, handler, options);
    };
    const asked = filters.map((filter) => this.#bus.subscribe(`${share}${filter}`, { qos }, take));
    const settled = await Promise.allSettled(asked);
    const subscriptions = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const service = this.#makeService(subscriptions);
    const refusal = settled.find((each) => each.status === 'rejected');
    if (refusal === undefined && !this.#isClosed) return service;
    await service.stop();
    throw refusal === undefined ? closedError() : refusal.reason;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const stopped = [...this.#services].map((service) => service.stop());
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const task of waiting) this.#answerError(task, toAnswerError(closedError()));
    for (const task of this.#running) task.abort(closedError());
    if (this.#running.size > 0) {
      await this.#withinCloseTimeout(new Promise<void>((resolve) => (this.#onIdle = resolve)));
    }
    await this.#withinCloseTimeout(Promise.all([...this.#sending, ...stopped]));
    this.#alarms.stop();
  }

  #makeService(subscriptions: readonly Subscription[]): ServedTopic {
    const service: ServedTopic = {
      stop: async () => {
        this.#services.delete(service);
        await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
      },
    };
    this.#services.add(service);
    return service;
  }

  #take(message: BusMessage, handler: RequestHandler, { responseTopic, timeoutMs }: ServeOptions): void {
    if (this.#isClosed) return;
    if (message.retain) {
      this.counters.retained++;
      return;
    }
    const request = readRequest(message, responseTopic);
    const { answerTopic } = request;
    if (answerTopic === undefined) {
      this.counters.unanswerable++;
      return;
    }
    this.counters.received++;
    const patienceMs = request.deadlineMs ?? timeoutMs ?? this.#limits.timeoutMs;
    const deadlineMs = this.#clock.monotonic() + patienceMs;
    const task = new RequestTask({ message, request, answerTopic, handler, deadlineMs, onDue: this.#onDue });
    if (this.#running.size < this.#limits.maxConcurrent) void this.#run(task);
    else this.#queue(task);
  }

  #queue(task: RequestTask): void {
    const { maxWaiting, maxConcurrent } = this.#limits;
    if (this.#waiting.length < maxWaiting) {
      this.#waiting.push(task);
      return;
    }
    this.counters.refusedFull++;
    const text = `${maxConcurrent} requests are being answered and ${maxWaiting} wait; try again later`;
    this.#answerError(task, new AnswerError('TOO_MANY_REQUESTS', text, { status: 429 }));
  }

  #next(): void {
    while (this.#running.size < this.#limits.maxConcurrent) {
      const task = this.#waiting.shift();
      if (task === undefined) break;
      if (task.deadlineMs <= this.#clock.monotonic()) this.counters.expired++;
      else void this.#run(task);
    }
    if (this.#running.size === 0) this.#onIdle();
  }

  async #run(task: RequestTask): Promise<void> {
    this.#running.add(task);
    this.#alarms.set(task.timer, task.deadlineMs);
    try {
      // Never answers within the call of the broker: its acknowledgement has to come first.
      const content = await task.handler(task.received(this.#clock.monotonic()));
      this.#answerUnlessLate(task, () => answerOf(content, this.#askedOf(task)));
    } catch (error) {
      this.#answerUnlessLate(task, () => this.#failureOf(task, error));
    } finally {
      this.#alarms.clear(task.timer);
      this.#running.delete(task);
      this.#next();
    }
  }

  readonly #onDue = (task: RequestTask): void => {
    const error = new RecadoError('ANSWER_TIMEOUT', 'the time for this request is over');
    task.abort(error);
    // A caller that said how long it waits has left by now; another one may still be there.
    if (task.request.deadlineMs === undefined) this.#answerError(task, toAnswerError(error));
  };

  #answerUnlessLate(task: RequestTask, answer: () => AnswerParts): void {
    const isLate = task.deadlineMs <= this.#clock.monotonic();
    if (isLate) this.counters.late++;
    // Where all answers have one topic, the requester sends nothing more until this one has come.
    if (!task.isAnswered && (!isLate || task.request.isFixedTopic)) this.#send(task, answer());
  }

  #failureOf(task: RequestTask, error: unknown): AnswerParts {
    this.counters.failed++;
    const told = tellableError(error);
    if (told === undefined)
      this.#log.error({ err: error, topicName: task.request.topicName }, 'the handler of a request failed');
    const answer = told ?? new AnswerError('INTERNAL', 'the responder failed; its log says why');
    return errorAnswerOf(answer, this.#askedOf(task));
  }

  #answerError(task: RequestTask, error: AnswerError): void {
    if (!task.isAnswered) this.#send(task, errorAnswerOf(error, this.#askedOf(task)));
  }

  #askedOf({ message, request, deadlineMs }: RequestTask): Parameters<typeof answerOf>[1] {
    return {
      correlationData: message.properties.correlationData,
      traceparent: request.traceparent,
      expiresInMs: request.deadlineMs === undefined ? undefined : deadlineMs - this.#clock.monotonic(),
    };
  }

  #send(task: RequestTask, { payload, properties }: AnswerParts): void {
    task.isAnswered = true;
    const qos = task.message.qos === 0 ? 0 : 1;
    const sending = this.#bus.publish({ topicName: task.answerTopic, payload, qos, properties }).then(
      () => void this.counters.answered++,
      (error: unknown) => {
        this.counters.unsent++;
        this.#log.debug({ err: error, topicName: task.answerTopic }, 'an answer could not be published');
      },
    );
    this.#sending.add(sending);
    void sending.finally(() => this.#sending.delete(sending));
  }

  async #withinCloseTimeout(work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimer(this.#limits.closeTimeoutMs, resolve);
    await Promise.race([work, promise]);
    timer.clear();
  }
}

function isAnswer({ topicName }: BusMessage, { responseTopic }: ServeOptions): boolean {
  return topicName === responseTopic || /\/answers\/[^/]+\/[^/]+$/.test(topicName);
}

function closedError(): RecadoError {
  return new RecadoError('RESPONDER_CLOSED', 'the responder is stopping');
}

function toAnswerError({ code, message, status }: RecadoError): AnswerError {
  return new AnswerError(code, message, { status });
}
