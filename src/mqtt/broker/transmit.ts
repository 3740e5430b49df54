import type { QoS } from '../codec/control-packet.ts';
import { patchPacketId } from '../codec/forward-publish.ts';
import type { SessionConnection } from './client-session.ts';
import { variantOf, type Publication } from './publication.ts';

/** A larger packet is not copied for each receiver. */
const SHARED_BYTES = 16_384;
const DUP = 0b1000;
const QOS_SHIFT = 1;
const PUBLISH = 0x30;

/**
 * Sends one PUBLISH over a connection.
 *
 * @param packetId - 0 at QoS 0
 * @returns false, and nothing is sent, when it would be larger than the client takes [MQTT-3.1.2-24]
 */
export function transmit(
  connection: SessionConnection,
  publication: Publication,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  subscriptionIdentifiers: readonly number[],
  packetId: number,
): boolean {
  const isVersion5 = connection.version === 5;
  if (isVersion5 && (subscriptionIdentifiers.length > 0 || connection.outboundAliases !== undefined)) {
    return transmitAlone(connection, publication, qos, retain, dup, subscriptionIdentifiers, packetId);
  }
  const variant = variantOf(isVersion5, qos, retain);
  publication.prepare(variant, connection.version, qos, retain);
  const start = publication.startOf(variant);
  const end = publication.endOf(variant);
  const length = end - start;
  if (length > connection.maximumPacketSize) return false;
  connection.engine.stats.publishSent++;
  const firstByte = PUBLISH | (dup ? DUP : 0) | (qos << QOS_SHIFT) | (retain ? 1 : 0);
  if (length >= SHARED_BYTES) {
    transmitShared(connection, publication, variant, firstByte, packetId);
    return true;
  }
  const writer = connection.outbox.writer();
  const at = writer.appendPackets(publication.sourceOf(variant), start, end);
  const { buffer } = writer;
  buffer[at] = firstByte;
  if (qos > 0) patchPacketId(buffer, at + publication.packetIdAtOf(variant), packetId);
  connection.outbox.written();
  return true;
}

/** Copies only the part that differs from client to client. */
function transmitShared(
  connection: SessionConnection,
  publication: Publication,
  variant: number,
  firstByte: number,
  packetId: number,
): void {
  const owned = publication.ownedOf(variant);
  const packetIdAt = publication.packetIdAtOf(variant);
  const headEnd = packetIdAt < 0 ? 1 : packetIdAt + 2;
  const head = Buffer.allocUnsafe(headEnd);
  owned.copy(head, 0, 0, headEnd);
  head[0] = firstByte;
  if (packetIdAt >= 0) patchPacketId(head, packetIdAt, packetId);
  connection.outbox.appendShared(head, headEnd, owned.subarray(headEnd));
}

/** Encodes for this client alone: it has identifiers of its own, or Topic Aliases. */
function transmitAlone(
  connection: SessionConnection,
  publication: Publication,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  subscriptionIdentifiers: readonly number[],
  packetId: number,
): boolean {
  const aliases = connection.outboundAliases;
  const known = aliases?.find(publication.topicName) ?? 0;
  const writer = connection.outbox.writer();
  const before = writer.length;
  const given = known === 0 ? (aliases?.assign(publication.topicName) ?? 0) : known;
  let packetIdAt = publication.encode(writer, 5, qos, retain, subscriptionIdentifiers, given, known !== 0);
  if (writer.length - before > connection.maximumPacketSize) {
    writer.truncate(before);
    if (given === 0) return false;
    // The client never saw what a new alias was to stand for.
    if (known === 0) aliases?.forget(given);
    // Without an alias the packet may be small enough.
    packetIdAt = publication.encode(writer, 5, qos, retain, subscriptionIdentifiers, 0, false);
    if (writer.length - before > connection.maximumPacketSize) {
      writer.truncate(before);
      return false;
    }
  }
  connection.engine.stats.publishSent++;
  if (dup) writer.buffer[before]! |= DUP;
  if (packetIdAt >= 0) patchPacketId(writer.buffer, packetIdAt, packetId);
  connection.outbox.written();
  return true;
}
