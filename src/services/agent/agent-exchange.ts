import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Clock, Timer } from '../../base/clock.ts';
import type { BufferCollector } from '../flow/buffer-collector.ts';
import { BodySender } from '../flow/body-sender.ts';
import { EMPTY_SOURCE, StreamSource } from '../flow/byte-source.ts';
import { CreditGate, CreditLedger, type LinkBudget } from '../flow/credit.ts';
import type { FramePool } from '../flow/frame-pool.ts';
import { FrameChannel, type PublishFrame } from '../flow/frame-channel.ts';
import { encodeHead, type RequestHead } from '../wire/message-heads.ts';
import type { AgentLimits } from '../options.ts';
import { encodeAgentFailure, type AgentFailure, type AgentFailureCode } from '../wire/service-failure.ts';
import { describeUpstreamError, readAnswerHead, type Upstream } from './upstream.ts';
import { FrameType, type Frame } from '../wire/frame.ts';

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PUT']);

type AgentExchangeParts = {
  readonly upstream: Upstream;
  readonly limits: AgentLimits;
  readonly clock: Clock;
  readonly link: LinkBudget;
  readonly publish: PublishFrame;
  readonly pool: FramePool;
  readonly collector: BufferCollector;
  readonly onEnd: (exchange: AgentExchange, end: AgentExchangeEnd) => void;
};

/** How a request ended, for the log. */
export type AgentExchangeEnd = { readonly status: number | undefined; readonly failure: string | undefined };

/** One request of a hub, on the agent's side: the call of the target, and its answer. */
export class AgentExchange {
  readonly head: RequestHead;
  readonly request: number;
  readonly #parts: AgentExchangeParts;
  readonly #channel: FrameChannel;
  readonly #ledger: CreditLedger;
  #leftBytes: number | undefined;
  #receivedBytes = 0;
  #isBodyOver: boolean;
  #call: ClientRequest | undefined;
  #sender: BodySender | undefined;
  #source: StreamSource | undefined;
  #status: number | undefined;
  #timer: Timer | undefined;
  #lastProgressMs: number;
  #waitingSinceMs: number | undefined;
  #isOver = false;

