import { fit, widthOf, type Cell } from './rows.ts';
import type { TextLine } from './text-line.ts';

/** The cells of a line that somebody types, with its cursor while it has the focus: exactly `columns` wide. */
export function typingCells(
  line: TextLine,
  options: { columns: number; hasFocus: boolean; mask?: string },
): Cell[] {
  const { columns, hasFocus, mask } = options;
  const view = line.view(columns);
  const hide = (text: string): string => (mask === undefined ? text : mask.repeat(Array.from(text).length));
  const before = hide(view.before);
  if (!hasFocus)
    return [{ text: fit(before + (view.at === ' ' ? '' : hide(view.at)) + hide(view.after), columns) }];
  const at = view.at === ' ' ? ' ' : hide(view.at);
  const left = Math.max(0, columns - widthOf(before) - widthOf(at));
  return [{ text: before }, { text: at, tone: 'cursor' }, { text: fit(hide(view.after), left) }];
}
