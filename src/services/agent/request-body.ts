import { Readable } from 'node:stream';

/** The body of a request on its way to the target, given piece by piece as it takes them. */
export class RequestBody extends Readable {
  readonly #onTaken: (bytes: number) => void;
  readonly #pieces: Uint8Array[] = [];
  #isOver = false;
  #isWanted = false;

  constructor(onTaken: (bytes: number) => void) {
    // It asks for a piece when it has none.
    super({ highWaterMark: 1 });
    this.#onTaken = onTaken;
    // Undici tells what went wrong; an error that nobody hears ends the process.
    this.on('error', () => {});
  }

  give(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#feed();
  }

  finish(): void {
    this.#isOver = true;
    this.#feed();
  }

  override _read(): void {
    this.#isWanted = true;
    this.#feed();
  }

  #feed(): void {
    if (!this.#isWanted) return;
    const piece = this.#pieces.shift();
    if (piece === undefined) {
      if (this.#isOver) this.push(null);
      return;
    }
    this.#isWanted = false;
    this.push(piece);
    this.#onTaken(piece.length);
  }
}
