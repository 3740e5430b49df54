const MINUTES = [1, 5, 15] as const;
const MS_PER_MINUTE = 60_000;

/** How much a count grows in a minute, averaged over the last one, five and fifteen: as the load of a Unix system. */
export class LoadAverages {
  readonly #averages = new Map<number, number>(MINUTES.map((minutes) => [minutes, 0]));
  #count = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** By minutes. */
  update(count: number, nowMs: number): ReadonlyMap<number, number> {
    const passedMs = nowMs - this.#atMs;
    if (passedMs <= 0) return this.#averages;
    const perMinute = ((count - this.#count) * MS_PER_MINUTE) / passedMs;
    for (const [minutes, before] of this.#averages) {
      const weight = Math.exp(-passedMs / (minutes * MS_PER_MINUTE));
      this.#averages.set(minutes, perMinute + weight * (before - perMinute));
    }
    this.#count = count;
    this.#atMs = nowMs;
    return this.#averages;
  }
}
