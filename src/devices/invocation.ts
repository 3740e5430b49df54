import { KeptKind } from '../base/kept-kinds.ts';
import type { Party } from '../base/ledger.ts';
import type { Alarms } from '../base/alarms.ts';
import type { Clock } from '../base/clock.ts';
import { WheelTimer } from '../base/timer-wheel.ts';
import type { Command } from './command.ts';
import type { InvocationSnapshot, InvocationState } from './invocation-snapshot.ts';
import type { Failure } from './failure.ts';

/** How far an invocation came. Each phase is proof: of the queue, the socket, the protocol, the device. */
export type InvocationPhase = 'accepted' | 'sent' | 'delivered' | 'answered';

/** What an invocation needs from the lane that runs it. */
export type InvocationOwner = {
  /** The caller has its outcome; the exchange with the device may still be open. */
  onSettled(invocation: Invocation): void;
  /** The exchange with the device is over: the next invocation may go. */
  onReleased(invocation: Invocation): void;
  /** The caller has waited as long as it wanted to. */
  onTimeout(invocation: Invocation): void;
  /** An answer came after the caller had been told that none came. */
  onLateAnswer(invocation: Invocation): void;
};

type Kept = { readonly party: Party; readonly bytes: number };

type InvocationOptions = Pick<
  Invocation,
  'id' | 'deviceId' | 'command' | 'inputText' | 'timeoutMs' | 'caller'
> & {
  /** For the caller's wait, and for the time. */
  readonly alarms: Alarms;
  /** Booked for it until it has ended and its exchange is over. */
  readonly kept?: Kept;
};

/**
 * One execution of a command. It ends exactly once, as completed, failed or cancelled; a link to a device
 * drives it with `markSent`, `markDelivered`, and `answer` or `fail`.
 */
export class Invocation {
  readonly id: string;
  readonly deviceId: string;
  readonly command: Command;
  /** Its input as JSON: as objects it would take many times what the caller sent. Undefined when there is none. */
  readonly inputText: string | undefined;
  /** How long the caller waits for the answer, in ms. */
  readonly timeoutMs: number;
  /** Who asks: turns in a device's queue are shared between callers. */
  readonly caller: string;
  /** Wall times in ms; 0 where the phase was not reached. */
  readonly acceptedAt: number;
  sentAt = 0;
  deliveredAt = 0;
  answeredAt = 0;
  endedAt = 0;
  state: InvocationState = 'running';
  output: unknown = undefined;
  failure: Failure | undefined = undefined;
  readonly #alarms: Alarms;
  readonly #clock: Clock;
  readonly #acceptedTick: number;
  #owner: InvocationOwner | undefined = undefined;
  readonly #timer = new WheelTimer(() => this.#owner?.onTimeout(this));
  #exchange: 'waiting' | 'open' | 'over' = 'waiting';
  #kept: Kept | undefined;
  #onDone: ((invocation: Invocation) => void) | undefined = undefined;

  constructor(options: InvocationOptions) {
    this.id = options.id;
    this.deviceId = options.deviceId;
    this.command = options.command;
    this.inputText = options.inputText;
    this.timeoutMs = options.timeoutMs;
    this.caller = options.caller;
    this.#alarms = options.alarms;
    this.#clock = options.alarms.clock;
    this.#kept = options.kept;
    this.acceptedAt = this.#clock.now();
    this.#acceptedTick = this.#clock.monotonic();
  }

  /** Starts the caller's wait. @internal Called once, by the lane. */
  begin(owner: InvocationOwner): void {
    this.#owner = owner;
    this.#alarms.set(this.#timer, this.#acceptedTick + this.timeoutMs);
  }

  /** Calls once, when the invocation has ended (at once if it has already). */
  whenDone(call: (invocation: Invocation) => void): void {
    if (this.state === 'running') this.#onDone = call;
    else call(this);
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
    return Math.max(0, this.timeoutMs - (this.#clock.monotonic() - this.#acceptedTick));
  }

  /**
   * True when the caller may invoke again without doing the thing twice: it never left the hub, or the command
   * is a read or idempotent, or the device refused it.
   */
  get safeToRetry(): boolean {
    return this.sentAt === 0 || this.command.kind === 'read' || this.command.idempotent;
  }

  /** How it is now, for those who are told of it. */
  snapshot(): InvocationSnapshot {
    const { id, deviceId, state, acceptedAt, sentAt, deliveredAt, answeredAt } = this;
    const command = { name: this.command.name };
    const code = this.failure?.code;
    return { id, deviceId, command, state, acceptedAt, sentAt, deliveredAt, answeredAt, code };
  }

  /** The exchange with the device begins. @internal Called by the lane. */
  enterExchange(): void {
    this.#exchange = 'open';
  }

  /** The command was handed to the transport. */
  markSent(): void {
    if (this.sentAt === 0) this.sentAt = this.#clock.now();
  }

  /** The device's protocol confirmed the receipt. */
  markDelivered(): void {
    if (this.deliveredAt === 0) this.deliveredAt = this.#clock.now();
  }

  /** The device answered. After the end it is a late answer: counted, and handed to nobody. */
  answer(output: unknown): void {
    if (this.state === 'running') {
      this.answeredAt = this.#clock.now();
      this.output = output;
      this.#end('completed');
    } else if (this.isExchangeOpen) {
      this.#owner?.onLateAnswer(this);
    }
    this.release();
  }

  /** The exchange failed. */
  fail(failure: Failure): void {
    if (this.state === 'running') {
      if (failure.code === 'DEVICE_ERROR' || failure.code === 'BAD_ANSWER')
        this.answeredAt = this.#clock.now();
      this.failure = failure;
      this.#end('failed');
    } else if (this.isExchangeOpen && failure.code === 'DEVICE_ERROR') {
      this.#owner?.onLateAnswer(this);
    }
    this.release();
  }

  /** Tells the caller that it ended without an answer, while the exchange may still be open. */
  giveUp(state: 'failed' | 'cancelled', failure: Failure): void {
    if (this.state !== 'running') return;
    this.failure = failure;
    this.#end(state);
  }

  /** The link needs nothing more for this invocation: the device can take the next one. */
  release(): void {
    if (!this.isExchangeOpen) return;
    this.#exchange = 'over';
    if (this.state !== 'running') this.#giveBack();
    this.#owner?.onReleased(this);
  }

  #end(state: 'completed' | 'failed' | 'cancelled'): void {
    this.state = state;
    this.endedAt = this.#clock.now();
    this.#alarms.clear(this.#timer);
    if (!this.isExchangeOpen) this.#giveBack();
    this.#owner?.onSettled(this);
    const call = this.#onDone;
    this.#onDone = undefined;
    call?.(this);
  }

  #giveBack(): void {
    this.#kept?.party.release(KeptKind.INVOCATION, this.#kept.bytes);
    this.#kept = undefined;
  }
}
