import { emitKeypressEvents, type Key } from 'node:readline';
import { styleText } from 'node:util';
import { layOut, type Row } from './frame.ts';
import type { Screen, View } from './screen.ts';

const ENTER = '\x1b[?1049h\x1b[?7l\x1b[2J';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Before the line is written: afterwards it would take the last character of a full row with it. */
const ERASE_LINE = '\x1b[2K';

/** Longer answers are not taken. */
export const MAX_ANSWER_CHARACTERS = 256;

const LOOKS = {
  title: ['bold'],
  plain: [],
  dim: ['dim'],
  good: ['green'],
  busy: ['yellow'],
  bad: ['red'],
} as const satisfies Record<Row['look'], readonly Parameters<typeof styleText>[0][]>;

type Question = { readonly text: string; readonly resolve: (answer: string | undefined) => void };

/**
 * A screen on a terminal: own page, single keys for the menu, and only the rows that changed are drawn. Whatever
 * ends the process, the terminal is given back first.
 */
export class TtyScreen implements Screen {
  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WriteStream;
  #view: View | undefined;
  /** What stands on each row now. */
  #drawn: string[] = [];
  #question: Question | undefined;
  #typed = '';
  #chooser: ((key: string | undefined) => void) | undefined;
  /** Keys typed before anybody awaited them. */
  readonly #keys: string[] = [];
  #isLeaving = false;
  #isOpen = true;

  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream) {
    this.#input = input;
    this.#output = output;
    emitKeypressEvents(input);
    input.on('keypress', this.#onKey);
    input.on('end', this.#leave);
    input.setRawMode(true);
    input.resume();
    output.on('resize', this.#redraw);
    process.on('SIGCONT', this.#onContinue);
    process.on('exit', this.#restore);
    process.on('uncaughtExceptionMonitor', this.#restore);
    output.write(ENTER + HIDE_CURSOR);
  }

  show(view: View): void {
    this.#view = view;
    this.#draw();
  }

  choose(): Promise<string | undefined> {
    const key = this.#keys.shift();
    if (key !== undefined || this.#isLeaving) return Promise.resolve(key);
    return new Promise((resolve) => {
      this.#chooser = resolve;
    });
  }

  ask(question: string): Promise<string | undefined> {
    if (this.#isLeaving) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#question = { text: question, resolve };
      this.#typed = '';
      const early = this.#keys.splice(0);
      this.#draw();
      for (const key of early) this.#edit(key, {});
    });
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#leave();
    this.#restore();
    this.#input.off('keypress', this.#onKey);
    this.#input.off('end', this.#leave);
    this.#input.pause();
    this.#output.off('resize', this.#redraw);
    process.off('SIGCONT', this.#onContinue);
    process.off('exit', this.#restore);
    process.off('uncaughtExceptionMonitor', this.#restore);
  }

  readonly #onKey = (character: string | undefined, key: Key): void => {
    if (key.ctrl === true && (key.name === 'c' || key.name === 'd')) this.#leave();
    else if (this.#question !== undefined) this.#edit(character, key);
    else if (
      character !== undefined &&
      this.#view?.choices.some((choice) => choice.key === character) === true
    ) {
      this.#choose(character);
    }
  };

  #choose(key: string): void {
    const choose = this.#chooser;
    this.#chooser = undefined;
    if (choose !== undefined) choose(key);
    else if (this.#keys.length < MAX_ANSWER_CHARACTERS) this.#keys.push(key);
  }

  #edit(character: string | undefined, key: Partial<Key>): void {
    if (key.name === 'return' || key.name === 'enter') return this.#answer(this.#typed);
    if (key.name === 'escape') return this.#answer(undefined);
    if (key.name === 'backspace') this.#typed = Array.from(this.#typed).slice(0, -1).join('');
    else if (key.ctrl === true && key.name === 'u') this.#typed = '';
    else if (character !== undefined && key.ctrl !== true && key.meta !== true && isText(character)) {
      if (this.#typed.length < MAX_ANSWER_CHARACTERS) this.#typed += character;
    }
    this.#draw();
  }

  #answer(answer: string | undefined): void {
    const question = this.#question;
    this.#question = undefined;
    this.#typed = '';
    this.#draw();
    question?.resolve(answer);
  }

  /** Nobody will type any more: whoever waits is told. */
  readonly #leave = (): void => {
    this.#isLeaving = true;
    this.#answer(undefined);
    this.#chooser?.(undefined);
    this.#chooser = undefined;
  };

  #draw(): void {
    if (this.#view === undefined || !this.#isOpen) return;
    const question = this.#question;
    const prompt = { question: question?.text ?? this.#view.prompt, typed: this.#typed };
    const frame = layOut(this.#view, prompt, sizeOf(this.#output)).map((row) => this.#paint(row));
    let text = HIDE_CURSOR;
    const height = Math.max(frame.length, this.#drawn.length);
    for (let index = 0; index < height; index++) {
      const line = frame[index] ?? '';
      if (line !== this.#drawn[index]) text += `\x1b[${index + 1};1H${ERASE_LINE}${line}`;
    }
    this.#drawn = frame;
    // The prompt is the last row. Written last, it leaves the cursor where the next character goes.
    text += `\x1b[${frame.length};1H${frame.at(-1) ?? ''}`;
    this.#output.write(question === undefined ? text : text + SHOW_CURSOR);
  }

  #paint({ text, look }: Row): string {
    return LOOKS[look].reduce((painted, style) => styleText(style, painted, { stream: this.#output }), text);
  }

  readonly #redraw = (): void => {
    if (!this.#isOpen) return;
    this.#drawn = [];
    this.#output.write('\x1b[2J');
    this.#draw();
  };

  readonly #onContinue = (): void => {
    if (!this.#isOpen) return;
    this.#input.setRawMode(true);
    this.#output.write(ENTER);
    this.#redraw();
  };

  readonly #restore = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#output.write(LEAVE);
    try {
      if (!this.#input.destroyed) this.#input.setRawMode(false);
    } catch {
      // The terminal itself is gone, with whatever mode it was in.
    }
  };
}

/** Some terminals do not tell their size. */
function sizeOf({ rows, columns }: NodeJS.WriteStream): { rows: number; columns: number } {
  return { rows: rows > 0 ? rows : 24, columns: columns > 0 ? columns : 80 };
}

function isText(character: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(character);
}
