import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BlockPool } from '../../base/blocks.ts';
import type { Clock } from '../../base/clock.ts';
import type { Enrolled } from '../../base/roster.ts';
import { FlowSocket } from '../flow/flow-socket.ts';
import type { Flow, FlowBreak, FlowListener } from '../flow/flow.ts';
import type { ServiceHubLimits } from '../options.ts';
import { FrameType, type Frame } from '../wire/frame.ts';
import type { HeaderList } from '../wire/header-list.ts';
import { decodeResponseHead, encodeHead, isIdempotent, type ResponseHead } from '../wire/message-heads.ts';
import {
  decodeAgentFailure,
  encodeCancel,
  toServiceFailure,
  type ServiceFailure,
} from '../wire/service-failure.ts';
import type { Ticket } from './admission.ts';
import { CallerResponse } from './caller-response.ts';
import { chooseAgent } from './choose-agent.ts';
import type { AgentEntry } from './service-directory.ts';
import type { ServicePlace } from './service-place.ts';

const MAX_ATTEMPTS = 3;

/** A request of a caller for a service. */
export type ServiceRequest = {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  /** The length of the body where it is known. */
  readonly bodyBytes: number | undefined;
  readonly hasBody: boolean;
  readonly upgrade: 'websocket' | undefined;
  readonly place: ServicePlace;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Answers in the hub's own words: called at most once, when nothing of the service's answer has left. */
  readonly answerFailure: (failure: ServiceFailure) => void;
  /** It is over, well or not. */
  readonly onEnd: () => void;
};

/** What all requests of a hub have in common. */
export type ServiceExchangeParts = {
  readonly limits: ServiceHubLimits;
  readonly clock: Clock;
  /** For what lies in the hub on its way to a caller. */
  readonly blocks: BlockPool;
  /** Grows with each choice of an agent. */
  readonly turn: { last: number };
  readonly openFlow: (agent: AgentEntry, listener: FlowListener) => Flow;
  readonly onEnd: (exchange: ServiceExchange) => void;
};

/** One request of a caller, on the hub's side: from the choice of an agent to the last byte of the answer. */
export class ServiceExchange implements FlowListener, Enrolled {
  rosterIndex = -1;
  readonly #parts: ServiceExchangeParts;
  readonly #ticket: Ticket;
  readonly #call: ServiceRequest;
  readonly #head: Buffer;
  readonly #answer: CallerResponse;
  readonly #tried: AgentEntry[] = [];
  /** `waiting`: for the first bytes of the body. `asking`: an agent. `answered`: the caller has not taken all of it. */
  #state: 'waiting' | 'asking' | 'answering' | 'answered' | 'over' = 'waiting';
  #flow: Flow | undefined;
  /** The caller's connection, once it has left HTTP. */
  #socket: FlowSocket | undefined;
  /** What was read of the body, to send it again; undefined when that is too much, or the answer has begun. */
  #kept: Uint8Array[] | undefined = [];
  #readBytes = 0;
  #isBodyOver: boolean;
  #progress = 0;
  #progressMs: number;
  /** Since when the answer is awaited; undefined while the body is on its way. */
  #waitingSinceMs: number | undefined;

