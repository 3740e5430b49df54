import type { Clock } from '../../base/clock.ts';

/** Digits further apart than this begin a new number. */
const PAUSE_MS = 1500;

/** A number that is typed digit by digit, to choose from a list. */
export class TypedNumber {
  readonly #clock: Clock;
  #number = 0;
  #at = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Takes a digit. `1` and then `2` is 12 if there is such a number, else 2.
   *
   * @param isThere - whether a number can be chosen
   * @returns the number that is meant; undefined when there is none
   */
  take(digit: string, isThere: (number: number) => boolean): number | undefined {
    const now = this.#clock.monotonic();
    const longer = now - this.#at <= PAUSE_MS ? this.#number * 10 + Number(digit) : Number(digit);
    this.#at = now;
    this.#number = isThere(longer) ? longer : Number(digit);
    return isThere(this.#number) ? this.#number : undefined;
  }
}
