import type { QoS } from '../codec/control-packet.ts';
import { encodePublish, type PublishProperties } from '../codec/publish.ts';
import { Framer } from '../codec/framer.ts';
import { scanPublish } from '../codec/scan-publish.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import { deliver } from './deliver.ts';
import type { Engine } from './engine.ts';
import type { ClientInfo } from './hooks.ts';
import { retain } from './retain.ts';

/** A message that comes from this side: of the embedding program, of the server, or a Will. */
type OutgoingMessage = {
  readonly topicName: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: PublishProperties;
};

/**
 * Publishes a message as if a client had: through the same packet, retained and delivered alike.
 *
 * @param client - whose it is, where it is a Will
 * @returns to how many subscribers it went
 * @throws {MqttError} `MQTT_NOT_ENCODABLE` when it is not a message that a client could send
 */
export function publishMessage(
  engine: Engine,
  message: OutgoingMessage,
  hooks: CompiledHooks,
  client?: ClientInfo,
): number {
  const { topicName, payload, qos, properties } = message;
  const publication = engine.takePublication();
  const writer = publication.packetWriter;
  try {
    writer.reset();
    encodePublish(
      writer,
      {
        type: 'publish',
        dup: false,
        qos,
        retain: message.retain,
        topicName,
        packetId: qos === 0 ? 0 : 1,
        properties,
        payload,
      },
      5,
    );
    const bytes = writer.bytes();
    const framer = new Framer();
    framer.push(bytes, 0, bytes.length);
    framer.next();
    scanPublish(bytes, framer.bodyStart, framer.bodyEnd, framer.firstByte & 0x0f, 5, publication.fields);
    const entry = engine.topics.resolveName(topicName);
    if (!entry.isValid) return 0;
    publication.takePacket(bytes, 0, bytes.length, 5, entry, undefined, undefined);
    if (message.retain) retain(engine, publication, client);
    const count = deliver(engine, publication, undefined);
    if (hooks.onPublished.length > 0) engine.tellPublished(hooks, publication, undefined);
    return Math.max(count, 0);
  } finally {
    engine.givePublication();
  }
}
