import type { Command, FormField } from '../../../client/index.ts';
import type { Say } from '../../messages.ts';
import { textRows } from '../../ui/blocks.ts';
import { partShown, scrollTo } from '../../ui/list-window.ts';
import { EMPTY_ROW, widthOf, wrapLines, type Area, type Row } from '../../ui/rows.ts';
import { sayFieldHint } from '../draft-words.ts';
import { LEAD_COLUMNS, type FieldEditor } from './field-editor.ts';

/** What is seen of the form of a command. */
export type CommandFormView = {
  readonly command: Command;
  readonly editors: readonly FieldEditor[];
  /** A field, or the button after the last one. */
  focus: number;
  /** What is wrong, by the pointer of the field. */
  readonly issues: Map<string, string>;
  /** What the hub said that belongs to no field. */
  general: readonly string[];
};

/** A field, and below it what it takes or what is wrong. */
const ROWS_PER_FIELD = 2;
/** What the focused field takes is told on as many rows as this. */
const MAX_HINT_ROWS = 3;
/** The title, the button, and an empty row next to each. */
const OTHER_ROWS = 4;
const MARK_COLUMNS = 2;
const MAX_LABEL_COLUMNS = 28;
const MAX_VALUE_COLUMNS = 72;

export function drawCommandForm(state: CommandFormView, say: Say, area: Area): readonly Row[] {
  const general = drawGeneral(state, say, area);
  const isOnButton = state.focus === state.editors.length;
  const button: Row = [
    { text: isOnButton ? '❯' : '', width: MARK_COLUMNS, tone: 'focus' },
    { text: say('form.send'), tone: isOnButton ? 'focus' : 'plain' },
  ];
  // In a large window the hint of the focused field may go on below.
  const spare = area.rows > 10 ? MAX_HINT_ROWS - 1 : 0;
  const count = state.editors.length;
  const rows = Math.max(1, Math.floor((area.rows - general.length - OTHER_ROWS - spare) / ROWS_PER_FIELD));
  const selected = Math.min(state.focus, count - 1);
  const first = scrollTo(Math.max(0, selected - rows + 1), { count, selected, rows });
  const part = partShown(first, { count, rows });
  const head: Row[] = [
    [
      { text: state.command.title, tone: 'strong', width: 'rest' },
      { text: part === undefined ? '' : say('list.range', part), tone: 'dim' },
    ],
    ...general,
    EMPTY_ROW,
  ];
  const columns = chooseColumns(state, say, area);
  const fields = state.editors
    .slice(first, first + rows)
    .flatMap((editor, index) =>
      drawField(editor, { state, say, columns, hasFocus: first + index === state.focus }),
    );
  return [...head, ...fields, EMPTY_ROW, button];
}

function drawGeneral({ general }: CommandFormView, say: Say, area: Area): Row[] {
  if (general.length === 0) return [];
  return [say('form.refused'), ...general].flatMap((text) => textRows(text, area, { tone: 'bad' }));
}

type FieldColumns = { readonly label: number; readonly value: number };

function chooseColumns({ editors }: CommandFormView, say: Say, area: Area): FieldColumns {
  const longest = Math.max(...editors.map((editor) => widthOf(labelOf(editor.field, say))));
  const label = Math.min(longest, MAX_LABEL_COLUMNS, Math.floor(area.columns / 3));
  return { label, value: Math.max(1, Math.min(MAX_VALUE_COLUMNS, area.columns - MARK_COLUMNS - label)) };
}

type FieldOptions = {
  readonly state: CommandFormView;
  readonly say: Say;
  readonly columns: FieldColumns;
  readonly hasFocus: boolean;
};

function drawField(editor: FieldEditor, { state, say, columns, hasFocus }: FieldOptions): Row[] {
  const { field } = editor;
  const issue = state.issues.get(field.pointer);
  const about = [field.description, sayFieldHint(field, say)]
    .filter((text) => text !== undefined)
    .join(' · ');
  const below = wrapLines(issue ?? about, columns.value - LEAD_COLUMNS);
  const isCut = !hasFocus || below.length > MAX_HINT_ROWS;
  const shown = isCut ? [issue ?? about] : below;
  return [
    [
      { text: hasFocus ? '❯' : '', width: MARK_COLUMNS, tone: 'focus' },
      { text: labelOf(field, say), width: columns.label, tone: hasFocus ? 'focus' : 'plain' },
      ...editor.cells({ columns: columns.value, hasFocus, say }),
    ],
    ...shown.map((text): Row => [
      { text: '', width: MARK_COLUMNS + columns.label + LEAD_COLUMNS },
      { text, width: 'rest', tone: issue === undefined ? 'dim' : 'bad' },
    ]),
  ];
}

export function labelOf(field: FormField, say: Say): string {
  return field.title === '' ? say('answer.input') : field.title;
}
