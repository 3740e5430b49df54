import { LevelTable } from './level-table.ts';
import { NumberPages } from './number-pages.ts';
import { PairTable } from './pair-table.ts';
import { endOfLevel } from './topic-name.ts';

/** "No node": the number of no node, and what follows the last of a list. */
export const NO_NODE = 0;
export const ROOT = 1;

/** The numbers of a node. */
const PARENT = 0;
const LEVEL = 1;
const FIRST_CHILD = 2;
/** Among the children of one parent, the newest first. In a free node: the next free one. */
const NEXT = 3;
const PREVIOUS = 4;
const PLUS_CHILD = 5;
const NUMBER_SIGN_CHILD = 6;
/** How many things need this node besides its children. */
const HOLDS = 7;

/**
 * Topics or filters as a tree with one node for each level, the nodes known by numbers. A path of any length is
 * walked in a loop. A node lives as long as something holds it or a node below it; then its number is used again.
 */
export class LevelTree {
  readonly levels = new LevelTable();
  readonly #children = new PairTable();
  readonly #plus: number;
  readonly #numberSign: number;
  readonly #nodes = new NumberPages();
  #end = ROOT + 1;
  #firstFree = NO_NODE;
  #size = 1;

  constructor() {
    // A Topic Name cannot contain the wildcards, so they can be levels like any other.
    this.#plus = this.levels.hold('+', 0, 1);
    this.#numberSign = this.levels.hold('#', 0, 1);
    this.#nodes.set(ROOT, HOLDS, 1);
  }

  /** The number of nodes, the root included. */
  get size(): number {
    return this.#size;
  }

  /** Every node's number is below this. */
  get end(): number {
    return this.#end;
  }

  /** The child of `node` with this level; a level of 0 is nobody's. */
  child(node: number, level: number): number {
    return level === 0 ? NO_NODE : this.#children.get(node, level);
  }

  plusChild(node: number): number {
    return this.#nodes.get(node, PLUS_CHILD);
  }

  numberSignChild(node: number): number {
    return this.#nodes.get(node, NUMBER_SIGN_CHILD);
  }

  firstChild(node: number): number {
    return this.#nodes.get(node, FIRST_CHILD);
  }

  nextSibling(node: number): number {
    return this.#nodes.get(node, NEXT);
  }

  parent(node: number): number {
    return this.#nodes.get(node, PARENT);
  }

  levelOf(node: number): number {
    return this.#nodes.get(node, LEVEL);
  }

  isHeld(node: number): boolean {
    return this.#nodes.get(node, HOLDS) !== 0;
  }

  /** The node of this path; `NO_NODE` when there is none. */
  find(path: string): number {
    let node = ROOT;
    for (let start = 0; node !== NO_NODE && start <= path.length;) {
      const end = endOfLevel(path, start);
      node = this.child(node, this.levels.find(path, start, end));
      start = end + 1;
    }
    return node;
  }

  /** The node of this path, made when there is none, and held once more. */
  hold(path: string): number {
    let node = ROOT;
    for (let start = 0; start <= path.length;) {
      const end = endOfLevel(path, start);
      const child = this.child(node, this.levels.find(path, start, end));
      node = child === NO_NODE ? this.#add(node, this.levels.hold(path, start, end)) : child;
      start = end + 1;
    }
    this.holdNode(node);
    return node;
  }

  holdNode(node: number): void {
    this.#nodes.set(node, HOLDS, this.#nodes.get(node, HOLDS) + 1);
  }

  /** The other way round than {@link hold}. The node, and those above it, go when nothing needs them any more. */
  release(node: number): void {
    this.#nodes.set(node, HOLDS, this.#nodes.get(node, HOLDS) - 1);
    let last = node;
    while (!this.isHeld(last) && this.firstChild(last) === NO_NODE) {
      const parent = this.parent(last);
      this.#remove(last);
      last = parent;
    }
  }

  /** The path of a node, by which it was held. */
  pathOf(node: number): string {
    const texts: string[] = [];
    for (let at = node; at !== ROOT; at = this.parent(at)) texts.push(this.levels.textOf(this.levelOf(at)));
    return texts.toReversed().join('/');
  }

  #add(parent: number, level: number): number {
    const node = this.#allocate();
    const nodes = this.#nodes;
    const next = nodes.get(parent, FIRST_CHILD);
    nodes.clear(node);
    nodes.set(node, PARENT, parent);
    nodes.set(node, LEVEL, level);
    nodes.set(node, NEXT, next);
    if (next !== NO_NODE) nodes.set(next, PREVIOUS, node);
    nodes.set(parent, FIRST_CHILD, node);
    this.#setWildcardChild(parent, level, node);
    this.#children.set(parent, level, node);
    this.#size++;
    return node;
  }

  #remove(node: number): void {
    const nodes = this.#nodes;
    const parent = nodes.get(node, PARENT);
    const level = nodes.get(node, LEVEL);
    const next = nodes.get(node, NEXT);
    const previous = nodes.get(node, PREVIOUS);
    if (next !== NO_NODE) nodes.set(next, PREVIOUS, previous);
    if (previous === NO_NODE) nodes.set(parent, FIRST_CHILD, next);
    else nodes.set(previous, NEXT, next);
    this.#setWildcardChild(parent, level, NO_NODE);
    this.#children.delete(parent, level);
    this.levels.release(level);
    nodes.set(node, NEXT, this.#firstFree);
    this.#firstFree = node;
    this.#size--;
  }

  #setWildcardChild(parent: number, level: number, node: number): void {
    if (level === this.#plus) this.#nodes.set(parent, PLUS_CHILD, node);
    else if (level === this.#numberSign) this.#nodes.set(parent, NUMBER_SIGN_CHILD, node);
  }

  #allocate(): number {
    const free = this.#firstFree;
    if (free !== NO_NODE) {
      this.#firstFree = this.nextSibling(free);
      return free;
    }
    const node = this.#end++;
    this.#nodes.makeRoomFor(node);
    return node;
  }
}
