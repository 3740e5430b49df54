import { systemClock, type Clock } from '../base/clock.ts';
import { RecadoError, type ErrorCode } from '../base/errors.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import { readText } from '../base/read-text.ts';
import { pause } from '../base/waiting.ts';
import type { Bus } from '../bus/bus.ts';
import { createRequester, readAnswerError, type Answer, type Requester } from '../rpc/index.ts';
import { BrokerPresence } from './broker-presence.ts';
import { readPayload, type JsonPayload } from './json-payload.ts';
import { isHttpStatus } from './route-leaf.ts';
import type { BridgeServerLimits, BridgeServerRoute } from './server-config.ts';

/** A broker that has just gone is waited for so long; after it callers are told at once. */
const BROKER_GRACE_MS = 1000;
/**
 * Nobody has got a question that nobody subscribes to: it is asked again, for an agent that is just coming back. MQTT
 * tells no client that another one has subscribed, so there is nothing to wait for but time.
 */
const ASK_AGAIN_MS = 250;
/** Subscriptions of routes stay: the first question after a pause must not wait for one. */
const IDLE_MS = 7 * 24 * 60 * 60 * 1000;

/** Why a caller gets no answer. */
export type AskFailure =
  | { readonly kind: 'timeout' }
  | { readonly kind: 'left' }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly message: string;
      /** Where the agent chose it. */
      readonly status?: number;
      /** Trying again later may help. */
      readonly isTransient: boolean;
    };

/** What was answered, and the HTTP status that the agent says beside it. */
type BridgeAnswer = { readonly payload: JsonPayload; readonly status: number | undefined };
type AskResult = Result<BridgeAnswer, AskFailure>;

/** Since the caller was made. */
class AskCounters {
  asked = 0;
  answered = 0;
  timedOut = 0;
  /** Callers who ended the connection before. */
  left = 0;
  failed = 0;
  /** Of them, because the broker was away. */
  brokerAway = 0;
  /** Of them, because of a limit. */
  refusedFull = 0;
  /** Questions that were asked again because nobody subscribed. */
  askedAgain = 0;
}

export type AskOptions = {
  /** Callers take turns. */
  readonly caller: string;
  readonly signal: AbortSignal;
};

const TRANSIENT: ReadonlySet<string> = new Set<ErrorCode>([
  'BROKER_OFFLINE',
  'BROKER_LOST',
  'BUS_CLOSED',
  'REQUESTER_CLOSED',
  'TOO_MANY_REQUESTS',
  'TOO_MANY_MESSAGES',
]);

/** Asks the questions of a gateway's routes. Each response topic is subscribed to once. */
export class TopicCaller {
  readonly counters = new AskCounters();
  readonly #clock: Clock;
  readonly #requester: Requester;
  readonly #presence: BrokerPresence;
  readonly #maxAnswerBytes: number;

