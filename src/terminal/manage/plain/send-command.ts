import {
  readDraft,
  readDrafts,
  readInputForm,
  type Command,
  type FormField,
  type InputForm,
} from '../../../client/index.ts';
import { sayDraftProblem, sayFieldHint } from '../draft-words.ts';
import { sayPhases } from '../failure-words.ts';
import type { Say } from '../messages.ts';
import { sayShortDuration } from '../time-words.ts';
import { attempt, tellFailure, valueText, type PlainDesk } from './plain-desk.ts';

type Request = { readonly input?: unknown };

/** Asks for the input of a command if it needs one, sends it, tells what came of it. */
export async function sendCommand(
  desk: PlainDesk,
  target: { deviceId: string; command: Command },
): Promise<void> {
  const { say, clock, prompt } = desk;
  const { deviceId, command } = target;
  const form = readInputForm(command.input);
  const request = form === undefined ? {} : await fillForm(desk, form);
  if (request === undefined) return prompt.tell(say('plain.nothingSent'));
  prompt.tell(say('plain.sending', { command: command.title, id: deviceId }));
  const startedAt = clock.monotonic();
  const result = await attempt(desk, (client) => client.devices.invoke(deviceId, command.name, request));
  if (!result.ok) return tellFailure(desk, result.error);
  const { output, invocation } = result.answer;
  const reached = sayPhases(invocation, say, clock.now());
  const lines = [
    `${say('answer.done', { time: sayShortDuration(say, clock.monotonic() - startedAt) })}:`,
    ...(output === null ? [say('answer.nothing')] : valueText(output, say)),
    ...(reached === '' ? [] : [`${say('answer.reached')}: ${reached}`]),
  ];
  prompt.tell(lines.join('\n'));
}

/** Asks for one field after the other; undefined when somebody went back. */
async function fillForm(desk: PlainDesk, form: InputForm): Promise<Request | undefined> {
  const options = { decimalComma: desk.language === 'pt-BR' };
  const drafts = new Map<string, string>();
  for (const field of form.fields) {
    const draft = await askForField(desk, field, options);
    if (draft === undefined) return undefined;
    drafts.set(field.pointer, draft);
  }
  const reading = readDrafts(form, drafts, options);
  // Each field was checked on its own, and nothing else is checked.
  return reading.ok ? { input: reading.input } : undefined;
}

async function askForField(
  desk: PlainDesk,
  field: FormField,
  options: { decimalComma: boolean },
): Promise<string | undefined> {
  const { say, prompt } = desk;
  const question = say('plain.field', {
    title: field.title === '' ? say('form.input') : field.title,
    hint: sayHint(field, say),
  });
  for (;;) {
    const text = await prompt.ask(question);
    if (text === undefined) return undefined;
    const draft = text === '' ? field.initialDraft : asDraft(field, text, say);
    if (draft === '' && field.isRequired) return undefined;
    const reading = readDraft(field, draft, options);
    if (reading.kind !== 'problem') return draft;
    prompt.tell(sayDraftProblem(reading.problem, say));
  }
}

function sayHint(field: FormField, say: Say): string {
  const parts = [field.description, sayFieldHint(field, say, { isShort: false })];
  if (field.initialDraft !== '')
    parts.push(say('plain.default', { value: sayDraft(field, field.initialDraft, say) }));
  else if (field.isRequired) parts.push(say('plain.emptyBack'));
  return parts.filter((part) => part !== undefined).join('; ');
}

function sayDraft(field: FormField, draft: string, say: Say): string {
  if (field.kind !== 'boolean') return draft;
  return say(draft === 'true' ? 'form.yes' : 'form.no');
}

/** `yes` and `no` in the language of the screens stand for `true` and `false`. */
function asDraft(field: FormField, text: string, say: Say): string {
  if (field.kind !== 'boolean') return text;
  const word = text.trim().toLowerCase();
  if (word === say('form.yes')) return 'true';
  return word === say('form.no') ? 'false' : word;
}
