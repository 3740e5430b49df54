/** Lets a bounded number of devices of one process connect at once, the others in the order in which they came. */
export class ConnectGate {
  readonly #maxConnecting: number;
  #connecting = 0;
  readonly #waiting = new Set<() => void>();

  constructor(maxConnecting: number) {
    this.#maxConnecting = maxConnecting;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Waits for a turn; false when `signal` was aborted first. After true, call `leave` exactly once. */
  async enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#connecting < this.#maxConnecting) {
      this.#connecting++;
      return true;
    }
    return new Promise((resolve) => {
      const give = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(true);
      };
      const giveUp = (): void => {
        this.#waiting.delete(give);
        resolve(false);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(give);
    });
  }

  /** Hands the turn to the next. */
  leave(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#connecting--;
  }
}
