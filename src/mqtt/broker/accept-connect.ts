import type { ConnackProperties } from '../codec/connack.ts';
import type { ConnectPacket } from '../codec/connect.ts';
import { MAX_UINT_16 } from '../codec/control-packet.ts';
import { encodePacket } from '../codec/encode-packet.ts';
import { NO_PROPERTIES } from '../codec/property.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { PacketWriter } from '../codec/writer.ts';
import type { QuotaLimits } from '../session/quota.ts';
import { OutboundTopicAliases } from '../topics/topic-alias.ts';
import { askConnectAuthorizers } from './ask-hooks.ts';
import { end } from './connection/end-connection.ts';
import { ConnectionState, type Connection } from './connection/connection.ts';
import type { ClientInfo } from './hooks.ts';
import type { ConnectionOptions } from './options.ts';
import { askWillHooks } from './publish-will.ts';
import { sendAgain, sendQueued } from './send-queued.ts';
import { attachSession, isOwner } from './session-lifecycle.ts';

/** A client that does not answer for this many Keep Alives is gone [MQTT-3.1.2-22]. */
const KEEP_ALIVE_FACTOR = 1.5;
/** Of most CONNACKs, and more. */
const CONNACK_BYTES = 128;

/** A CONNECT whose Will is kept already: as the objects that it was decoded to it would cost many times its bytes. */
export type ConnectRequest = Omit<ConnectPacket, 'willMessage'>;

/** A client is who it says: gives it its session, and the CONNACK with what holds from now on (section 3.2). */
export function acceptConnect(
  connection: Connection,
  packet: ConnectRequest,
  client: ClientInfo,
  authentication: ConnackProperties,
): void {
  const { engine, acceptor } = connection;
  const { options } = acceptor;
  connection.client = client;
  connection.authentication = undefined;
  connection.releaseConnect();
  if (!mayCome(connection, client) || !mayHaveWill(connection, client)) return;
  const requested = packet.properties.sessionExpiryInterval ?? 0;
  const expiryInterval = Math.min(requested, options.maximumSessionExpiryInterval);
  const keepAlive = cappedKeepAlive(packet.keepAlive, options.serverKeepAlive);
  const properties =
    packet.protocolVersion === 5
      ? { ...connackProperties(connection, packet, { expiryInterval, keepAlive }), ...authentication }
      : NO_PROPERTIES;
  if (!canBeTold(connection, properties)) {
    const reason = 'the CONNACK is larger than Maximum Packet Size';
    end(connection, 'refused', { reasonCode: ReasonCode.PACKET_TOO_LARGE, reason });
    return;
  }
  if (expiryInterval > 0 && (engine.commits.isFailing || engine.commits.isOverloaded)) {
    end(connection, 'store-unavailable');
    return;
  }
  const { cleanStart } = packet;
  const quota = quotaOf(packet, options);
  const request = { client, cleanStart, expiryInterval, quota };
  const attached = attachSession(engine, connection, request);
  if (!attached.ok) {
    end(connection, attached.failure.cause, attached.failure.detail);
    return;
  }
  const sessionPresent = attached.value;
  connection.state = ConnectionState.CONNECTED;
  engine.countClient(1);
  connection.requestedSessionExpiry = requested;
  const aliasMaximum = Math.min(packet.properties.topicAliasMaximum ?? 0, options.topicAliasMaximum);
  if (aliasMaximum > 0)
    connection.outboundAliases = new OutboundTopicAliases(aliasMaximum, (topicName, before) =>
      connection.bookAlias(topicName?.length, before?.length),
    );
  startKeepAlive(connection, keepAlive);
  connection.send({ type: 'connack', sessionPresent, reasonCode: ReasonCode.SUCCESS, properties });
  for (const hook of acceptor.hooks.onConnected) {
    engine.observe(hook.name, 'onConnected', () => hook.onConnected(client));
  }
  const { session } = connection;
  // An observer may have ended the connection, and the session with it.
  if (!sessionPresent || session?.connection !== connection) return;
  sendAgain(engine, session, connection);
  sendQueued(engine, session);
}

/** Clients of earlier versions are not told of a maximum, and send as many messages as there are identifiers. */
function quotaOf({ protocolVersion, properties }: ConnectRequest, options: ConnectionOptions): QuotaLimits {
  return {
    sendMaximum: Math.min(properties.receiveMaximum ?? MAX_UINT_16, options.maxInflightMessages),
    receiveMaximum: protocolVersion === 5 ? options.receiveMaximum : Number.POSITIVE_INFINITY,
  };
}

