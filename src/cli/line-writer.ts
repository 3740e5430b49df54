import { escapeLine } from '../base/printable-text.ts';

/** Prints lines on standard output, whatever is in them; those of one turn leave together. */
export class LineWriter {
  readonly #stream: { write(text: string): unknown };
  #lines: string[] = [];

  constructor(stream: { write(text: string): unknown }) {
    this.#stream = stream;
  }

  readonly print = (line: string): void => {
    if (this.#lines.length === 0) setImmediate(() => this.flush());
    this.#lines.push(escapeLine(line));
  };

  /** Prints what waits for the end of the turn. */
  flush(): void {
    if (this.#lines.length === 0) return;
    const text = `${this.#lines.join('\n')}\n`;
    this.#lines = [];
    this.#stream.write(text);
  }
}
