type Limits = { readonly settleMs: number; readonly quarantineMs: number; readonly trustAfter: number };

/**
 * How long a response topic has to be quiet before the next request. It begins without trust, earns it by requests
 * without a stray answer, and loses it by one stray; strays that follow each other make the silence longer.
 */
export class Quarantine {
  readonly #limits: Limits;
  #cleanAnswers = 0;
  #silenceMs: number;
  #quietUntilMs = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#silenceMs = limits.settleMs;
  }

  /** No request may be sent before. */
  get quietUntilMs(): number {
    return this.#quietUntilMs;
  }

  get isTrusting(): boolean {
    return this.#cleanAnswers >= this.#limits.trustAfter;
  }

  /** The subscription stands, for the first time or again: who knows what was asked before. */
  begin(nowMs: number): void {
    this.#cleanAnswers = 0;
    this.#keepQuiet(nowMs);
  }

  answered(nowMs: number): void {
    if (!this.isTrusting) this.#keepQuiet(nowMs);
    this.#cleanAnswers++;
    this.#silenceMs = Math.max(this.#limits.settleMs, this.#silenceMs / 2);
  }

  /** An answer came that was not for the one who waits, or nobody waited. */
  disturbed(nowMs: number): void {
    this.#cleanAnswers = 0;
    this.#silenceMs = Math.min(
      this.#silenceMs * 2,
      Math.max(this.#limits.quarantineMs, this.#limits.settleMs),
    );
    this.#keepQuiet(nowMs);
  }

  #keepQuiet(nowMs: number): void {
    this.#quietUntilMs = Math.max(this.#quietUntilMs, nowMs + this.#silenceMs);
  }
}
