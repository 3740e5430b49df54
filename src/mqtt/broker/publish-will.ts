import type { WillMessage } from '../codec/connect.ts';
import type { ClientSession } from './client-session.ts';
import type { Engine } from './engine.ts';
import { publishMessage } from './publish-message.ts';

/** Publishes a Will Message (section 3.1.2.5). What it may do was decided when it was given. */
export function publishWill(engine: Engine, session: ClientSession, will: WillMessage): void {
  engine.stats.willsPublished++;
  const { willDelayInterval: _, ...properties } = will.properties;
  const { topicName, payload, qos, retain } = will;
  publishMessage(engine, { topicName, payload, qos, retain, properties }, session.hooks, session.client);
}