  constructor(call: ServiceRequest, ticket: Ticket, parts: ServiceExchangeParts) {
    const { method, target, headers, bodyBytes, upgrade } = call;
    this.#call = call;
    this.#ticket = ticket;
    this.#parts = parts;
    const optional = { ...(bodyBytes !== undefined && { bodyBytes }), ...(upgrade && { upgrade }) };
    this.#head = encodeHead({ method, target, headers, ...optional });
    this.#isBodyOver = !call.hasBody;
    this.#progressMs = parts.clock.monotonic();
    this.#answer = new CallerResponse(call.response, call, { listener: this, blocks: parts.blocks });
    call.response.on('close', this.#leave);
  }

  /** Asks an agent: at once, or when the body begins to come. */
  begin(): void {
    if (!this.#call.hasBody) {
      this.#start();
      return;
    }
    const { request } = this.#call;
    request.on('data', this.#onData);
    request.on('end', this.#onBodyEnd);
    request.on('error', this.#leave);
  }

  /** It speaks another protocol, which does not end by itself. */
  get isUpgraded(): boolean {
    return this.#socket !== undefined;
  }

  /** The hub stops. */
  abort(failure: ServiceFailure): void {
    this.#fail(failure);
  }

  /** Looks whether something takes too long. */
  look(nowMs: number): void {
    this.#flow?.look(nowMs);
    if (this.#state === 'over') return;
    const progress = this.#readBytes + (this.#flow?.progress ?? 0);
    if (progress !== this.#progress) {
      this.#progress = progress;
      this.#progressMs = nowMs;
    }
    const { limits } = this.#parts;
    const isAwaited = this.#state === 'asking' && this.#waitingSinceMs !== undefined;
    const leftMs = isAwaited ? this.#leftMs() : limits.idleTimeoutMs - (nowMs - this.#progressMs);
    if (leftMs <= 0) this.#fail(this.#describeLate(isAwaited));
  }

  /** The caller has taken bytes of the answer. */
  onTaken(bytes: number): void {
    this.#flow?.consume(bytes);
  }

  onHead({ head, isLast, body }: Frame): void {
    const { service } = this.#ticket;
    const answer = head.length > this.#parts.limits.maxHeadBytes ? undefined : decodeResponseHead(head);
    const fault = answer === undefined ? 'the head is none, or too large' : this.#startAnswer(answer);
    if (fault !== undefined) {
      this.#failAttempt(
        badAnswer(`The answer of the service ${service.name} cannot be passed on: ${fault}.`),
      );
      return;
    }
    this.#state = 'answering';
    this.#kept = undefined;
    // The body may be long in coming, as with events: the head does not wait for it.
    if (body.length === 0 && !isLast && this.#socket === undefined) this.#answer.flush();
  }

  onBody(body: Uint8Array, isLast: boolean): void {
    this.#ticket.service.counters.responseBytes += body.length;
    if (this.#socket !== undefined) this.#socket.write(body);
    else if (!this.#answer.write(body, isLast))
      this.#failAttempt(badAnswer('The answer is longer than it said.'));
  }

  onEnd(): void {
    if (!this.#answer.end()) {
      this.#failAttempt(badAnswer('The answer is shorter than it said.'));
      return;
    }
    this.#flow?.close();
    if (this.#socket !== undefined) {
      this.#end();
      return;
    }
    this.#state = 'answered';
    // The rest of a body is read all the same: its sender perhaps reads the answer only behind it.
    this.#call.request.resume();
  }

  onDrain(): void {
    if (this.#socket === undefined) this.#call.request.resume();
    else this.#socket.resume();
  }

  onSent(): void {
    this.#waitingSinceMs ??= this.#parts.clock.monotonic();
  }

  onBroken(why: FlowBreak): void {
    const { name } = this.#ticket.service;
    switch (why.kind) {
      case 'failed': {
        const failure = decodeAgentFailure(why.body);
        if (failure === undefined) this.#failAttempt(NONSENSE);
        else this.#failAttempt(toServiceFailure(failure), failure.isUntouched);
        return;
      }
      case 'lost': {
        const message = `The agent of the service ${name} was lost before it had answered.`;
        this.#failAttempt({ code: 'AGENT_LOST', message });
        return;
      }
      case 'unsent': {
        const message = 'The MQTT broker did not take a message for the agent.';
        this.#failAttempt({ code: 'BROKER_OFFLINE', message, retryAfterSeconds: 1 }, why.isFirst);
        return;
      }
      case 'gap':
        this.#failAttempt(badAnswer('A message of the agent was lost.'));
        return;
      default:
        this.#failAttempt(NONSENSE);
    }
  }

  /** @returns why it cannot be passed on; undefined when it has begun */
  #startAnswer(head: ResponseHead): string | undefined {
    if (head.status !== 101) return this.#answer.start(head);
    const socket = this.#call.upgrade && this.#answer.switchProtocol(head);
    if (socket === undefined || this.#flow === undefined) return 'it is 101, and nobody asked for that';
    const { counters } = this.#ticket.service;
    this.#socket = new FlowSocket(socket, this.#flow, {
      onRead: (bytes) => (counters.requestBytes += bytes),
      onClosed: this.#leave,
    });
    return undefined;
  }

  /** Takes the place that the ticket is for, and asks the first agent. */
  #start(): void {
    const refusal = this.#ticket.takePlace();
    if (refusal !== undefined) this.#fail(refusal);
    else this.#try(undefined);
  }

  #try(failure: ServiceFailure | undefined): void {
    const { turn, limits, openFlow } = this.#parts;
    const choice = chooseAgent(this.#ticket.service, this.#tried, turn);
    if (!choice.ok) {
      this.#fail(failure ?? choice.failure);
      return;
    }
    const agent = choice.value;
    if (this.#head.length > agent.maxHeadBytes) {
      const message = `The head of the request is larger than the agent takes (${agent.maxHeadBytes} bytes).`;
      this.#fail({ code: 'HEAD_TOO_LARGE', message });
      return;
    }
    this.#tried.push(agent);
    this.#state = 'asking';
    const flow = openFlow(agent, this);
    this.#flow = flow;
    flow.begin({
      type: FrameType.REQUEST,
      head: this.#head,
      epoch: agent.epoch,
      timeoutMs: Math.max(1, Math.ceil(this.#leftMs())),
      creditBytes: limits.initialCreditBytes,
    });
    if (this.#call.upgrade !== undefined) {
      // What the caller says next is said in the other protocol.
      this.#waitingSinceMs ??= this.#parts.clock.monotonic();
      flow.pump();
      return;
    }
    let takesMore = true;
    for (const piece of this.#kept ?? []) takesMore = flow.write(piece);
    if (!flow.isOpen) return;
    if (this.#isBodyOver) {
      flow.end();
      return;
    }
    if (takesMore) this.#call.request.resume();
    else this.#call.request.pause();
    // Not later: numbers have to leave in their order, and what the next request gets is a higher one.
    flow.pump();
  }

  readonly #onData = (piece: Buffer): void => {
    const { limits } = this.#parts;
    this.#readBytes += piece.length;
    this.#ticket.service.counters.requestBytes += piece.length;
    if (this.#readBytes > limits.maxRequestBytes) {
      const message = `The body of the request is larger than services.maxRequestBytes (${limits.maxRequestBytes}).`;
      this.#fail({ code: 'BODY_TOO_LARGE', message });
      return;
    }
    this.#kept?.push(piece);
    if (this.#readBytes === this.#call.bodyBytes) this.#isBodyOver = true;
    if (this.#state === 'waiting' && this.#call.bodyBytes === undefined) {
      // Perhaps the end is there too: what goes whole has a length after all.
      setImmediate(this.#startLate);
      return;
    }
    if (this.#state === 'waiting') this.#start();
    else if (this.#pass(piece) === false) this.#call.request.pause();
    if (this.#isBodyOver) this.#flow?.end();
    if (this.#readBytes > limits.maxKeptBytes) this.#kept = undefined;
  };

  /** @returns false when no more should come until `onDrain` */
  #pass(piece: Buffer): boolean | undefined {
    return this.#kept === undefined ? this.#flow?.give(piece) : this.#flow?.write(piece);
  }

  readonly #startLate = (): void => {
    if (this.#state === 'waiting') this.#start();
  };

  readonly #onBodyEnd = (): void => {
    if (this.#isBodyOver) return;
    this.#isBodyOver = true;
    if (this.#state === 'waiting') this.#start();
    else this.#flow?.end();
  };

  /** An agent could not do it: perhaps another one can. */
  #failAttempt(failure: ServiceFailure, isUntouched = false): void {
    if (this.#state === 'over') return;
    this.#closeFlow(failure);
    const mayTryAgain = isUntouched || isIdempotent(this.#call.method);
    const isPossible =
      mayTryAgain &&
      this.#state === 'asking' &&
      this.#kept !== undefined &&
      this.#tried.length < MAX_ATTEMPTS &&
      this.#leftMs() > 0;
    if (!isPossible || failure.code === 'SERVICE_FORBIDDEN') {
      this.#fail(failure);
      return;
    }
    this.#ticket.service.counters.retries++;
    this.#try(failure);
  }

  #fail(failure: ServiceFailure): void {
    if (this.#state === 'over') return;
    const { service } = this.#ticket;
    service.counters.failures++;
    service.failures.count(this.#parts.clock.monotonic());
    const isStarted = this.#state === 'answering' || this.#state === 'answered';
    this.#closeFlow(failure);
    this.#end();
    // Half an answer must not look like a whole one.
    if (isStarted) this.#answer.destroy();
    else this.#call.answerFailure(failure);
  }

  /** The caller is gone, or has all of the answer. */
  readonly #leave = (): void => {
    if (this.#state === 'over') return;
    if (this.#state === 'answered' && this.#call.response.writableFinished) {
      this.#end();
      return;
    }
    this.#ticket.service.counters.cancelled++;
    this.#closeFlow({ code: 'INVOCATION_CANCELLED', message: 'The caller left.' });
    this.#end();
    this.#answer.destroy();
  };

  /** Tells the agent why nobody waits any more, unless it has ended the request itself. */
  #closeFlow({ code, message }: ServiceFailure): void {
    this.#flow?.close({ type: FrameType.CANCEL, body: encodeCancel(`${code}: ${message}`) });
    this.#flow = undefined;
  }

  #end(): void {
    this.#state = 'over';
    const { request, hasBody, onEnd } = this.#call;
    if (hasBody) {
      request.off('data', this.#onData);
      request.off('end', this.#onBodyEnd);
    }
    this.#ticket.release();
    this.#parts.onEnd(this);
    onEnd();
  }

  #leftMs(): number {
    const { clock, limits } = this.#parts;
    if (this.#waitingSinceMs === undefined) return limits.timeoutMs;
    return limits.timeoutMs - (clock.monotonic() - this.#waitingSinceMs);
  }

  #describeLate(isAwaited: boolean): ServiceFailure {
    const { limits } = this.#parts;
    const { name } = this.#ticket.service;
    if (isAwaited) {
      const message = `The service ${name} did not begin to answer within ${limits.timeoutMs} ms.`;
      return { code: 'ANSWER_TIMEOUT', message };
    }
    if (!this.#isBodyOver && this.#flow?.isHeldUp !== true) {
      const message = `The body of the request stood still for ${limits.idleTimeoutMs} ms.`;
      return { code: 'BODY_TIMEOUT', message };
    }
    const message = `The service ${name} took nothing of the request for ${limits.idleTimeoutMs} ms.`;
    return { code: 'ANSWER_TIMEOUT', message };
  }
}

const NONSENSE = badAnswer('The agent sent what makes no sense.');

function badAnswer(message: string): ServiceFailure {
  return { code: 'BAD_ANSWER', message };
}
