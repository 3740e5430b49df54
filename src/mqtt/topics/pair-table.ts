import { randomMultiplier } from './random-seed.ts';

const SEGMENTS = 64;
/** The highest six bits of the hash choose the segment. */
const SEGMENT_SHIFT = 26;
const FIRST_SLOTS = 8;

/** A slot is four numbers: two keys, the value (0: the slot is empty), the hash of the keys. */
const SLOT_SHIFT = 2;
const SECOND_KEY = 1;
const VALUE = 2;
const HASH = 3;

/** One empty slot; shared by all segments that hold nothing yet, and never written. */
const NO_SLOTS = new Int32Array(1 << SLOT_SHIFT);

/**
 * A map from two 32-bit numbers to a third that is not 0, in plain memory that the garbage collector need not walk:
 * 26 to 52 bytes a pair. It is cut in segments that grow one by one, so that no growth takes more than 1/64 of the
 * whole at once. What was grown stays, for the next pairs.
 */
export class PairTable {
  readonly #segments: Int32Array[] = Array.from({ length: SEGMENTS }, () => NO_SLOTS);
  readonly #sizes = new Int32Array(SEGMENTS);
  readonly #firstMultiplier = randomMultiplier();
  readonly #secondMultiplier = randomMultiplier();

  /** The number of pairs. */
  get size(): number {
    return this.#sizes.reduce((sum, size) => sum + size, 0);
  }

  /** The value of the pair; 0 when there is none. */
  get(first: number, second: number): number {
    const hash = this.#hash(first, second);
    const slots = this.#segments[hash >>> SEGMENT_SHIFT]!;
    const mask = (slots.length >>> SLOT_SHIFT) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = slot << SLOT_SHIFT;
      const value = slots[at + VALUE]!;
      if (value === 0 || (slots[at] === first && slots[at + SECOND_KEY] === second)) return value;
    }
  }

  /** Gives the pair a value, in place of the one it may have. */
  set(first: number, second: number, value: number): void {
    const hash = this.#hash(first, second);
    const segment = hash >>> SEGMENT_SHIFT;
    let slots = this.#segments[segment]!;
    const size = this.#sizes[segment]!;
    // At most 5/8 full: a search for what is not there ends after few steps.
    if (size * 8 >= (slots.length >>> SLOT_SHIFT) * 5 || slots === NO_SLOTS) {
      slots = grown(slots);
      this.#segments[segment] = slots;
    }
    const mask = (slots.length >>> SLOT_SHIFT) - 1;
    let at = (hash & mask) << SLOT_SHIFT;
    while (slots[at + VALUE] !== 0 && !(slots[at] === first && slots[at + SECOND_KEY] === second))
      at = (at + (1 << SLOT_SHIFT)) & (slots.length - 1);
    if (slots[at + VALUE] === 0) this.#sizes[segment] = size + 1;
    slots[at] = first;
    slots[at + SECOND_KEY] = second;
    slots[at + VALUE] = value;
    slots[at + HASH] = hash;
  }

  /** Takes the pair out; its value, or 0 when it was not there. */
  delete(first: number, second: number): number {
    const hash = this.#hash(first, second);
    const segment = hash >>> SEGMENT_SHIFT;
    const slots = this.#segments[segment]!;
    const mask = (slots.length >>> SLOT_SHIFT) - 1;
    let slot = hash & mask;
    for (; ; slot = (slot + 1) & mask) {
      const at = slot << SLOT_SHIFT;
      if (slots[at + VALUE] === 0) return 0;
      if (slots[at] === first && slots[at + SECOND_KEY] === second) break;
    }
    const value = slots[(slot << SLOT_SHIFT) + VALUE]!;
    closeGap(slots, slot);
    this.#sizes[segment] = this.#sizes[segment]! - 1;
    return value;
  }

  #hash(first: number, second: number): number {
    let hash = Math.imul(first, this.#firstMultiplier);
    hash = Math.imul((hash ^ (hash >>> 15)) + second, this.#secondMultiplier);
    return hash ^ (hash >>> 15);
  }
}

/** Moves what follows the slot up, as far as it may stand there: no marks for deleted pairs are needed. */
function closeGap(slots: Int32Array, emptied: number): void {
  const mask = (slots.length >>> SLOT_SHIFT) - 1;
  let gap = emptied;
  for (let slot = (gap + 1) & mask; ; slot = (slot + 1) & mask) {
    const at = slot << SLOT_SHIFT;
    if (slots[at + VALUE] === 0) break;
    const home = slots[at + HASH]! & mask;
    if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
    slots.copyWithin(gap << SLOT_SHIFT, at, at + (1 << SLOT_SHIFT));
    gap = slot;
  }
  slots[(gap << SLOT_SHIFT) + VALUE] = 0;
}

function grown(slots: Int32Array): Int32Array {
  if (slots === NO_SLOTS) return new Int32Array(FIRST_SLOTS << SLOT_SHIFT);
  const larger = new Int32Array(slots.length * 2);
  const mask = (larger.length >>> SLOT_SHIFT) - 1;
  for (let from = 0; from < slots.length; from += 1 << SLOT_SHIFT) {
    if (slots[from + VALUE] === 0) continue;
    let at = (slots[from + HASH]! & mask) << SLOT_SHIFT;
    while (larger[at + VALUE] !== 0) at = (at + (1 << SLOT_SHIFT)) & (larger.length - 1);
    larger[at] = slots[from]!;
    larger[at + SECOND_KEY] = slots[from + SECOND_KEY]!;
    larger[at + VALUE] = slots[from + VALUE]!;
    larger[at + HASH] = slots[from + HASH]!;
  }
  return larger;
}
