import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import {
  readDrafts,
  readInputForm,
  type Command,
  type DraftIssue,
  type InputForm,
} from '../../../src/client/index.ts';
import { language } from '../settings.ts';
import { FieldInput } from './field-input.tsx';

/** What is typed for a command: its fields, and the input that they come to. */
export function useDrafts(command: Command) {
  const form = useMemo(() => readInputForm(command.input), [command]);
  const drafts = useSignal(initialDrafts(form));
  const issues = useSignal<readonly DraftIssue[]>([]);
  const read = () =>
    form === undefined
      ? ({ ok: true, value: undefined } as const)
      : readDrafts(form, drafts.value, { decimalComma: language.value === 'pt-BR' });
  return {
    read,
    /** Shows at each field what is wrong, where something is. */
    check: () => {
      const input = read();
      issues.value = input.ok ? [] : input.failure;
      return input;
    },
    fields: form?.fields.map((field) => (
      <FieldInput
        key={field.pointer}
        field={field}
        draft={drafts.value.get(field.pointer) ?? ''}
        problem={issues.value.find(({ pointer }) => pointer === field.pointer)?.problem}
        onDraft={(draft) => (drafts.value = new Map(drafts.value).set(field.pointer, draft))}
      />
    )),
  };
}

function initialDrafts(form: InputForm | undefined): ReadonlyMap<string, string> {
  return new Map(form?.fields.map(({ pointer, initialDraft }) => [pointer, initialDraft]));
}
