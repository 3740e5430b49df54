import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import {
  ClientError,
  readDrafts,
  readInputForm,
  type Command,
  type DraftIssue,
  type InputForm,
  type InvocationResult,
} from '../../../src/client/index.ts';
import { hub, may } from '../session.ts';
import { language } from '../settings.ts';
import { say } from '../words.ts';
import { AnswerView, type Answer } from './answer-view.tsx';
import { FieldInput } from './field-input.tsx';
import { Said } from './said.tsx';

/** One command: its fields, its button, and in place what came of it. */
export function CommandForm({ deviceId, command }: { deviceId: string; command: Command }) {
  const form = useMemo(() => readInputForm(command.input), [command]);
  const drafts = useSignal<ReadonlyMap<string, string>>(initialDrafts(form));
  const issues = useSignal<readonly DraftIssue[]>([]);
  const answer = useSignal<Answer | undefined>(undefined);
  const read = () =>
    form === undefined
      ? ({ ok: true, value: undefined } as const)
      : readDrafts(form, drafts.value, { decimalComma: language.value === 'pt-BR' });
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const input = read();
    issues.value = input.ok ? [] : input.failure;
    if (!input.ok) return;
    answer.value = { kind: 'waiting', sinceMs: Date.now() };
    answer.value = await invoke(deviceId, command.name, input.value);
  };
  const copy = async (): Promise<void> => {
    const input = read();
    await navigator.clipboard.writeText(curlOf(deviceId, command.name, input.ok ? input.value : undefined));
  };
  const isWaiting = answer.value?.kind === 'waiting';
  return (
    <form class="command" data-command={command.name} onSubmit={(event) => void send(event)} noValidate>
      <div class="command-head">
        <strong>
          <Said text={command.title} />
        </strong>
        <small>{say(`device.kind.${command.kind}`)}</small>
        <span class="room" />
        {window.isSecureContext && (
          <button type="button" class="quiet" onClick={() => void copy()}>
            {say('device.curl')}
          </button>
        )}
        {may('command') && (
          <button class={command.kind === 'read' ? '' : 'main'} disabled={isWaiting}>
            {say('form.send')}
          </button>
        )}
      </div>
      {may('command') &&
        form?.fields.map((field) => (
          <FieldInput
            key={field.pointer}
            field={field}
            draft={drafts.value.get(field.pointer) ?? ''}
            problem={issues.value.find(({ pointer }) => pointer === field.pointer)?.problem}
            onDraft={(draft) => (drafts.value = new Map(drafts.value).set(field.pointer, draft))}
          />
        ))}
      {answer.value !== undefined && <AnswerView answer={answer.value} />}
    </form>
  );
}

function initialDrafts(form: InputForm | undefined): ReadonlyMap<string, string> {
  return new Map(form?.fields.map(({ pointer, initialDraft }) => [pointer, initialDraft]));
}

async function invoke(deviceId: string, command: string, input: unknown): Promise<Answer> {
  try {
    const result: InvocationResult = await hub().devices.invoke(deviceId, command, { input });
    return { kind: 'done', result };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return { kind: 'failed', error };
  }
}

/** For a shell: an apostrophe ends the quotes, stands for itself, and begins them again. */
function curlOf(deviceId: string, command: string, input: unknown): string {
  const path = `/api/v1/devices/${encodeURIComponent(deviceId)}/commands/${encodeURIComponent(command)}`;
  const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const body = input === undefined ? '{}' : JSON.stringify({ input });
  return `curl --json ${quote(body)} ${quote(hub().url + path)}`;
}
