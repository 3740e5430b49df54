import type { DraftProblem, FormField } from '../../../src/client/index.ts';
import { sayDraftProblem, sayFieldHint } from '../../../src/terminal/manage/draft-words.ts';
import { say, sayShared } from '../words.ts';
import { Said } from './said.tsx';

/** A field of a command, by its kind; what is typed is read when it is sent. */
export function FieldInput(props: {
  field: FormField;
  draft: string;
  problem: DraftProblem | undefined;
  onDraft: (draft: string) => void;
}) {
  const { field, draft, problem, onDraft } = props;
  const title = field.title === '' ? say('answer.input') : field.title;
  return (
    <label class="field">
      <span>
        <Said text={title} />
      </span>
      <Control field={field} draft={draft} onDraft={onDraft} isWrong={problem !== undefined} />
      {problem === undefined ? (
        <small>
          {field.description !== undefined && <Said text={`${field.description} · `} />}
          <Said text={sayFieldHint(field, sayShared)} />
        </small>
      ) : (
        <small class="wrong" role="alert">
          {sayDraftProblem(problem, sayShared)}
        </small>
      )}
    </label>
  );
}

function Control(props: {
  field: FormField;
  draft: string;
  isWrong: boolean;
  onDraft: (draft: string) => void;
}) {
  const { field, draft, isWrong, onDraft } = props;
  const change = ({ currentTarget }: { currentTarget: { value: string } }): void =>
    onDraft(currentTarget.value);
  const shared = { value: draft, 'aria-invalid': isWrong, onInput: change };
  if (field.kind === 'choice' || field.kind === 'boolean') {
    const choices =
      field.kind === 'choice'
        ? field.choices.map(({ label }) => ({ value: label, label }))
        : [
            { value: 'true', label: say('form.yes') },
            { value: 'false', label: say('form.no') },
          ];
    return (
      <select {...shared}>
        <option value="">{say('form.none')}</option>
        {choices.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    );
  }
  if (field.kind === 'json') return <textarea rows={4} spellcheck={false} {...shared} />;
  return <input inputMode={field.kind === 'number' ? 'decimal' : 'text'} autocomplete="off" {...shared} />;
}
