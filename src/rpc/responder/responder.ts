import { systemClock, type Clock } from '../../base/clock.ts';
import { RecadoError } from '../../base/errors.ts';
import { LogBudget, NOBODY, shown } from '../../base/log-budget.ts';
import { failureLogger, type Logger } from '../../base/logger.ts';
import { Roster } from '../../base/roster.ts';
import { waitAtMost } from '../../base/waiting.ts';
import type { Bus, BusMessage, Subscription } from '../../bus/bus.ts';
import { AnswerError } from '../wire/answer-error.ts';
import { answerOf, errorAnswerOf, tellableError, type AnswerParts } from '../wire/answer-message.ts';
import { Alarms } from '../../base/alarms.ts';
import { ADDRESSED_REQUESTS, DEFAULT_PREFIX } from '../wire/answer-topics.ts';
import { CANCEL_LEVEL, readCancellation, type Cancellation } from '../wire/cancel-message.ts';
import { mayAnswerOn, readRequest, type AnswerPlaces } from '../wire/incoming-request.ts';
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
   * Answers the requests on a topic, and on `{topic}/requests/+/+/+`, by which callers before MQTT 5 say where the
   * answer goes; what comes on `{topic}/cancel` ends requests whose callers have left. Resolves when the broker has
   * granted the subscriptions; that to `{topic}/cancel` it may deny.
   *
   * @param topicFilter - may have wildcards
   * @throws {BusError} what `Bus.subscribe` throws
   */
  serve(topicFilter: string, handler: RequestHandler, options?: ServeOptions): Promise<ServedTopic>;

  /** Answers what waits with `RESPONDER_CLOSED`, aborts what runs, and waits for it for `closeTimeoutMs`. */
  close(): Promise<void>;
};

/** What is served on one topic. */
type Served = {
  readonly handler: RequestHandler;
  readonly options: ServeOptions & AnswerPlaces;
  readonly hasWildcards: boolean;
  /** It covers what is below the topics that are asked, cancellations as well. */
  readonly isOpen: boolean;
  /** A stranger must not fill the log. */
  isWarned: boolean;
};

export function createResponder(bus: Bus, options: ResponderOptions = {}): Responder {
  return new BusResponder(bus, options);
}

class BusResponder implements Responder {
  readonly counters = new ResponderCounters();
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #logBudget: LogBudget;
  readonly #limits: ResponderLimits;
  readonly #alarms: Alarms;
  readonly #services = new Set<ServedTopic>();
  readonly #running = new Roster<RequestTask>();
  /** Answers that the broker has not taken yet. */
  #sending = 0;
  readonly #answersBelow: readonly string[];
  #waiting: RequestTask[] = [];
  #waitingBytes = 0;
  /** Called when the last handler has ended, and when the last answer was taken. */
  #onIdle = (): void => {};
  #onSent = (): void => {};
  #isClosed = false;

