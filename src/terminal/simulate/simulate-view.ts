import { EMPTY_ROW, widthOf, type Area, type Row, type Tone } from '../ui/rows.ts';
import type { TextLine } from '../ui/text-line.ts';
import { typingCells } from '../ui/typing-row.ts';

/** One entry of a menu: what is typed, and what it does. */
export type MenuChoice = {
  readonly key: string;
  readonly label: string;
  /** It may be chosen, but would change nothing now. */
  readonly isIdle: boolean;
};

export type Said = { readonly lines: readonly string[]; readonly tone: Tone };

/** Everything that is seen of a virtual device. */
export type SimulateView = {
  readonly title: string;
  /** What changes by itself, above the menu. */
  readonly status: readonly { readonly text: string; readonly tone: Tone }[];
  readonly choices: readonly MenuChoice[];
  /** What the last choice brought, below the menu. */
  readonly said: Said;
  /** What stands in the last row: what to do, or a question with what was typed so far. */
  readonly prompt: string;
  readonly typed: TextLine | undefined;
};

/** So much of the last row is kept for what is typed. */
const LEAST_TYPED_COLUMNS = 12;

/**
 * Draws a virtual device. A small terminal loses blank rows first, then the menu is set closer, then the earliest
 * rows of what was said and the title go; the prompt stays.
 */
export function drawSimulate(view: SimulateView, { columns, rows }: Area): readonly Row[] {
  const title: Row = [{ text: view.title, tone: 'strong' }];
  const status = view.status.map(({ text, tone }): Row => [{ text, tone }]);
  const said = view.said.lines.map((text): Row => [{ text, tone: view.said.tone }]);
  const menu = view.choices.map(({ key, label, isIdle }): Row => [
    { text: `  ${key}  ${label}`, tone: isIdle ? 'dim' : 'plain' },
  ]);
  const prompt = drawPrompt(view, columns);
  const airy = [title, ...status, EMPTY_ROW, ...menu, EMPTY_ROW, ...said, EMPTY_ROW, prompt];
  if (airy.length <= rows) return airy;
  const tight = [title, ...status, ...menu, ...said, prompt];
  if (tight.length <= rows) return tight;
  const flowing = flow(view.choices, columns);
  const left = Math.max(0, rows - 1 - status.length - flowing.length);
  const shown = left === 0 ? [] : said.slice(-left);
  const small = [...status, ...flowing, ...shown];
  return [...(small.length + 2 < rows ? [title] : []), ...small.slice(0, rows - 1), prompt];
}

/** Several choices a row, as many as fit. */
function flow(choices: readonly MenuChoice[], columns: number): Row[] {
  const lines: string[] = [];
  for (const { key, label } of choices) {
    const item = `${key} ${label}`;
    const longer = `${lines.at(-1) ?? ''}   ${item}`;
    if (lines.length > 0 && widthOf(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(item);
  }
  return lines.map((text) => [{ text }]);
}

function drawPrompt({ prompt, typed }: SimulateView, columns: number): Row {
  if (typed === undefined) return [{ text: prompt }];
  const question = `${prompt} `;
  const width = Math.max(0, Math.min(widthOf(question), columns - LEAST_TYPED_COLUMNS));
  return [{ text: question, width }, ...typingCells(typed, { columns: columns - width, hasFocus: true })];
}
