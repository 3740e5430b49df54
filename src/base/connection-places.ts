import type { Party } from './ledger.ts';

/** A connection, as far as it matters who has a place. */
type Placed = {
  /** The address that it comes from. */
  readonly party: Party;
  /** It has not said who it is. */
  readonly isSilent: boolean;
};

/** The connections of one listener by where they come from: one address has no places that others need. */
export class ConnectionPlaces<C extends Placed> {
  readonly #byParty = new Map<string, Set<C>>();
  #taken = 0;

  get taken(): number {
    return this.#taken;
  }

  takenBy({ key }: Party): number {
    return this.#byParty.get(key)?.size ?? 0;
  }

  take(connection: C): void {
    const { key } = connection.party;
    const known = this.#byParty.get(key);
    if (known === undefined) this.#byParty.set(key, new Set([connection]));
    else known.add(connection);
    this.#taken++;
  }

  /** Once it has left, nothing changes. */
  leave(connection: C): void {
    const { key } = connection.party;
    const connections = this.#byParty.get(key);
    if (connections?.delete(connection) !== true) return;
    if (connections.size === 0) this.#byParty.delete(key);
    this.#taken--;
  }

  /**
   * Whose place a newcomer gets where all are taken: of the party that has most, unless the newcomer's would have as
   * many then, the oldest that is silent; else the newest.
   */
  findYielding(newcomer: Party): C | undefined {
    let most = new Set<C>();
    for (const connections of this.#byParty.values()) if (connections.size > most.size) most = connections;
    if (most.size <= this.takenBy(newcomer) + 1) return undefined;
    let last: C | undefined;
    for (const connection of most) {
      if (connection.isSilent) return connection;
      last = connection;
    }
    return last;
  }
}
