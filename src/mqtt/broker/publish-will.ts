import { addressParty } from '../../base/networks.ts';
import { shown } from '../../base/log-budget.ts';
import type { KeptWill } from '../session/session-store.ts';
import { askPublishHooks } from './ask-hooks.ts';
import type { ClientSession } from './client-session.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import type { Engine } from './engine.ts';
import { ALLOW, type ClientInfo, type Verdict } from './hooks.ts';
import { publishMessage } from './publish-message.ts';

/**
 * Publishes a Will Message (section 3.1.2.5), if its client still may: it is asked when it is given, and again now,
 * which may be days later. What only takes back its own goes out all the same: else an agent whose user is gone would
 * be announced for good. Where there is no room to retain it, it goes to those who are there.
 */
export function publishWill(engine: Engine, session: ClientSession, will: KeptWill): void {
  const { client, hooks } = session;
  const isAllowed = askWillHooks(engine, hooks.authorizePublish, client, will).allow;
  if (!isAllowed && !takesBackOwn(engine, client, will)) {
    engine.stats.publishDenied++;
    const topicName = shown(will.message.topicName);
    const fields = { clientId: shown(client.clientId), topicName };
    const text = `the Will on ${topicName} may not be published any more`;
    engine.logBudget.write('Wills denied', fields, text, addressParty(client.peer.address));
    return;
  }
  engine.stats.willsPublished++;
  publishMessage(engine, will.message.publishedAt(engine.clock.now()), hooks, { client });
}

/** Whether all that a Will does is to remove what the same user, or address, has retained. */
function takesBackOwn(engine: Engine, client: ClientInfo, { message }: KeptWill): boolean {
  if (!message.retain || message.payloadLength > 0) return false;
  const party = engine.openParty(client);
  party.close();
  return engine.retained.partyOf(message.topicName) === party;
}

/** Whether the rules let a client publish its Will; why they do not, where they say it. */
export function askWillHooks(
  engine: Engine,
  hooks: CompiledHooks['authorizePublish'],
  client: ClientInfo,
  { message }: KeptWill,
): Verdict {
  if (hooks.length === 0) return ALLOW;
  const publication = engine.takePublication();
  try {
    publication.takeStored(message, 0);
    return askPublishHooks(engine, hooks, client, publication);
  } finally {
    engine.givePublication();
  }
}
