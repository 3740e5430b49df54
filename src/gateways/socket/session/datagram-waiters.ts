import type { Failure } from '../../../devices/failure.ts';
import type { Invocation } from '../../../devices/invocation.ts';
import { MAX_DATAGRAM_WAITERS } from '../options.ts';
import { withoutValid, type PlainReading } from '../wire/plain-reading.ts';

/** Reads that are answered by a device's next datagram. */
export class DatagramWaiters {
  readonly #waitMs: number;
  #waiting: { readonly invocation: Invocation; readonly until: number }[] = [];

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** False when too many wait already; the invocation has then failed. */
  add(invocation: Invocation, now: number): boolean {
    if (this.#waiting.length >= MAX_DATAGRAM_WAITERS / 2) this.#dropEnded();
    if (this.#isFullFor(invocation.caller)) {
      invocation.fail({
        code: 'TOO_MANY_INVOCATIONS',
        message: `${this.#waiting.length} reads already wait for the next datagram of device ${invocation.deviceId}.`,
        retryAfterSeconds: 1,
      });
      return false;
    }
    this.#waiting.push({ invocation, until: now + this.#waitMs });
    return true;
  }

  /** One caller may have half of the places. */
  #isFullFor(caller: string): boolean {
    if (this.#waiting.length >= MAX_DATAGRAM_WAITERS) return true;
    if (this.#waiting.length < MAX_DATAGRAM_WAITERS / 2) return false;
    const own = this.#waiting.filter((waiter) => waiter.invocation.caller === caller).length;
    return own >= MAX_DATAGRAM_WAITERS / 2;
  }

  /** Callers that left keep their place until it is wanted. */
  #dropEnded(): void {
    this.#waiting = this.#waiting.filter((waiter) => waiter.invocation.state === 'running');
  }

  resolve(reading: PlainReading): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const output = reading.valid ? withoutValid(reading.values) : undefined;
    for (const { invocation } of waiting) {
      if (reading.valid) invocation.answer(output);
      else
        invocation.fail({
          code: 'DEVICE_ERROR',
          message: reading.reason,
          device: { message: reading.reason },
        });
    }
  }

  expire(now: number, deviceId: string): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].until <= now) {
      this.#waiting.shift()?.invocation.fail({
        code: 'ANSWER_TIMEOUT',
        message: `No datagram came from device ${deviceId} within ${this.#waitMs} ms.`,
      });
    }
  }

  failAll(failure: Failure): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { invocation } of waiting) invocation.fail(failure);
  }
}
