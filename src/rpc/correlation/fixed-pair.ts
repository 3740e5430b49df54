import { FairQueue } from '../../base/fair-queue.ts';
import { WheelTimer } from '../../base/timer-wheel.ts';
import type { BusEvent, BusMessage, PublishReceipt } from '../../bus/bus.ts';
import { AnswerSubscription } from '../answer-subscription.ts';
import type { PendingRequest, RequestEnd } from '../pending-request.ts';
import { requestProperties } from '../request-message.ts';
import { noResponderError, tooManyRequestsError, wasNeverSent } from '../rpc-errors.ts';
import { Quarantine } from './quarantine.ts';
import { patienceOf, type CorrelationParts } from './correlation.ts';
import { LateAnswers } from './late-answers.ts';
import { EchoMemory } from './echo-memory.ts';
import { readId } from './mqtt5.ts';
import { SentRequest } from './sent-request.ts';

/** After it had to fall back, a pair runs in parallel again only after so many answers with Correlation Data. */
const PROOFS_AFTER_FALLBACK = 16;
/** Each request in vain while strays came adds 1 to the doubt, each answer with Correlation Data takes some away. */
const MAX_DOUBT = 2;
const DOUBT_PER_PROOF = 0.25;
/** After so many requests in a row whose answer came before the acknowledgement, this broker is one that does so. */
const MAX_EARLY_LOSSES = 5;
/**
 * So many turns of microtasks lie between PUBACK at `ClientBus` and whoever awaits its `publish`. An answer that was
 * read together with PUBACK waits as many: then the two are seen in the order in which they came.
 */
const ACKNOWLEDGEMENT_TURNS = 3;

/**
 * All requests whose answers come on one topic. Where responders send Correlation Data back (MQTT 5), any number is on
 * its way, and only answers with it count. Else there is one request at a time, and everything is done so that the
 * answer to one is not given to the caller of another: see docs/protocols/request-response.md.
 */
export class FixedPair {
  readonly #parts: CorrelationParts;
  readonly #responseTopic: string;
  readonly #subscription: AnswerSubscription;
  readonly #unwatch: () => void;
  readonly #waiting: FairQueue<PendingRequest>;
  /** By id. */
  readonly #inFlight = new Map<string, SentRequest>();
  /** The one that an answer without Correlation Data can be for. */
  #current: SentRequest | undefined;
  readonly #lateAnswers = new LateAnswers();
  readonly #quarantine: Quarantine;
  readonly #echo = new EchoMemory();
  readonly #timer = new WheelTimer(() => this.#next());
  #isParallel = false;
  #proofs = 0;
  #proofsNeeded = 1;
  #doubt = 0;
  #lastStrayMs = Number.NEGATIVE_INFINITY;
  #blockedUntilMs = 0;
  #acknowledgesFirst = true;
  #earlyLosses = 0;
  #isAsking = false;
  #isSending = false;
  #isClosed = false;

