import type { KeptKind } from '../base/kept-kinds.ts';
import type { Party } from '../base/ledger.ts';
import type { Alarms } from '../base/alarms.ts';
import type { Clock } from '../base/clock.ts';
import type { Enrolled } from '../base/roster.ts';
import { WheelTimer } from '../base/timer-wheel.ts';
import type { Command } from './command.ts';
import type { InvocationPhase, InvocationSnapshot, InvocationState } from './invocation-snapshot.ts';
import type { DeviceFailure, Failure } from './failure.ts';

/** What came from the device after the caller had been told that nothing came. */
export type LateAnswer = {
  /** Wall time, ms. */
  readonly time: number;
  readonly output?: unknown;
  readonly failure?: Failure;
};

/** What an invocation needs from the lane that runs it. */
export type InvocationOwner = {
  /** It has its outcome; the exchange with the device may still be open. */
  onSettled(invocation: Invocation): void;
  /** Its end lasts, as far as it can: others may hear of it. */
  onEndKept(invocation: Invocation): void;
  /** The exchange with the device is over: the next invocation may go. */
  onReleased(invocation: Invocation): void;
  /** The caller has waited as long as it wanted to, or the device did not come in time. */
  onTimeout(invocation: Invocation): void;
  /** The device went before the command was sent, and the invocation waits for the next time that it comes. */
  onUnsent(invocation: Invocation, time: number): void;
  /** An answer came after the caller had been told that none came, and is written down. */
  onLateAnswer(invocation: Invocation): void;
};

/** Writes down what becomes of invocations. */
export type InvocationJournal = {
  /** It ends: until that is written down, it stands for others as it does now. */
  noteEnding(invocation: Invocation): void;
  /**
   * It has been accepted, goes out to its device, has ended, or was answered late.
   *
   * @returns a promise where it lasts and the store takes time: what follows from it waits until then
   */
  write(invocation: Invocation): Promise<void> | undefined;
  /** A phase was reached. Nothing waits for this, and it is written with what is written next. */
  notePhase(invocation: Invocation): void;
};

/** What a caller was promised whose invocation goes on without it. */
export type LastingTerms = {
  /** How long it may wait until it is sent, in ms; undefined: no longer than its device is online. */
  readonly queueForMs?: number | undefined;
  /** The caller's own name for it, and what tells another request with the same name. */
  readonly idempotency?: { readonly key: string; readonly digest: string } | undefined;
};

export type InvocationBooking = { readonly party: Party; readonly kind: KeptKind; readonly bytes: number };

type InvocationOptions = Pick<
  Invocation,
  'id' | 'deviceId' | 'command' | 'inputText' | 'timeoutMs' | 'caller'
> & {
  readonly principal?: string;
  readonly traceparent?: string | undefined;
  readonly lasting?: LastingTerms | undefined;
  readonly journal?: InvocationJournal;
  /** One that was accepted before the hub was started: when, in wall time. */
  readonly acceptedAt?: number;
  /** For the caller's wait, and for the time. */
  readonly alarms: Alarms;
  /** Booked for it until it has ended and its exchange is over. */
  readonly kept?: InvocationBooking;
};

/**
 * One execution of a command. It ends exactly once, as completed, failed or cancelled; a link to a device
 * drives it with `markSent`, `markDelivered`, and `answer` or `fail`.
 */
export class Invocation implements Enrolled {
  rosterIndex = -1;
  readonly id: string;
  readonly deviceId: string;
  /** As the device described it last before it was sent. */
  command: Command;
  /** Its input as JSON: as objects it would take many times what the caller sent. Undefined when there is none. */
  inputText: string | undefined;
  /** How long the caller waits for the answer, in ms. */
  readonly timeoutMs: number;
  /** Who asks: turns in a device's queue are shared between callers. */
  readonly caller: string;
  /** The principal that asks. */
  readonly principal: string;
  /** The trace that its caller is part of (W3C Trace Context); it does not outlive the hub. */
  readonly traceparent: string | undefined;
  /** Undefined where nobody waits for it but its caller. */
  readonly lasting: LastingTerms | undefined;
  /** Wall times in ms; 0 where the phase was not reached. */
  readonly acceptedAt: number;
  sentAt = 0;
  deliveredAt = 0;
  answeredAt = 0;
  endedAt = 0;
  state: InvocationState = 'running';
  output: unknown = undefined;
  failure: Failure | undefined = undefined;
  lateAnswer: LateAnswer | undefined = undefined;
  readonly #alarms: Alarms;
  readonly #clock: Clock;
  readonly #journal: InvocationJournal | undefined;
  readonly #acceptedTick: number;
  /** Settled when it was written down that it is accepted, or could not be; undefined where nothing waits for that. */
  accepted: Promise<void> | undefined = undefined;
  /** When the caller has waited long enough; monotonic. */
  #deadlineTick: number;
  #owner: InvocationOwner | undefined = undefined;
  readonly #timer = new WheelTimer(() => this.#owner?.onTimeout(this));
  #exchange: 'waiting' | 'open' | 'over' = 'waiting';
  #kept: InvocationBooking | undefined;
  #isTold = false;
  #last: InvocationSnapshot | undefined = undefined;
  #onDone: ((invocation: Invocation) => void) | undefined = undefined;

