import type { Choice, Tone, View } from './screen.ts';
import { withoutControls } from './without-controls.ts';

/** One row of the terminal. */
export type Row = { readonly text: string; readonly look: Tone | 'title' | 'dim' };

/** What stands in the bottom row: a question with what was typed so far, or the prompt of the menu. */
export type Prompt = { readonly question: string; readonly typed: string };

const BLANK: Row = { text: '', look: 'plain' };

/**
 * Puts a view into `rows` × `columns`, the prompt in the last row. A small terminal loses blank rows first, then
 * the menu is set closer, then the earliest rows of the message and the title go; the prompt stays.
 */
export function layOut(view: View, prompt: Prompt, size: { rows: number; columns: number }): Row[] {
  const title: Row[] = [{ text: view.title, look: 'title' }];
  const status = view.status.map(({ text, tone }): Row => ({ text, look: tone }));
  const menu = view.choices.map((choice): Row => ({
    text: formatChoice(choice),
    look: choice.isIdle === true ? 'dim' : 'plain',
  }));
  const message = view.message.lines.map((text): Row => ({ text, look: view.message.tone }));
  const bottom: Row[] = [{ text: fitPrompt(prompt, size.columns), look: 'plain' }];
  const room = Math.max(1, size.rows);

  const airy = [...title, ...status, BLANK, ...menu, BLANK, ...message];
  if (airy.length + 2 <= room) return join([...airy, BLANK], bottom, room, size.columns);
  const tight = [...title, ...status, ...menu, ...message];
  if (tight.length + 1 <= room) return join(tight, bottom, room, size.columns);
  const flowing = flow(view.choices, size.columns);
  const left = Math.max(0, room - 1 - status.length - flowing.length);
  const shown = left === 0 ? [] : message.slice(-left);
  const head = status.length + flowing.length + shown.length + 1 < room ? title : [];
  const small = [...head, ...status, ...flowing, ...shown].slice(0, room - 1);
  return join(small, bottom, room, size.columns);
}

function formatChoice({ key, label }: Choice): string {
  return `  ${key}  ${label}`;
}

/** Several choices a row, as many as fit. */
function flow(choices: readonly Choice[], columns: number): Row[] {
  const lines: string[] = [];
  for (const { key, label } of choices) {
    const item = `${key} ${label}`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 3 + item.length <= columns)
      lines[lines.length - 1] = `${last}   ${item}`;
    else lines.push(item);
  }
  return lines.map((text) => ({ text, look: 'plain' }));
}

/** The end of what was typed stays visible. One column is left for the cursor. */
function fitPrompt({ question, typed }: Prompt, columns: number): string {
  const line = Array.from(withoutControls(`${question} ${typed}`));
  const room = Math.max(1, columns - 1);
  return line.length <= room ? line.join('') : `…${line.slice(line.length - room + 1).join('')}`;
}

function join(rows: readonly Row[], bottom: readonly Row[], room: number, columns: number): Row[] {
  return [...rows.map((row) => cut(row, columns)), ...bottom].slice(-room);
}

function cut(row: Row, columns: number): Row {
  const characters = Array.from(withoutControls(row.text));
  if (characters.length <= columns) return { ...row, text: characters.join('') };
  return { ...row, text: `${characters.slice(0, Math.max(0, columns - 1)).join('')}…` };
}
