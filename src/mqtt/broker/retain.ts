import { Retention } from '../topics/retained-messages.ts';
import { countLevels, isSysTopic } from '../topics/topic-name.ts';
import { NODE_CHANGE_STEPS } from '../topics/work-meter.ts';
import type { Engine } from './engine.ts';
import type { ClientInfo } from './hooks.ts';
import type { Publication } from './publication.ts';

/**
 * Keeps a message with RETAIN for its topic, or removes what is kept when its payload is empty (section 3.3.1.3).
 *
 * @param client - whose message it is; undefined for this program's own
 * @returns false when there is no room: then the message is refused as a whole
 */
export function retain(engine: Engine, publication: Publication, client: ClientInfo | undefined): boolean {
  const { topicName } = publication;
  engine.work += countLevels(topicName) * NODE_CHANGE_STEPS;
  if (publication.payloadLength === 0) {
    if (engine.retained.clear(topicName)) publication.isNoted = engine.notes.forgetRetained(topicName);
    return true; // [MQTT-3.3.1-6] [MQTT-3.3.1-7]
  }
  const message = publication.stored(engine.clock.now());
  const { sizeBytes, expiresAtMs } = message;
  const party = client === undefined ? engine.openOwnParty() : engine.openParty(client);
  const retention = engine.retained.set(topicName, {
    message,
    sizeBytes,
    expiresAtMs: expiresAtMs === Infinity ? undefined : expiresAtMs,
    booking: { party, isDecided: client === undefined },
  });
  party.close();
  if (retention !== Retention.Retained) {
    engine.stats.retainRefused++;
    return false;
  }
  // What the server says of itself is said anew when it starts.
  if (!isSysTopic(topicName)) publication.isNoted = engine.notes.noteRetained(message);
  return true;
}
