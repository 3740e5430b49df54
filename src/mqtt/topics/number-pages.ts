/** 2^14 records a page. */
const PAGE_SHIFT = 14;
const PAGE_MASK = (1 << PAGE_SHIFT) - 1;
/** Eight 32-bit numbers a record: two records fill one line of the processor's cache. */
const RECORD_SHIFT = 3;
const FIRST_RECORDS = 64;

/**
 * Records of eight 32-bit numbers, by index, in pages of 512 KiB: a million records grow without ever being copied
 * as a whole. The first page begins small.
 */
export class NumberPages {
  readonly #pages: Int32Array[] = [new Int32Array(FIRST_RECORDS << RECORD_SHIFT)];

  get(record: number, field: number): number {
    return this.#pages[record >>> PAGE_SHIFT]![((record & PAGE_MASK) << RECORD_SHIFT) + field]!;
  }

  set(record: number, field: number, value: number): void {
    this.#pages[record >>> PAGE_SHIFT]![((record & PAGE_MASK) << RECORD_SHIFT) + field] = value;
  }

  clear(record: number): void {
    const at = (record & PAGE_MASK) << RECORD_SHIFT;
    this.#pages[record >>> PAGE_SHIFT]!.fill(0, at, at + (1 << RECORD_SHIFT));
  }

  /** Makes room for the record that follows the last one there was room for, and for all before it. */
  makeRoomFor(record: number): void {
    const last = this.#pages.length - 1;
    const page = this.#pages[last]!;
    const room = (last << PAGE_SHIFT) + (page.length >>> RECORD_SHIFT);
    if (record < room) return;
    if (page.length === 1 << (PAGE_SHIFT + RECORD_SHIFT)) {
      this.#pages.push(new Int32Array(1 << (PAGE_SHIFT + RECORD_SHIFT)));
    } else {
      const larger = new Int32Array(page.length * 2);
      larger.set(page);
      this.#pages[last] = larger;
    }
  }
}