  constructor(parts: {
    readonly bus: Bus;
    readonly routes: readonly BridgeServerRoute[];
    readonly limits: BridgeServerLimits;
    readonly clock?: Clock;
  }) {
    const { bus, routes, limits, clock = systemClock } = parts;
    const { maxInFlight, maxQueued, maxAnswerBytes, quarantineMs, settleMs } = limits;
    this.#clock = clock;
    this.#maxAnswerBytes = maxAnswerBytes;
    this.#presence = new BrokerPresence({ bus, clock, graceMs: BROKER_GRACE_MS });
    this.#requester = createRequester(bus, {
      maxInFlight,
      maxWaiting: maxQueued,
      maxWaitingPerCaller: maxQueued,
      quarantineMs,
      settleMs,
      maxAnswerTopics: Math.max(1, new Set(routes.map(({ response }) => response)).size),
      idleMs: IDLE_MS,
      clock,
    });
  }

  get isBrokerThere(): boolean {
    return this.#presence.isThere;
  }

  get inFlight(): number {
    return this.#requester.inFlight;
  }

  /** Asks, and waits at most the route's `timeoutMs`. Never rejects. */
  async ask(route: BridgeServerRoute, payloadJson: string, options: AskOptions): Promise<AskResult> {
    this.counters.asked++;
    const deadlineMs = this.#clock.monotonic() + route.timeoutMs;
    const result =
      this.#presence.isThere || (await this.#presence.untilGraceIsOver(route.timeoutMs))
        ? await this.#askUntil(deadlineMs, route, payloadJson, options)
        : brokerAway();
    this.#count(result);
    return result;
  }

  /** Those who wait get a failure. */
  close(): void {
    this.#presence.close();
    this.#requester.close();
  }

  async #askUntil(
    deadlineMs: number,
    route: BridgeServerRoute,
    payloadJson: string,
    { caller, signal }: AskOptions,
  ): Promise<AskResult> {
    const correlation = { responseTopic: route.response, parallel: route.parallel };
    for (;;) {
      const timeoutMs = deadlineMs - this.#clock.monotonic();
      if (timeoutMs < 1) return fail({ kind: 'timeout' });
      try {
        const options = { timeoutMs, correlation, caller, signal };
        return this.#read(await this.#requester.request(route.request, payloadJson, options));
      } catch (error) {
        if (signal.aborted) return fail({ kind: 'left' });
        const failure = failureOf(error);
        if (failure !== 'nobody') return fail(failure);
        this.counters.askedAgain++;
        const leftMs = Math.max(0, deadlineMs - this.#clock.monotonic());
        await pause(this.#clock, Math.min(ASK_AGAIN_MS, leftMs), signal);
        if (signal.aborted) return fail({ kind: 'left' });
      }
    }
  }

  #read(answer: Answer): AskResult {
    const { payload } = answer;
    if (payload.length > this.#maxAnswerBytes)
      return badAnswer(`has ${payload.length} bytes, more than maxAnswerBytes (${this.#maxAnswerBytes})`);
    // An answer may be `{"error": …}` and good; what the agent itself could not do is marked by a property.
    const isMarked = findProperty(answer, 'error') !== undefined;
    const error = isMarked ? readAnswerError(answer) : undefined;
    if (error === undefined) {
      const text = readText(payload);
      if (text === undefined) return badAnswer('is not UTF-8');
      return succeed({ payload: readPayload(text), status: readStatus(answer) });
    }
    if (error.code === 'ANSWER_TIMEOUT') return fail({ kind: 'timeout' });
    const { code, message, status } = error;
    return fail({ kind: 'refused', code, message, status, isTransient: status === 429 || status === 503 });
  }

  #count(result: AskResult): void {
    if (result.ok) this.counters.answered++;
    else if (result.failure.kind === 'timeout') this.counters.timedOut++;
    else if (result.failure.kind === 'left') this.counters.left++;
    else {
      this.counters.failed++;
      if (result.failure.code === 'BROKER_OFFLINE') this.counters.brokerAway++;
      if (result.failure.code === 'TOO_MANY_REQUESTS') this.counters.refusedFull++;
    }
  }
}

function findProperty({ properties }: Answer, wanted: string): string | undefined {
  return properties.userProperties?.find(([name]) => name === wanted)?.[1];
}

/** What a service of the agent answered with, if that was not 200. */
function readStatus(answer: Answer): number | undefined {
  const status = Number(findProperty(answer, 'status'));
  return isHttpStatus(status) ? status : undefined;
}

/** @returns `nobody` when the question can be asked again without harm */
function failureOf(error: unknown): AskFailure | 'nobody' {
  if (!(error instanceof RecadoError)) throw error;
  const { code, message } = error;
  if (code === 'NO_RESPONDER') return 'nobody';
  if (code === 'ANSWER_TIMEOUT' || code === 'BROKER_TIMEOUT') return { kind: 'timeout' };
  return { kind: 'refused', code, message, isTransient: TRANSIENT.has(code) };
}

function badAnswer(what: string): AskResult {
  return fail({ kind: 'refused', code: 'BAD_ANSWER', message: `The answer ${what}.`, isTransient: false });
}

function brokerAway(): AskResult {
  const message = 'The MQTT broker is away; nothing was sent.';
  return fail({ kind: 'refused', code: 'BROKER_OFFLINE', message, isTransient: true });
}
