import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../base/clock.ts';
import { ServiceAttempt } from './service-attempt.ts';
import type { BufferCollector } from '../flow/buffer-collector.ts';
import { StreamSource, EMPTY_SOURCE } from '../flow/byte-source.ts';
import { chooseAgent } from './choose-agent.ts';
import type { FramePool } from '../flow/frame-pool.ts';
import type { PublishFrame } from '../flow/frame-channel.ts';
import type { HeaderList } from '../wire/header-list.ts';
import { decodeResponseHead } from '../wire/message-heads.ts';
import type { ServiceHubLimits } from '../options.ts';
import { RequestBody } from './request-body.ts';
import type { ServicePlace } from './service-place.ts';
import { CallerResponse } from './caller-response.ts';
import type { AgentEntry, InFlight, ServiceEntry } from './service-directory.ts';
import { decodeAgentFailure, toServiceFailure, type ServiceFailure } from '../wire/service-failure.ts';
import { FrameType, type Frame } from '../wire/frame.ts';

/** Invoking these twice does no more than invoking them once (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);
const MAX_ATTEMPTS = 3;

/** A request of a caller for a service. */
export type ServiceRequest = {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  /** The length of the body where it is known. */
  readonly bodyBytes: number | undefined;
  readonly hasBody: boolean;
  readonly place: ServicePlace;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
};

type ServiceExchangeParts = {
  readonly service: ServiceEntry;
  readonly limits: ServiceHubLimits;
  readonly clock: Clock;
  readonly turn: { last: number };
  readonly pool: FramePool;
  readonly collector: BufferCollector;
  /** How often the connection to the broker was made anew: what was sent before may have been sent twice. */
  readonly reconnections: () => number;
  /** Where frames for an agent go. */
  readonly publishTo: (agent: AgentEntry) => PublishFrame;
  /** A request number for an attempt, from this moment on. */
  readonly register: (exchange: ServiceExchange, agent: AgentEntry) => number;
  readonly unregister: (request: number) => void;
  /** Answers in the hub's own words, when nothing of the service's answer has left. */
  readonly answerFailure: (failure: ServiceFailure) => void;
  readonly onEnd: (exchange: ServiceExchange) => void;
};

/** One request of a caller, on the hub's side: from the choice of an agent to the last byte of the answer. */
export class ServiceExchange implements InFlight {
  readonly #parts: ServiceExchangeParts;
  readonly #call: ServiceRequest;
  readonly #body: RequestBody;
  readonly #source: StreamSource | undefined;
  readonly #answer: CallerResponse;
  readonly #tried = new Set<AgentEntry>();
  #attempt: ServiceAttempt | undefined;
  #attempts = 0;
  #sentBytes = 0;
  #reconnections = 0;
  #timer: Timer | undefined;
  #lastProgressMs: number;
  /** Since when the answer is awaited; undefined while the body is on its way. */
  #waitingSinceMs: number | undefined;
  #isOver = false;

