import { PairTable } from './pair-table.ts';
import { randomMultiplier } from './random-seed.ts';

const NOT_KEPT = 0;
const FIRST_ROOM = 64;

/**
 * The texts between the separators, each kept once and known by a number, with a count of its users. What compares
 * levels then compares numbers; a text that nobody uses any more is forgotten.
 */
export class LevelTable {
  /** By hash and by turn among the texts of the same hash (0, 1, 2 …): nearly always there is one. */
  readonly #byHash = new PairTable();
  readonly #multiplier: number;
  readonly #texts: string[] = [''];
  #hashes = new Int32Array(FIRST_ROOM);
  #users = new Int32Array(FIRST_ROOM);
  readonly #free: number[] = [];

  /** @param multiplier - makes the hashes; with 0 all texts have the same one */
  constructor(multiplier: number = randomMultiplier()) {
    this.#multiplier = multiplier;
  }

  /** The number of texts. */
  get size(): number {
    return this.#texts.length - 1 - this.#free.length;
  }

  /** The number of the level `text[start, end)`; 0 when nobody uses it. */
  find(text: string, start: number, end: number): number {
    const hash = this.#hash(text, start, end);
    for (let turn = 0; ; turn++) {
      const level = this.#byHash.get(hash, turn);
      if (level === NOT_KEPT || isSameText(this.#texts[level]!, text, start, end)) return level;
    }
  }

  /** As {@link find}, and counts one more user; a new level is taken in. */
  hold(text: string, start: number, end: number): number {
    const hash = this.#hash(text, start, end);
    let turn = 0;
    let level = this.#byHash.get(hash, turn);
    while (level !== NOT_KEPT && !isSameText(this.#texts[level]!, text, start, end))
      level = this.#byHash.get(hash, ++turn);
    if (level === NOT_KEPT) {
      level = this.#free.pop() ?? this.#texts.length;
      this.#makeRoom(level);
      this.#texts[level] = copyOf(text.slice(start, end));
      this.#hashes[level] = hash;
      this.#byHash.set(hash, turn, level);
    }
    this.#users[level] = this.#users[level]! + 1;
    return level;
  }

  /** Counts one user less. */
  release(level: number): void {
    this.#users[level] = this.#users[level]! - 1;
    if (this.#users[level] !== 0) return;
    const hash = this.#hashes[level]!;
    let last = 0;
    let turn = 0;
    for (let other = this.#byHash.get(hash, 0); other !== NOT_KEPT; other = this.#byHash.get(hash, ++last)) {
      if (other === level) turn = last;
    }
    // The last one of this hash takes the freed turn, so that a search finds no gap.
    const moved = this.#byHash.delete(hash, last - 1);
    if (moved !== level) this.#byHash.set(hash, turn, moved);
    this.#texts[level] = '';
    this.#free.push(level);
  }

  textOf(level: number): string {
    return this.#texts[level] ?? '';
  }

  #makeRoom(level: number): void {
    if (level < this.#hashes.length) return;
    const hashes = new Int32Array(this.#hashes.length * 2);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const users = new Int32Array(this.#users.length * 2);
    users.set(this.#users);
    this.#users = users;
  }

  #hash(text: string, start: number, end: number): number {
    let hash = this.#multiplier;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), this.#multiplier);
    return hash ^ (hash >>> 15);
  }
}

function isSameText(level: string, text: string, start: number, end: number): boolean {
  if (level.length !== end - start) return false;
  for (let index = 0; index < level.length; index++) {
    if (level.charCodeAt(index) !== text.charCodeAt(start + index)) return false;
  }
  return true;
}

/** A slice of a long topic would keep the whole topic alive. */
function copyOf(slice: string): string {
  return Buffer.from(slice).toString();
}
