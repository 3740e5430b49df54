import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../base/clock.ts';
import type { Enrolled } from '../../base/roster.ts';
import { FlowSocket } from '../flow/flow-socket.ts';
import { Flow, type FlowBreak, type FlowListener } from '../flow/flow.ts';
import type { FrameLink } from '../flow/frame-link.ts';
import type { AgentLimits } from '../options.ts';
import { FrameType, type Frame } from '../wire/frame.ts';
import { encodeHead, isIdempotent, type RequestHead } from '../wire/message-heads.ts';
import { encodeAgentFailure, type AgentFailure } from '../wire/service-failure.ts';
import { RequestBody } from './request-body.ts';
import { describeUpstreamError, readAnswerHead, type Upstream } from './upstream.ts';

/** What all requests of an agent have in common. */
export type AgentExchangeParts = {
  readonly upstream: Upstream;
  readonly limits: AgentLimits;
  readonly clock: Clock;
  readonly onEnd: (exchange: AgentExchange, end: AgentExchangeEnd) => void;
};

/** How a request ended, for the log. */
export type AgentExchangeEnd = { readonly status: number | undefined; readonly failure: string | undefined };

/** One request of a hub, on the agent's side: the call of the target, and its answer. */
export class AgentExchange implements FlowListener, Dispatcher.DispatchHandler, Enrolled {
  rosterIndex = -1;
  readonly head: RequestHead;
  readonly #parts: AgentExchangeParts;
  readonly #flow: Flow;
  #state: 'calling' | 'answering' | 'over' = 'calling';
  /** Of the request to the target. */
  #controller: Dispatcher.DispatchController | undefined;
  #hasAnswerBegun = false;
  #isCalledAnew = false;
  /** The call before that had begun to be sent. */
  #wasSentBefore = false;
  /** If its connection ends now, that is taken for an end that was there when the request was written. */
  #mayMeetEarlierEnd = false;
  /** A body that does not come with the head. */
  #body: RequestBody | undefined;
  /** The target's connection, once it has left HTTP. */
  #socket: FlowSocket | undefined;
  #receivedBytes = 0;
  #isBodyOver = false;
  /** What came of the body, to send it again; undefined when that is too much. */
  #kept: Uint8Array[] | undefined = [];
  #status: number | undefined;
  readonly #timeoutMs: number;
  #progress = 0;
  #progressMs: number;
  #waitingSinceMs: number | undefined;

  /**
   * @param frame - the first one
   * @param head - of the request, as it may be sent to the target
   */
  constructor(
    link: FrameLink,
    { frame, head }: { readonly frame: Frame; readonly head: RequestHead },
    parts: AgentExchangeParts,
  ) {
    const { request, creditBytes } = frame;
    this.head = head;
    this.#parts = parts;
    this.#timeoutMs = Math.min(parts.limits.timeoutMs, frame.timeoutMs);
    const nowMs = parts.clock.monotonic();
    this.#progressMs = nowMs;
    this.#flow = new Flow(link, { request, creditBytes, listener: this, nowMs });
  }

  /** Calls the target with what the first frame brings. */
  begin(frame: Frame): void {
    this.#flow.receive(frame);
  }

  /** Nobody waits for it any more. */
  abort(why: string): void {
    this.#flow.close();
    this.#end(why);
  }

