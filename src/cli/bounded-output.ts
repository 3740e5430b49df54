import type { Writable } from 'node:stream';

/** Waits for a reader that stands still, at most. */
const MAX_WAITING_BYTES = 1_048_576;

/**
 * Lines for standard output or error. Who reads them may stand still for as long as he likes (`recado hub 2>&1 | less`,
 * Ctrl+S in a terminal), or a disk be full: the program goes on, what does not fit is lost, and told when there is
 * room again.
 */
export class BoundedOutput {
  readonly #stream: Writable;
  readonly #tell: (lost: number) => void;
  #lost = 0;
  #told = 0;

  /** @param tell - so many writes were lost since it was told last */
  constructor(stream: Writable, tell: (lost: number) => void) {
    this.#stream = stream;
    this.#tell = tell;
    makeAsynchronous(stream);
    // Lines that nobody reads any more, or that a full disk does not take, must not end the program: who listens
    // already would end it.
    stream.removeAllListeners('error').on('error', () => {});
  }

  /** Writes that were dropped or failed, since the beginning. */
  get lost(): number {
    return this.#lost;
  }

  write(text: string): void {
    if (this.#stream.writableLength + text.length > MAX_WAITING_BYTES) this.#lost++;
    else this.#stream.write(text, this.#onWritten);
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error) this.#lost++;
    else if (this.#lost > this.#told && this.#stream.writableLength === 0) {
      const lost = this.#lost - this.#told;
      this.#told = this.#lost;
      this.#tell(lost);
    }
  };
}

/** Settles when all that was written has gone. */
export function written(stream: Writable): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()));
}

/** Node writes to a terminal, unlike a pipe, only when the terminal takes it. */
function makeAsynchronous(stream: Writable): void {
  const { isTTY, _handle: handle } = stream as {
    isTTY?: boolean;
    _handle?: { setBlocking?(isBlocking: boolean): void };
  };
  if (isTTY === true) handle?.setBlocking?.(false);
}