  constructor(call: ServiceRequest, parts: ServiceExchangeParts) {
    this.#call = call;
    this.#parts = parts;
    this.#lastProgressMs = parts.clock.monotonic();
    this.#source = call.hasBody
      ? new StreamSource(call.request, {
          onChange: () => this.#attempt?.sender.pump(),
          onBroken: () => this.#leave(),
        })
      : undefined;
    this.#body = new RequestBody(this.#source ?? EMPTY_SOURCE, parts.limits.maxKeptBytes);
    this.#answer = new CallerResponse(call.response, {
      method: call.method,
      place: call.place,
      pool: parts.pool,
      onTaken: (bytes) => this.#onTaken(bytes),
      onLeft: () => this.#leave(),
    });
  }

  begin(): void {
    this.#watchTime();
    this.#try(undefined);
  }

  /** A frame of the agent that has this request. */
  receive(frame: Frame): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    const order = attempt.channel.take(frame.sequence);
    if (order === 'repeat') return;
    this.#lastProgressMs = this.#parts.clock.monotonic();
    const isGood = order === 'next' && this.#handle(attempt, frame);
    if (!isGood && !this.#isOver && this.#attempt === attempt) {
      const why = order === 'gap' ? 'A message of the agent was lost' : 'The agent sent what makes no sense';
      this.#failAttempt({ code: 'BAD_ANSWER', message: `${why}.` }, { isUntouched: false });
    }
  }

  onAgentGone(): void {
    this.#failAttempt(this.#lostFailure(), { isUntouched: false });
  }

  /** The hub stops. */
  abort(failure: ServiceFailure): void {
    this.#fail(failure);
  }

  /** @returns false when the frame has no place here */
  #handle(attempt: ServiceAttempt, frame: Frame): boolean {
    switch (frame.type) {
      case FrameType.CREDIT:
        return attempt.sender.grant(frame.creditBytes);
      case FrameType.RESPONSE:
        return this.#startAnswer(frame) && this.#takeBody(attempt, frame);
      case FrameType.DATA:
        return this.#answer.isStarted && this.#takeBody(attempt, frame);
      case FrameType.FAILURE: {
        const failure = decodeAgentFailure(frame.body);
        if (failure === undefined) return false;
        attempt.isEndedByAgent = true;
        this.#failAttempt(toServiceFailure(failure), failure);
        return true;
      }
      default:
        return false;
    }
  }

  #startAnswer(frame: Frame): boolean {
    const head = this.#answer.isStarted ? undefined : decodeResponseHead(frame.head);
    if (head === undefined) return false;
    this.#body.forget();
    return this.#answer.start(head);
  }

  #takeBody(attempt: ServiceAttempt, { body, isLast }: Frame): boolean {
    if (!attempt.ledger.receive(body.length)) return false;
    this.#parts.service.counters.responseBytes += body.length;
    this.#parts.collector.add(body.length);
    if (!this.#answer.write(body)) return false;
    if (!isLast) {
      if (body.length === 0) this.#answer.flush();
      return true;
    }
    attempt.isEndedByAgent = true;
    if (!this.#answer.end()) return false;
    this.#end();
    return true;
  }

  /** The caller's side took bytes of the answer. */
  #onTaken(bytes: number): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#lastProgressMs = this.#parts.clock.monotonic();
    const creditBytes = attempt.ledger.consume(bytes);
    if (creditBytes > 0) attempt.channel.send({ type: FrameType.CREDIT, creditBytes });
  }

  #try(failure: ServiceFailure | undefined): void {
    const { service, turn, limits } = this.#parts;
    const choice = chooseAgent(service, this.#tried, turn);
    if (!choice.ok) {
      this.#fail(failure ?? choice.failure);
      return;
    }
    this.#attempts++;
    this.#tried.add(choice.value);
    const attempt = new ServiceAttempt(choice.value, {
      request: this.#parts.register(this, choice.value),
      publish: this.#parts.publishTo(choice.value),
      pool: this.#parts.pool,
      source: this.#body,
      limits,
      onSent: (bytes, isOver) => this.#onSent(bytes, isOver),
      onUndelivered: (error) => this.#onUndelivered(attempt, error),
    });
    this.#reconnections = this.#parts.reconnections();
    this.#attempt = attempt;
    choice.value.inFlight.add(this);
    const { method, target, headers, bodyBytes } = this.#call;
    attempt.begin({
      method,
      target,
      headers,
      timeoutMs: Math.max(1, Math.ceil(this.#leftMs())),
      creditBytes: limits.initialCreditBytes,
      ...(bodyBytes !== undefined && { bodyBytes }),
    });
  }

  #onSent(bytes: number, isOver: boolean): void {
    const { clock, service, limits } = this.#parts;
    this.#lastProgressMs = clock.monotonic();
    if (isOver) this.#waitingSinceMs ??= this.#lastProgressMs;
    service.counters.requestBytes += bytes;
    this.#parts.collector.add(bytes);
    this.#sentBytes += bytes;
    if (this.#sentBytes <= limits.maxRequestBytes) return;
    const message = `The body of the request is larger than services.maxRequestBytes (${limits.maxRequestBytes}).`;
    this.#fail({ code: 'BODY_TOO_LARGE', message });
  }

  /** The broker has nobody for it, or not taken it: nothing has reached an agent, if it was the first frame. */
  #onUndelivered(attempt: ServiceAttempt, error: Error | undefined): void {
    if (this.#attempt !== attempt) return;
    if (error === undefined) {
      const isUntouched = !attempt.wasHeard && this.#reconnections === this.#parts.reconnections();
      this.#failAttempt(this.#lostFailure(), { isUntouched });
      return;
    }
    const message = `The MQTT broker did not take a message for the agent: ${error.message}.`;
    this.#failAttempt({ code: 'BROKER_OFFLINE', message, retryAfterSeconds: 1 }, { isUntouched: false });
  }

  /** An agent could not do it: perhaps another one can. */
  #failAttempt(failure: ServiceFailure, { isUntouched }: { isUntouched: boolean }): void {
    if (this.#isOver) return;
    this.#closeAttempt('failed');
    const mayTryAgain = isUntouched || IDEMPOTENT.has(this.#call.method);
    const isPossible =
      mayTryAgain && !this.#answer.isStarted && this.#attempts < MAX_ATTEMPTS && this.#leftMs() > 0;
    if (!isPossible || failure.code === 'SERVICE_FORBIDDEN' || !this.#body.rewind()) {
      this.#fail(failure);
      return;
    }
    this.#parts.service.counters.retries++;
    this.#sentBytes = 0;
    this.#try(failure);
  }

  #fail(failure: ServiceFailure): void {
    if (this.#isOver) return;
    const { service, clock, answerFailure } = this.#parts;
    service.counters.failures++;
    service.failures.count(clock.monotonic());
    const isStarted = this.#answer.isStarted;
    this.#end();
    // Half an answer must not look like a whole one.
    if (isStarted) this.#answer.destroy();
    else answerFailure(failure);
  }

  /** The caller is gone. */
  #leave(): void {
    if (this.#isOver) return;
    this.#parts.service.counters.cancelled++;
    this.#end();
    this.#answer.destroy();
  }

  #end(): void {
    this.#isOver = true;
    this.#timer?.clear();
    this.#closeAttempt('the caller left');
    this.#source?.detach();
    this.#answer.detach();
    this.#parts.onEnd(this);
  }

  #closeAttempt(reason: string): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    this.#parts.unregister(attempt.channel.request);
    attempt.agent.inFlight.delete(this);
    attempt.close(reason);
  }

  #leftMs(): number {
    const { clock, limits } = this.#parts;
    if (this.#waitingSinceMs === undefined) return limits.timeoutMs;
    return limits.timeoutMs - (clock.monotonic() - this.#waitingSinceMs);
  }

  /** One timer for whatever is waited for: it looks what has come meanwhile, and is set again. */
  #watchTime(): void {
    const { clock, limits } = this.#parts;
    const isAwaited = this.#waitingSinceMs !== undefined && !this.#answer.isStarted;
    const idleMs = limits.idleTimeoutMs - (clock.monotonic() - this.#lastProgressMs);
    const leftMs = isAwaited ? this.#leftMs() : idleMs;
    if (leftMs <= 0) {
      this.#fail(this.#lateFailure(isAwaited));
      return;
    }
    const longest = Math.min(limits.timeoutMs, limits.idleTimeoutMs);
    this.#timer = clock.setTimer(Math.ceil(Math.min(leftMs, longest)), () => this.#watchTime());
  }

  #lateFailure(isAwaited: boolean): ServiceFailure {
    const { service, limits } = this.#parts;
    if (isAwaited) {
      const message = `The service ${service.name} did not begin to answer within ${limits.timeoutMs} ms.`;
      return { code: 'ANSWER_TIMEOUT', message };
    }
    if (this.#attempt?.sender.waitsForSource === true) {
      const message = `The body of the request stood still for ${limits.idleTimeoutMs} ms.`;
      return { code: 'BODY_TIMEOUT', message };
    }
    const message = `The service ${service.name} took nothing of the request for ${limits.idleTimeoutMs} ms.`;
    return { code: 'ANSWER_TIMEOUT', message };
  }

  #lostFailure(): ServiceFailure {
    const message = `The agent of the service ${this.#parts.service.name} was lost before it had answered.`;
    return { code: 'AGENT_LOST', message };
  }
}
