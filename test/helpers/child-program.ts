import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { HANG_MS } from './until.ts';

type Waiter = { readonly matches: (line: string) => boolean; readonly resolve: (line: string) => void };

type StartOptions = {
  /** How messages call it. */
  readonly name: string;
  readonly cwd?: string;
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
};

const MAX_LINES = 100_000;
const KILL_AFTER_MS = 5000;
/** For the rest of what it printed, after its end. */
const OUTPUT_GRACE_MS = 5000;

/** Another program under test: its lines as they come, lines sent to it, signals. */
export class ChildProgram {
  readonly name: string;
  /** Everything that it printed on standard output, a line each. */
  readonly lines: string[] = [];
  #errorText = '';
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiters = new Set<Waiter>();
  readonly #exited: Promise<number | NodeJS.Signals>;
  #hasExited = false;

  /** Starts the command that `words` are; stop it with `stop()`, whatever happens. */
  constructor(words: readonly string[], options: StartOptions) {
    const [command = '', ...args] = words;
    this.name = options.name;
    this.#child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#errorText += `${error.message}\n`;
        this.#hasExited = true;
        resolve(127);
      });
      this.#child.once('exit', (code, signal) => {
        this.#hasExited = true;
        const ended = code ?? signal ?? 0;
        // What it printed last may come after its end; a program that it left behind may keep its outputs open.
        const timer = setTimeout(resolve, OUTPUT_GRACE_MS, ended);
        this.#child.once('close', () => {
          clearTimeout(timer);
          resolve(ended);
        });
      });
    });
    this.#child.stdin.on('error', () => {}); // It left before it read: its exit tells.
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errorText = (this.#errorText + text).slice(-20_000);
    });
    this.#readLines();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The end of what it printed on standard error. */
  get errorText(): string {
    return this.#errorText;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** How many lines it has printed so far: to wait for one after this moment. */
  mark(): number {
    return this.lines.length;
  }

  /** Its first line after `after` that is `match` or matches it. Fails, with its lines, when none comes in time. */
  async waitForLine(
    match: string | RegExp,
    { after = 0, timeoutMs = HANG_MS }: { after?: number; timeoutMs?: number } = {},
  ): Promise<string> {
    const matches = (line: string): boolean =>
      typeof match === 'string' ? line === match : match.test(line);
    const known = this.lines.slice(after).find(matches);
    if (known !== undefined) return known;
    return new Promise((resolve, reject) => {
      const give = (why: string): void => {
        this.#waiters.delete(waiter);
        reject(new Error(`${this.name} printed no line ${String(match)} ${why}.\n${this.#transcript()}`));
      };
      const timer = setTimeout(give, timeoutMs, `within ${timeoutMs} ms`);
      const waiter: Waiter = {
        matches,
        resolve: (line) => {
          clearTimeout(timer);
          resolve(line);
        },
      };
      this.#waiters.add(waiter);
      void this.#exited.then((code) => {
        clearTimeout(timer);
        give(`before it ended with ${code}`);
      });
    });
  }

  /** Sends one line to its standard input. */
  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#child.stdin.end();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end: its exit code, or the signal that ended it. */
  exit(): Promise<number | NodeJS.Signals> {
    return this.#exited;
  }

  /** Ends it: politely, then by force. */
  async stop(): Promise<void> {
    if (this.#hasExited) return;
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), KILL_AFTER_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #readLines(): void {
    let rest = '';
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) this.#onLine(line);
    });
  }

  #onLine(line: string): void {
    if (this.lines.length < MAX_LINES) this.lines.push(line);
    for (const waiter of this.#waiters) {
      if (!waiter.matches(line)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(line);
    }
  }

  #transcript(): string {
    return [...this.lines.slice(-60), this.#errorText.slice(-3000)].join('\n');
  }
}
