import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Screen, View } from './screen.ts';
import { withoutControls } from './without-controls.ts';

/** A screen without a terminal: prints what changed as lines, and reads lines. */
export class PlainScreen implements Screen {
  readonly #output: Writable;
  readonly #lines: Interface;
  readonly #typed: string[] = [];
  #reader: ((line: string | undefined) => void) | undefined;
  #isEnded = false;
  #view: View | undefined;
  #status = '';
  #message = '';

  constructor(input: Readable, output: Writable) {
    this.#output = output;
    this.#lines = createInterface({ input, terminal: false });
    this.#lines.on('line', (line) => {
      const read = this.#reader;
      this.#reader = undefined;
      if (read === undefined) this.#typed.push(line);
      else read(line);
    });
    this.#lines.on('close', () => {
      this.#isEnded = true;
      this.#reader?.(undefined);
      this.#reader = undefined;
    });
  }

  show(view: View): void {
    const isFirst = this.#view?.title !== view.title;
    this.#view = view;
    if (isFirst) this.#printMenu(view);
    const status = view.status.map(({ text }) => text).join('\n');
    if (status !== this.#status) this.#print(status);
    this.#status = status;
    const message = view.message.lines.join('\n');
    if (message !== '' && message !== this.#message) this.#print(message);
    this.#message = message;
  }

  async choose(): Promise<string | undefined> {
    for (;;) {
      const line = await this.#next();
      if (line === undefined || line.trim() !== '') return line?.trim();
      if (this.#view !== undefined) this.#printMenu(this.#view);
    }
  }

  async ask(question: string): Promise<string | undefined> {
    this.#print(question);
    return this.#next();
  }

  close(): void {
    this.#lines.close();
  }

  #next(): Promise<string | undefined> {
    const typed = this.#typed.shift();
    if (typed !== undefined || this.#isEnded) return Promise.resolve(typed);
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  #printMenu({ title, choices }: View): void {
    this.#print([title, ...choices.map(({ key, label }) => `  ${key}  ${label}`)].join('\n'));
  }

  #print(text: string): void {
    const lines = text.split('\n').map(withoutControls);
    this.#output.write(`${lines.join('\n')}\n`);
  }
}
