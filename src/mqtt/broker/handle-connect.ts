import { randomBytes } from 'node:crypto';
import { decodeConnect, findAnswerVersion, type ConnectPacket, type WillMessage } from '../codec/connect.ts';
import { protocolError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { PacketReader } from '../codec/reader.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import type { KeptWill } from '../session/session-store.ts';
import { findTopicNameFault, isForServerOnly, isLinkState, isWellFormed } from '../topics/topic-name.ts';
import { acceptConnect, type ConnectRequest } from './accept-connect.ts';
import { askConnectHooks } from './ask-hooks.ts';
import { Authentication } from './authentication.ts';
import { willCost } from './client-session.ts';
import { end, endForFault } from './connection/end-connection.ts';
import { ConnectionState, type Connection } from './connection/connection.ts';
import type { Engine } from './engine.ts';
import type { ClientInfo, ConnectVerdict } from './hooks.ts';

const ASSIGNED_ID_BYTES = 12;

type Refusal = { readonly reasonCode: ReasonCode; readonly reason: string };

/** Section 3.1: check what the client asks for, find out who it is, then give it a session. */
export function handleConnect(connection: Connection, framer: Framer): void {
  connection.engine.stats.connectsReceived++;
  const packet = readConnect(connection, framer);
  connection.state = ConnectionState.CONNECTING;
  const { options } = connection.acceptor;
  connection.wantsProblemInformation = packet.properties.requestProblemInformation !== false;
  connection.maximumPacketSize = packet.properties.maximumPacketSize ?? connection.maximumPacketSize;
  framer.setMaxPacketBytes(options.maximumPacketSize);

  const clientId = packet.clientId === '' ? assignClientId() : packet.clientId;
  const client: ClientInfo = {
    clientId,
    userName: packet.userName,
    protocolVersion: packet.protocolVersion,
    peer: connection.transport.peer,
    listener: connection.acceptor.name,
  };
  connection.client = client;
  const refusal = findClientIdRefusal(connection, packet) ?? findWillRefusal(connection, packet);
  if (refusal !== undefined) {
    end(connection, 'refused', refusal);
    return;
  }
  const { willMessage, ...request } = packet;
  connection.isBroker = saysItIsBroker(packet);
  if (willMessage !== undefined) connection.will = keepWill(connection.engine, willMessage);
  const willBytes = connection.will === undefined ? 0 : willCost(connection.will);
  if (!connection.bookConnect(framer.bodyEnd - framer.packetStart + willBytes)) {
    const reason = 'too many clients are being let in';
    end(connection, 'refused', { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason });
    return;
  }
  const { authenticationMethod } = packet.properties;
  if (authenticationMethod === undefined) authenticate(connection, request, client);
  else beginEnhanced(connection, request, client, authenticationMethod);
}

function readConnect(connection: Connection, framer: Framer): ConnectPacket {
  const { bytes, bodyStart, bodyEnd, firstByte } = framer;
  try {
    // Nobody asks for its User Properties: kept while a password waits, they would be a megabyte of small objects.
    const reader = new PacketReader().over(bytes, bodyStart, bodyEnd);
    const packet = decodeConnect(reader, firstByte & 0x0f, false);
    connection.version = packet.protocolVersion;
    framer.setVersion(packet.protocolVersion);
    return packet;
  } catch (error) {
    // Whom a CONNACK can be understood by is told why.
    const version = findAnswerVersion(bytes, bodyStart, bodyEnd);
    if (version !== undefined) connection.state = ConnectionState.CONNECTING;
    connection.version = version ?? 4;
    throw error;
  }
}

/**
 * By bit 7 of the Protocol Level; else by a Will on the topic that only brokers have something to say on. Over MQTT 5 a
 * broker asks for what it wants (No Local, Retain As Published).
 */
function saysItIsBroker({ isBroker, protocolVersion, willMessage, clientId }: ConnectPacket): boolean {
  if (isBroker === true) return true;
  return protocolVersion < 5 && willMessage !== undefined && isLinkState(willMessage.topicName, clientId);
}

function findClientIdRefusal({ acceptor }: Connection, packet: ConnectPacket): Refusal | undefined {
  if (packet.clientId !== '') return undefined;
  const reasonCode = ReasonCode.CLIENT_IDENTIFIER_NOT_VALID;
  if (!acceptor.options.zeroLengthClientIdAllowed || packet.protocolVersion === 3) {
    return { reasonCode, reason: 'a Client Identifier is needed' };
  }
  // [v3.1.1 MQTT-3.1.3-8]: nobody could ever come back to such a session.
  if (packet.protocolVersion === 4 && !packet.cleanStart) {
    return { reasonCode, reason: 'Clean Session 0 needs a Client Identifier' };
  }
  return undefined;
}

function findWillRefusal(
  { acceptor: { options }, client, engine }: Connection,
  { willMessage }: ConnectPacket,
): Refusal | undefined {
  if (willMessage === undefined) return undefined;
  const { topicName } = willMessage;
  const fault = findTopicNameFault(topicName, engine.options.maxTopicLevels);
  if (fault !== undefined || isForServerOnly(topicName, client!.clientId)) {
    const reason = `the Will Topic is refused: ${fault ?? '$SYS'}`;
    // Table 3-1: 0x82 where data of the CONNECT is against the standard, 0x90 where only this server does not take it.
    if (fault !== undefined && !isWellFormed(fault)) throw protocolError(reason);
    return { reasonCode: ReasonCode.TOPIC_NAME_INVALID, reason };
  }
  if (willMessage.qos > options.maximumQos) {
    return { reasonCode: ReasonCode.QOS_NOT_SUPPORTED, reason: `Maximum QoS is ${options.maximumQos}` }; // [MQTT-3.2.2-12]
  }
  if (willMessage.retain && !options.retainAvailable) {
    return { reasonCode: ReasonCode.RETAIN_NOT_SUPPORTED, reason: 'Retain Available is 0' }; // [MQTT-3.2.2-13]
  }
  return undefined;
}

/** As bytes, whatever it has: a User Property alone would be an array and two strings. */
function keepWill(engine: Engine, willMessage: WillMessage): KeptWill {
  const publication = engine.takePublication();
  try {
    publication.takeMessage(willMessage);
    return {
      message: publication.stored(0),
      willDelayInterval: willMessage.properties.willDelayInterval ?? 0,
    };
  } finally {
    engine.givePublication();
  }
}

function authenticate(connection: Connection, packet: ConnectRequest, client: ClientInfo): void {
  const { authenticate: hooks } = connection.acceptor.hooks;
  const credentials = { userName: packet.userName, password: packet.password };
  const answer = askConnectHooks(connection.engine, hooks, credentials, client);
  if (!(answer instanceof Promise)) {
    conclude(connection, packet, client, answer);
    return;
  }
  connection.inbox.decide();
  answer
    .then((verdict) => {
      if (connection.state !== ConnectionState.CONNECTING) return;
      conclude(connection, packet, client, verdict);
      connection.goOn();
    })
    .catch((error: unknown) => endForFault(connection, error));
}

function conclude(
  connection: Connection,
  packet: ConnectRequest,
  client: ClientInfo,
  verdict: ConnectVerdict,
): void {
  if (!verdict.allow) {
    const { reasonCode, reasonString: reason = 'the credentials were refused' } = verdict;
    end(connection, 'refused', { reasonCode, reason });
    return;
  }
  const known = verdict.userName === undefined ? client : { ...client, userName: verdict.userName };
  acceptConnect(connection, packet, known, {});
}

/** Section 4.12. */
function beginEnhanced(
  connection: Connection,
  packet: ConnectRequest,
  client: ClientInfo,
  name: string,
): void {
  const method = connection.acceptor.hooks.authenticationMethods.get(name);
  if (method === undefined) {
    const reason = `there is no method ${name}`;
    end(connection, 'refused', { reasonCode: ReasonCode.BAD_AUTHENTICATION_METHOD, reason }); // [MQTT-4.12.0-1]
    return;
  }
  connection.authenticationMethod = name;
  connection.authentication = new Authentication(connection, method, client, ({ userName, data }) => {
    const properties = {
      authenticationMethod: name,
      ...(data === undefined ? {} : { authenticationData: data }),
    };
    acceptConnect(connection, packet, { ...client, userName }, properties); // [MQTT-4.12.0-5]
  });
  connection.authentication.next(packet.properties.authenticationData);
}

/** [MQTT-3.1.3-6]: one that nobody has, and nobody guesses. */
function assignClientId(): string {
  return `recado-${randomBytes(ASSIGNED_ID_BYTES).toString('base64url')}`;
}
