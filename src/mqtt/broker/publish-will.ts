import type { KeptWill } from '../session/session-store.ts';
import type { ClientSession } from './client-session.ts';
import type { Engine } from './engine.ts';
import { publishMessage } from './publish-message.ts';

/** Publishes a Will Message (section 3.1.2.5). What it may do was decided when it was given. */
export function publishWill(engine: Engine, session: ClientSession, { message }: KeptWill): void {
  engine.stats.willsPublished++;
  publishMessage(engine, message.publishedAt(engine.clock.now()), session.hooks, session.client);
}
