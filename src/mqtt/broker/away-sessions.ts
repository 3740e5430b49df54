import type { Party } from '../../base/ledger.ts';
import type { ClientSession } from './client-session.ts';

/** The sessions whose client is away, of each party in the order in which they left. */
export class AwaySessions {
  readonly #byParty = new Map<Party, Set<ClientSession>>();
  /** Parties by how many of their sessions are away: who has most is found without looking at all. */
  readonly #byCount = new Map<number, Set<Party>>();
  #most = 0;

  add(session: ClientSession): void {
    const { party } = session;
    const known = this.#byParty.get(party);
    const sessions = known ?? new Set<ClientSession>();
    if (known === undefined) this.#byParty.set(party, sessions);
    const before = sessions.size;
    this.#move(party, before, sessions.add(session).size);
  }

  /** It has ended, or its client is back. */
  delete(session: ClientSession): void {
    const { party } = session;
    const sessions = this.#byParty.get(party);
    if (sessions?.delete(session) !== true) return;
    if (sessions.size === 0) this.#byParty.delete(party);
    this.#move(party, sessions.size + 1, sessions.size);
  }

  oldestOf(party: Party): ClientSession | undefined {
    return this.#byParty.get(party)?.values().next().value;
  }

  /**
   * Which session makes room for a newcomer's, which is booked, where there are as many as there may be: the oldest of
   * the party that has most of them away, unless it would have fewer then than the newcomer's; else the newcomer's own.
   */
  findYielding(newcomer: Party): ClientSession | undefined {
    const most = this.#byCount.get(this.#most)?.values().next().value;
    const hasMore = most !== undefined && most.sessions > newcomer.sessions;
    return this.oldestOf(hasMore ? most : newcomer);
  }

  /** A party has one more away, or one less. */
  #move(party: Party, before: number, after: number): void {
    const left = this.#byCount.get(before);
    left?.delete(party);
    if (left?.size === 0) this.#byCount.delete(before);
    if (after > 0) {
      const joined = this.#byCount.get(after);
      if (joined === undefined) this.#byCount.set(after, new Set([party]));
      else joined.add(party);
    }
    if (after > this.#most || !this.#byCount.has(this.#most)) this.#most = after;
  }
}
