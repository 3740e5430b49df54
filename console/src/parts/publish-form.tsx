import { useSignal } from '@preact/signals';
import { ClientError } from '../../../src/client/index.ts';
import { sayFailure } from '../failure.ts';
import { hub } from '../session.ts';
import { say } from '../words.ts';

const QOS = [0, 1, 2] as const;

/** Sends a message, to stay on its topic or only to who listens now. */
export function PublishForm({ topic, onSent }: { topic: string; onSent: () => void }) {
  const told = useSignal<{ readonly text: string; readonly isFault: boolean } | undefined>(undefined);
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string): string => {
      const value = form.get(name);
      return typeof value === 'string' ? value : '';
    };
    try {
      const { isMatched } = await hub().topics.publish(text('topic'), text('payload'), {
        qos: Number(text('qos')),
        retain: form.has('retain'),
      });
      told.value = { text: say(isMatched ? 'topics.heard' : 'topics.unheard'), isFault: false };
      onSent();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      told.value = { text: sayFailure(error), isFault: true };
    }
  };
  return (
    <form class="command" onSubmit={(event) => void send(event)}>
      <label class="field">
        {say('topics.topic')}
        <input key={topic} name="topic" required pattern="[^+#]+" defaultValue={topic} />
      </label>
      <label class="field">
        {say('topics.payload')}
        <textarea name="payload" required rows={3} />
      </label>
      <div class="command-head">
        <select name="qos" aria-label="QoS">
          {QOS.map((qos) => (
            <option key={qos} value={qos}>
              QoS {qos}
            </option>
          ))}
        </select>
        <label>
          <input type="checkbox" name="retain" /> {say('topics.retain')}
        </label>
        <button class="main">{say('topics.publish')}</button>
        {told.value !== undefined && (
          <span class={told.value.isFault ? 'bad' : 'good'} role="status">
            {told.value.text}
          </span>
        )}
      </div>
    </form>
  );
}
