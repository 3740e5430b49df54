/** The last ids of requests whose callers have left: an answer to one of them is late, one to another id a stray. */
export class RecentIds {
  readonly #ids = new Set<string>();
  readonly #maxIds: number;

  constructor(maxIds: number) {
    this.#maxIds = maxIds;
  }

  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= this.#maxIds) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }

  /** @returns false when it was not there */
  take(id: string): boolean {
    return this.#ids.delete(id);
  }
}
