import type { Clock } from '../../../base/clock.ts';
import { ClientError, type Client } from '../../../client/index.ts';
import type { Language } from '../../language.ts';
import { explainFailure } from '../failure-words.ts';
import { needsToken, type HubSession } from '../hub-session.ts';
import type { MessageKey, Say } from '../messages.ts';
import { valueLines } from '../value-lines.ts';
import type { LinePrompt } from './line-prompt.ts';

/** What the menus need around them. */
export type PlainDesk = {
  readonly say: Say;
  readonly language: Language;
  readonly clock: Clock;
  readonly session: HubSession;
  readonly prompt: LinePrompt;
};

/** How a menu was left: one step back, or out of the program. */
export type Leave = 'back' | 'quit';

/** A call that was answered, or the failure. */
export type Attempt<T> =
  | { readonly ok: true; readonly answer: T }
  | { readonly ok: false; readonly error: ClientError };

/** Asks the hub, and asks for a token first if the hub wants one. What the caller does not handle, it can `tellFailure`. */
export async function attempt<T>(desk: PlainDesk, ask: (client: Client) => Promise<T>): Promise<Attempt<T>> {
  for (;;) {
    try {
      return { ok: true, answer: await desk.session.call(ask) };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (!needsToken(error) || !(await askForToken(desk))) return { ok: false, error };
    }
  }
}

/** Asks what to do, and explains it as often as somebody types `?`; undefined when there is no more input. */
export async function askUnlessHelp(
  { say, prompt }: PlainDesk,
  menu: { readonly question: string; readonly help: readonly MessageKey[] },
): Promise<string | undefined> {
  for (;;) {
    const text = (await prompt.ask(menu.question))?.trim();
    if (text !== '?') return text;
    prompt.tell([say('plain.help.heading'), ...menu.help.map((key) => say(key))].join('\n'));
  }
}

async function askForToken({ say, session, prompt }: PlainDesk): Promise<boolean> {
  prompt.tell(say(session.hasToken ? 'token.refused' : 'token.why', { url: session.url }));
  for (;;) {
    const token = (await prompt.ask(say('plain.token'), { isSecret: true }))?.trim();
    if (token === undefined || token === '') return false;
    try {
      session.useToken(token);
      return true;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      prompt.tell(say('token.invalid'));
    }
  }
}

/** Tells everything that is known of a failure, in one block. */
export function tellFailure({ say, clock, prompt }: PlainDesk, error: unknown): void {
  const { title, code, detail, facts, payload } = explainFailure(error, say, clock.now());
  const lines = [code === '' ? title : `${title} (${code})`];
  if (detail !== '') lines.push(detail);
  for (const [label, text] of facts) lines.push(`${label}: ${text}`);
  if (payload !== undefined) lines.push(...valueText(payload, say));
  prompt.tell(lines.join('\n'));
}

/** A value as lines of text. */
export function valueText(value: unknown, say: Say): string[] {
  const { lines, cut } = valueLines(value, say);
  const texts = lines.map(({ depth, label, text }) => {
    const indent = '  '.repeat(depth);
    if (label === '') return text;
    const name = label.endsWith('.') ? label : `${label}:`;
    return text === '' ? indent + name : `${indent}${name} ${text}`;
  });
  return cut === 0 ? texts : [...texts, say('answer.cut', { count: cut })];
}
