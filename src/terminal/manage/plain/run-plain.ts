import { systemClock } from '../../../base/clock.ts';
import { ClientError, HubAnswerError, HubUnreachableError } from '../../../client/index.ts';
import { sayUnreachable } from '../failure-words.ts';
import { DEFAULT_HUB_URL, parseHubAddress } from '../hub-address.ts';
import { HubSession } from '../hub-session.ts';
import { createSay } from '../messages.ts';
import type { ManageOptions } from '../run-manage.ts';
import { LinePrompt } from './line-prompt.ts';
import { attempt, tellFailure, type PlainDesk } from './plain-desk.ts';
import { runDeviceListMenu } from './device-list-menu.ts';

/** How long a hub at the proposed address may take to answer before somebody is asked, in ms. */
const LOOK_MS = 1000;

/** Runs the application in plain lines until somebody quits, or the input ends. */
export async function runPlain(options: ManageOptions): Promise<void> {
  const prompt = new LinePrompt(options.stdin, options.stdout);
  const desk: PlainDesk = {
    say: createSay(options.language),
    language: options.language,
    clock: systemClock,
    session: new HubSession({
      url: options.url ?? DEFAULT_HUB_URL,
      token: options.token,
      clock: systemClock,
    }),
    prompt,
  };
  try {
    let isAddressKnown = options.url !== undefined || (await isHubThere(desk));
    while (isAddressKnown || (await askForAddress(desk))) {
      isAddressKnown = false;
      if ((await connect(desk)) && (await runDeviceListMenu(desk)) === 'quit') return;
    }
  } finally {
    prompt.close();
  }
}

/** Nobody needs to be asked for an address at which a hub answers. */
async function isHubThere({ session }: PlainDesk): Promise<boolean> {
  const signal = AbortSignal.timeout(LOOK_MS);
  try {
    await session.call((client) => client.health({ signal }));
    return true;
  } catch (error) {
    if (!signal.aborted && !(error instanceof ClientError)) throw error;
    session.forgetStatus();
    return false;
  }
}

/** False when there is no more input. */
async function askForAddress({ say, session, prompt }: PlainDesk): Promise<boolean> {
  const question = session.status.kind === 'gone' ? 'plain.retry' : 'plain.address';
  for (;;) {
    const text = await prompt.ask(say(question, { url: session.url }));
    if (text === undefined) return false;
    const address = text.trim() === '' ? { ok: true, url: session.url } : parseHubAddress(text);
    if (address.url !== undefined) {
      session.useUrl(address.url);
      return true;
    }
    prompt.tell(say('connect.invalid', { example: DEFAULT_HUB_URL }));
  }
}

async function connect(desk: PlainDesk): Promise<boolean> {
  const { say, session, prompt } = desk;
  const health = await attempt(desk, (client) => client.health());
  if (health.ok) {
    prompt.tell(say('plain.connected', { url: session.url, version: health.answer.version }));
    return true;
  }
  const { error } = health;
  if (error instanceof HubUnreachableError || error instanceof HubAnswerError)
    prompt.tell(sayUnreachable(error, say));
  else tellFailure(desk, error);
  return false;
}
