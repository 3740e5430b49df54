import { isIPv4 } from 'node:net';

type Home = { readonly base: string; readonly owned: Set<number>; readonly free: number[] };

/**
 * Gives plain devices their ids: `DE` and the last part of the address, then `DE11-2`, `DE11-3` … where more than
 * one device shares it. An address keeps the ids it was given, so that a device that comes back finds its own.
 */
export class DeviceIds {
  readonly #homes = new Map<string, Home>();
  /** For each base, which numbers belong to which address. */
  readonly #taken = new Map<string, Set<number>>();
  readonly #maxRememberedAddresses: number;

  constructor(maxRememberedAddresses: number) {
    this.#maxRememberedAddresses = maxRememberedAddresses;
  }

  /**
   * The id for a new connection from `address`: the lowest of the address's own ids that is free, else a new one.
   *
   * @param isForeign - true for ids that another gateway or a framed device has in use
   */
  take(address: string, isForeign: (id: string) => boolean): string {
    const home = this.#home(address);
    for (let index = home.free.length - 1; index >= 0; index--) {
      const number = home.free[index];
      if (number === undefined || isForeign(spell(home.base, number))) continue;
      home.free.splice(index, 1);
      return spell(home.base, number);
    }
    return spell(home.base, this.#own(home, isForeign));
  }

  /** Gives an id back; its address keeps it for the next connection. */
  release(address: string, id: string): void {
    const home = this.#homes.get(address);
    if (home === undefined) return;
    const number = id === home.base ? 1 : Number(id.slice(home.base.length + 1));
    let at = home.free.length;
    while (at > 0 && (home.free[at - 1] ?? 0) < number) at--;
    home.free.splice(at, 0, number);
    this.#forgetOldest();
  }

  #home(address: string): Home {
    const known = this.#homes.get(address);
    if (known !== undefined) {
      // Least recently used first: what is used goes to the end.
      this.#homes.delete(address);
      this.#homes.set(address, known);
      return known;
    }
    const home: Home = { base: baseOf(address), owned: new Set(), free: [] };
    this.#homes.set(address, home);
    return home;
  }

  #own(home: Home, isForeign: (id: string) => boolean): number {
    let taken = this.#taken.get(home.base);
    if (taken === undefined) {
      taken = new Set();
      this.#taken.set(home.base, taken);
    }
    // Numbers are handed out without gaps, so the next one is mostly the count.
    let number = taken.size + 1;
    while (number > 1 && !taken.has(number - 1)) number--;
    while (taken.has(number) || isForeign(spell(home.base, number))) number++;
    taken.add(number);
    home.owned.add(number);
    return number;
  }

  #forgetOldest(): void {
    if (this.#homes.size <= this.#maxRememberedAddresses) return;
    for (const [address, home] of this.#homes) {
      if (home.free.length < home.owned.size) continue;
      const taken = this.#taken.get(home.base);
      for (const number of home.owned) taken?.delete(number);
      if (taken?.size === 0) this.#taken.delete(home.base);
      this.#homes.delete(address);
      return;
    }
  }
}

function baseOf(address: string): string {
  if (isIPv4(address)) return `DE${address.slice(address.lastIndexOf('.') + 1)}`;
  const group = address.split('%')[0]?.split(':').at(-1) ?? '';
  return `DE${group === '' ? '0' : group}`;
}

function spell(base: string, number: number): string {
  return number === 1 ? base : `${base}-${number}`;
}
