import { FairQueue } from '../../base/fair-queue.ts';
import { WheelTimer } from '../../base/timer-wheel.ts';
import type { BusEvent, BusMessage } from '../../bus/bus.ts';
import { AnswerTopic, type AnswerListener } from './answer-topic.ts';
import { byData } from './by-data.ts';
import type { CorrelationParts, TopicCorrelation } from './correlation.ts';
import type { PendingRequest, RequestEnd } from './pending-request.ts';
import { tooManyRequestsError } from './rpc-errors.ts';
import { nextSerialState, SerialEvent, SerialState } from './serial-state.ts';

/**
 * All requests whose answers come on one topic, where an answer may not say whose it is: one is asked at a time, and
 * after a caller left without its answer the topic rests until that has come or cannot come any more. From the first
 * answer on that brings Correlation Data back, any number is on its way, and only answers with it count.
 */
export class Serial implements TopicCorrelation, AnswerListener {
  readonly #parts: CorrelationParts;
  readonly #responseTopic: string;
  readonly #answers: AnswerTopic;
  readonly #waiting: FairQueue<PendingRequest>;
  readonly #unwatch: () => void;
  readonly #timer = new WheelTimer(() => this.#wake());
  #state: SerialState = SerialState.IDLE;
  /** The request that an answer without an id is to, also when its caller has left. */
  #expected: PendingRequest | undefined;
  #restsUntilMs = 0;
  /** The topic has to be quiet before the next request: a responder may answer twice, or there are two. */
  #quietUntilMs = 0;

  constructor(parts: CorrelationParts, responseTopic: string) {
    const { maxWaiting: maxItems, maxWaitingPerCaller: maxItemsPerCaller } = parts.settings;
    this.#parts = parts;
    this.#responseTopic = responseTopic;
    this.#waiting = new FairQueue({ maxItems, maxItemsPerCaller }, (request) => this.#refuse(request));
    this.#answers = new AnswerTopic(parts, byData(parts, responseTopic), this);
    this.#unwatch = parts.bus.watch((event) => this.#observe(event));
  }

  get isIdle(): boolean {
    const isAtRest = this.#state === SerialState.IDLE || this.#state === SerialState.PARALLEL;
    return isAtRest && this.#waiting.size === 0 && this.#answers.isIdle;
  }

  start(request: PendingRequest): void {
    if (request.fields.isParallel && this.#parts.bus.protocolVersion === 5) this.#move(SerialEvent.PROVE);
    if (this.#state === SerialState.PARALLEL) return this.#answers.start(request);
    if (this.#waiting.push(request.fields.caller, request)) this.#next();
    else this.#refuse(request);
  }

  #refuse(request: PendingRequest): void {
    this.#parts.counters.refusedFull++;
    const what = `${this.#waiting.size} requests wait for their turn on ${this.#responseTopic}`;
    request.fail(tooManyRequestsError(`${what} (maxWaiting, maxWaitingPerCaller)`));
  }

  onOver(request: PendingRequest, end: RequestEnd): void {
    if (request.id === '') return void this.#waiting.remove(request.fields.caller, request);
    this.#answers.onOver(request, end);
    if (request !== this.#expected) return;
    if (end === 'answered') return this.#move(SerialEvent.ANSWER);
    // The first of two answers must not end the rest.
    const mayAnswerTwice = this.#state === SerialState.ASKING_TWICE;
    this.#move(end === 'unheard' ? SerialEvent.UNHEARD : SerialEvent.LEAVE);
    if (mayAnswerTwice) this.#expected = undefined;
  }

  close(): void {
    this.#move(SerialEvent.CLOSE);
    this.#parts.alarms.clear(this.#timer);
    this.#unwatch();
    this.#answers.close();
  }

  onIdentified(): void {
    this.#move(SerialEvent.PROVE);
  }

  onUnidentified(message: BusMessage): void {
    const { clock, counters, settings } = this.#parts;
    const nowMs = clock.monotonic();
    this.#quietUntilMs = nowMs + settings.settleMs;
    if (this.#state === SerialState.PARALLEL || this.#expected === undefined) {
      counters.strays++;
    } else if (this.#expected.isOver) {
      counters.late++;
      this.#move(SerialEvent.ANSWER);
    } else {
      this.#expected.answer(message, nowMs);
    }
  }

  onUnheard(request: PendingRequest): void {
    // Where the caller goes on waiting all the same, its time ends it.
    if (request === this.#expected && request.isOver) this.#move(SerialEvent.UNHEARD);
  }

  onDenied(error: Error): void {
    for (const request of this.#waiting.drain()) request.fail(error);
  }

  /** Goes where an event leads, and sends what may be sent there. */
  #move(event: SerialEvent): void {
    const before = this.#state;
    this.#state = nextSerialState(before, event);
    if (this.#state === before) return;
    if (this.#state === SerialState.RESTING) {
      const { alarms, clock, settings } = this.#parts;
      this.#restsUntilMs = clock.monotonic() + settings.quarantineMs;
      alarms.set(this.#timer, this.#restsUntilMs);
    } else if (this.#state === SerialState.IDLE || this.#state === SerialState.PARALLEL) {
      this.#expected = undefined;
      // Not within the call that brought the answer: its caller comes first, and a broker in this process is not
      // called from within its own call.
      queueMicrotask(() => this.#next());
    }
  }

  #next(): void {
    if (this.#waiting.size === 0) return;
    if (this.#state === SerialState.PARALLEL) {
      for (const request of this.#waiting.drain()) this.#answers.start(request);
    } else if (this.#state === SerialState.IDLE) {
      if (!this.#answers.isReady) this.#subscribe();
      else if (this.#quietUntilMs > this.#parts.clock.monotonic())
        this.#parts.alarms.set(this.#timer, this.#quietUntilMs);
      else this.#ask(this.#waiting.take(() => true));
    }
  }

  #ask(request: PendingRequest | undefined): void {
    if (request === undefined) return;
    this.#expected = request;
    this.#move(SerialEvent.ASK);
    this.#answers.start(request);
  }

  #subscribe(): void {
    this.#answers.ready().then(
      () => this.#next(),
      (error: unknown) => {
        for (const request of this.#waiting.drain()) request.fail(error);
      },
    );
  }

  #wake(): void {
    const nowMs = this.#parts.clock.monotonic();
    if (this.#state === SerialState.RESTING && this.#restsUntilMs <= nowMs) this.#move(SerialEvent.REST_OVER);
    else this.#next();
  }

  /** A request without an acknowledgement is sent again after the loss of the connection, and answered twice. */
  #observe({ type }: BusEvent): void {
    const expected = this.#expected;
    if (type !== 'lost' || expected?.phase !== 'sent' || expected.fields.qos !== 1) return;
    // Its caller has left: the first of two answers must not end the rest.
    if (this.#state === SerialState.RESTING) this.#expected = undefined;
    else this.#move(SerialEvent.REPEAT);
  }
}