  constructor(options: InvocationOptions) {
    this.id = options.id;
    this.deviceId = options.deviceId;
    this.command = options.command;
    this.inputText = options.inputText;
    this.timeoutMs = options.timeoutMs;
    this.caller = options.caller;
    this.principal = options.principal ?? '';
    this.traceparent = options.traceparent;
    this.lasting = options.lasting;
    this.#alarms = options.alarms;
    this.#clock = options.alarms.clock;
    this.#journal = options.journal;
    this.#kept = options.kept;
    const now = this.#clock.now();
    this.acceptedAt = options.acceptedAt ?? now;
    this.#acceptedTick = this.#clock.monotonic() - (now - this.acceptedAt);
    this.#deadlineTick = this.#queueDeadline;
  }

  get #queueDeadline(): number {
    return this.#acceptedTick + (this.lasting?.queueForMs ?? this.timeoutMs);
  }

  get isEnded(): boolean {
    return this.state !== 'running' && this.state !== 'queued';
  }

  /** Whether it goes on waiting while its device is offline. */
  get waitsForDevice(): boolean {
    return this.lasting?.queueForMs !== undefined && this.#queueDeadline > this.#clock.monotonic();
  }

  /** Starts the caller's wait. @internal Called once, by the lane. */
  begin(owner: InvocationOwner): void {
    this.#owner = owner;
    this.#alarms.set(this.#timer, this.#deadlineTick);
  }

  /**
   * Writes down how it stands. @internal Called by the lane.
   *
   * @returns a promise where what follows has to wait for the store
   */
  write(): Promise<void> | undefined {
    return this.#journal?.write(this);
  }

  /** Calls once, when the invocation has ended and that is written down (at once if it is already). */
  whenDone(call: (invocation: Invocation) => void): void {
    if (this.#isTold) return call(this);
    const before = this.#onDone;
    this.#onDone =
      before === undefined
        ? call
        : (invocation) => {
            before(invocation);
            call(invocation);
          };
  }

  /** The phase reached last; undefined when the hub did not accept it. */
  get phase(): InvocationPhase | undefined {
    if (this.answeredAt > 0) return 'answered';
    if (this.deliveredAt > 0) return 'delivered';
    if (this.sentAt > 0) return 'sent';
    return this.failure?.code === 'TOO_MANY_INVOCATIONS' ? undefined : 'accepted';
  }

  /** The exchange with the device has begun, and perhaps ended. */
  get hasLeftQueue(): boolean {
    return this.#exchange !== 'waiting';
  }

  /** The device has been asked, and may still answer. */
  get isExchangeOpen(): boolean {
    return this.#exchange === 'open';
  }

  /** What is left of the caller's wait, in ms; at least 0. */
  get remainingMs(): number {
    return Math.max(0, this.#deadlineTick - this.#clock.monotonic());
  }

  /**
   * True when the caller may invoke again without doing the thing twice: it never left the hub, or the command
   * is a read or idempotent, or the device refused it.
   */
  get safeToRetry(): boolean {
    return this.sentAt === 0 || this.command.kind === 'read' || this.command.idempotent;
  }

  /** How it is now, for those who are told of it; at its end the same one for all. */
  snapshot(): InvocationSnapshot {
    if (this.#last !== undefined) return this.#last;
    const { failure } = this;
    const snapshot: InvocationSnapshot = {
      id: this.id,
      deviceId: this.deviceId,
      command: { name: this.command.name },
      state: this.state,
      acceptedAt: this.acceptedAt,
      sentAt: this.sentAt,
      deliveredAt: this.deliveredAt,
      answeredAt: this.answeredAt,
      endedAt: this.endedAt,
      lateAnsweredAt: this.lateAnswer?.time ?? 0,
      phase: this.phase,
      safeToRetry: this.safeToRetry,
      principal: this.principal,
      failure: failure?.device?.payload === undefined ? failure : withoutPayload(failure, failure.device),
      code: failure?.code,
    };
    if (this.isEnded) this.#last = snapshot;
    return snapshot;
  }

  /** The exchange with the device begins. @internal Called by the lane. @returns when, in wall time */
  enterExchange(): number {
    this.#exchange = 'open';
    if (this.lasting?.queueForMs === undefined) return this.#clock.now();
    // It has waited for the device; from here on it waits for the answer.
    this.#deadlineTick = this.#clock.monotonic() + this.timeoutMs;
    this.#alarms.set(this.#timer, this.#deadlineTick);
    return this.#clock.now();
  }

  /** The command was handed to the transport. */
  markSent(): void {
    if (this.sentAt > 0) return;
    this.sentAt = this.#clock.now();
    if (this.lasting !== undefined) this.#journal?.notePhase(this);
  }

  /** It is certain that the device did not get what was handed to the transport. */
  markUnsent(): void {
    if (!this.isEnded) this.sentAt = 0;
  }

  /** The device's protocol confirmed the receipt. */
  markDelivered(): void {
    if (this.deliveredAt > 0) return;
    this.deliveredAt = this.#clock.now();
    if (this.lasting !== undefined) this.#journal?.notePhase(this);
  }

  /** The device answered. After the end it is a late answer: kept beside what the caller was told. */
  answer(output: unknown): void {
    if (!this.isEnded) {
      this.#noteEnding();
      this.answeredAt = this.#clock.now();
      this.output = output;
      this.#end('completed');
    } else if (this.#hasNoAnswer) {
      this.#answerLate({ time: this.#clock.now(), output });
    }
    this.release();
  }

  /** The exchange failed. */
  fail(failure: Failure): void {
    if (failure.code === 'DEVICE_OFFLINE' && this.#takeBack()) return;
    if (!this.isEnded) {
      this.#noteEnding();
      if (failure.code === 'DEVICE_ERROR' || failure.code === 'BAD_ANSWER')
        this.answeredAt = this.#clock.now();
      this.failure = failure;
      this.#end('failed');
    } else if (this.#hasNoAnswer && failure.code === 'DEVICE_ERROR') {
      this.#answerLate({ time: this.#clock.now(), failure });
    }
    this.release();
  }

  /** Tells the caller that it ended without an answer, while the exchange may still be open. */
  giveUp(state: 'failed' | 'cancelled', failure: Failure): void {
    if (this.isEnded) return;
    this.#noteEnding();
    this.failure = failure;
    this.#end(state);
  }

  /** The link needs nothing more for this invocation: the device can take the next one. */
  release(): void {
    if (!this.isExchangeOpen) return;
    this.#exchange = 'over';
    if (this.isEnded) this.#giveBack();
    this.#owner?.onReleased(this);
  }

  /** The hub stops while it waits, and it goes on when the hub does: who waits for its end is told that. */
  park(): void {
    this.#alarms.clear(this.#timer);
    this.#giveBack();
    this.#tell();
  }

  get #hasNoAnswer(): boolean {
    return this.answeredAt === 0 && this.lateAnswer === undefined;
  }

  /** Back to waiting, where that was promised and nothing was sent. */
  #takeBack(): boolean {
    if (this.isEnded || !this.isExchangeOpen || this.sentAt > 0 || !this.waitsForDevice) return false;
    this.#exchange = 'waiting';
    this.#deadlineTick = this.#queueDeadline;
    this.#alarms.set(this.#timer, this.#deadlineTick);
    this.#owner?.onUnsent(this, this.#clock.now());
    return true;
  }

  #answerLate(answer: LateAnswer): void {
    this.lateAnswer = answer;
    this.#last = undefined;
    const tell = (): void => this.#owner?.onLateAnswer(this);
    const written = this.#journal?.write(this);
    if (written === undefined) tell();
    else written.then(tell, tell);
  }

  #noteEnding(): void {
    if (this.lasting !== undefined) this.#journal?.noteEnding(this);
  }

  #end(state: 'completed' | 'failed' | 'cancelled'): void {
    this.state = state;
    this.endedAt = this.#clock.now();
    this.#alarms.clear(this.#timer);
    this.#owner?.onSettled(this);
    if (!this.isExchangeOpen) this.#giveBack();
    const written = this.#journal?.write(this);
    if (written === undefined) return this.#tell();
    // What the device did is told, also where it could not be written down.
    const tell = (): void => this.#tell();
    written.then(tell, tell);
  }

  #tell(): void {
    this.#isTold = true;
    if (this.isEnded) this.#owner?.onEndKept(this);
    const call = this.#onDone;
    this.#onDone = undefined;
    call?.(this);
  }

  #giveBack(): void {
    this.#kept?.party.release(this.#kept.kind, this.#kept.bytes);
    this.#kept = undefined;
    this.inputText = undefined;
  }
}

/** What the device sent beside may be long, and is for the caller. */
function withoutPayload(failure: Failure, { payload: _payload, ...device }: DeviceFailure): Failure {
  return { ...failure, device };
}
