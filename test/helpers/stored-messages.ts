import { Framer } from '../../src/mqtt/codec/framer.ts';
import { encodePublish, type PublishPacket } from '../../src/mqtt/codec/publish.ts';
import { PublishFields, scanPublish } from '../../src/mqtt/codec/scan-publish.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';
import type { SessionStore, StoredSession } from '../../src/mqtt/session/session-store.ts';
import { storeMessage, type StoredMessage } from '../../src/mqtt/session/stored-message.ts';

/** A message as the broker keeps it, by the way that it takes there: encoded, read, kept. */
export function keepMessage(fields: Partial<PublishPacket>, nowMs = 0): StoredMessage {
  const { topicName = 'a/b', qos = 0 } = fields;
  const writer = new PacketWriter();
  const packet = {
    type: 'publish',
    dup: false,
    retain: false,
    properties: {},
    payload: Buffer.of(),
  } as const;
  encodePublish(writer, { ...packet, ...fields, topicName, qos, packetId: qos === 0 ? 0 : 1 }, 5);
  const bytes = writer.take();
  const framer = new Framer();
  framer.push(bytes, 0, bytes.length);
  framer.next();
  const read = new PublishFields();
  scanPublish(framer.bytes, framer.bodyStart, framer.bodyEnd, framer.firstByte & 0x0f, 5, read);
  const { topicStart, topicEnd } = read;
  const source = {
    bytes,
    fields: read,
    topicName,
    topicBytes: bytes,
    topicStart,
    topicEnd,
    payloadBytes: bytes,
    block: undefined,
  };
  return storeMessage(source, nowMs);
}

/** All that a store has, as a broker reads it that starts. */
export async function loadAll(
  store: SessionStore,
): Promise<{ readonly sessions: StoredSession[]; readonly retained: StoredMessage[] }> {
  const { sessions, retained } = store.load();
  const all = { sessions: [] as StoredSession[], retained: [] as StoredMessage[] };
  for await (const piece of sessions) all.sessions.push(...piece);
  for await (const piece of retained) all.retained.push(...piece);
  return all;
}
