/** A connection, as far as it matters who has a place. */
type Placed<C> = {
  /** It has not said who it is. Once it has, it has for good. */
  readonly isSilent: boolean;
  /** While it has one. */
  place: Place<C> | undefined;
};

/** The place of one connection, between those of the same address that came before it and after it. */
export type Place<C> = {
  readonly connection: C;
  readonly crowd: Crowd<C>;
  before: Place<C> | undefined;
  after: Place<C> | undefined;
};

/** The connections of one address, in the order in which they came. */
type Crowd<C> = {
  readonly address: string;
  size: number;
  /** Where it stands among the others. */
  rank: number;
  newest: Place<C> | undefined;
  /** None before it is silent. */
  oldestSilent: Place<C> | undefined;
};

/**
 * The connections of one listener by the addresses that they come from, as far as these tell peers apart: one address
 * has no places that others need. What is done for a newcomer takes the same time however many there are.
 */
export class ConnectionPlaces<C extends Placed<C>> {
  readonly #byAddress = new Map<string, Crowd<C>>();
  /** Those with more connections first. */
  readonly #ranked: Crowd<C>[] = [];
  /** How many have at least so many connections; of 0 nobody asks. */
  readonly #atLeast: number[] = [0];
  #taken = 0;

  get taken(): number {
    return this.#taken;
  }

  takenBy(address: string): number {
    return this.#byAddress.get(address)?.size ?? 0;
  }

  take(address: string, connection: C): void {
    const crowd = this.#byAddress.get(address) ?? this.#begin(address);
    const place: Place<C> = { connection, crowd, before: crowd.newest, after: undefined };
    if (crowd.newest !== undefined) crowd.newest.after = place;
    crowd.newest = place;
    crowd.oldestSilent ??= place;
    connection.place = place;
    this.#taken++;
    const rank = this.#atLeast[crowd.size + 1] ?? 0;
    this.#rank(crowd, rank);
    this.#atLeast[++crowd.size] = rank + 1;
  }

  /** Once it has left, nothing changes. */
  leave(connection: C): void {
    const { place } = connection;
    if (place === undefined) return;
    const { crowd, before, after } = place;
    if (before !== undefined) before.after = after;
    if (after === undefined) crowd.newest = before;
    else after.before = before;
    if (crowd.oldestSilent === place) crowd.oldestSilent = after;
    connection.place = undefined;
    this.#taken--;
    const rank = this.#atLeast[crowd.size]! - 1;
    this.#rank(crowd, rank);
    this.#atLeast[crowd.size--] = rank;
    if (rank === 0) this.#atLeast.pop();
    if (crowd.size > 0) return;
    this.#ranked.pop();
    this.#byAddress.delete(crowd.address);
  }

  /**
   * Whose place a newcomer gets where all are taken: of the address that has most, unless the newcomer's would have as
   * many then, the oldest that is silent; else the newest.
   */
  findYielding(newcomer: string): C | undefined {
    const [most] = this.#ranked;
    if (most === undefined || most.size <= this.takenBy(newcomer) + 1) return undefined;
    // What has been passed here is never looked at again.
    while (most.oldestSilent?.connection.isSilent === false) most.oldestSilent = most.oldestSilent.after;
    return (most.oldestSilent ?? most.newest)?.connection;
  }

  #begin(address: string): Crowd<C> {
    const rank = this.#ranked.length;
    const crowd: Crowd<C> = { address, size: 0, rank, newest: undefined, oldestSilent: undefined };
    this.#byAddress.set(address, crowd);
    this.#ranked.push(crowd);
    return crowd;
  }

  /** Changes places with one that has as many: at the edge of these, where one more or less breaks no order. */
  #rank(crowd: Crowd<C>, rank: number): void {
    const other = this.#ranked[rank]!;
    this.#ranked[crowd.rank] = other;
    other.rank = crowd.rank;
    this.#ranked[rank] = crowd;
    crowd.rank = rank;
  }
}
