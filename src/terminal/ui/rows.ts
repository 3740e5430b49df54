import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { cleanLine, cleanText } from './clean-text.ts';

/** What a piece of text is, from which its looks follow. */
export type Tone = 'plain' | 'dim' | 'strong' | 'accent' | 'focus' | 'good' | 'warn' | 'bad' | 'cursor';

/** A piece of one row. */
export type Cell = {
  readonly text: string;
  readonly tone?: Tone;
  /** Columns it takes: shorter text is filled up, longer text cut; `rest` takes what others leave, and none what it needs. */
  readonly width?: number | 'rest';
  readonly align?: 'left' | 'right';
};

/** One line of the screen. */
export type Row = readonly Cell[];

/** A cell as it stands in its row. */
export type LaidOutCell = { readonly text: string; readonly tone: Tone };

/** Some room on a screen, or all of it. */
export type Area = { readonly columns: number; readonly rows: number };

export const EMPTY_ROW: Row = [];

/** Text longer than this is cut before it is measured: no terminal is wider. */
const MAX_CELL_CHARACTERS = 4096;
const segmenter = new Intl.Segmenter();

/** Columns that a text takes. It must be clean. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Cleans a row and lays it out to at most `columns`. */
export function layOut(row: Row, columns: number): LaidOutCell[] {
  const cells = row.map((cell) => ({ ...cell, text: cleanLine(cell.text.slice(0, MAX_CELL_CHARACTERS)) }));
  const taken = cells.map((cell) => (cell.width === 'rest' ? 0 : (cell.width ?? widthOf(cell.text))));
  const rests = cells.filter((cell) => cell.width === 'rest').length;
  const free = Math.max(0, columns - taken.reduce((sum, width) => sum + width, 0));
  let left = columns;
  return cells.map((cell, index) => {
    const wanted = cell.width === 'rest' ? Math.floor(free / rests) : (taken[index] ?? 0);
    const width = Math.min(wanted, left);
    left -= width;
    return { text: fit(cell.text, width, cell.align ?? 'left'), tone: cell.tone ?? 'plain' };
  });
}

/** Cuts a clean text to `width` columns, with `…` at its end, or fills it up. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = cutTo(text, width);
  const fill = ' '.repeat(Math.max(0, width - widthOf(cut)));
  return align === 'left' ? cut + fill : fill + cut;
}

/** Cuts a clean text to `width` columns, with `…` at its end. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = '';
  let columns = 1;
  for (const { segment } of segmenter.segment(text)) {
    columns += widthOf(segment);
    if (columns > width) break;
    cut += segment;
  }
  return width < 1 ? '' : `${cut}…`;
}

/** Cleans a text and breaks it into lines of at most `columns`; the indent of a line stays, those after it have none. */
export function wrapLines(text: string, columns: number): string[] {
  return cleanText(text)
    .split('\n')
    .flatMap((line) =>
      wrapAnsi(line, Math.max(1, columns), { hard: true, trim: false }).split('\n').map(trimWrapped),
    );
}

/** The space at which a line was broken belongs to neither part. */
function trimWrapped(line: string, index: number): string {
  return index === 0 ? line.trimEnd() : line.trim();
}