  constructor(bus: Bus, options: ResponderOptions) {
    const { clock = systemClock, log = failureLogger, answersBelow, ...limits } = options;
    this.#bus = bus;
    this.#clock = clock;
    this.#log = log;
    this.#logBudget = new LogBudget(clock, log);
    this.#limits = { ...DEFAULT_RESPONDER_LIMITS, ...limits };
    this.#answersBelow = answersBelow ?? [`${DEFAULT_PREFIX}/answers`];
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
    const { group, qos = 1, answersBelow = this.#answersBelow } = options;
    const share = group === undefined ? '' : `$share/${group}/`;
    // `#` has the requests below it already.
    const isOpen = topicFilter.endsWith('#');
    const filters = isOpen ? [topicFilter] : [topicFilter, `${topicFilter}/${ADDRESSED_REQUESTS}`];
    const hasWildcards = /[+#]/.test(topicFilter);
    const served = { handler, options: { ...options, answersBelow }, hasWildcards, isOpen, isWarned: false };
    const asked = filters.map((filter) => {
      const mayBeAddressed = filter !== topicFilter || hasWildcards;
      const take = (message: BusMessage): Promise<void> | undefined =>
        this.#take(message, served, mayBeAddressed);
      return this.#bus.subscribe(`${share}${filter}`, { qos }, take);
    });
    // Each of a group hears it: it is not known which of them has the request.
    const cancel = (message: BusMessage): void => this.#takeCancellation(message);
    const cancels = isOpen ? [] : [this.#bus.subscribe(`${topicFilter}/${CANCEL_LEVEL}`, {}, cancel)];
    const [settled, others] = await Promise.all([Promise.allSettled(asked), Promise.allSettled(cancels)]);
    const subscriptions = [...settled, ...others].flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    );
    const service = this.#makeService(subscriptions);
    const refusal = settled.find((each) => each.status === 'rejected');
    if (refusal === undefined && !this.#isClosed) return service;
    await service.stop();
    throw refusal === undefined ? closedError() : refusal.reason;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { closeTimeoutMs } = this.#limits;
    const stopped = [...this.#services].map((service) => service.stop());
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    // What the broker would send again is for another responder.
    for (const task of waiting) if (!task.isHeld) this.#answerError(task, closedError());
    this.#running.forEach((task) => task.abort(closedError()));
    if (this.#running.size > 0) {
      const idle = new Promise<void>((resolve) => (this.#onIdle = resolve));
      await waitAtMost(this.#clock, closeTimeoutMs, idle);
    }
    const sent = new Promise<void>((resolve) => (this.#onSent = resolve));
    if (this.#sending === 0) this.#onSent();
    await waitAtMost(this.#clock, closeTimeoutMs, Promise.all([sent, ...stopped]));
    this.#alarms.stop();
    this.#logBudget.close();
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

  /** What else comes there is of other programs, or asks another topic. */
  #takeCancellation(message: BusMessage): void {
    const cancellation = message.retain ? undefined : readCancellation(message);
    if (cancellation !== undefined && !this.#isClosed) this.#cancel(cancellation);
  }

  /** A promise holds the acknowledgement back. */
  #take(message: BusMessage, served: Served, mayBeAddressed: boolean): Promise<void> | undefined {
    const { handler, options, hasWildcards, isOpen } = served;
    // A filter with wildcards may cover the answers as well.
    if (this.#isClosed || (hasWildcards && isAnswer(message, options))) return undefined;
    if (message.retain) {
      this.counters.retained++;
      return undefined;
    }
    const cancellation = isOpen ? readCancellation(message) : undefined;
    if (cancellation !== undefined) {
      this.#cancel(cancellation);
      return undefined;
    }
    const request = readRequest(message, options, mayBeAddressed);
    const { answerTopic } = request;
    if (answerTopic === undefined) {
      this.counters.unanswerable++;
      return undefined;
    }
    if (!mayAnswerOn(answerTopic, request, options)) {
      this.#refusePlace(answerTopic, served);
      return undefined;
    }
    const isHeld = options.acknowledges === 'answered';
    // The connection was lost meanwhile, and the session goes on: the request is here already.
    const known =
      isHeld && message.dup ? this.#find((each) => each.isSameAs(message, answerTopic)) : undefined;
    if (known !== undefined) return known.hold();
    this.counters.received++;
    const patienceMs = request.deadlineMs ?? options.timeoutMs ?? this.#limits.timeoutMs;
    const deadlineMs = this.#clock.monotonic() + patienceMs;
    const task = new RequestTask({ message, request, answerTopic, handler, deadlineMs }, this.#onDue);
    const done = isHeld ? task.hold() : undefined;
    if (this.#running.size < this.#limits.maxConcurrent) void this.#run(task);
    else this.#queue(task);
    return done;
  }

  #find(isIt: (task: RequestTask) => boolean): RequestTask | undefined {
    return this.#waiting.find(isIt) ?? this.#running.find(isIt);
  }

  #refusePlace(answerTopic: string, served: Served): void {
    this.counters.misdirected++;
    if (served.isWarned) return;
    served.isWarned = true;
    const text =
      'a request wants its answer where this responder answers nothing (answersBelow); none is given';
    this.#log.warn({ answerTopic, answersBelow: served.options.answersBelow }, text);
  }

  #cancel(cancellation: Cancellation): void {
    const task = this.#find((each) => each.isGivenUpBy(cancellation));
    if (task === undefined || task.phase === 'over') return;
    const isWaiting = task.phase === 'waiting';
    if (isWaiting) this.#leaveQueue(this.#waiting.indexOf(task));
    this.counters.cancelled++;
    const error = new RecadoError('REQUEST_CANCELLED', 'the caller has left');
    task.abort(error);
    // Where all answers have one topic, the requester sends nothing more until this one has come.
    if (task.request.isFixedTopic) this.#answerError(task, error);
    task.phase = 'over';
    if (isWaiting && !task.isAnswering) task.release();
  }

  #queue(task: RequestTask): void {
    const { maxWaiting, maxWaitingBytes, maxConcurrent } = this.#limits;
    const bytes = this.#waitingBytes + task.message.payload.length;
    if (this.#waiting.length < maxWaiting && bytes <= maxWaitingBytes) {
      this.#waiting.push(task);
      this.#waitingBytes = bytes;
      return;
    }
    this.counters.refusedFull++;
    const text = `${maxConcurrent} requests are being answered and ${this.#waiting.length} wait; try again later`;
    this.#answerError(task, new AnswerError('TOO_MANY_REQUESTS', text, { status: 429 }));
  }

  #leaveQueue(index: number): RequestTask | undefined {
    const [task] = this.#waiting.splice(index, 1);
    this.#waitingBytes -= task?.message.payload.length ?? 0;
    return task;
  }

  #next(): void {
    while (this.#running.size < this.#limits.maxConcurrent) {
      const task = this.#leaveQueue(0);
      if (task === undefined) break;
      if (task.deadlineMs > this.#clock.monotonic()) {
        void this.#run(task);
        continue;
      }
      this.counters.expired++;
      task.release();
    }
    if (this.#running.size === 0) this.#onIdle();
  }

  async #run(task: RequestTask): Promise<void> {
    task.phase = 'running';
    this.#running.add(task);
    this.#alarms.set(task.timer, task.deadlineMs);
    try {
      // Never answers within the call of the broker: its acknowledgement has to come first.
      const content = await task.handler(task.received(this.#clock.monotonic()));
      if (this.#isWanted(task)) this.#send(task, answerOf(content, this.#askedOf(task)));
    } catch (error) {
      if (this.#isWanted(task)) this.#send(task, this.#failureOf(task, error));
    } finally {
      this.#alarms.clear(task.timer);
      this.#running.remove(task);
      if (!task.isAnswering) task.release();
      this.#next();
    }
  }

  readonly #onDue = (task: RequestTask): void => {
    const error = new RecadoError('ANSWER_TIMEOUT', 'the time for this request is over');
    task.abort(error);
    // A caller that said how long it waits has left by now; another one may still be there.
    if (task.request.deadlineMs === undefined) this.#answerError(task, error);
  };

  /** A late answer is where all answers have one topic: the requester waits for it. */
  #isWanted(task: RequestTask): boolean {
    const isLate = task.deadlineMs <= this.#clock.monotonic();
    if (isLate) this.counters.late++;
    return task.phase !== 'over' && (!isLate || task.request.isFixedTopic);
  }

  #failureOf(task: RequestTask, error: unknown): AnswerParts {
    this.counters.failed++;
    const told = tellableError(error);
    if (told === undefined) {
      const topicName = shown(task.request.topicName);
      const fields = { err: error, topicName };
      this.#logBudget.write('failures of handlers', fields, 'the handler of a request failed', topicName);
    }
    const answer = told ?? new AnswerError('INTERNAL', 'the responder failed; its log says why');
    return errorAnswerOf(answer, this.#askedOf(task));
  }

  #answerError(task: RequestTask, error: AnswerError | RecadoError): void {
    if (task.phase !== 'over') this.#send(task, errorAnswerOf(error, this.#askedOf(task)));
  }

  #askedOf({ message, request, deadlineMs }: RequestTask): Parameters<typeof answerOf>[1] {
    return {
      correlationData: message.properties.correlationData,
      traceparent: request.traceparent,
      expiresInMs: request.deadlineMs === undefined ? undefined : deadlineMs - this.#clock.monotonic(),
    };
  }

  #send(task: RequestTask, { payload, properties }: AnswerParts): void {
    task.phase = 'over';
    const qos = task.message.qos === 0 ? 0 : 1;
    this.#sending++;
    task.isAnswering = true;
    this.#bus.publish({ topicName: task.answerTopic, payload, qos, properties }).then(
      () => this.#onPublished(undefined, task),
      (error: unknown) => this.#onPublished(error, task),
    );
  }

  #onPublished(error: unknown, task: RequestTask): void {
    const { answerTopic: topicName } = task;
    this.#sending--;
    task.release();
    if (error === undefined) {
      this.counters.answered++;
    } else {
      this.counters.unsent++;
      const fields = { err: error, topicName: shown(topicName) };
      this.#logBudget.write('answers that were not sent', fields, 'an answer could not be published', NOBODY);
    }
    if (this.#sending === 0) this.#onSent();
  }
}

function isAnswer({ topicName }: BusMessage, { responseTopic }: AnswerPlaces): boolean {
  return topicName === responseTopic || /\/answers\/[^/]+\/[^/]+(\/[^/]+)?$/.test(topicName);
}

function closedError(): RecadoError {
  return new RecadoError('RESPONDER_CLOSED', 'the responder is stopping');
}
