import { useSignal } from '@preact/signals';
import { ClientError, type Command, type InvocationResult } from '../../../src/client/index.ts';
import { hub, may } from '../session.ts';
import { say } from '../words.ts';
import { AnswerView, type Answer } from './answer-view.tsx';
import { Said } from './said.tsx';
import { useDrafts } from './use-drafts.tsx';

/** One command: its fields, its button, and in place what came of it. */
export function CommandForm({ deviceId, command }: { deviceId: string; command: Command }) {
  const { read, check, fields } = useDrafts(command);
  const answer = useSignal<Answer | undefined>(undefined);
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const input = check();
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
      {may('command') && fields}
      {answer.value !== undefined && <AnswerView answer={answer.value} />}
    </form>
  );
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
