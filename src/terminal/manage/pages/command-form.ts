import {
  ProblemError,
  readDraft,
  readDrafts,
  type ClientError,
  type Command,
  type Device,
  type FormField,
  type InputForm,
} from '../../../client/index.ts';
import type { Say } from '../../messages.ts';
import type { Key } from '../../ui/key-reader.ts';
import { clamp } from '../../ui/list-window.ts';
import type { Hint, Question } from '../../ui/page.ts';
import type { Area, Row } from '../../ui/rows.ts';
import { sayDraftProblem, sayFieldHint } from '../draft-words.ts';
import { sayIssue } from '../issue-words.ts';
import type { ManagePage, PageContext } from '../page-context.ts';
import { AnswerPage } from './answer.ts';
import { drawCommandForm, labelOf, type CommandFormView } from './command-form-view.ts';
import { FieldEditor, sayDraft } from './field-editor.ts';

type CommandFormOptions = {
  readonly device: Device;
  readonly command: Command;
  readonly form: InputForm;
  /** What was typed before, by the pointer of the field. */
  readonly drafts?: ReadonlyMap<string, string>;
  /** Why the hub did not take what was typed before. */
  readonly error?: ClientError | undefined;
};

/** Asks for the input of a command: all fields at once on a screen, one after the other in plain lines. */
export class CommandFormPage implements ManagePage {
  readonly isTyping = true;
  readonly topic = 'form';
  readonly #app: PageContext;
  readonly #options: CommandFormOptions;
  readonly #state: CommandFormView;

  constructor(app: PageContext, options: CommandFormOptions) {
    this.#app = app;
    this.#options = options;
    const { command, form, drafts, error } = options;
    const editors = form.fields.map(
      (field) => new FieldEditor(field, drafts?.get(field.pointer) ?? field.initialDraft),
    );
    this.#state = { command, editors, focus: 0, issues: new Map(), general: [] };
    this.#takeHubIssues(error);
  }

  get title(): string {
    return this.#options.command.title;
  }

  get hints(): readonly Hint[] {
    const { editors, focus } = this.#state;
    return [
      ['Enter', focus >= editors.length - 1 ? 'keys.send' : 'keys.next'],
      ...(editors[focus]?.isChosen === true ? ([['←→', 'keys.change']] as const) : []),
      ...(editors.length > 1 ? ([['↑↓', 'keys.choose']] as const) : []),
      ['Esc', 'keys.back'],
    ];
  }

  onKey(key: Key): boolean {
    const { editors, focus, issues } = this.#state;
    const editor = editors[focus];
    switch (key.name) {
      case 'up':
      case 'backTab':
        this.#moveTo(focus - 1);
        return true;
      case 'down':
      case 'tab':
        this.#moveTo(focus + 1);
        return true;
      case 'enter':
        this.#goOn();
        return true;
      default:
        if (editor?.take(key) !== true) return false;
        issues.delete(editor.field.pointer);
        return true;
    }
  }

  draw(area: Area): readonly Row[] {
    return drawCommandForm(this.#state, this.#app.say, area);
  }

  tell(): readonly string[] {
    return [];
  }

  get question(): Question | undefined {
    const { say } = this.#app;
    const field = this.#state.editors[this.#state.focus]?.field;
    if (field === undefined) return undefined;
    return { text: say('plain.field', { title: labelOf(field, say), hint: sayPlainHint(field, say) }) };
  }

  answer(text: string): boolean {
    const { say } = this.#app;
    const editor = this.#state.editors[this.#state.focus];
    if (editor === undefined) return false;
    const { field } = editor;
    const draft = text === '' ? field.initialDraft : asDraft(field, text, say);
    const reading = readDraft(field, draft, this.#draftOptions);
    if (draft === '' && field.isRequired) {
      this.#app.notify(say('plain.nothingSent'));
      this.#app.back();
    } else if (reading.kind === 'problem') this.#app.notify(sayDraftProblem(reading.problem, say));
    else {
      editor.draft = draft;
      this.#goOn();
    }
    return false;
  }

  get #draftOptions(): { decimalComma: boolean } {
    return { decimalComma: this.#app.language === 'pt-BR' };
  }

  #goOn(): void {
    const { editors, focus } = this.#state;
    if (focus < editors.length - 1) this.#moveTo(focus + 1);
    else this.#send();
  }

  #moveTo(index: number): void {
    this.#state.focus = clamp(index, this.#state.editors.length + 1);
  }

  #send(): void {
    const { device, command, form } = this.#options;
    const { editors, issues } = this.#state;
    const drafts = new Map(editors.map((editor) => [editor.field.pointer, editor.draft]));
    const reading = readDrafts(form, drafts, this.#draftOptions);
    issues.clear();
    this.#state.general = [];
    if (!reading.ok) {
      for (const { pointer, problem } of reading.failure)
        issues.set(pointer, sayDraftProblem(problem, this.#app.say));
      this.#focusFirstIssue();
      return;
    }
    const edit = (error: ClientError | undefined): ManagePage =>
      new CommandFormPage(this.#app, { device, command, form, drafts, error });
    this.#app.replace(
      new AnswerPage(this.#app, { device, command, request: { input: reading.value }, edit }),
    );
  }

  #takeHubIssues(error: ClientError | undefined): void {
    if (!(error instanceof ProblemError) || error.code !== 'INPUT_INVALID') return;
    const { editors, issues } = this.#state;
    for (const issue of error.errors) {
      const { pointer } = issue;
      const message = sayIssue(issue, this.#app.say);
      const editor = editors.find(
        ({ field }) => pointer === field.pointer || pointer === `/input${field.pointer}`,
      );
      if (editor !== undefined) issues.set(editor.field.pointer, message);
      else {
        const text = pointer === '' ? message : `${pointer} ${message}`;
        this.#state.general = [...this.#state.general, text];
      }
    }
    this.#focusFirstIssue();
  }

  #focusFirstIssue(): void {
    const { editors, issues } = this.#state;
    const index = editors.findIndex((editor) => issues.has(editor.field.pointer));
    if (index >= 0) this.#moveTo(index);
  }
}

function sayPlainHint(field: FormField, say: Say): string {
  const parts = [field.description, sayFieldHint(field, say, { isShort: false })];
  if (field.initialDraft !== '')
    parts.push(say('plain.default', { value: sayDraft(field, field.initialDraft, say) }));
  else if (field.isRequired) parts.push(say('plain.emptyBack'));
  return parts.filter((part) => part !== undefined).join('; ');
}

/** `yes` and `no` in the language of the pages stand for `true` and `false`. */
function asDraft(field: FormField, text: string, say: Say): string {
  if (field.kind !== 'boolean') return text;
  const word = text.trim().toLowerCase();
  if (word === say('form.yes')) return 'true';
  return word === say('form.no') ? 'false' : word;
}
