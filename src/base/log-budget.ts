import type { Clock, Timer } from './clock.ts';
import type { Logger } from './logger.ts';

const WINDOW_MS = 1000;
const MAX_SHOWN_CHARACTERS = 100;
/** Of the lines of a kind, what one party may cause: the others are to be heard of too. */
const PARTY_SHARE = 1 / 2;

/** The party of a line that no peer can be told apart for. */
export const NOBODY = '';

type LineKind = {
  readonly level: keyof Logger;
  /** Lines that are written within a second; of the others only how many they were. */
  readonly linesPerSecond: number;
};

/** What strangers, devices and clients, or hooks that they set off, can have written as often as they want. */
const KINDS = {
  'clients refused': { level: 'info', linesPerSecond: 20 },
  'clients that left': { level: 'debug', linesPerSecond: 200 },
  'takeovers of client ids': { level: 'warn', linesPerSecond: 20 },
  'sessions that yield': { level: 'warn', linesPerSecond: 20 },
  'denials of access rules': { level: 'debug', linesPerSecond: 40 },
  'Wills denied': { level: 'warn', linesPerSecond: 20 },
  'failures of handlers': { level: 'error', linesPerSecond: 20 },
  'answers that were not sent': { level: 'debug', linesPerSecond: 20 },
  'failures of hooks': { level: 'error', linesPerSecond: 20 },
  'failures of connections': { level: 'error', linesPerSecond: 20 },
  'failures of the store': { level: 'error', linesPerSecond: 20 },
  'devices that came and went': { level: 'info', linesPerSecond: 200 },
  'faults of devices': { level: 'warn', linesPerSecond: 40 },
  'agents that came and went': { level: 'info', linesPerSecond: 20 },
  'faults of agents': { level: 'warn', linesPerSecond: 20 },
  'requests that failed': { level: 'error', linesPerSecond: 20 },
  'warnings that are given once': { level: 'warn', linesPerSecond: 20 },
} as const satisfies Record<string, LineKind>;
type LogKind = keyof typeof KINDS;

type Window = { sinceMs: number; written: number; withheld: number; readonly byParty: Map<string, number> };

/** A log that nobody can flood: so many lines a second of each kind, then one that says how many more. */
export class LogBudget {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #windows = new Map<LogKind, Window>();
  /** While something is withheld. */
  #ticker: Timer | undefined;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * @param party - who caused the line, where it is an address its `addressParty`; else `NOBODY`
   * @returns whether it was written, and not withheld
   */
  write(kind: LogKind, fields: object, text: string, party: string): boolean {
    const { level, linesPerSecond } = KINDS[kind];
    const window = this.#windowOf(kind);
    const ofParty = window.byParty.get(party) ?? 0;
    if (window.written >= linesPerSecond || (party !== NOBODY && ofParty >= linesPerSecond * PARTY_SHARE)) {
      window.withheld++;
      this.#log.withheld?.set(kind, (this.#log.withheld.get(kind) ?? 0) + 1);
      this.#ticker ??= this.#clock.setTicker(WINDOW_MS, () => this.#tell(false));
      return false;
    }
    window.written++;
    window.byParty.set(party, ofParty + 1);
    this.#log[level](fields, text);
    return true;
  }

  /** Says what was withheld until now. */
  close(): void {
    this.#tell(true);
  }

  /** Says what was withheld in a second that is over. */
  #tell(isEnd: boolean): void {
    const nowMs = this.#clock.monotonic();
    let isWithholding = false;
    for (const [kind, window] of this.#windows) {
      if (window.withheld === 0) continue;
      if (isEnd || nowMs - window.sinceMs >= WINDOW_MS) this.#begin(kind, window, nowMs);
      else isWithholding = true;
    }
    if (isWithholding) return;
    this.#ticker?.clear();
    this.#ticker = undefined;
  }

  #windowOf(kind: LogKind): Window {
    const nowMs = this.#clock.monotonic();
    const known = this.#windows.get(kind);
    const window = known ?? { sinceMs: nowMs, written: 0, withheld: 0, byParty: new Map() };
    if (known === undefined) this.#windows.set(kind, window);
    if (nowMs - window.sinceMs >= WINDOW_MS) this.#begin(kind, window, nowMs);
    return window;
  }

  #begin(kind: LogKind, window: Window, nowMs: number): void {
    const { withheld } = window;
    window.sinceMs = nowMs;
    window.written = 0;
    window.withheld = 0;
    window.byParty.clear();
    if (withheld > 0) this.#log[KINDS[kind].level]({ kind, withheld }, `${kind}: and ${withheld} more`);
  }
}

/** A text that a client chose, no longer than a line of the log has room for. */
export function shown(text: string): string {
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}
