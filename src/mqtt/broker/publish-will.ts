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
 * which may be days later. Where there is no room to retain it, it goes to those who are there.
 */
export function publishWill(engine: Engine, session: ClientSession, will: KeptWill): void {
  const { client, hooks } = session;
  if (!askWillHooks(engine, hooks.authorizePublish, client, will).allow) {
    engine.stats.publishDenied++;
    const topicName = shown(will.message.topicName);
    const fields = { clientId: shown(client.clientId), topicName };
    engine.logBudget.write('Wills denied', fields, `the Will on ${topicName} may not be published any more`);
    return;
  }
  engine.stats.willsPublished++;
  publishMessage(engine, will.message.publishedAt(engine.clock.now()), hooks, { client });
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
