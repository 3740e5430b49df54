import { systemClock, type Clock } from './clock.ts';
import { LogBudget } from './log-budget.ts';
import type { Logger } from './logger.ts';
import { addressParty } from './networks.ts';

/** Log lines that are worth one look for each cause and address, however often they come. */
export class TellOnce {
  readonly #log: LogBudget;
  readonly #maxKeys: number;
  /** The one told longest ago first. */
  readonly #told = new Set<string>();

  /** @param maxKeys - causes that are told apart; for one beyond, the oldest is forgotten and may be told again */
  constructor(log: Logger, maxKeys: number, clock: Clock = systemClock) {
    this.#log = new LogBudget(clock, log);
    this.#maxKeys = maxKeys;
  }

  /** @param address - whose it is: all addresses of one IPv6 host are one; '' where it makes no difference */
  warn(cause: string, address: string, text: string, fields: object = {}): void {
    const party = addressParty(address);
    const key = `${cause} ${party}`;
    if (this.#told.has(key)) return;
    if (!this.#log.write('warnings that are given once', { address, ...fields }, text, party)) return;
    this.#told.add(key);
    const [oldest] = this.#told;
    if (this.#told.size > this.#maxKeys && oldest !== undefined) this.#told.delete(oldest);
  }
}
