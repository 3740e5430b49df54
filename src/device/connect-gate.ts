import { fail, type Result } from '../base/result.ts';

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

/** Acts when its turn has come; at once where there is no gate. `whenStopped` is what came of it when it did not come. */
export async function inTurn<T, F>(
  gate: ConnectGate | undefined,
  call: { readonly signal: AbortSignal; readonly act: () => Promise<Result<T, F>>; readonly whenStopped: F },
): Promise<Result<T, F>> {
  if (gate === undefined) return call.act();
  if (!(await gate.enter(call.signal))) return fail(call.whenStopped);
  try {
    return await call.act();
  } finally {
    gate.leave();
  }
}
