import { NO_NODE, ROOT, type LevelTree } from './level-tree.ts';
import { DOLLAR_SIGN, endOfLevel } from './topic-name.ts';
import type { WorkMeter } from './work-meter.ts';

/** Where the messages are. */
type RetainedSource<M> = {
  /** The message of a node; undefined when it has none, or when it has expired and was removed just now. */
  readonly take: (node: number) => M | undefined;
  /** Told how many topics, and levels above them, were looked at. */
  readonly meter: WorkMeter;
};

/**
 * The retained messages that match a filter, in pieces of bounded work. A message that is there from beginning to
 * end is given exactly once; one that comes or goes meanwhile, once or not at all; none that has gone.
 *
 * The walk keeps the node where it stands alive. Close it when it is given up before it is done.
 */
export class RetainedMatches<M> {
  readonly #tree: LevelTree;
  readonly #source: RetainedSource<M>;
  /** The filter's levels, without a `#` at the end. */
  readonly #filterLevels: readonly string[];
  readonly #includesChildren: boolean;
  /** Numbers of the levels, good for one piece: between pieces a number can get another meaning. */
  readonly #levels: number[] = [];
  /** The node to look at next. */
  #node = ROOT;
  #depth = 0;

  constructor(tree: LevelTree, topicFilter: string, source: RetainedSource<M>) {
    this.#tree = tree;
    this.#source = source;
    const levels = levelsOf(topicFilter);
    this.#includesChildren = levels.at(-1) === '#';
    this.#filterLevels = this.#includesChildren ? levels.slice(0, -1) : levels;
    tree.holdNode(ROOT);
  }

  get isDone(): boolean {
    return this.#node === NO_NODE;
  }

  /**
   * Goes on over at most `maxItems` topics or levels above them, and gives the messages among these: often fewer
   * than `maxItems`, and none does not mean that it is done.
   */
  next(maxItems: number): M[] {
    const messages: M[] = [];
    const last = this.#node;
    if (last === NO_NODE) return messages;
    this.#readLevels();
    let lookedAt = 0;
    for (; lookedAt < maxItems && this.#node !== NO_NODE; lookedAt++) {
      const node = this.#node;
      const isMatch = this.#isMatch();
      // The walk moves on first: the node may go with an expired message, the one after it stays.
      this.#advance();
      const message = isMatch ? this.#source.take(node) : undefined;
      if (message !== undefined) messages.push(message);
    }
    this.#source.meter.work += lookedAt;
    if (this.#node !== NO_NODE) this.#tree.holdNode(this.#node);
    this.#tree.release(last);
    return messages;
  }

  /** Gives the rest up. */
  close(): void {
    if (this.#node !== NO_NODE) this.#tree.release(this.#node);
    this.#node = NO_NODE;
  }

  /** "sport/#" also matches "sport" (section 4.7.1.2); the root is no topic. */
  #isMatch(): boolean {
    const filterDepth = this.#filterLevels.length;
    if (this.#depth === 0) return false;
    return this.#depth === filterDepth || (this.#includesChildren && this.#depth > filterDepth);
  }

  /** To the first child that the filter allows, else to the next node beside or above. */
  #advance(): void {
    const child = this.#childOf(this.#node);
    if (child !== NO_NODE) {
      this.#node = child;
      this.#depth++;
      return;
    }
    while (this.#depth > 0) {
      this.#depth--;
      const sibling = this.#isWildcardAt(this.#depth)
        ? this.#skipDollar(this.#tree.nextSibling(this.#node), this.#depth)
        : NO_NODE;
      if (sibling !== NO_NODE) {
        this.#node = sibling;
        this.#depth++;
        return;
      }
      this.#node = this.#tree.parent(this.#node);
    }
    this.#node = NO_NODE;
  }

  #childOf(node: number): number {
    if (this.#isWildcardAt(this.#depth)) return this.#skipDollar(this.#tree.firstChild(node), this.#depth);
    return this.#depth < this.#levels.length
      ? this.#tree.child(node, this.#levels[this.#depth] ?? 0)
      : NO_NODE;
  }

  /** Whether the filter lets every text be the level below this depth. */
  #isWildcardAt(depth: number): boolean {
    return depth < this.#filterLevels.length ? this.#filterLevels[depth] === '+' : this.#includesChildren;
  }

  /** [MQTT-4.7.2-1] */
  #skipDollar(first: number, depth: number): number {
    if (depth > 0) return first;
    let node = first;
    while (
      node !== NO_NODE &&
      this.#tree.levels.textOf(this.#tree.levelOf(node)).charCodeAt(0) === DOLLAR_SIGN
    )
      node = this.#tree.nextSibling(node);
    return node;
  }

  #readLevels(): void {
    this.#levels.length = 0;
    for (const level of this.#filterLevels) this.#levels.push(this.#tree.levels.find(level, 0, level.length));
  }
}

function levelsOf(topicFilter: string): string[] {
  const levels: string[] = [];
  for (let start = 0; start <= topicFilter.length;) {
    const end = endOfLevel(topicFilter, start);
    levels.push(topicFilter.slice(start, end));
    start = end + 1;
  }
  return levels;
}