/** Whether the client takes the CONNACK [MQTT-3.1.2-24]: looked at before its session is touched. */
function canBeTold({ version, maximumPacketSize }: Connection, properties: ConnackProperties): boolean {
  const writer = new PacketWriter(CONNACK_BYTES);
  const reasonCode = ReasonCode.SUCCESS;
  encodePacket(writer, { type: 'connack', sessionPresent: false, reasonCode, properties }, version);
  return writer.length <= maximumPacketSize;
}

/** Only what is not as the client would take it to be without being told. */
function connackProperties(
  connection: Connection,
  packet: ConnectRequest,
  { expiryInterval, keepAlive }: { expiryInterval: number; keepAlive: number },
): ConnackProperties {
  const { options } = connection.acceptor;
  const { properties, clientId } = packet;
  const { maximumQos } = options;
  const wantsResponseInformation = properties.requestResponseInformation === true;
  return {
    ...(expiryInterval === (properties.sessionExpiryInterval ?? 0)
      ? {}
      : { sessionExpiryInterval: expiryInterval }),
    ...(options.receiveMaximum === MAX_UINT_16 ? {} : { receiveMaximum: options.receiveMaximum }),
    ...(maximumQos === 2 ? {} : { maximumQos }),
    ...(options.retainAvailable ? {} : { retainAvailable: false }),
    maximumPacketSize: options.maximumPacketSize,
    ...(clientId === '' ? { assignedClientIdentifier: connection.client!.clientId } : {}), // [MQTT-3.2.2-16]
    ...(options.topicAliasMaximum === 0 ? {} : { topicAliasMaximum: options.topicAliasMaximum }),
    ...(options.wildcardSubscriptionAvailable ? {} : { wildcardSubscriptionAvailable: false }),
    ...(options.subscriptionIdentifierAvailable ? {} : { subscriptionIdentifierAvailable: false }),
    ...(options.sharedSubscriptionAvailable ? {} : { sharedSubscriptionAvailable: false }),
    ...(keepAlive === packet.keepAlive ? {} : { serverKeepAlive: keepAlive }), // [MQTT-3.2.2-21]
    ...(wantsResponseInformation && options.responseInformation !== undefined
      ? { responseInformation: options.responseInformation }
      : {}),
  };
}

/** Seconds: the smaller of what the client asks for and the server's cap; 0 is none, and the largest of all. */
function cappedKeepAlive(asked: number, cap: number): number {
  if (cap === 0) return asked;
  return asked === 0 ? cap : Math.min(asked, cap);
}

function startKeepAlive(connection: Connection, keepAlive: number): void {
  const { engine } = connection;
  engine.wheel.clear(connection.timer);
  connection.keepAliveMs = keepAlive * 1000 * KEEP_ALIVE_FACTOR;
  if (keepAlive > 0) engine.wheel.set(connection.timer, engine.clock.monotonic() + connection.keepAliveMs);
}

/** Nobody ends the session of another user by guessing its Client Identifier, unless the options say so. */
function mayCome(connection: Connection, client: ClientInfo): boolean {
  const { engine, acceptor } = connection;
  const verdict = askConnectAuthorizers(engine, acceptor.hooks.authorizeConnect, client);
  if (!verdict.allow) {
    const { reasonCode, reasonString: reason = 'the client may not come as this Client Identifier' } =
      verdict;
    end(connection, 'refused', { reasonCode, reason });
    return false;
  }
  const session = engine.sessions.get(client.clientId);
  if (session === undefined || isOwner(session, client, acceptor.hooks)) return true;
  // One that ends with its connection is nobody's any more, though its turn to end may not have come.
  if (session.connection === undefined && !session.outlivesConnection) return true;
  if (acceptor.options.clientIdTakeover === 'allow') return true;
  end(connection, 'user-differs');
  return false;
}

/** A Will is a message that the client may publish later: who may not now learns it now. */
function mayHaveWill(connection: Connection, client: ClientInfo): boolean {
  const { engine, acceptor, will } = connection;
  if (will === undefined) return true;
  const verdict = askWillHooks(engine, acceptor.hooks.authorizePublish, client, will);
  if (verdict.allow) return true;
  const why = verdict.reasonString === undefined ? '' : `: ${verdict.reasonString}`;
  const reason = `the Will Message may not be published${why}`;
  end(connection, 'refused', { reasonCode: ReasonCode.NOT_AUTHORIZED, reason });
  return false;
}
