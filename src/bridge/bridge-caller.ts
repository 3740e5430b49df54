import { systemClock, type Clock } from '../base/clock.ts';
import { RecadoError } from '../base/errors.ts';
import { failureLogger, type Logger } from '../base/logger.ts';
import { readText } from '../base/read-text.ts';
import { waitAtMost } from '../base/waiting.ts';
import { BusError } from '../bus/bus-error.ts';
import type { Bus } from '../bus/bus.ts';
import { Alarms } from '../base/alarms.ts';
import { parseJson } from '../base/json.ts';
import {
  createResponder,
  type AnswerContent,
  type ReceivedRequest,
  type Responder,
  type ServedTopic,
} from '../rpc/index.ts';
import type { BridgeCallerLimits, BridgeCallerRoute } from './caller-config.ts';
import { agentLine, printConnections } from './bridge-lines.ts';
import { HttpCaller, type CallResult } from './http-caller.ts';
import { readPayload, spaceJson, type JsonPayload } from './json-payload.ts';
import { applyMapping, findReferences } from './mapping.ts';

const OK = 200;
const FAILED = 400;
const TOO_LARGE = 413;
const UNREADABLE = 400;
/** The call's own time ends first: it has something better to say than that it is over. */
const RESPONDER_MARGIN_MS = 1000;
/** The subscriptions were not granted in time, because the broker is away or slow. */
const SUBSCRIBE_AGAIN: ReadonlySet<string> = new Set(['BROKER_OFFLINE', 'BROKER_TIMEOUT', 'BROKER_LOST']);

type BridgeCallerParts = {
  readonly bus: Bus;
  readonly routes: readonly BridgeCallerRoute[];
  readonly limits: BridgeCallerLimits;
  /** Agents of one group share the questions. */
  readonly group?: string | undefined;
  /** Gets a line for each exchange, and one when the agent is ready. */
  readonly print?: ((line: string) => void) | undefined;
  readonly log?: Logger;
  readonly clock?: Clock;
};

/** Since the agent was made. */
type BridgeCallerCounters = {
  requests: number;
  /** Calls that came to no answer of the service. */
  callsFailed: number;
  /** Questions larger than `maxRequestBytes`. */
  refusedLarge: number;
};

type ServedRoute = {
  readonly route: BridgeCallerRoute;
  readonly caller: HttpCaller;
  /** Its mapping speaks of `$status`, so it is for failures as well. */
  readonly mapsFailures: boolean;
};

/** Turns questions on topics into HTTP calls, and their answers into answers. The bus stays open when it is stopped. */
export class BridgeCaller {
  readonly counters: BridgeCallerCounters = { requests: 0, callsFailed: 0, refusedLarge: 0 };
  readonly #parts: BridgeCallerParts;
  readonly #responder: Responder;
  readonly #alarms: Alarms;
  readonly #routes: readonly ServedRoute[];
  readonly #services: ServedTopic[] = [];
  #inFlight = 0;
  /** Called when the last question is answered. */
  #onIdle = (): void => {};
  #isStopped = false;
  #unwatch: () => void = () => {};

  constructor(parts: BridgeCallerParts) {
    const { bus, limits, log = failureLogger, clock = systemClock } = parts;
    this.#parts = parts;
    this.#alarms = new Alarms(clock);
    this.#routes = parts.routes.map((route) => {
      const references = route.reply === undefined ? [] : findReferences(route.reply);
      const mapsFailures = references.some(({ root }) => root === 'status');
      return { route, caller: new HttpCaller(route.call, this.#alarms), mapsFailures };
    });
    const { maxInFlight: maxConcurrent, maxQueued: maxWaiting } = limits;
    this.#responder = createResponder(bus, { maxConcurrent, maxWaiting, log, clock });
  }

