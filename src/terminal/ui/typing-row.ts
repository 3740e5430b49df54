import { fit, widthOf, type Area, type Cell, type Row } from './rows.ts';
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

const MAX_LINE_COLUMNS = 60;

/** A line that somebody types behind its label, and below it what it takes. */
export function drawTypedLine(
  { label, line, hint, mask }: { label: string; line: TextLine; hint: string; mask?: string },
  area: Area,
): Row[] {
  const lead = `${label}  `;
  const columns = Math.min(MAX_LINE_COLUMNS, area.columns - widthOf(lead));
  return [
    [{ text: lead }, ...typingCells(line, { columns, hasFocus: true, ...(mask !== undefined && { mask }) })],
    [
      { text: '', width: widthOf(lead) },
      { text: hint, tone: 'dim' },
    ],
  ];
}
