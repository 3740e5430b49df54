import { EMPTY_ROW, type Area, type Row } from '../ui/rows.ts';
import type { Key } from '../ui/key-reader.ts';
import { stepOf } from '../ui/list-window.ts';
import type { Hint } from '../ui/page.ts';
import type { HelpTopic, ManagePage, PageContext } from './page-context.ts';

/** A page that is read: a part of its rows is seen, and keys move it. What does not fit says where one is. */
export abstract class ScrolledPage implements ManagePage {
  abstract readonly title: string;
  abstract readonly topic: HelpTopic | undefined;
  abstract readonly hints: readonly Hint[];
  protected readonly app: PageContext;
  #first = 0;
  #count = 0;
  #seen = 1;

  constructor(app: PageContext) {
    this.app = app;
  }

  /** Scrolls; false when everything is in sight, or the key means something else. */
  onKey(key: Key): boolean {
    const list = { count: this.#count, rows: this.#seen };
    const step = key.name === 'text' && key.text === ' ' ? this.#seen : stepOf(key, list);
    if (step === undefined || this.#count <= this.#seen) return false;
    this.#first = Math.max(0, Math.min(this.#count - this.#seen, this.#first + step));
    return true;
  }

  draw(area: Area): readonly Row[] {
    const rows = this.drawAll(area);
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
      { text: this.app.say('answer.lines', values), width: area.columns, align: 'right', tone: 'dim' },
    ];
    return [...rows.slice(this.#first, this.#first + this.#seen), EMPTY_ROW, position];
  }

  /** Nothing, where plain lines have it elsewhere. */
  tell(): readonly string[] {
    return [];
  }

  protected abstract drawAll(area: Area): readonly Row[];

  protected toTop(): void {
    this.#first = 0;
  }
}
