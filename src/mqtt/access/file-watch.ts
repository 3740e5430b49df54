import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { findSignature } from './read-access-file.ts';

/** After the first sign of a change; the files must then be the same for as long again. */
export const DEFAULT_SETTLE_MS = 100;
/** How often the files are looked at without a sign: not every file system gives one. */
export const DEFAULT_LOOK_EVERY_MS = 10_000;

type FileWatchOptions = {
  readonly files: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly settleMs: number;
  readonly lookEveryMs: number;
  /** What {@link findSignatures} said of the files when they were read last. */
  readonly lastRead: () => string;
  /** The files are others than those that were read, and nobody is writing them. The next look waits for it. */
  readonly onChanged: () => unknown;
};

/**
 * Tells when one of some files has changed. Watches their folders, because editors and deployment tools put another
 * file in the place of the old one, or turn a link round.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #watchers: FSWatcher[] = [];
  readonly #ticker: Timer;
  #timer: Timer | undefined = undefined;
  #lastSeen: string | undefined = undefined;
  /** The looks, one after the other: one that overtakes a slow reading would have the same files read twice. */
  #looking: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    for (const folder of new Set(options.files.map((file) => dirname(file)))) this.#watch(folder);
    this.#ticker = options.clock.setTicker(options.lookEveryMs, () => this.#lookSoon());
    // What changed between the first reading and now.
    this.#lookSoon();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.clear();
    this.#ticker.clear();
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(folder: string): void {
    const warn = (error: unknown): void =>
      this.#options.log.warn(
        { err: error, folder },
        `changes in ${folder} are seen only every ${this.#options.lookEveryMs} ms`,
      );
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#lookSoon());
      watcher.on('error', (error) => {
        watcher.close();
        warn(error);
      });
      this.#watchers.push(watcher);
    } catch (error) {
      warn(error);
    }
  }

  /** Not later with each sign, so that a busy folder does not put it off for ever. */
  #lookSoon(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#timer = this.#options.clock.setTimer(this.#options.settleMs, () => {
      this.#looking = this.#looking.then(() => this.#look());
    });
  }

  async #look(): Promise<void> {
    // First, so that a sign that comes during the look leads to another one.
    this.#timer = undefined;
    const seen = await findSignatures(this.#options.files);
    if (this.#isClosed) return;
    const isSettled = seen === this.#lastSeen;
    const isNew = seen !== this.#options.lastRead();
    this.#lastSeen = isNew ? seen : undefined;
    if (isNew && isSettled) await this.#options.onChanged();
    else if (isNew) this.#lookSoon();
  }
}

/** One text for the state of all files. */
export async function findSignatures(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map(findSignature))).join(' ');
}
