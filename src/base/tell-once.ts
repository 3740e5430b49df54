import type { Logger } from './logger.ts';

/** Log lines that are worth one look for each cause, however often it comes: addresses of strangers, say. */
export class TellOnce {
  readonly #log: Logger;
  readonly #maxKeys: number;
  readonly #told = new Set<string>();

  /** @param maxKeys - causes that are told apart; those beyond are not told, so that nobody can fill the memory */
  constructor(log: Logger, maxKeys: number) {
    this.#log = log;
    this.#maxKeys = maxKeys;
  }

  warn(key: string, fields: object, text: string): void {
    if (this.#told.has(key) || this.#told.size >= this.#maxKeys) return;
    this.#told.add(key);
    this.#log.warn(fields, text);
  }
}
