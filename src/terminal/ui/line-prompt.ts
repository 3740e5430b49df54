import { createInterface, type Interface } from 'node:readline';
import { cleanText, cleanTyped } from './clean-text.ts';
import type { Question } from './page.ts';

type PromptStreams = { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WritableStream };

/** Asks for lines and tells blocks of text. What it writes is cleaned: no escape sequence, ever. */
export class LinePrompt {
  readonly #stdout: NodeJS.WritableStream;
  readonly #lines: Interface;
  readonly #iterator: AsyncIterator<string>;
  readonly #isEchoed: boolean;

  constructor({ stdin, stdout }: PromptStreams) {
    this.#stdout = stdout;
    this.#isEchoed = stdin.isTTY;
    this.#lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY, terminal: false });
    // The iterator keeps lines that come before they are asked for.
    this.#iterator = this.#lines[Symbol.asyncIterator]();
  }

  /** Tells a block of text in one piece, an empty line after it. */
  tell(text: string): void {
    this.#stdout.write(`${cleanText(text)}\n\n`);
  }

  /** Asks for a line; undefined when there are no more. What came through a pipe is repeated, unless it is secret. */
  async ask({ text, isSecret = false }: Question): Promise<string | undefined> {
    this.#stdout.write(cleanText(text));
    const { done, value } = await this.#iterator.next();
    const line = done === true ? undefined : cleanTyped(value);
    const repeated = line === undefined || isSecret ? '' : line;
    if (text !== '' && (line === undefined || !this.#isEchoed)) this.#stdout.write(`${repeated}\n`);
    return line;
  }

  close(): void {
    this.#lines.close();
  }
}
