import type { FormField } from '../../../client/index.ts';
import type { Say } from '../../messages.ts';
import type { Cell } from '../../ui/rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { TextLine } from '../../ui/text-line.ts';
import { typingCells } from '../../ui/typing-row.ts';

/** Room between the label and the value, for the left arrow of a choice. */
export const LEAD_COLUMNS = 2;

/** One field of a form while somebody fills it in. */
export class FieldEditor {
  readonly field: FormField;
  readonly #line: TextLine;
  /** The drafts to choose from; undefined when the field is typed. */
  readonly #drafts: readonly string[] | undefined;

  /** @param draft - what stands in it at the start */
  constructor(field: FormField, draft: string) {
    this.field = field;
    this.#line = new TextLine(draft);
    this.#drafts = draftsOf(field, draft);
  }

  get draft(): string {
    return this.#line.text;
  }

  set draft(draft: string) {
    this.#line.text = draft;
  }

  get isChosen(): boolean {
    return this.#drafts !== undefined;
  }

  /** Takes a key that changes the field; false when the key means something else. */
  take(key: Key): boolean {
    if (this.#drafts === undefined) return this.#line.take(key);
    if (key.name === 'right' || (key.name === 'text' && key.text === ' '))
      return this.#choose(this.#drafts, 1);
    if (key.name === 'left') return this.#choose(this.#drafts, -1);
    return false;
  }

  /** Its cells, `columns` wide together; the arrows of a choice stand around the column of the values. */
  cells(options: { columns: number; hasFocus: boolean; say: Say }): Cell[] {
    const { columns, hasFocus, say } = options;
    const isChosen = hasFocus && this.isChosen;
    const lead: Cell = { text: isChosen ? '‹' : '', width: LEAD_COLUMNS, tone: 'focus' };
    if (!this.isChosen)
      return [lead, ...typingCells(this.#line, { columns: columns - LEAD_COLUMNS, hasFocus })];
    const label = sayDraft(this.field, this.draft, say);
    return isChosen ? [lead, { text: `${label} ›`, tone: 'focus' }] : [lead, { text: label }];
  }

  #choose(drafts: readonly string[], step: number): boolean {
    const index = drafts.indexOf(this.draft);
    this.#line.text = drafts[(index + step + drafts.length) % drafts.length] ?? '';
    return true;
  }
}

/** What stands in a field, as people read it. */
export function sayDraft(field: FormField, draft: string, say: Say): string {
  if (draft === '') return say('form.none');
  if (field.kind !== 'boolean') return draft;
  return say(draft === 'true' ? 'form.yes' : 'form.no');
}

/** What needs to be chosen starts unchosen: nobody decides for the one who fills it in. */
function draftsOf(field: FormField, draft: string): readonly string[] | undefined {
  const none = field.isRequired && draft !== '' ? [] : [''];
  if (field.kind === 'boolean') return [...none, 'true', 'false'];
  return field.kind === 'choice' ? [...none, ...field.choices.map((choice) => choice.label)] : undefined;
}
