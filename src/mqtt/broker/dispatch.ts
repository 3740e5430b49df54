import { PacketType } from '../codec/control-packet.ts';
import { protocolError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { ConnectionState, type Connection } from './connection/connection.ts';
import { decodeShown } from './decode.ts';
import { handleAcknowledgement } from './handle-acknowledgement.ts';
import { handleAuth } from './handle-auth.ts';
import { handleConnect } from './handle-connect.ts';
import { handleDisconnect } from './handle-disconnect.ts';
import { handlePublish } from './handle-publish.ts';
import { handleSubscribe } from './handle-subscribe.ts';
import { handleUnsubscribe } from './handle-unsubscribe.ts';

/** Hands the framer's packet to the one who handles its type. */
export function dispatch(connection: Connection, framer: Framer): void {
  const type = framer.firstByte >> 4;
  connection.engine.stats.packetsReceived++;
  if (connection.state !== ConnectionState.CONNECTED) {
    dispatchBeforeConnected(connection, framer, type);
    return;
  }
  switch (type) {
    case PacketType.PUBLISH:
      handlePublish(connection, framer);
      return;
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      handleAcknowledgement(connection, framer, type);
      return;
    case PacketType.SUBSCRIBE:
      handleSubscribe(connection, framer);
      return;
    case PacketType.UNSUBSCRIBE:
      handleUnsubscribe(connection, framer);
      return;
    case PacketType.PINGREQ:
      decodeShown<'pingreq'>(connection, framer);
      connection.send({ type: 'pingresp' }); // [MQTT-3.12.4-1]
      return;
    case PacketType.DISCONNECT:
      handleDisconnect(connection, framer);
      return;
    case PacketType.AUTH:
      handleAuth(connection, framer);
      return;
    default:
      // A second CONNECT [MQTT-3.1.0-2], a packet that only servers send, or type 0.
      throw protocolError(`a client must not send packet type ${type} here`);
  }
}

/** The first packet is a CONNECT [MQTT-3.1.0-1]; before the CONNACK only an AUTH may follow it (section 4.12). */
function dispatchBeforeConnected(connection: Connection, framer: Framer, type: number): void {
  if (connection.state === ConnectionState.NEW && type === PacketType.CONNECT)
    handleConnect(connection, framer);
  else if (connection.authentication !== undefined && type === PacketType.AUTH)
    handleAuth(connection, framer);
  else if (connection.authentication !== undefined && type === PacketType.DISCONNECT)
    handleDisconnect(connection, framer);
  else throw protocolError('the first packet must be a CONNECT');
}
