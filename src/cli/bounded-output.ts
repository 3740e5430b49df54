import type { Writable } from 'node:stream';

/** Waits for a reader that stands still, at most. */
const MAX_WAITING_BYTES = 1_048_576;

/**
 * Lines for standard output or error. Who reads them may stand still for as long as he likes (`recado hub 2>&1 | less`,
 * Ctrl+S in a terminal): the program goes on, what does not fit is dropped, and told when he reads again.
 */
export class BoundedOutput {
  readonly #stream: Writable;
  #dropped = 0;

  /** @param tell - so many writes were dropped */
  constructor(stream: Writable, tell: (dropped: number) => void) {
    this.#stream = stream;
    makeAsynchronous(stream);
    // Lines that nobody reads any more must not end the program.
    stream.on('error', () => {});
    stream.on('drain', () => {
      const dropped = this.#dropped;
      this.#dropped = 0;
      if (dropped > 0) tell(dropped);
    });
  }

  write(text: string): void {
    if (this.#stream.writableLength + text.length > MAX_WAITING_BYTES) this.#dropped++;
    else this.#stream.write(text);
  }
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
