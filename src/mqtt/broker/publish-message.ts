import type { CompiledHooks } from './compiled-hooks.ts';
import type { OnAcknowledged } from './client-session.ts';
import { deliver } from './deliver.ts';
import type { Engine } from './engine.ts';
import type { ClientInfo } from './hooks.ts';
import { StoredMessage } from '../session/stored-message.ts';
import type { ServerMessage } from './publication.ts';
import { retain } from './retain.ts';

type HowToPublish = {
  /** Whose it is, where it is a Will. */
  readonly client?: ClientInfo;
  readonly onAcknowledged?: OnAcknowledged | undefined;
  /** Where it cannot be retained nobody gets it; without it those who are there do, as a message that is not. */
  readonly mustBeRetained?: boolean;
};

/**
 * Publishes a message as if a client had: retained and delivered alike.
 *
 * @returns to how many subscribers it went; undefined when it could not be retained, and must be
 * @throws {MqttError} `MQTT_NOT_ENCODABLE` when it is not a message that a client could send
 */
export function publishMessage(
  engine: Engine,
  message: ServerMessage | StoredMessage,
  hooks: CompiledHooks,
  { client, onAcknowledged, mustBeRetained = false }: HowToPublish = {},
): number | undefined {
  const publication = engine.takePublication();
  try {
    if (message instanceof StoredMessage) publication.takeStored(message, engine.clock.now());
    else publication.takeMessage(message);
    publication.from = client;
    publication.onAcknowledged = onAcknowledged;
    const { bytes, topicStart, topicEnd } = publication;
    publication.entry = engine.topics.resolve(bytes, topicStart, topicEnd);
    if (!publication.entry.isValid) return 0;
    if (message.retain && !retain(engine, publication, client)) {
      if (mustBeRetained) return undefined;
      publication.fields.retain = false;
    }
    const count = deliver(engine, publication, undefined);
    if (hooks.onPublished.length > 0) engine.tellPublished(hooks, publication, undefined);
    return Math.max(count, 0);
  } finally {
    engine.givePublication();
  }
}