  constructor(parts: CorrelationParts, responseTopic: string) {
    const { bus, settings } = parts;
    this.#parts = parts;
    this.#responseTopic = responseTopic;
    this.#waiting = new FairQueue({
      maxItems: settings.maxWaiting,
      maxItemsPerCaller: settings.maxWaitingPerCaller,
    });
    this.#quarantine = new Quarantine(settings);
    this.#subscription = new AnswerSubscription({
      bus,
      counters: parts.counters,
      topicFilter: responseTopic,
      onMessage: (message) => this.#take(message),
      onDenied: (error) => this.#failAll(error),
    });
    this.#unwatch = bus.watch((event) => this.#observe(event));
  }

  /** Nothing would be lost if it were made anew. */
  get isIdle(): boolean {
    const nowMs = this.#nowMs();
    return this.#waiting.size === 0 && this.#inFlight.size === 0 && this.#readyAtMs(nowMs) <= nowMs;
  }

  start(request: PendingRequest): void {
    if (this.#waiting.push(request.fields.caller, request)) {
      this.#next();
      return;
    }
    this.#parts.counters.refusedFull++;
    const what = `${this.#waiting.size} requests wait for their turn on ${this.#responseTopic}`;
    request.fail(tooManyRequestsError(`${what} (maxWaiting, maxWaitingPerCaller)`));
  }

  onOver(request: PendingRequest, end: RequestEnd): void {
    const sent = this.#inFlight.get(request.id);
    if (sent === undefined) {
      this.#waiting.remove(request.fields.caller, request);
      return;
    }
    const nowMs = this.#nowMs();
    this.#forget(sent);
    this.#lateAnswers.add(sent, nowMs + this.#parts.settings.quarantineMs);
    if (this.#isParallel) this.#doubtWhenLost(sent, end, nowMs);
    else this.#learnFromLoss(sent);
    this.#next();
  }

  close(): void {
    this.#isClosed = true;
    this.#parts.alarms.clear(this.#timer);
    this.#unwatch();
    this.#subscription.close();
  }

  #nowMs(): number {
    return this.#parts.clock.monotonic();
  }

  /** Sends what may be sent. */
  #next(): void {
    // An answer may come within `publish`, and its caller may ask again at once: the loop below goes on then.
    if (this.#isClosed || this.#isSending || this.#waiting.size === 0) return;
    if (!this.#subscription.isReady) {
      this.#subscribe();
      return;
    }
    this.#isSending = true;
    while (this.#maySend()) {
      const request = this.#waiting.take(() => true);
      if (request === undefined) break;
      this.#send(request);
    }
    this.#isSending = false;
  }

  #subscribe(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#subscription.ready().then(
      () => {
        this.#isAsking = false;
        this.#quarantine.begin(this.#nowMs());
        this.#next();
      },
      (error: unknown) => {
        this.#isAsking = false;
        for (const request of this.#waiting.drain()) request.fail(error);
      },
    );
  }

  /** False also sets the timer for when it may, if that is a question of time. */
  #maySend(): boolean {
    if (this.#isParallel) return true;
    if (this.#inFlight.size > 0) return false;
    const nowMs = this.#nowMs();
    const readyAtMs = this.#readyAtMs(nowMs);
    if (readyAtMs <= nowMs) return true;
    this.#parts.alarms.set(this.#timer, readyAtMs);
    return false;
  }

  #readyAtMs(nowMs: number): number {
    return Math.max(this.#blockedUntilMs, this.#quarantine.quietUntilMs, this.#lateAnswers.clearAtMs(nowMs));
  }

  #send(request: PendingRequest): void {
    const { bus, ids } = this.#parts;
    const nowMs = this.#nowMs();
    const { topicName, payload, qos } = request.fields;
    request.id = ids.next();
    const trace = this.#isParallel ? undefined : this.#echo.remember(payload);
    const sent = new SentRequest(request, nowMs, trace);
    this.#inFlight.set(request.id, sent);
    if (!this.#isParallel) this.#current = sent;
    request.wasSent = true;
    const properties = requestProperties(request, nowMs, {
      responseTopic: this.#responseTopic,
      correlationData: Buffer.from(request.id, 'latin1'),
    });
    const published = bus.publish({ topicName, payload, qos, properties }, patienceOf(request, nowMs));
    sent.phase = 'sent';
    published.then(
      (receipt) => this.#onPublished(sent, receipt),
      (error: unknown) => this.#onUnpublished(sent, error),
    );
  }

  #onPublished(sent: SentRequest, { matched }: PublishReceipt): void {
    const { request } = sent;
    sent.phase = 'acknowledged';
    if (matched !== false) return;
    // Nobody has got it, so there is no answer to wait for.
    this.#lateAnswers.settle(request.id);
    if (!request.isOver && request.fields.failsWithoutResponder) {
      this.#forget(sent);
      this.#parts.counters.noResponder++;
      request.fail(noResponderError(request));
    }
    this.#next();
  }

  #onUnpublished(sent: SentRequest, error: unknown): void {
    if (wasNeverSent(error)) {
      this.#lateAnswers.settle(sent.request.id);
      this.#forget(sent);
    }
    sent.request.fail(error);
    this.#next();
  }

  #take(message: BusMessage): void {
    if (message.properties.correlationData !== undefined) {
      this.#takeCorrelated(readId(message), message);
    } else if (this.#isParallel) {
      this.#parts.counters.strays++;
      this.#lastStrayMs = this.#nowMs();
    } else if (this.#current === undefined) {
      this.#takeUnexpected(message);
    } else if (this.#current.isTooEarly && this.#acknowledgesFirst) {
      void this.#judgeAfterAcknowledgement(this.#current, message);
    } else {
      this.#judge(this.#current, message);
    }
  }

  #takeCorrelated(id: string, message: BusMessage): void {
    const sent = this.#inFlight.get(id);
    if (sent !== undefined) {
      this.#prove();
      this.#deliver(sent, message);
    } else if (this.#lateAnswers.settle(id)) {
      this.#parts.counters.late++;
      this.#prove();
      this.#next();
    } else {
      // A second answer to one of ours, or one to another requester: whatever it is, it is known not to be for us.
      this.#parts.counters.strays++;
    }
  }

  async #judgeAfterAcknowledgement(sent: SentRequest, message: BusMessage): Promise<void> {
    for (let turn = 0; turn < ACKNOWLEDGEMENT_TURNS; turn++) await Promise.resolve();
    this.#judge(sent, message);
  }

  /** An answer came that does not say whose it is, and this request is on its way. */
  #judge(sent: SentRequest, message: BusMessage): void {
    if (this.#current !== sent) return this.#takeUnexpected(message);
    if (sent.isTooEarly && this.#acknowledgesFirst) {
      sent.refusedEarly = true;
      return this.#takeStray(message);
    }
    const verdict = this.#echo.judge(sent.trace, message.payload);
    if (verdict === 'other' || verdict === 'missing') {
      sent.refusedByEcho = true;
      return this.#takeStray(message);
    }
    this.#echo.learn(verdict, sent.trace);
    this.#earlyLosses = 0;
    this.#proofs = 0;
    this.#deliver(sent, message);
  }

  /** An answer came, and nobody waits for one. */
  #takeUnexpected(message: BusMessage): void {
    const nowMs = this.#nowMs();
    const owed = this.#inFlight.size === 0 ? this.#lateAnswers.findOnly(nowMs) : undefined;
    const verdict = owed === undefined ? 'other' : this.#echo.judge(owed.trace, message.payload);
    if (owed === undefined || verdict === 'other' || verdict === 'missing') return this.#takeStray(message);
    this.#parts.counters.late++;
    this.#echo.learnStray(message.payload);
    this.#quarantine.disturbed(nowMs);
    this.#lateAnswers.settle(owed.request.id);
    this.#next();
  }

  #takeStray(message: BusMessage): void {
    const nowMs = this.#nowMs();
    this.#parts.counters.strays++;
    this.#lastStrayMs = nowMs;
    this.#quarantine.disturbed(nowMs);
    this.#echo.learnStray(message.payload);
  }

  #deliver(sent: SentRequest, message: BusMessage): void {
    const nowMs = this.#nowMs();
    this.#forget(sent);
    if (sent.mayRepeat) this.#lateAnswers.add(sent, nowMs + this.#parts.settings.quarantineMs);
    this.#quarantine.answered(nowMs);
    sent.request.answer(message, nowMs);
    this.#next();
  }

  #forget(sent: SentRequest): void {
    this.#inFlight.delete(sent.request.id);
    if (this.#current === sent) this.#current = undefined;
  }

  /** An answer came with the Correlation Data of its request. */
  #prove(): void {
    this.#proofs++;
    this.#doubt = Math.max(0, this.#doubt - DOUBT_PER_PROOF);
    if (this.#isParallel || this.#proofs < this.#proofsNeeded) return;
    this.#isParallel = true;
    this.#current = undefined;
    this.#parts.alarms.clear(this.#timer);
  }

  /** A responder may have come in its place that does not send Correlation Data back. */
  #doubtWhenLost(sent: SentRequest, end: RequestEnd, nowMs: number): void {
    const isTimeOver = end === 'left' && nowMs >= sent.request.deadlineMs;
    if (!isTimeOver || this.#lastStrayMs < sent.sentMs) return;
    this.#doubt++;
    if (this.#doubt < MAX_DOUBT) return;
    this.#isParallel = false;
    this.#doubt = 0;
    this.#proofs = 0;
    this.#proofsNeeded = PROOFS_AFTER_FALLBACK;
    // Until then all that left without an answer may still get one, and what is in flight delays it further.
    this.#blockedUntilMs = nowMs + this.#parts.settings.quarantineMs;
    this.#quarantine.begin(nowMs);
  }

  /** A rule that costs one request after the other does not fit this broker or this responder. */
  #learnFromLoss(sent: SentRequest): void {
    if (sent.refusedByEcho) this.#echo.learnLoss();
    if (!sent.refusedEarly) return;
    this.#earlyLosses++;
    if (this.#earlyLosses >= MAX_EARLY_LOSSES) this.#acknowledgesFirst = false;
  }

  #observe({ type }: BusEvent): void {
    if (type === 'lost') {
      for (const sent of this.#inFlight.values())
        if (sent.phase === 'sent' && sent.request.fields.qos === 1) sent.mayRepeat = true;
    } else if (type === 'connected') {
      this.#quarantine.begin(this.#nowMs());
    }
  }

  #failAll(error: Error): void {
    const requests = [...this.#inFlight.values()].map(({ request }) => request);
    for (const request of [...requests, ...this.#waiting.drain()]) request.fail(error);
  }
}