  /** Looks whether something takes too long. */
  look(nowMs: number): void {
    this.#flow.look(nowMs);
    if (this.#state === 'over') return;
    if (this.#flow.progress !== this.#progress) {
      this.#progress = this.#flow.progress;
      this.#progressMs = nowMs;
    }
    const isAwaited = this.#waitingSinceMs !== undefined && this.#state === 'calling';
    const since = isAwaited ? (this.#waitingSinceMs ?? nowMs) : this.#progressMs;
    const { idleTimeoutMs } = this.#parts.limits;
    if (nowMs - since < (isAwaited ? this.#timeoutMs : idleTimeoutMs)) return;
    const message = isAwaited
      ? `The target did not begin to answer within ${this.#timeoutMs} ms.`
      : `Nothing moved for ${idleTimeoutMs} ms.`;
    this.#fail({
      code: this.#state === 'calling' ? 'answer-timeout' : 'answer-broken',
      message,
      isUntouched: false,
    });
  }

  onHead(frame: Frame): void {
    if (this.head.upgrade !== undefined) {
      // What follows is for the other protocol, and does not come before the answer.
      this.#waitingSinceMs = this.#parts.clock.monotonic();
      this.#call();
      return;
    }
    if (frame.isLast) {
      // A body that came whole has a length after all.
      if (frame.body.length > 0) this.#kept?.push(Buffer.from(frame.body));
      this.#isBodyOver = true;
      this.#call();
      return;
    }
    this.#body = new RequestBody((bytes) => this.#flow.consume(bytes));
    this.#call();
  }

  onBody(body: Uint8Array): void {
    if (this.head.upgrade !== undefined) {
      if (this.#socket === undefined) this.#failRequest();
      else this.#socket.write(body);
      return;
    }
    this.#receivedBytes += body.length;
    const { maxRequestBytes, maxKeptBytes } = this.#parts.limits;
    if (this.#receivedBytes > maxRequestBytes) {
      const message = `The body is larger than the agent takes (${maxRequestBytes} bytes).`;
      this.#fail({ code: 'too-large', message, isUntouched: false });
      return;
    }
    if (this.#receivedBytes > (this.head.bodyBytes ?? Number.POSITIVE_INFINITY)) this.#failRequest();
    if (this.#body === undefined) return;
    const piece = Buffer.from(body);
    this.#kept?.push(piece);
    if (this.#receivedBytes > maxKeptBytes) this.#kept = undefined;
    this.#body.give(piece);
  }

  onEnd(): void {
    this.#isBodyOver = true;
    this.#waitingSinceMs = this.#parts.clock.monotonic();
    if (this.#socket !== undefined) this.#socket.end();
    else if (this.head.upgrade !== undefined) this.#failRequest();
    else if (this.#receivedBytes < (this.head.bodyBytes ?? 0)) this.#failRequest();
    else this.#body?.finish();
  }

  onDrain(): void {
    if (this.#socket === undefined) this.#controller?.resume();
    else this.#socket.resume();
  }

  onSent(): void {
    this.#flow.close();
    this.#end(undefined);
  }

  onBroken(why: FlowBreak): void {
    if (why.kind === 'cancelled') this.#end(why.reason);
    else if (why.kind === 'gap') this.#failRequest('A message of the hub was lost.');
    else if (why.kind === 'lost' || why.kind === 'unsent') this.#end('The hub is gone.');
    else this.#failRequest();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#state === 'over') controller.abort(GIVEN_UP);
    else if (!this.#isCalledAnew && !this.#mayBeDoneTwice && !this.#parts.upstream.isConnectionNew)
      this.#expectEarlierEnd();
  }

  /** What came before the writing is told by the next poll of the network, which is over two checks later. */
  #expectEarlierEnd(): void {
    this.#mayMeetEarlierEnd = true;
    setImmediate(() => setImmediate(() => (this.#mayMeetEarlierEnd = false)));
  }

  get #mayBeDoneTwice(): boolean {
    return isIdempotent(this.head.method);
  }

  /** Undici's word for: the first byte of an answer. */
  onResponseStarted(): void {
    this.#hasAnswerBegun = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // What is said before an answer is for this connection only.
    if (status >= 200) this.#startAnswer(controller, status);
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    { upgrade }: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    const isWebSocket = status === 101 && String(upgrade).toLowerCase() === this.head.upgrade;
    if (!isWebSocket) {
      this.#fail({ code: 'bad-answer', message: 'The target speaks another protocol.', isUntouched: false });
    } else this.#startAnswer(controller, status);
    if (this.#state !== 'answering') {
      socket.on('error', () => {}).destroy();
      return;
    }
    this.#socket = new FlowSocket(socket, this.#flow, {
      onClosed: (hasEnded) => hasEnded || this.#failAnswer(),
    });
  }

  /** A connection that has left HTTP does not end by itself. */
  endUpgraded(): void {
    if (this.#socket !== undefined) this.#failAnswer();
  }

  #startAnswer(controller: Dispatcher.DispatchController, status: number): void {
    if (this.#state !== 'calling') return;
    const raw = controller.rawHeaders as readonly Buffer[] | null;
    const { limits, upstream } = this.#parts;
    const asked = { address: upstream.address, target: this.head.target };
    const answer = encodeHead(readAnswerHead(status, raw ?? [], asked));
    this.#status = status;
    if (answer.length > limits.maxHeadBytes) {
      const message = 'The head of the answer of the target cannot be passed on: it is too large.';
      this.#fail({ code: 'bad-answer', message, isUntouched: false });
      return;
    }
    this.#state = 'answering';
    this.#kept = undefined;
    this.#flow.begin({ type: FrameType.RESPONSE, head: answer });
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#state === 'answering' && !this.#flow.write(piece)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#state === 'answering') this.#flow.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: NodeJS.ErrnoException): void {
    if (this.#state === 'over') return;
    if (this.#state === 'answering') {
      this.#failAnswer(error.code);
      return;
    }
    const failure = describeUpstreamError(error, { hasBegun: this.#hasAnswerBegun });
    const isLost = failure.code === 'target-down' && !failure.isUntouched && !this.#isCalledAnew;
    const isAtHand = this.#isBodyOver && this.#kept !== undefined;
    const wasSent = this.#controller !== undefined;
    // RFC 9110 section 9.2.2: what may not be done twice is repeated only where it was not read. A target that does it
    // and closes before the agent looks at the network once is not told apart.
    const mayRepeat = !wasSent || this.#mayMeetEarlierEnd || this.#mayBeDoneTwice;
    if (isLost && isAtHand && mayRepeat) {
      this.#isCalledAnew = true;
      this.#wasSentBefore = wasSent;
      this.#controller = undefined;
      this.#body = undefined;
      this.#call();
    } else {
      const isUntouched = (failure.isUntouched || !wasSent) && !this.#wasSentBefore;
      this.#fail({ ...failure, isUntouched });
    }
  }

  #call(): void {
    const { upstream } = this.#parts;
    const { head } = this;
    if (head.upgrade !== undefined) {
      upstream.requestAnew({ ...head, body: null }, this);
      return;
    }
    const whole = this.#body === undefined ? Buffer.concat(this.#kept ?? []) : undefined;
    const hasBytes = whole !== undefined && whole.length > 0;
    const body = this.#body ?? (hasBytes ? whole : null);
    const bodyBytes = head.bodyBytes ?? (hasBytes ? whole.length : undefined);
    const { method, target, headers } = head;
    const request = { method, target, headers, body, ...(bodyBytes !== undefined && { bodyBytes }) };
    if (this.#isCalledAnew) upstream.requestAnew(request, this);
    else upstream.request(request, this);
  }

  #failAnswer(code?: string): void {
    const message = `The target ended the connection in the middle of its answer${code === undefined ? '' : ` (${code})`}.`;
    this.#fail({ code: 'answer-broken', message, isUntouched: false });
  }

  #failRequest(message = 'The hub sent what makes no sense.'): void {
    this.#fail({ code: 'bad-request', message, isUntouched: false });
  }

  #fail(failure: AgentFailure): void {
    if (this.#state === 'over') return;
    this.#flow.close({ type: FrameType.FAILURE, body: encodeAgentFailure(failure) });
    this.#end(`${failure.code}: ${failure.message}`);
  }

  #end(failure: string | undefined): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    // An answer that is whole leaves its connection to others; the rest of a body that nobody wants is no reason
    // to keep it.
    if (failure !== undefined || !this.#isBodyOver) this.#controller?.abort(GIVEN_UP);
    this.#body?.destroy();
    this.#socket?.destroy();
    this.#parts.onEnd(this, { status: this.#status, failure });
  }
}

const GIVEN_UP = new Error('nobody waits for the answer');
