const NO_SLOT = 0;

/**
 * What a peer's Topic Aliases stand for, on one Network Connection (MQTT 5.0 section 3.3.2.3.4). They end with it
 * [MQTT-3.3.2-7]: make a new one for the next.
 *
 * @typeParam T - the topic, as text or as an entry of the `TopicTable`; not undefined
 */
export class InboundTopicAliases<T> {
  readonly #maximum: number;
  /** By alias; made no longer than the highest one used. */
  readonly #topics: (T | undefined)[] = [undefined];

  /** @param maximum - the Topic Alias Maximum that the peer was told; 0 allows none */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /**
   * Lets an alias stand for a topic from now on.
   *
   * @returns false for 0 [MQTT-3.3.2-8] and above the maximum [MQTT-3.3.2-9]: Reason Code 0x94 Topic Alias invalid
   */
  set(alias: number, topic: T): boolean {
    if (alias < 1 || alias > this.#maximum) return false;
    while (this.#topics.length <= alias) this.#topics.push(undefined);
    this.#topics[alias] = topic;
    return true;
  }

  /**
   * The topic; undefined for an alias that stands for nothing: Reason Code 0x82 Protocol Error, or 0x94 Topic Alias
   * invalid where {@link isAllowed} is false.
   */
  get(alias: number): T | undefined {
    return this.#topics[alias];
  }

  isAllowed(alias: number): boolean {
    return alias >= 1 && alias <= this.#maximum;
  }
}

/**
 * The Topic Aliases that this side gives, on one Network Connection. Where all are given, the one that was not used
 * for the longest time stands for the new topic.
 *
 * @typeParam T - the topic, as text or as an entry of the `TopicTable`
 */
export class OutboundTopicAliases<T> {
  readonly #maximum: number;
  readonly #book: (topic: T | undefined, before: T | undefined) => boolean;
  readonly #aliases = new Map<T, number>();
  readonly #topics: (T | undefined)[] = [undefined];
  /** A ring through alias 0: after it the one used last, before it the one used longest ago. */
  readonly #older: number[] = [NO_SLOT];
  readonly #newer: number[] = [NO_SLOT];

  /**
   * @param maximum - the peer's Topic Alias Maximum [MQTT-3.3.2-11], or less to bound memory; 0 gives none
   * @param book - asked before a topic is kept in place of another; false when there is no room for it
   */
  constructor(maximum: number, book: (topic: T | undefined, before: T | undefined) => boolean = () => true) {
    this.#maximum = maximum;
    this.#book = book;
  }

  get size(): number {
    return this.#aliases.size;
  }

  /** The alias that the peer knows for this topic, which need not be sent then; 0 when there is none. */
  find(topic: T): number {
    const alias = this.#aliases.get(topic);
    if (alias === undefined) return 0;
    if (this.#older[0] !== alias) {
      this.#unlink(alias);
      this.#linkAsNewest(alias);
    }
    return alias;
  }

  /** Gives a topic that has none an alias, to be sent together with the topic; 0 when no alias may be given. */
  assign(topic: T): number {
    if (this.#maximum < 1) return 0;
    const isNew = this.#topics.length <= this.#maximum;
    const alias = isNew ? this.#topics.length : this.#newer[0]!;
    const before = this.#topics[alias];
    if (!this.#book(topic, before)) return 0;
    if (isNew) {
      this.#older.push(NO_SLOT);
      this.#newer.push(NO_SLOT);
    } else this.#unlink(alias);
    if (before !== undefined) this.#aliases.delete(before);
    this.#topics[alias] = topic;
    this.#aliases.set(topic, alias);
    this.#linkAsNewest(alias);
    return alias;
  }

  /**
   * Takes an alias back that the peer was not told after all. It is the first to stand for another topic, once there
   * is none left that was never given.
   */
  forget(alias: number): void {
    this.#aliases.delete(this.#topics[alias]!);
    this.#book(undefined, this.#topics[alias]);
    this.#topics[alias] = undefined;
    this.#unlink(alias);
    const last = this.#newer[0]!;
    this.#newer[alias] = last;
    this.#older[alias] = 0;
    this.#older[last] = alias;
    this.#newer[0] = alias;
  }

  #unlink(alias: number): void {
    const older = this.#older[alias]!;
    const newer = this.#newer[alias]!;
    this.#newer[older] = newer;
    this.#older[newer] = older;
  }

  #linkAsNewest(alias: number): void {
    const last = this.#older[0]!;
    this.#older[alias] = last;
    this.#newer[alias] = 0;
    this.#newer[last] = alias;
    this.#older[0] = alias;
  }
}
