import type { Clock, Timer } from '../../base/clock.ts';
import { Roster } from '../../base/roster.ts';
import type { Patience } from './message.ts';

/** A call that waits for the broker, as far as it can be given up. */
abstract class WatchedCall {
  #isSettled = false;
  /** How long it was to wait, for texts; and when that is over, by the monotonic clock. */
  timeoutMs = 0;
  dueMs = 0;
  /** Lets go of those who would give it up; undefined while nobody would. */
  letGo: ((call: WatchedCall) => void) | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;
  signal: AbortSignal | undefined = undefined;
  rosterIndex = -1;

  get isSettled(): boolean {
    return this.#isSettled;
  }

  abstract reject(error: unknown): void;

  /** False when it was settled before. */
  protected settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.letGo?.(this);
    return true;
  }
}

/** A call that waits for the broker, and is settled once. */
export class PendingCall<T> extends WatchedCall {
  readonly promise: Promise<T>;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor() {
    super();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value: T): void {
    if (this.settle()) this.#resolve(value);
  }

  override reject(error: unknown): void {
    if (this.settle()) this.#reject(error);
  }
}

type DeadlinesParts<C> = {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Rejects the call. */
  readonly onGivenUp: (call: C, reason: unknown) => void;
  readonly lateError: (call: C) => Error;
};

/** Gives calls up whose time is over or whose signal says so: one timer for all of them. */
export class CallDeadlines<C extends WatchedCall> {
  readonly #parts: DeadlinesParts<C>;
  readonly #calls = new Roster<C>();
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(parts: DeadlinesParts<C>) {
    this.#parts = parts;
  }

  watch(call: C, { timeoutMs = this.#parts.timeoutMs, signal }: Patience): void {
    const { clock, onGivenUp } = this.#parts;
    call.timeoutMs = timeoutMs;
    call.dueMs = clock.monotonic() + timeoutMs;
    call.letGo = this.#letGo;
    this.#calls.add(call);
    if (signal !== undefined) {
      call.signal = signal;
      call.onAbort = () => onGivenUp(call, signal.reason);
      signal.addEventListener('abort', call.onAbort, { once: true });
    }
    if (call.dueMs < this.#timerDueMs) this.#setTimer(call.dueMs);
  }

  close(): void {
    this.#timer?.clear();
  }

  readonly #letGo = (call: WatchedCall): void => {
    this.#calls.remove(call as C);
    if (call.onAbort !== undefined) call.signal?.removeEventListener('abort', call.onAbort);
  };

  /** A timer that was set for a call which is settled meanwhile looks when the next one is due. */
  readonly #onTimer = (): void => {
    const { clock, onGivenUp, lateError } = this.#parts;
    const nowMs = clock.monotonic();
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    this.#calls.forEach((call) => {
      if (call.dueMs <= nowMs) onGivenUp(call, lateError(call));
      else nextMs = Math.min(nextMs, call.dueMs);
    });
    if (nextMs < this.#timerDueMs) this.#setTimer(nextMs);
  };

  #setTimer(dueMs: number): void {
    this.#timer?.clear();
    this.#timerDueMs = dueMs;
    const { clock } = this.#parts;
    this.#timer = clock.setTimer(dueMs - clock.monotonic(), this.#onTimer);
  }
}
