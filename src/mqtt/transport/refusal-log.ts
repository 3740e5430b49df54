import type { Logger } from '../../base/logger.ts';
import { TellOnce } from '../../base/tell-once.ts';
import type { OnRefused } from './refusals.ts';
import { handshakeFaultOf } from './tls-refusal.ts';

/** Reasons and addresses that are told apart in the log. */
const MAX_TOLD_REFUSALS = 1000;

/** Lines in the log about connections that did not get as far as the broker, one for each reason and address. */
export class RefusalLog {
  readonly #tellOnce: TellOnce;

  constructor(log: Logger) {
    this.#tellOnce = new TellOnce(log, MAX_TOLD_REFUSALS);
  }

  of(name: string): OnRefused {
    return (reason, address, error) => {
      const why = error === undefined ? reason : `${reason} (${handshakeFaultOf(error)})`;
      const text = `a connection to ${name} ${address === '' ? '' : `from ${address} `}was refused: ${why}`;
      this.#tellOnce.warn(`${name} ${reason}`, address, text, { listener: name, reason });
    };
  }
}
