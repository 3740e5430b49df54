import {
  ProblemError,
  readDrafts,
  type Command,
  type Device,
  type InputForm,
} from '../../../client/index.ts';
import type { Desk, Hint, Screen } from '../desk.ts';
import { sayDraftProblem } from '../draft-words.ts';
import type { Area, Row } from '../../ui/rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { clamp } from '../../ui/list-window.ts';
import { AnswerScreen } from './answer-page.ts';
import { drawCommandForm } from './command-form-view.ts';
import { FieldEditor } from './field-editor.ts';

export type CommandFormOptions = {
  readonly device: Device;
  readonly command: Command;
  readonly form: InputForm;
  /** What was typed before, by the pointer of the field. */
  readonly drafts?: ReadonlyMap<string, string>;
  /** Why the hub did not take what was typed before. */
  readonly error?: unknown;
};

/** What is seen of the form, for drawing it. */
export type CommandFormState = {
  readonly command: Command;
  readonly editors: readonly FieldEditor[];
  /** A field, or the button after the last one. */
  readonly focus: number;
  /** What is wrong, by the pointer of the field; what belongs to no field has the pointer of none. */
  readonly issues: ReadonlyMap<string, string>;
  /** What the hub said that belongs to no field. */
  readonly general: readonly string[];
};

/** Asks for the input of a command. */
export class CommandFormScreen implements Screen {
  readonly isTyping = true;
  readonly asksHub = false;
  readonly topic = 'form';
  readonly #desk: Desk;
  readonly #options: CommandFormOptions;
  readonly #editors: readonly FieldEditor[];
  readonly #issues = new Map<string, string>();
  readonly #general: string[] = [];
  #focus = 0;

  constructor(desk: Desk, options: CommandFormOptions) {
    this.#desk = desk;
    this.#options = options;
    this.#editors = options.form.fields.map(
      (field) => new FieldEditor(field, options.drafts?.get(field.pointer) ?? field.initialDraft),
    );
    this.#takeHubIssues(options.error);
  }

  get title(): string {
    return this.#options.command.title;
  }

  get hints(): readonly Hint[] {
    const { say } = this.#desk;
    const isLast = this.#focus >= this.#editors.length - 1;
    const isChosen = this.#editors[this.#focus]?.isChosen === true;
    return [
      { keys: 'Enter', label: say(isLast ? 'keys.send' : 'keys.next') },
      ...(isChosen ? [{ keys: '←→', label: say('keys.change') }] : []),
      ...(this.#editors.length > 1 ? [{ keys: '↑↓', label: say('keys.choose') }] : []),
      { keys: 'Esc', label: say('keys.back') },
    ];
  }

  onKey(key: Key): boolean {
    const editor = this.#editors[this.#focus];
    switch (key.name) {
      case 'up':
      case 'backTab':
        this.#moveTo(this.#focus - 1);
        return true;
      case 'down':
      case 'tab':
        this.#moveTo(this.#focus + 1);
        return true;
      case 'enter':
        if (this.#focus < this.#editors.length - 1) this.#moveTo(this.#focus + 1);
        else this.#send();
        return true;
      default:
        if (editor?.take(key) !== true) return false;
        this.#issues.delete(editor.field.pointer);
        return true;
    }
  }

  draw(area: Area): readonly Row[] {
    const { command } = this.#options;
    const state: CommandFormState = {
      command,
      editors: this.#editors,
      focus: this.#focus,
      issues: this.#issues,
      general: this.#general,
    };
    return drawCommandForm(state, this.#desk, area);
  }

  #moveTo(index: number): void {
    this.#focus = clamp(index, this.#editors.length + 1);
  }

  #send(): void {
    const { device, command, form } = this.#options;
    const { say, language } = this.#desk;
    const drafts = new Map(this.#editors.map((editor) => [editor.field.pointer, editor.draft]));
    const reading = readDrafts(form, drafts, { decimalComma: language === 'pt-BR' });
    this.#issues.clear();
    this.#general.length = 0;
    if (!reading.ok) {
      for (const { pointer, problem } of reading.issues)
        this.#issues.set(pointer, sayDraftProblem(problem, say));
      this.#focusFirstIssue();
      return;
    }
    const edit = (error: unknown): Screen =>
      new CommandFormScreen(this.#desk, {
        device,
        command,
        form,
        drafts,
        ...(error !== undefined && { error }),
      });
    this.#desk.replace(
      new AnswerScreen(this.#desk, { device, command, request: { input: reading.input }, edit }),
    );
  }

  #takeHubIssues(error: unknown): void {
    if (!(error instanceof ProblemError) || error.code !== 'INPUT_INVALID') return;
    for (const { pointer, message } of error.errors) {
      const field = this.#editors.find(
        ({ field }) => pointer === field.pointer || pointer === `/input${field.pointer}`,
      );
      if (field === undefined) this.#general.push(pointer === '' ? message : `${pointer} ${message}`);
      else this.#issues.set(field.field.pointer, message);
    }
    this.#focusFirstIssue();
  }

  #focusFirstIssue(): void {
    const index = this.#editors.findIndex((editor) => this.#issues.has(editor.field.pointer));
    if (index >= 0) this.#moveTo(index);
  }
}
