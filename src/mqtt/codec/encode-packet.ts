import { encodeAcknowledgement } from './acknowledgement.ts';
import { encodeAuth } from './auth.ts';
import { encodeConnack } from './connack.ts';
import { encodeConnect } from './connect.ts';
import { PacketType, type PacketName, type ProtocolVersion } from './control-packet.ts';
import type { ControlPacket } from './decode-packet.ts';
import { encodeDisconnect } from './disconnect.ts';
import { firstByteOf } from './fixed-header.ts';
import { encodePublish, type PublishPacket } from './publish.ts';
import { encodeSuback } from './suback.ts';
import { encodeSubscribe } from './subscribe.ts';
import { encodeUnsuback } from './unsuback.ts';
import { encodeUnsubscribe } from './unsubscribe.ts';
import type { PacketWriter } from './writer.ts';

/** Writes what follows the Fixed Header of the packet of its type. */
type Encode<P = never> = (writer: PacketWriter, packet: P, version: ProtocolVersion) => void;
type OtherPacket = Exclude<ControlPacket, PublishPacket>;

/** PUBLISH has flags of its own. */
const ENCODERS: { readonly [T in OtherPacket['type']]: Encode<Extract<OtherPacket, { readonly type: T }>> } =
  {
    connect: encodeConnect,
    connack: encodeConnack,
    puback: encodeAcknowledgement,
    pubrec: encodeAcknowledgement,
    pubrel: encodeAcknowledgement,
    pubcomp: encodeAcknowledgement,
    subscribe: encodeSubscribe,
    suback: encodeSuback,
    unsubscribe: encodeUnsubscribe,
    unsuback: encodeUnsuback,
    pingreq: () => {},
    pingresp: () => {},
    disconnect: encodeDisconnect,
    auth: encodeAuth,
  };

/**
 * Encodes any packet, after those that are in the writer. What it produces, `decodePacket` accepts.
 *
 * @param version - what the connection speaks; a CONNECT is encoded in its own version
 * @throws {MqttError} `MQTT_NOT_ENCODABLE` or `MQTT_PACKET_TOO_LARGE`; the writer then has what it had before
 */
export function encodePacket(writer: PacketWriter, packet: ControlPacket, version: ProtocolVersion): void {
  if (packet.type === 'publish') return encodePublish(writer, packet, version);
  writer.beginPacket(firstByteOf(PacketType[packet.type.toUpperCase() as PacketName]));
  // The compiler cannot follow through a union that the function is the one of the packet's type.
  (ENCODERS[packet.type] as Encode<OtherPacket>)(writer, packet, version);
  writer.endPacket();
}
