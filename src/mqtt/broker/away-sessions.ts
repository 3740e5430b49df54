import type { Party } from '../../base/ledger.ts';
import type { ClientSession } from './client-session.ts';

/** The sessions whose client is away, in the order in which they left: who has been away longest yields first. */
export class AwaySessions {
  readonly #all = new Set<ClientSession>();
  readonly #byParty = new Map<Party, Set<ClientSession>>();

  add(session: ClientSession): void {
    this.#all.add(session);
    const { party } = session;
    const ofParty = this.#byParty.get(party);
    if (ofParty === undefined) this.#byParty.set(party, new Set([session]));
    else ofParty.add(session);
  }

  /** It has ended, or its client is back. */
  delete(session: ClientSession): void {
    if (!this.#all.delete(session)) return;
    const ofParty = this.#byParty.get(session.party)!;
    ofParty.delete(session);
    if (ofParty.size === 0) this.#byParty.delete(session.party);
  }

  /** Of all, or of those that are booked to one party. */
  oldest(party?: Party): ClientSession | undefined {
    const sessions = party === undefined ? this.#all : this.#byParty.get(party);
    return sessions?.values().next().value;
  }
}
