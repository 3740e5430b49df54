import type { Logger } from './logger.ts';
import { addressParty } from './networks.ts';

/** Log lines that are worth one look for each cause and address, however often they come. */
export class TellOnce {
  readonly #log: Logger;
  readonly #maxKeys: number;
  readonly #told = new Set<string>();

  /** @param maxKeys - causes that are told apart; those beyond are not told, so that nobody can fill the memory */
  constructor(log: Logger, maxKeys: number) {
    this.#log = log;
    this.#maxKeys = maxKeys;
  }

  /** @param address - whose it is: all addresses of one IPv6 host are one; '' where it makes no difference */
  warn(cause: string, address: string, text: string, fields: object = {}): void {
    const key = `${cause} ${addressParty(address)}`;
    if (this.#told.has(key) || this.#told.size >= this.#maxKeys) return;
    this.#told.add(key);
    this.#log.warn({ address, ...fields }, text);
  }
}