  /** Questions that are being answered. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Settles when all topics are subscribed to; a broker that is away is waited for.
   *
   * @throws {BusError} `BROKER_DENIED` when the broker does not let it subscribe; `BUS_CLOSED`
   */
  async start(): Promise<void> {
    await Promise.all(this.#routes.map((served) => this.#serve(served)));
    this.#unwatch = printConnections(this.#parts.bus, this.#parts.print);
  }

  /** Takes no more questions, and gives those that it has at most `drainMs`. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true;
    this.#unwatch();
    await Promise.all(this.#services.map((service) => service.stop()));
    const { clock = systemClock } = this.#parts;
    if (this.#inFlight > 0)
      await waitAtMost(clock, drainMs, new Promise<void>((resolve) => (this.#onIdle = resolve)));
    await Promise.all(this.#routes.map(({ caller }) => caller.close()));
    await this.#responder.close();
    this.#alarms.stop();
  }

  async #serve(served: ServedRoute): Promise<void> {
    const { request, response: responseTopic, timeoutMs } = served.route;
    const { group } = this.#parts;
    const options = {
      responseTopic,
      timeoutMs: timeoutMs + RESPONDER_MARGIN_MS,
      ...(group !== undefined && { group }),
    };
    while (!this.#isStopped) {
      try {
        this.#services.push(
          await this.#responder.serve(request, (each) => this.#take(served, each), options),
        );
        return;
      } catch (error) {
        if (this.#isStopped || (error instanceof BusError && SUBSCRIBE_AGAIN.has(error.code))) continue;
        throw error;
      }
    }
  }

  async #take(served: ServedRoute, received: ReceivedRequest): Promise<AnswerContent> {
    this.#inFlight++;
    try {
      return await this.#answer(served, received);
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#onIdle();
    }
  }

  /** What goes wrong is an answer too; that the caller's time is over is an error, never to be taken for one. */
  async #answer(served: ServedRoute, received: ReceivedRequest): Promise<AnswerContent> {
    const { payload, deadlineMs, signal } = received;
    const { route, caller } = served;
    this.counters.requests++;
    const { maxRequestBytes, maxAnswerBytes } = this.#parts.limits;
    if (payload.length > maxRequestBytes) {
      this.counters.refusedLarge++;
      const error = `the request has ${payload.length} bytes, more than maxRequestBytes (${maxRequestBytes})`;
      return withStatus(TOO_LARGE, write({ error }));
    }
    const text = readText(payload);
    if (text === undefined) return withStatus(UNREADABLE, write({ error: 'the request is not UTF-8' }));
    const request = readPayload(text);
    const timeoutMs = Math.max(1, Math.min(route.timeoutMs, deadlineMs));
    const called = await caller.call(request, { timeoutMs, signal, maxAnswerBytes });
    const answer = answerOf(served, request, called);
    this.#parts.print?.(agentLine(request.json, answer));
    if (called.ok) return withStatus(called.value.status, answer);
    this.counters.callsFailed++;
    const { status, message } = called.failure;
    if (status === 504 && deadlineMs <= route.timeoutMs) throw new RecadoError('ANSWER_TIMEOUT', message);
    return withStatus(status, answer);
  }
}

/** What the service said decides over HTTP as well: where the gateway is one, its caller gets this status. */
function withStatus(status: number, payload: string): AnswerContent {
  return status === OK ? payload : { payload, properties: { userProperties: [['status', String(status)]] } };
}

/** The mapping is for good answers, unless it speaks of the status; a failure is told as it is. */
function answerOf({ route, mapsFailures }: ServedRoute, request: JsonPayload, called: CallResult): string {
  const { reply: mapping, call } = route;
  const { status } = called.ok ? called.value : called.failure;
  const json = called.ok ? parseJson(called.value.text, Number.POSITIVE_INFINITY) : undefined;
  const answer =
    json ??
    (called.ok ? { status_code: status, text: called.value.text } : { error: called.failure.message });
  const isGood = json !== undefined && status < FAILED;
  try {
    if (mapping === undefined || !(isGood || mapsFailures)) return write(answer);
    return write(applyMapping(mapping, { answer, request: request.value, status }) ?? null);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return write({ error: `the answer of ${call.url.host} is nested too deeply` });
  }
}

function write(value: unknown): string {
  return spaceJson(JSON.stringify(value));
}
