import { PacketType } from '../codec/control-packet.ts';
import { writeAcknowledgement } from '../codec/acknowledgement.ts';
import { malformed, MqttError, protocolError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { scanPublish } from '../codec/scan-publish.ts';
import { PacketIdSet } from '../session/packet-id-set.ts';
import { InboundTopicAliases } from '../topics/topic-alias.ts';
import { isForServerOnly, isWellFormed } from '../topics/topic-name.ts';
import { PROPERTY_BYTES_A_STEP_SHIFT } from '../topics/work-meter.ts';
import { end, sayable } from './connection/end-connection.ts';
import { ConnectionState, type AliasedTopic, type Connection } from './connection/connection.ts';
import { deliver, deliverOwn, TOO_WIDE } from './deliver.ts';
import type { Engine } from './engine.ts';
import { askPublishHooks } from './ask-hooks.ts';
import type { Publication } from './publication.ts';
import { retain } from './retain.ts';

/** What a PUBLISH of QoS 1 or 2 is answered with; the words are for people. */
type PublishAnswer = { readonly reasonCode: ReasonCode; readonly reasonString?: string };

const ACCEPTED: PublishAnswer = { reasonCode: ReasonCode.SUCCESS };
const NOBODY_SUBSCRIBES: PublishAnswer = { reasonCode: ReasonCode.NO_MATCHING_SUBSCRIBERS };
const SYS_IS_OURS: PublishAnswer = {
  reasonCode: ReasonCode.NOT_AUTHORIZED,
  reasonString: 'only the server publishes below $SYS',
};
const RETAINED_ARE_FULL: PublishAnswer = {
  reasonCode: ReasonCode.QUOTA_EXCEEDED,
  reasonString: 'the server keeps as many retained messages, or bytes of them, as it may',
};

const CANNOT_BE_STORED: PublishAnswer = {
  reasonCode: ReasonCode.QUOTA_EXCEEDED,
  reasonString: 'the server cannot store messages at present',
};

const TOPIC_IS_TOO_WIDE: PublishAnswer = {
  reasonCode: ReasonCode.QUOTA_EXCEEDED,
  reasonString: 'more wildcard filters lie on the way of this topic than the server follows',
};

/** Section 3.3: read, resolve the topic, check, ask, retain, deliver, acknowledge. */
export function handlePublish(connection: Connection, framer: Framer): void {
  const { engine } = connection;
  engine.stats.publishReceived++;
  const publication = engine.takePublication();
  try {
    if (!readPublication(connection, framer, publication)) return;
    publication.from = connection.client;
    const { qos, packetId } = publication.fields;
    engine.stats.publishBytesReceived += publication.payloadLength;
    if (qos === 0) {
      if (isStoreBehind(connection, publication)) return;
      accept(connection, publication, !isUnstorable(connection, publication));
      if (publication.isNoted) engine.commits.paceAfterNote(connection);
      return;
    }
    const session = connection.session!;
    if (qos === 2 && session.received?.has(packetId) === true) {
      acknowledge(connection, PacketType.PUBREC, packetId, ACCEPTED); // [MQTT-4.3.3-10]: not delivered again
      return;
    }
    if (isStoreBehind(connection, publication)) return;
    const isRefused = isUnstorable(connection, publication);
    if (isRefused && connection.version !== 5) {
      end(connection, 'store-behind');
      return;
    }
    const answer = isRefused ? CANNOT_BE_STORED : accept(connection, publication, true);
    // An observer may have ended the connection, and the session with it.
    if (qos === 2 && answer.reasonCode < 0x80 && !session.hasEnded) {
      (session.received ??= new PacketIdSet()).add(packetId);
      if (engine.notes.noteReceived(session, packetId)) publication.isNoted = true;
    }
    if (connection.state !== ConnectionState.CLOSED) {
      if (publication.isNoted) engine.commits.holdBack(connection);
      acknowledge(connection, qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetId, answer);
    }
    if (publication.own.length > 0) deliverOwn(engine, publication, session);
    if (publication.isNoted) engine.commits.paceAfterNote(connection);
  } finally {
    engine.givePublication();
  }
}

/** Reads and checks what does not need anybody's opinion; false when the connection was ended. */
function readPublication(connection: Connection, framer: Framer, publication: Publication): boolean {
  const { bytes, bodyStart, bodyEnd, firstByte } = framer;
  const { fields } = publication;
  const { options } = connection.acceptor;
  const flags = firstByte & 0x0f;
  scanPublish(bytes, bodyStart, bodyEnd, flags, connection.version, fields, options.maxControlPacketBytes);
  connection.engine.work += (fields.propertiesEnd - fields.propertiesStart) >> PROPERTY_BYTES_A_STEP_SHIFT;
  if (fields.hasSubscriptionIdentifier) {
    throw protocolError('a client must not send a Subscription Identifier in PUBLISH'); // [MQTT-3.3.4-6]
  }
  if (fields.qos > options.maximumQos) {
    const reason = `Maximum QoS is ${options.maximumQos}`;
    end(connection, 'refused', { reasonCode: ReasonCode.QOS_NOT_SUPPORTED, reason }); // [MQTT-3.2.2-11]
    return false;
  }
  if (fields.retain && !options.retainAvailable) {
    const reason = 'Retain Available is 0';
    end(connection, 'refused', { reasonCode: ReasonCode.RETAIN_NOT_SUPPORTED, reason }); // [MQTT-3.2.2-14]
    return false;
  }
  const { received, quota } = connection.session!;
  if (fields.qos > 0 && !quota.mayReceive(received, fields.qos, fields.packetId)) {
    const reason = `Receive Maximum is ${options.receiveMaximum}`;
    end(connection, 'refused', { reasonCode: ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, reason }); // [MQTT-3.3.4-7]
    return false;
  }
  if (fields.topicAlias === 0) {
    const entry = connection.engine.topics.resolve(bytes, fields.topicStart, fields.topicEnd);
    publication.takePacket(framer, connection.version, entry, undefined);
  } else {
    const topic = resolveAlias(connection, bytes, publication);
    if (topic === undefined) {
      const reason = 'the server keeps as many Topic Aliases as it may';
      end(connection, 'refused', { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason });
      return false;
    }
    publication.takePacket(framer, connection.version, topic.entry, topic.bytes);
  }
  const { fault } = publication.entry!;
  if (fault === undefined) return true;
  const reason = `the Topic Name is refused: ${fault}`;
  if (!isWellFormed(fault)) throw malformed(reason); // [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.3-2]
  end(connection, 'refused', { reasonCode: ReasonCode.TOPIC_NAME_INVALID, reason });
  return false;
}

/** The topic of an alias, which is told with it or was before; undefined when there is no room for one more. */
function resolveAlias(
  connection: Connection,
  bytes: Buffer,
  publication: Publication,
): AliasedTopic | undefined {
  const { topicStart, topicEnd, topicAlias } = publication.fields;
  const aliases = (connection.inboundAliases ??= new InboundTopicAliases<AliasedTopic>(
    connection.acceptor.options.topicAliasMaximum,
  ));
  if (topicStart < topicEnd) {
    const entry = connection.engine.topics.resolve(bytes, topicStart, topicEnd);
    const topic = { entry, bytes: Buffer.from(bytes.subarray(topicStart, topicEnd)) };
    if (!entry.isValid) return topic;
    if (!aliases.isAllowed(topicAlias)) throw aliasInvalid(topicAlias);
    const before = aliases.get(topicAlias)?.bytes.length;
    if (!connection.bookAlias(topic.bytes.length, before, true)) return undefined;
    aliases.set(topicAlias, topic);
    return topic;
  }
  const topic = aliases.get(topicAlias);
  if (topic !== undefined) return topic;
  if (!aliases.isAllowed(topicAlias)) throw aliasInvalid(topicAlias);
  throw protocolError(`Topic Alias ${topicAlias} stands for nothing`); // section 3.3.4
}

function aliasInvalid(topicAlias: number): MqttError {
  return new MqttError('MQTT_TOPIC_ALIAS_INVALID', `Topic Alias ${topicAlias} is above the maximum`); // [MQTT-3.3.2-9]
}

/**
 * The store fails, and this message would have to be stored. One of QoS 1 or 2 is refused as a whole, and delivered to
 * nobody; before MQTT 5.0 there is no word for that, and an acknowledgement that never comes would keep the client's
 * window shut: it is sent away, and sends it again when it is back. One of QoS 0 is delivered, and not retained.
 */
function isUnstorable({ engine, session, version }: Connection, publication: Publication): boolean {
  if (!engine.commits.isFailing) return false;
  const { qos } = publication.fields;
  const isKept = qos === 2 && session?.outlivesConnection === true;
  if (!isKept && !wouldBeStored(engine, publication)) return false;
  if (version === 5 || qos === 0) engine.stats.storeRefusals++; // the end of a connection is counted there
  return true;
}

/**
 * The store has fallen so far behind that a message for it cannot be taken. Its sender is sent away, and sends it
 * again: not every version has a word for a refusal, and none has one at QoS 0.
 */
function isStoreBehind(connection: Connection, publication: Publication): boolean {
  const { engine } = connection;
  if (engine.commits.isFailing || !engine.commits.isOverloaded) return false;
  if (!wouldBeStored(engine, publication)) return false;
  end(connection, 'store-behind');
  return true;
}

function wouldBeStored(engine: Engine, publication: Publication): boolean {
  if (publication.fields.retain) return true;
  const isQos0 = publication.fields.qos === 0;
  const { subscribers, sharedGroups } = engine.topics.matches(publication.entry!);
  if (sharedGroups.length > 0 && !isQos0) return true;
  return subscribers.some(({ subscriber: { outlivesConnection, connection, options }, qos }) => {
    if (!outlivesConnection) return false;
    return isQos0 || qos === 0 ? connection === undefined && options.queueQos0 : true;
  });
}

/** Asks, retains and delivers; what a QoS above 0 is answered with. */
function accept(connection: Connection, publication: Publication, mayRetain: boolean): PublishAnswer {
  const { engine, session } = connection;
  const { hooks } = connection.acceptor;
  if (isForServerOnly(publication.topicName, connection.client!.clientId)) {
    engine.stats.publishDenied++;
    return SYS_IS_OURS;
  }
  if (hooks.authorizePublish.length > 0) {
    const verdict = askPublishHooks(engine, hooks.authorizePublish, connection.client!, publication);
    if (!verdict.allow) {
      engine.stats.publishDenied++;
      return verdict;
    }
  }
  if (publication.fields.retain && mayRetain && !retain(engine, publication, connection.client))
    return RETAINED_ARE_FULL;
  const count = deliver(engine, publication, session);
  if (count === TOO_WIDE) return TOPIC_IS_TOO_WIDE;
  if (hooks.onPublished.length > 0) engine.tellPublished(hooks, publication, connection.client);
  return count === 0 ? NOBODY_SUBSCRIBES : ACCEPTED;
}

function acknowledge(
  connection: Connection,
  type: typeof PacketType.PUBACK | typeof PacketType.PUBREC,
  packetId: number,
  { reasonCode, reasonString }: PublishAnswer,
): void {
  if (reasonString !== undefined && connection.version === 5 && connection.wantsProblemInformation) {
    const name = type === PacketType.PUBACK ? 'puback' : 'pubrec';
    const properties = { reasonString: sayable(reasonString) };
    connection.send({ type: name, packetId, reasonCode, properties }, connection.outbox.answers());
    return;
  }
  connection.engine.stats.othersSent++;
  writeAcknowledgement(connection.outbox.answers(), type, packetId, reasonCode, connection.version);
  connection.outbox.written();
}
