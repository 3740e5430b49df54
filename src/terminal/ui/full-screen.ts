import { styleText } from 'node:util';
import type { Clock, Timer } from '../../base/clock.ts';
import { KeyReader, type Key } from './key-reader.ts';
import { layOut, widthOf, type Area, type LaidOutCell, type Row, type Tone } from './rows.ts';

/** What a screen shows: rows out, keys in. */
type ScreenContent = {
  draw(size: Area): readonly Row[];
  onKey(key: Key): void;
  /** The screen has another size now: it is drawn afterwards. */
  onResize?(size: Area): void;
  /** The program is asked to end, or the terminal is gone. */
  onHangUp(): void;
};

type FullScreenOptions = {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly clock: Clock;
};

/** Own page, no wrapping, pasted texts marked. */
const ENTER = '\u001b[?1049h\u001b[?7l\u001b[?2004h';
const LEAVE = '\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l';
const CLEAR = '\u001b[2J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** Before the line is written: afterwards it would take the last character of a full row with it. */
const ERASE_LINE = '\u001b[2K';
const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** News are drawn at most four times a second, keys at once. */
const MIN_DRAW_GAP_MS = 250;
/** How soon after Ctrl+Z the screen is looked at again, where a program cannot be stopped. */
const RESUME_MS = 100;

type Style = Parameters<typeof styleText>[0];
const COLORED: Readonly<Record<Tone, Style>> = {
  plain: [],
  dim: 'dim',
  strong: 'bold',
  accent: 'cyan',
  focus: ['cyan', 'bold'],
  good: 'green',
  warn: 'yellow',
  bad: 'red',
  cursor: [],
};
/** Without colours, bold stands for them where it matters. */
const COLORLESS: Readonly<Record<Tone, Style>> = {
  ...COLORED,
  accent: [],
  focus: 'bold',
  good: [],
  warn: 'bold',
  bad: 'bold',
};

/**
 * The whole terminal: single keys come in, and only rows that changed are drawn. Everything that is drawn goes
 * through `layOut`, which cleans it. Whatever ends the process, the terminal is given back first.
 */
export class FullScreen {
  readonly #content: ScreenContent;
  readonly #stdin: NodeJS.ReadStream;
  readonly #stdout: NodeJS.WriteStream;
  readonly #clock: Clock;
  readonly #styles: Readonly<Record<Tone, Style>>;
  readonly #keys: KeyReader;
  #state: 'shown' | 'away' | 'closed' = 'away';
  /** What stands on each row now, and where the cursor is. */
  #drawn: readonly string[] = [];
  #cursor = '';
  #drawnAt = Number.NEGATIVE_INFINITY;
  #drawTimer: Timer | undefined;

  constructor(content: ScreenContent, { stdin, stdout, clock }: FullScreenOptions) {
    this.#content = content;
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#clock = clock;
    this.#styles = stdout.hasColors() ? COLORED : COLORLESS;
    this.#keys = new KeyReader((key) => this.#take(key));
    stdin.setEncoding('utf8').on('data', this.#onData).on('end', this.#onHangUp).on('error', this.#onHangUp);
    stdout.on('resize', this.#onResize);
    process.on('SIGCONT', this.#enter).on('exit', this.#leave).on('uncaughtExceptionMonitor', this.#leave);
    for (const signal of END_SIGNALS) process.on(signal, this.#onHangUp);
    stdin.resume();
    this.#enter();
  }

  /** Some terminals do not tell their size. */
  get size(): Area {
    return { columns: this.#stdout.columns || 80, rows: this.#stdout.rows || 24 };
  }

  /** What is seen has changed: it is drawn soon. */
  changed(): void {
    if (this.#drawTimer !== undefined || this.#state === 'closed') return;
    const waitMs = Math.max(0, this.#drawnAt + MIN_DRAW_GAP_MS - this.#clock.monotonic());
    this.#drawTimer = this.#clock.setTimer(waitMs, () => this.#draw());
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#leave();
    this.#state = 'closed';
    this.#drawTimer?.clear();
    this.#keys.close();
    this.#stdin.off('data', this.#onData).off('end', this.#onHangUp).off('error', this.#onHangUp).pause();
    this.#stdout.off('resize', this.#onResize);
    for (const signal of END_SIGNALS) process.off(signal, this.#onHangUp);
    process.off('SIGCONT', this.#enter).off('exit', this.#leave).off('uncaughtExceptionMonitor', this.#leave);
  }

  readonly #onData = (input: string): void => this.#keys.take(input);

  readonly #onHangUp = (): void => this.#content.onHangUp();

  #take(key: Key): void {
    if (key.name === 'ctrl' && key.text === 'z') return this.#suspend();
    this.#content.onKey(key);
    this.#draw();
  }

  /** Back to the shell until it says `fg`. */
  #suspend(): void {
    this.#leave();
    process.kill(0, 'SIGTSTP');
    this.#clock.setTimer(RESUME_MS, this.#enter);
  }

  #draw(): void {
    this.#drawTimer?.clear();
    this.#drawTimer = undefined;
    if (this.#state !== 'shown') return;
    this.#drawnAt = this.#clock.monotonic();
    const { columns, rows } = this.size;
    const cells = this.#content
      .draw(this.size)
      .slice(0, rows)
      .map((row) => layOut(row, columns));
    const lines = cells.map((row) => row.map(({ text, tone }) => this.#paint(text, tone)).join(''));
    let text = '';
    for (let index = 0; index < Math.max(lines.length, this.#drawn.length); index++) {
      const line = lines[index] ?? '';
      if (line !== (this.#drawn[index] ?? '')) text += `\u001b[${index + 1};1H${ERASE_LINE}${line}`;
    }
    const cursor = cursorAt(cells);
    if (text === '' && cursor === this.#cursor) return;
    this.#drawn = lines;
    this.#cursor = cursor;
    this.#stdout.write(HIDE_CURSOR + text + cursor);
  }

  #paint(text: string, tone: Tone): string {
    return styleText(this.#styles[tone], text, { validateStream: false });
  }

  /** Terminals move text about when they change their width: what stands where is not known any more. */
  readonly #onResize = (): void => {
    if (this.#state !== 'shown') return;
    this.#content.onResize?.(this.size);
    this.#drawAnew('');
  };

  #drawAnew(before: string): void {
    this.#drawn = [];
    this.#stdout.write(before + CLEAR);
    this.#draw();
  }

  readonly #enter = (): void => {
    if (this.#state === 'closed') return;
    this.#state = 'shown';
    this.#stdin.setRawMode(true);
    this.#drawAnew(ENTER + HIDE_CURSOR);
  };

  readonly #leave = (): void => {
    if (this.#state !== 'shown') return;
    this.#state = 'away';
    this.#stdout.write(LEAVE);
    try {
      if (!this.#stdin.destroyed) this.#stdin.setRawMode(false);
    } catch {
      // The terminal itself is gone, with whatever mode it was in.
    }
  };
}

/** The sequence that shows the cursor where somebody types; empty when nobody does. */
function cursorAt(rows: readonly (readonly LaidOutCell[])[]): string {
  const row = rows.findIndex((cells) => cells.some(({ tone }) => tone === 'cursor'));
  const cells = rows[row];
  if (cells === undefined) return '';
  const before = cells.slice(
    0,
    cells.findIndex(({ tone }) => tone === 'cursor'),
  );
  const column = before.reduce((sum, { text }) => sum + widthOf(text), 1);
  return `\u001b[${row + 1};${column}H${SHOW_CURSOR}`;
}
