import type { QoS } from '../codec/control-packet.ts';
import { patchPacketId } from '../codec/forward-publish.ts';
import { hasDup, hasRetain, qosOfFlags } from '../codec/publish-flags.ts';
import { Slice } from '../transport/slice.ts';
import type { SessionConnection } from './client-session.ts';
import { variantOf, type Publication } from './publication.ts';

/**
 * Sends one PUBLISH over a connection.
 *
 * @param firstByte - of the PUBLISH: QoS, DUP and RETAIN
 * @param packetId - 0 at QoS 0
 * @returns false, and nothing is sent, when it would be larger than the client takes [MQTT-3.1.2-24]
 */
export function transmit(
  connection: SessionConnection,
  publication: Publication,
  firstByte: number,
  subscriptionIdentifiers: readonly number[],
  packetId: number,
): boolean {
  const isVersion5 = connection.version === 5;
  if (isVersion5 && (subscriptionIdentifiers.length > 0 || connection.outboundAliases !== undefined)) {
    return transmitAlone(connection, publication, firstByte, subscriptionIdentifiers, packetId);
  }
  if (publication.isLarge) {
    return (
      transmitAsItCame(connection, publication, firstByte) ??
      transmitAlone(connection, publication, firstByte, subscriptionIdentifiers, packetId)
    );
  }
  const qos = qosOfFlags(firstByte) as QoS;
  const retain = hasRetain(firstByte);
  const variant = variantOf(isVersion5, qos, retain);
  publication.prepare(variant, connection.version, qos, retain);
  const start = publication.startOf(variant);
  const end = publication.endOf(variant);
  if (end - start > connection.maximumPacketSize) return false;
  countSent(connection, publication);
  const writer = connection.outbox.writer();
  const at = writer.appendPackets(publication.sourceOf(variant), start, end);
  const { buffer } = writer;
  buffer[at] = firstByte;
  if (qos > 0) patchPacketId(buffer, at + publication.packetIdAtOf(variant), packetId);
  connection.outbox.written();
  return true;
}

/** Sends the bytes that came in, from where they lie; undefined when others have to be sent. */
function transmitAsItCame(
  connection: SessionConnection,
  publication: Publication,
  firstByte: number,
): boolean | undefined {
  const { version, maximumPacketSize, outbox } = connection;
  const block = publication.asItCame(version === 5, qosOfFlags(firstByte) as QoS, hasRetain(firstByte));
  if (block === undefined) return undefined;
  const { packetStart, packetEnd } = publication;
  if (packetEnd - packetStart > maximumPacketSize) return false;
  countSent(connection, publication);
  outbox.append(new Slice(block.buffer, packetStart, packetEnd, block));
  return true;
}

/**
 * Encodes for this client alone: it has identifiers of its own, or Topic Aliases; or the payload is large, and only
 * what stands before it is encoded.
 */
function transmitAlone(
  connection: SessionConnection,
  publication: Publication,
  firstByte: number,
  subscriptionIdentifiers: readonly number[],
  packetId: number,
): boolean {
  const { version, outbox, maximumPacketSize, outboundAliases: aliases } = connection;
  const { topicName, isLarge } = publication;
  const known = aliases?.find(topicName) ?? 0;
  const given = known === 0 ? (aliases?.assign(topicName) ?? 0) : known;
  const writer = outbox.writer();
  const before = writer.length;
  const most = before + maximumPacketSize - (isLarge ? publication.payloadLength : 0);
  const qos = qosOfFlags(firstByte) as QoS;
  const options = publication.optionsFor(version, qos, hasRetain(firstByte), packetId);
  options.dup = hasDup(firstByte);
  options.subscriptionIdentifiers = subscriptionIdentifiers;
  options.topicAlias = given;
  options.omitTopicName = known !== 0;
  options.omitPayload = isLarge;
  publication.encode(writer, options);
  if (writer.length > most) {
    writer.truncate(before);
    if (given === 0) return false;
    // The client never saw what a new alias was to stand for.
    if (known === 0) aliases?.forget(given);
    // Without an alias the packet may be small enough.
    options.topicAlias = 0;
    options.omitTopicName = false;
    publication.encode(writer, options);
    if (writer.length > most) {
      writer.truncate(before);
      return false;
    }
  }
  countSent(connection, publication);
  if (isLarge) outbox.append(publication.payloadSlice());
  else outbox.written();
  return true;
}

function countSent({ engine: { stats } }: SessionConnection, { payloadLength }: Publication): void {
  stats.publishSent++;
  stats.publishBytesSent += payloadLength;
}
