import { cleanTyped } from './clean-text.ts';
import { widthOf } from './rows.ts';
import type { Key } from './key-reader.ts';

/** More than a hub takes as input. */
export const MAX_LINE_CHARACTERS = 65_536;
const segmenter = new Intl.Segmenter();

/** One line that somebody types: its text and where the cursor stands. */
export class TextLine {
  #text: string;
  /** In UTF-16 units, always between two characters as people see them. */
  #cursor: number;

  constructor(text = '') {
    this.#text = cleanTyped(text);
    this.#cursor = this.#text.length;
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = cleanTyped(text);
    this.#cursor = this.#text.length;
  }

  /** Takes a key that edits; false when the key means something else. */
  take(key: Key): boolean {
    const cursor = this.#cursor;
    switch (key.name === 'ctrl' ? `ctrl ${key.text}` : key.name) {
      case 'text':
      case 'paste':
        return this.#insert(key.text);
      case 'backspace':
        return this.#remove(this.#before(cursor), cursor);
      case 'delete':
        return this.#remove(cursor, this.#after(cursor));
      case 'left':
        return this.#moveTo(this.#before(cursor));
      case 'right':
        return this.#moveTo(this.#after(cursor));
      case 'home':
      case 'ctrl a':
        return this.#moveTo(0);
      case 'end':
      case 'ctrl e':
        return this.#moveTo(this.#text.length);
      case 'ctrl u':
        return this.#remove(0, cursor);
      case 'ctrl k':
        return this.#remove(cursor, this.#text.length);
      case 'ctrl w':
        return this.#remove(Math.max(0, this.#text.slice(0, cursor).search(/\S+\s*$/)), cursor);
      default:
        return false;
    }
  }

  /** The part that fits into `columns` with the cursor in sight: before, at and after the cursor. */
  view(columns: number): { before: string; at: string; after: string } {
    const end = this.#after(this.#cursor);
    const at = this.#text.slice(this.#cursor, end) || ' ';
    let start = this.#cursor;
    let room = columns - widthOf(at);
    while (start > 0) {
      const next = this.#before(start);
      room -= widthOf(this.#text.slice(next, start));
      if (room < 0) break;
      start = next;
    }
    // What is left of the room, and one character more, which the row then cuts.
    const after = this.#text.slice(end, end + Math.max(0, room) + 1);
    return { before: this.#text.slice(start, this.#cursor), at, after };
  }

  #moveTo(position: number): true {
    this.#cursor = position;
    return true;
  }

  #insert(text: string): true {
    // A pasted text often ends with a line break that nobody means.
    const isEmpty = cleanTyped(text).trimEnd() === '';
    const clean = isEmpty ? cleanTyped(text) : cleanTyped(text.replace(/[\r\n]+$/, ''));
    const fitting = clean.slice(0, Math.max(0, MAX_LINE_CHARACTERS - this.#text.length)).toWellFormed();
    this.#text = this.#text.slice(0, this.#cursor) + fitting + this.#text.slice(this.#cursor);
    return this.#moveTo(this.#cursor + fitting.length);
  }

  #remove(start: number, end: number): true {
    this.#text = this.#text.slice(0, start) + this.#text.slice(end);
    return this.#moveTo(start);
  }

  #before(position: number): number {
    return position === 0 ? 0 : (segmenter.segment(this.#text).containing(position - 1)?.index ?? 0);
  }

  #after(position: number): number {
    const character = segmenter.segment(this.#text).containing(position);
    return character === undefined ? this.#text.length : character.index + character.segment.length;
  }
}
