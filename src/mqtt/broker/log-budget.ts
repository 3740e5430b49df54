import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';

/** Lines of one kind that are written within a second; of the others only how many they were. */
const LINES_PER_WINDOW = 20;
const WINDOW_MS = 1000;
const MAX_SHOWN_CHARACTERS = 100;

/** What clients, or hooks that they set off, can have written as often as they want. */
const LEVELS = {
  'clients refused': 'info',
  'takeovers of client ids': 'warn',
  'failures of hooks': 'error',
  'failures of connections': 'error',
  'failures of the store': 'error',
} as const satisfies Record<string, keyof Logger>;
type LogKind = keyof typeof LEVELS;

type Window = { sinceMs: number; written: number; withheld: number };

/** A log that clients cannot flood: so many lines a second of each kind, then one that says how many more. */
export class LogBudget {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #windows = new Map<LogKind, Window>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  write(kind: LogKind, fields: object, text: string): void {
    const nowMs = this.#clock.monotonic();
    let window = this.#windows.get(kind);
    if (window === undefined) this.#windows.set(kind, (window = { sinceMs: nowMs, written: 0, withheld: 0 }));
    if (nowMs - window.sinceMs >= WINDOW_MS) this.#begin(kind, window, nowMs);
    if (window.written >= LINES_PER_WINDOW) {
      window.withheld++;
      return;
    }
    window.written++;
    this.#log[LEVELS[kind]](fields, text);
  }

  /** Now and then: says what was withheld in a second that is over; at the end also in one that is not. */
  tell(isEnd = false): void {
    const nowMs = this.#clock.monotonic();
    for (const [kind, window] of this.#windows) {
      if (window.withheld > 0 && (isEnd || nowMs - window.sinceMs >= WINDOW_MS))
        this.#begin(kind, window, nowMs);
    }
  }

  #begin(kind: LogKind, window: Window, nowMs: number): void {
    const { withheld } = window;
    window.sinceMs = nowMs;
    window.written = 0;
    window.withheld = 0;
    if (withheld > 0) this.#log[LEVELS[kind]]({ kind, withheld }, `${kind}: and ${withheld} more`);
  }
}

/** A text that a client chose, no longer than a line of the log has room for. */
export function shown(text: string): string {
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}
