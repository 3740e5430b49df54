import { randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../base/clock.ts';
import { RecadoError } from '../base/errors.ts';
import { FairPlaces } from '../base/fair-places.ts';
import { Roster } from '../base/roster.ts';
import { BusError } from '../bus/bus-error.ts';
import type { Bus } from '../bus/bus.ts';
import { isValidTopicName } from '../mqtt/topics/topic-name.ts';
import { Alarms } from '../base/alarms.ts';
import { AnswerTopic } from './correlation/answer-topic.ts';
import { byData } from './correlation/by-data.ts';
import { byTopic } from './correlation/by-topic.ts';
import type { CorrelationParts } from './correlation/correlation.ts';
import {
  PendingRequest,
  type Answer,
  type Correlation,
  type RequestEnd,
  type RequestOwner,
} from './correlation/pending-request.ts';
import { RequestIds } from './correlation/request-ids.ts';
import {
  DEFAULT_REQUESTER_LIMITS,
  type CorrelationChoice,
  RequesterCounters,
  type RequesterOptions,
  type RequesterSettings,
  type RequestOptions,
} from './requester-options.ts';
import { answerTimeoutError, requesterClosedError, tooManyRequestsError } from './correlation/rpc-errors.ts';
import { Serial } from './correlation/serial.ts';
import { TopicPool } from './correlation/topic-pool.ts';
import { asTopicLevel, DEFAULT_PREFIX, responseTopicOf } from './wire/answer-topics.ts';

const ANY_LEVELS = Number.POSITIVE_INFINITY;
const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;
const NO_PROPERTIES = {};

type CorrelationKind = 'data' | 'topic' | 'serial';

/** Asks questions over MQTT. The bus stays open when the requester is closed. */
export type Requester = {
  readonly counters: Readonly<RequesterCounters>;
  /** Requests that have no answer yet. */
  readonly inFlight: number;

  /**
   * Publishes a request and resolves with its answer, a failure that the responder tells of included: see
   * `readAnswerError`. With QoS 1, the default, it may be carried out twice when the connection is lost meanwhile.
   *
   * @throws {RecadoError} `ANSWER_TIMEOUT`, `NO_RESPONDER`, `TOO_MANY_REQUESTS`, `TOPIC_INVALID`, `REQUEST_INVALID`,
   *   `REQUESTER_CLOSED`; a `BusError` when it could not be sent; or the reason of the signal
   */
  request(topicName: string, payload: Uint8Array | string, options?: RequestOptions): Promise<Answer>;

  /** Rejects what is on its way with `REQUESTER_CLOSED`, and ends the subscriptions. */
  close(): void;
};

export function createRequester(bus: Bus, options: RequesterOptions = {}): Requester {
  return new BusRequester(bus, options);
}

class BusRequester implements Requester, RequestOwner {
  readonly counters = new RequesterCounters();
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #alarms: Alarms;
  readonly #settings: RequesterSettings;
  readonly #choice: CorrelationChoice;
  readonly #parts: CorrelationParts;
  readonly #pending = new Roster<PendingRequest>();
  /** Of those whose callers are named, who share what may be in flight. */
  readonly #places = new FairPlaces();
  /** Made when they are first needed. */
  readonly #correlations = new Map<CorrelationKind, Correlation>();
  readonly #unwatch: () => void;
  #isClosed = false;

  constructor(bus: Bus, { clock = systemClock, correlation = 'auto', ...options }: RequesterOptions) {
    this.#bus = bus;
    this.#clock = clock;
    this.#alarms = new Alarms(clock);
    this.#settings = { ...DEFAULT_REQUESTER_LIMITS, prefix: DEFAULT_PREFIX, ...options };
    this.#choice = correlation;
    const requesterId = randomBytes(12).toString('hex');
    this.#parts = {
      bus,
      clock,
      alarms: this.#alarms,
      ids: new RequestIds(),
      owner: bus.identity === undefined ? requesterId : asTopicLevel(bus.identity),
      requesterId,
      settings: this.#settings,
      counters: this.counters,
    };
    this.#unwatch = bus.watch(({ type }) => {
      if (type === 'connected') this.#startWaiting();
    });
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  request(
    topicName: string,
    payload: Uint8Array | string,
    options: RequestOptions = NO_PROPERTIES,
  ): Promise<Answer> {
    this.counters.requests++;
    const refusal = this.#findRefusal(topicName, options);
    if (refusal !== undefined) return Promise.reject(refusal);
    const { correlation: choice = this.#choice } = options;
    const request = new PendingRequest(
      {
        topicName,
        payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
        qos: options.qos ?? 1,
        properties: options.properties ?? NO_PROPERTIES,
        traceparent: options.traceparent,
        timeoutMs: options.timeoutMs ?? this.#settings.timeoutMs,
        signal: options.signal,
        caller: options.caller ?? '',
        responseTopic: typeof choice === 'object' ? choice.responseTopic : '',
        isParallel: typeof choice === 'object' && choice.parallel === true,
        isEnvelope: choice === 'envelope',
        failsWithoutResponder: options.failsWithoutResponder ?? true,
        startedMs: this.#clock.monotonic(),
      },
      this,
    );
    this.#pending.add(request);
    if (request.fields.caller !== '') this.#places.take(request.fields.caller);
    this.#alarms.set(request.timer, request.deadlineMs);
    this.#start(request, choice);
    return request.promise;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unwatch();
    // First these: they must not send what waits when something before it fails.
    for (const correlation of this.#correlations.values()) correlation.close();
    this.#pending.forEach((request) => request.fail(requesterClosedError()));
    this.#alarms.stop();
  }

  onDue(request: PendingRequest): void {
    if (request.isOver) return;
    this.counters.timedOut++;
    const isStarted = request.correlation !== undefined;
    const { timeoutMs } = request.fields;
    const offline = `the MQTT broker was not connected for ${timeoutMs} ms; the request was not sent`;
    request.fail(isStarted ? answerTimeoutError(request) : new BusError('BROKER_OFFLINE', offline), 'left');
  }

  onAbort(request: PendingRequest): void {
    this.counters.abandoned++;
    request.fail(request.fields.signal?.reason, 'left');
  }

  onOver(request: PendingRequest, end: RequestEnd): void {
    this.#pending.remove(request);
    if (request.fields.caller !== '') this.#places.give(request.fields.caller);
    this.#alarms.clear(request.timer);
    if (end === 'answered') this.counters.answered++;
    else if (end === 'failed') this.counters.failed++;
    request.correlation?.onOver(request, end);
  }

  /** Why a request is not taken. */
  #findRefusal(topicName: string, options: RequestOptions): unknown {
    const { correlation = this.#choice, signal, timeoutMs = this.#settings.timeoutMs } = options;
    if (this.#isClosed) return requesterClosedError();
    if (signal?.aborted === true) return signal.reason;
    for (const topic of [
      topicName,
      ...(typeof correlation === 'object' ? [correlation.responseTopic] : []),
    ]) {
      if (!isValidTopicName(topic, ANY_LEVELS))
        return new RecadoError('TOPIC_INVALID', `"${topic}" is no topic: it is empty, or has + or #`);
    }
    if (!(timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS))
      return new RecadoError('REQUEST_INVALID', `timeoutMs must be from 1 to ${MAX_TIMEOUT_MS}`);
    if (correlation === 'mqtt5' && (this.#bus.protocolVersion ?? 5) < 5)
      return new RecadoError('REQUEST_INVALID', 'the correlation mqtt5 needs a broker that speaks MQTT 5');
    const { maxInFlight } = this.#settings;
    const { caller = '' } = options;
    const isOpen = caller === '' || this.#places.isOpenTo(caller, maxInFlight);
    if (isOpen && this.#pending.size < maxInFlight) return undefined;
    this.counters.refusedFull++;
    const what = isOpen ? `${maxInFlight} requests` : 'as many requests of this caller as it may have';
    return tooManyRequestsError(`${what} are in flight already (maxInFlight)`);
  }

  #start(request: PendingRequest, choice: CorrelationChoice): void {
    const kind = this.#kindOf(choice);
    if (kind === undefined) return;
    request.correlation = this.#correlation(kind);
    request.correlation.start(request);
  }

  /** Undefined while it is not known which version the broker speaks. */
  #kindOf(choice: CorrelationChoice): CorrelationKind | undefined {
    if (typeof choice === 'object') return 'serial';
    if (choice !== 'auto') return choice === 'mqtt5' ? 'data' : 'topic';
    const { protocolVersion } = this.#bus;
    if (protocolVersion === undefined) return undefined;
    return protocolVersion === 5 ? 'data' : 'topic';
  }

  /** The broker has told which version it speaks. */
  #startWaiting(): void {
    this.#pending.forEach((request) => {
      if (request.correlation === undefined) this.#start(request, 'auto');
    });
  }

  #correlation(kind: CorrelationKind): Correlation {
    let correlation = this.#correlations.get(kind);
    if (correlation === undefined) {
      correlation = this.#makeCorrelation(kind);
      this.#correlations.set(kind, correlation);
    }
    return correlation;
  }

  #makeCorrelation(kind: CorrelationKind): Correlation {
    const parts = this.#parts;
    const { owner, requesterId, settings } = parts;
    if (kind === 'data')
      return new AnswerTopic(parts, byData(parts, responseTopicOf(settings.prefix, owner, requesterId)));
    return kind === 'serial'
      ? new TopicPool(parts, {
          topicOf: ({ fields }) => fields.responseTopic,
          open: (topicName) => new Serial(parts, topicName),
        })
      : new TopicPool(parts, {
          topicOf: ({ fields }) => fields.topicName,
          open: (topicName) => new AnswerTopic(parts, byTopic(parts, topicName)),
        });
  }
}
