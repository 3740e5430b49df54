import type { Clock, Timer } from '../base/clock.ts';

type Item = {
  /** Nobody would miss it. */
  readonly isIdle: boolean;
  close(): void;
};

type Limits = { readonly maxItems: number; readonly idleMs: number };

/** A limited number of things by name. Those that were not used for `idleMs` are closed; when it is full, the idle one
 * that was used longest ago makes room. */
export class IdlePool<T extends Item> {
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** In the order of their last use. */
  readonly #items = new Map<string, { readonly item: T; usedMs: number }>();
  #sweeper: Timer | undefined;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#items.size;
  }

  /** The thing of this name, made if it is not there; undefined when the shelf is full of things in use. */
  take(name: string, make: () => T): T | undefined {
    const found = this.#items.get(name);
    if (found === undefined && this.#items.size >= this.#limits.maxItems && !this.#makeRoom())
      return undefined;
    const entry = found ?? { item: make(), usedMs: 0 };
    entry.usedMs = this.#clock.monotonic();
    this.#items.delete(name);
    this.#items.set(name, entry);
    this.#sweeper ??= this.#clock.setTicker(this.#limits.idleMs, () => this.#sweep());
    return entry.item;
  }

  find(name: string): T | undefined {
    return this.#items.get(name)?.item;
  }

  closeAll(): void {
    for (const { item } of this.#items.values()) item.close();
    this.#items.clear();
    this.#rest();
  }

  #makeRoom(): boolean {
    for (const [name, { item }] of this.#items) {
      if (!item.isIdle) continue;
      this.#remove(name, item);
      return true;
    }
    return false;
  }

  #sweep(): void {
    const before = this.#clock.monotonic() - this.#limits.idleMs;
    for (const [name, { item, usedMs }] of this.#items) {
      if (usedMs <= before && item.isIdle) this.#remove(name, item);
    }
    if (this.#items.size === 0) this.#rest();
  }

  #remove(name: string, item: T): void {
    this.#items.delete(name);
    item.close();
  }

  #rest(): void {
    this.#sweeper?.clear();
    this.#sweeper = undefined;
  }
}
