import type { Say } from '../messages.ts';
import { EMPTY_ROW, type Area, type Row } from './rows.ts';
import type { Key } from './key-reader.ts';
import { stepOf } from './list-window.ts';

/** Rows of which a part is seen, and the keys that move it. What does not fit says where one is. */
export class ScrolledRows {
  readonly #say: Say;
  #first = 0;
  #count = 0;
  #seen = 1;

  constructor(say: Say) {
    this.#say = say;
  }

  /** Takes a key that scrolls; false when everything is in sight, or the key means something else. */
  take(key: Key): boolean {
    const list = { count: this.#count, rows: this.#seen };
    const step = key.name === 'text' && key.text === ' ' ? this.#seen : stepOf(key, list);
    if (step === undefined || this.#count <= this.#seen) return false;
    this.#first = Math.max(0, Math.min(this.#count - this.#seen, this.#first + step));
    return true;
  }

  toTop(): void {
    this.#first = 0;
  }

  draw(rows: readonly Row[], area: Area): readonly Row[] {
    this.#count = rows.length;
    if (rows.length <= area.rows) {
      this.#seen = rows.length;
      this.#first = 0;
      return rows;
    }
    // The last two rows tell where one is.
    this.#seen = Math.max(1, area.rows - 2);
    this.#first = Math.min(this.#first, rows.length - this.#seen);
    const values = { from: this.#first + 1, to: this.#first + this.#seen, total: rows.length };
    const position: Row = [
      { text: this.#say('answer.lines', values), width: area.columns, align: 'right', tone: 'dim' },
    ];
    return [...rows.slice(this.#first, this.#first + this.#seen), EMPTY_ROW, position];
  }
}