  constructor(frame: Frame, head: RequestHead, parts: AgentExchangeParts) {
    this.head = head;
    this.request = frame.request;
    this.#parts = parts;
    this.#ledger = new CreditLedger(parts.limits.initialCreditBytes);
    this.#leftBytes = head.bodyBytes;
    this.#isBodyOver = frame.isLast && frame.body.length === 0;
    this.#lastProgressMs = parts.clock.monotonic();
    this.#channel = new FrameChannel({
      request: frame.request,
      publish: parts.publish,
      pool: parts.pool,
      onAcknowledged: () => this.#sender?.pump(),
      // The hub is gone, or cannot be told: whoever waited there has been answered by it.
      onUndelivered: (error) => this.#end(error === undefined ? 'the hub is gone' : error.message),
    });
    this.#channel.take(frame.sequence);
  }

  /** Answers in the agent's own words, without asking the target. */
  refuse(code: AgentFailureCode, message: string): void {
    this.#fail({ code, message, isUntouched: true });
  }

  /** Calls the target, with what came with the first frame. */
  begin(frame: Frame): void {
    this.#watchTime();
    // A body that came whole has a length after all.
    const isWhole = frame.isLast && frame.body.length > 0;
    this.#open(isWhole ? frame.body.length : undefined, false);
    // A body may be long in coming; its head does not wait for it.
    if (frame.body.length === 0 && !this.#isBodyOver) this.#call?.flushHeaders();
    if (!this.#takeBody(frame)) this.#failRequest('The hub sent what makes no sense.');
  }

  receive(frame: Frame): void {
    const order = this.#channel.take(frame.sequence);
    if (order === 'repeat' || this.#isOver) return;
    this.#lastProgressMs = this.#parts.clock.monotonic();
    if (order === 'next' && this.#handle(frame)) return;
    this.#failRequest(
      order === 'gap' ? 'A message of the hub was lost.' : 'The hub sent what makes no sense.',
    );
  }

  /** Nobody waits for it any more. */
  abort(why: string): void {
    this.#end(why);
  }

  #handle(frame: Frame): boolean {
    switch (frame.type) {
      case FrameType.DATA:
        return !this.#isBodyOver && this.#takeBody(frame);
      case FrameType.CREDIT:
        return this.#sender?.grant(frame.creditBytes) ?? false;
      case FrameType.CANCEL:
        this.#channel.close();
        this.#end('the caller left');
        return true;
      default:
        return false;
    }
  }

  #open(bodyBytes: number | undefined, isFresh: boolean): void {
    const { upstream } = this.#parts;
    const { method, target, headers } = this.head;
    const known = this.head.bodyBytes ?? bodyBytes;
    const call = upstream.request({
      method,
      target,
      headers,
      ...(known !== undefined && { bodyBytes: known }),
      hasBody: !this.#isBodyOver,
      isFresh,
    });
    this.#call = call;
    call.on('response', (response) => this.#answer(response));
    call.on('error', (error) => this.#onCallError(call, error));
    if (this.#isBodyOver) call.end();
  }

  /** @returns false when there is more than there may be */
  #takeBody({ body, isLast }: Frame): boolean {
    const { length } = body;
    if (!this.#ledger.receive(length)) return false;
    if (this.#leftBytes !== undefined) {
      if (length > this.#leftBytes || (isLast && length < this.#leftBytes)) return false;
      this.#leftBytes -= length;
    }
    this.#receivedBytes += length;
    this.#parts.collector.add(length);
    if (this.#receivedBytes > this.#parts.limits.maxRequestBytes) {
      const message = `The body is larger than the agent takes (${this.#parts.limits.maxRequestBytes} bytes).`;
      this.#fail({ code: 'too-large', message, isUntouched: false });
      return true;
    }
    if (length > 0) this.#call?.write(body, (error) => this.#onConsumed(error, length));
    if (!isLast) return true;
    if (!this.#isBodyOver) this.#call?.end();
    this.#isBodyOver = true;
    this.#waitingSinceMs = this.#parts.clock.monotonic();
    return true;
  }

  #onConsumed(error: Error | null | undefined, bytes: number): void {
    if (this.#isOver || (error !== undefined && error !== null)) return;
    this.#lastProgressMs = this.#parts.clock.monotonic();
    const creditBytes = this.#ledger.consume(bytes);
    if (creditBytes > 0 && !this.#isBodyOver) this.#channel.send({ type: FrameType.CREDIT, creditBytes });
  }

  #answer(response: IncomingMessage): void {
    if (this.#isOver) return;
    const { limits, link } = this.#parts;
    const answerHead = readAnswerHead(response, this.#parts.upstream.address, this.head.target);
    const head = encodeHead(answerHead);
    this.#status = answerHead.status;
    const source = new StreamSource(response, {
      onChange: () => this.#sender?.pump(),
      onBroken: () => this.#onAnswerBroken(),
    });
    this.#source = source;
    if (head.length > limits.maxHeadBytes || answerHead.status < 200) {
      const message = 'The head of the answer of the target cannot be passed on.';
      this.#fail({ code: 'bad-answer', message, isUntouched: false });
      return;
    }
    const hasBody =
      this.head.method !== 'HEAD' && answerHead.bodyBytes !== 0 && hasBodyByStatus(answerHead.status);
    const sender = new BodySender({
      source: hasBody ? source : EMPTY_SOURCE,
      channel: this.#channel,
      gate: new CreditGate(this.head.creditBytes, link),
      chunkBytes: limits.chunkBytes,
      onProgress: (bytes) => this.#onSent(sender, bytes),
    });
    // What came with the head is a moment behind it: together they are one message.
    const begin = (): void => {
      if (this.#isOver) return;
      this.#sender = sender;
      sender.begin(FrameType.RESPONSE, head);
    };
    if (hasBody) setImmediate(begin);
    else begin();
  }

  #onSent(sender: BodySender, bytes: number): void {
    this.#parts.collector.add(bytes);
    this.#lastProgressMs = this.#parts.clock.monotonic();
    if (sender.isOver) this.#end(undefined);
  }

  #onAnswerBroken(): void {
    const message = 'The target ended the connection in the middle of its answer.';
    this.#fail({
      code: this.#sender === undefined ? 'bad-answer' : 'answer-broken',
      message,
      isUntouched: false,
    });
  }

  #onCallError(call: ClientRequest, error: NodeJS.ErrnoException): void {
    if (this.#isOver || call !== this.#call) return;
    // The target closed a kept connection in the moment in which it was used again.
    const isStale = call.reusedSocket && error.code === 'ECONNRESET' && this.#status === undefined;
    const hasNothingToRepeat = this.#isBodyOver && this.#receivedBytes === 0;
    if (isStale && hasNothingToRepeat && IDEMPOTENT.has(this.head.method)) {
      this.#open(undefined, true);
      return;
    }
    if (this.#status !== undefined) this.#onAnswerBroken();
    else this.#fail(describeUpstreamError(error));
  }

  #failRequest(message: string): void {
    this.#fail({ code: 'bad-request', message, isUntouched: false });
  }

  #fail(failure: AgentFailure): void {
    if (this.#isOver) return;
    this.#channel.send({ type: FrameType.FAILURE, body: encodeAgentFailure(failure) });
    this.#end(`${failure.code}: ${failure.message}`);
  }

  #end(failure: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.clear();
    this.#channel.close();
    this.#sender?.stop();
    const call = this.#call;
    // An answer that is whole leaves its connection to others; the rest of a body that nobody wants is no reason
    // to keep it.
    if (failure !== undefined || !this.#isBodyOver) call?.destroy();
    this.#source?.detach();
    this.#parts.onEnd(this, { status: this.#status, failure });
  }

  #watchTime(): void {
    const { clock, limits } = this.#parts;
    const timeoutMs = Math.min(limits.timeoutMs, this.head.timeoutMs);
    const isAwaited = this.#waitingSinceMs !== undefined && this.#status === undefined;
    const since = isAwaited ? (this.#waitingSinceMs ?? 0) : this.#lastProgressMs;
    const leftMs = (isAwaited ? timeoutMs : limits.idleTimeoutMs) - (clock.monotonic() - since);
    if (leftMs <= 0) {
      this.#fail(this.#lateFailure(isAwaited, timeoutMs));
      return;
    }
    const longest = Math.min(timeoutMs, limits.idleTimeoutMs);
    this.#timer = clock.setTimer(Math.ceil(Math.min(leftMs, longest)), () => this.#watchTime());
  }

  #lateFailure(isAwaited: boolean, timeoutMs: number): AgentFailure {
    if (isAwaited) {
      const message = `The target did not begin to answer within ${timeoutMs} ms.`;
      return { code: 'answer-timeout', message, isUntouched: false };
    }
    const message = `Nothing moved for ${this.#parts.limits.idleTimeoutMs} ms.`;
    return {
      code: this.#status === undefined ? 'answer-timeout' : 'answer-broken',
      message,
      isUntouched: false,
    };
  }
}

function hasBodyByStatus(status: number): boolean {
  return status !== 204 && status !== 304;
}
