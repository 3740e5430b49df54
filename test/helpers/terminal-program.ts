import { createRequire } from 'node:module';
import { spawn, type IPty } from '@lydell/node-pty';
import type { Terminal } from '@xterm/headless';
import { HANG_MS } from './until.ts';

// The package names its CommonJS exports in a way that `import` does not see.
const xterm = createRequire(import.meta.url)('@xterm/headless') as { Terminal: typeof Terminal };

type StartOptions = {
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
};

const KEYS = {
  up: '\u001b[A',
  down: '\u001b[B',
  right: '\u001b[C',
  left: '\u001b[D',
  pageUp: '\u001b[5~',
  pageDown: '\u001b[6~',
  home: '\u001b[H',
  end: '\u001b[F',
  enter: '\r',
  escape: '\u001b',
  tab: '\t',
  backTab: '\u001b[Z',
  backspace: '\u007f',
  ctrlC: '\u0003',
  ctrlU: '\u0015',
} as const;

/** A named key. */
export type NamedKey = keyof typeof KEYS;

const KILL_AFTER_MS = 5000;

/** A program in a pseudo-terminal: what stands on its screen, keys pressed, another size. */
export class TerminalProgram {
  readonly #pty: IPty;
  readonly #terminal: Terminal;
  readonly #exited: Promise<number>;
  readonly #listeners = new Set<() => void>();
  #hasExited = false;
  /** Everything that it wrote, as it wrote it. */
  output = '';
  /** Titles that it gave the window, and bells. */
  readonly liberties: string[] = [];

  /** Starts the command that `words` are; stop it with `stop()`, whatever happens. */
  constructor(words: readonly string[], options: StartOptions = {}) {
    const { columns = 80, rows = 24 } = options;
    const [command = '', ...args] = words;
    this.#terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    this.#terminal.onTitleChange((title) => this.liberties.push(`title ${title}`));
    this.#terminal.onBell(() => this.liberties.push('bell'));
    const env: Record<string, string | undefined> = {
      ...process.env,
      TERM: 'xterm-256color',
      ...options.env,
    };
    this.#pty = spawn(command, args, {
      cols: columns,
      rows,
      name: 'xterm-256color',
      cwd: options.cwd ?? process.cwd(),
      env,
    });
    this.#pty.onData((text) => {
      this.output += text;
      this.#terminal.write(text, () => this.#tell());
    });
    this.#exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => {
        // The screen takes what it is given later: it has ended when the last of it is to be seen.
        this.#terminal.write('', () => {
          this.#hasExited = true;
          resolve(exitCode);
          this.#tell();
        });
      });
    });
  }

  /** What stands on the screen, a line each, without spaces at the end. */
  get lines(): string[] {
    const { buffer, rows } = this.#terminal;
    return Array.from(
      { length: rows },
      (_, y) => buffer.active.getLine(buffer.active.viewportY + y)?.translateToString(true) ?? '',
    );
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** True while the program shows its own screen instead of the one before it. */
  get isOnOwnScreen(): boolean {
    return this.#terminal.buffer.active.type === 'alternate';
  }

  get isCursorShown(): boolean {
    return this.output.lastIndexOf('\u001b[?25h') > this.output.lastIndexOf('\u001b[?25l');
  }

  /** Counted from 0. */
  get cursorColumn(): number {
    return this.#terminal.buffer.active.cursorX;
  }

  press(...keys: readonly NamedKey[]): void {
    for (const key of keys) this.#pty.write(KEYS[key]);
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  /** Pastes a text as terminals do. */
  paste(text: string): void {
    this.#pty.write(`\u001b[200~${text}\u001b[201~`);
  }

  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  /** Waits until the screen shows a text, or is as `matches` says. Fails with the screen when it does not in time. */
  async waitFor(
    matches: string | RegExp | ((screen: string) => boolean),
    what = String(matches),
  ): Promise<void> {
    const isThere = (): boolean => {
      if (typeof matches === 'string') return this.text.includes(matches);
      return matches instanceof RegExp ? matches.test(this.text) : matches(this.text);
    };
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (isThere()) finish(resolve);
        else if (this.#hasExited)
          finish(() => reject(new Error(`it ended before the screen showed ${what}:\n${this.text}`)));
      };
      const timer = setTimeout(() => {
        finish(() =>
          reject(new Error(`the screen did not show ${what} within ${HANG_MS} ms:\n${this.text}`)),
        );
      }, HANG_MS);
      const finish = (end: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        end();
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Its exit code, when it has ended. */
  exit(): Promise<number> {
    return this.#exited;
  }

  signal(signal: NodeJS.Signals): void {
    this.#pty.kill(signal);
  }

  async stop(): Promise<void> {
    if (!this.#hasExited) {
      this.#pty.kill('SIGTERM');
      const timer = setTimeout(() => this.#pty.kill('SIGKILL'), KILL_AFTER_MS);
      await this.#exited;
      clearTimeout(timer);
    }
    this.#terminal.dispose();
  }

  #tell(): void {
    for (const look of this.#listeners) look();
  }
}
