import { useSignal } from '@preact/signals';
import { ProblemError } from '../../../src/client/index.ts';
import { sayBytes } from '../byte-words.ts';
import { sayFailure } from '../failure.ts';
import { setQuery } from '../router.ts';
import { hub, may } from '../session.ts';
import { say } from '../words.ts';
import { AskTwice } from './ask-twice.tsx';
import { Notice } from './notice.tsx';
import { Said } from './said.tsx';
import { useAsked } from './use-asked.ts';

const ASK_MS = 2000;
/** Of a large value: the rest is for programs. */
const MAX_SHOWN_BYTES = 16_384;
const BYTES_A_LINE = 16;
const FORMS = ['text', 'json', 'hex'] as const;
type Form = (typeof FORMS)[number];

/** What is retained on a topic, as text, JSON or bytes. */
export function TopicView({ topic, onChanged }: { topic: string; onChanged: () => void }) {
  const form = useSignal<Form | undefined>(undefined);
  const { value, fault, askAgain } = useAsked(
    (signal) => hub().topics.get(topic, { signal }),
    [topic],
    ASK_MS,
  );
  const told = fault.value;
  const isGone = told instanceof ProblemError && told.code === 'RETAINED_UNKNOWN';
  const retained = isGone ? undefined : value.value;
  const changed = (): void => {
    askAgain();
    onChanged();
  };
  return (
    <section class="answer" aria-label={say('topics.retained')}>
      <div class="command-head">
        <strong>
          <Said text={topic} />
        </strong>
        <span class="room" />
        {retained !== undefined && may('command') && (
          <AskTwice
            label={say('topics.clear')}
            question={say('topics.clear.ask')}
            act={() => hub().topics.clear(topic)}
            onDone={changed}
          />
        )}
        <button class="quiet" onClick={() => setQuery({ topic: '' })}>
          {say('console.close')}
        </button>
      </div>
      {isGone && <p class="dim">{say('topics.gone')}</p>}
      {told !== undefined && !isGone && <Notice tone="bad">{sayFailure(told)}</Notice>}
      {retained !== undefined && (
        <Value
          payload={retained.payload}
          form={form.value ?? bestForm(retained.payload)}
          onForm={(chosen) => (form.value = chosen)}
        />
      )}
    </section>
  );
}

type ValueProps = { payload: Uint8Array; form: Form; onForm: (form: Form) => void };

function Value({ payload, form, onForm }: ValueProps) {
  const shown = payload.subarray(0, MAX_SHOWN_BYTES);
  return (
    <>
      <p class="facts">
        {sayBytes(payload.length)}
        {FORMS.map((each) => (
          <button key={each} class="quiet" aria-pressed={each === form} onClick={() => onForm(each)}>
            {say(`topics.${each}`)}
          </button>
        ))}
      </p>
      <pre tabIndex={0}>
        <Said text={writeAs(form, shown)} />
      </pre>
      {payload.length > shown.length && (
        <p class="dim">{say('topics.cut', { size: sayBytes(shown.length) })}</p>
      )}
    </>
  );
}

function bestForm(payload: Uint8Array): Form {
  const text = readText(payload);
  if (text === undefined) return 'hex';
  return readJson(text) === undefined ? 'text' : 'json';
}

function writeAs(form: Form, payload: Uint8Array): string {
  if (form === 'hex') return writeHex(payload);
  const text = new TextDecoder().decode(payload);
  return form === 'json' ? (readJson(text) ?? text) : text;
}

function readText(payload: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    return undefined;
  }
}

/** Lists and objects, laid out; numbers and words are read as they are. */
function readJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}

function writeHex(payload: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < payload.length; at += BYTES_A_LINE) {
    const bytes = [...payload.subarray(at, at + BYTES_A_LINE)];
    lines.push(bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' '));
  }
  return lines.join('\n');
}
