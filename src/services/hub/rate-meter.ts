const WINDOW_SECONDS = 10;

/** How often something happens, over the last ten seconds. */
export class RateMeter {
  readonly #counts = new Float64Array(WINDOW_SECONDS);
  readonly #seconds = new Float64Array(WINDOW_SECONDS).fill(-1);

  /** @param nowMs - monotonic */
  count(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const slot = second % WINDOW_SECONDS;
    if (this.#seconds[slot] !== second) {
      this.#seconds[slot] = second;
      this.#counts[slot] = 0;
    }
    this.#counts[slot]! += 1;
  }

  /** Per second, the current second included. */
  perSecond(nowMs: number): number {
    const oldest = Math.floor(nowMs / 1000) - WINDOW_SECONDS;
    let sum = 0;
    for (let slot = 0; slot < WINDOW_SECONDS; slot++) {
      if (this.#seconds[slot]! > oldest) sum += this.#counts[slot]!;
    }
    return sum / WINDOW_SECONDS;
  }
}
