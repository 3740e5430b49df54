import { encodeAcknowledgement } from './acknowledgement.ts';
import { encodeAuth } from './auth.ts';
import { encodeConnack } from './connack.ts';
import { encodeConnect } from './connect.ts';
import type { ProtocolVersion } from './control-packet.ts';
import type { ControlPacket } from './decode-packet.ts';
import { encodeDisconnect } from './disconnect.ts';
import { encodePingreq, encodePingresp } from './ping.ts';
import { encodePublish } from './publish.ts';
import { encodeSuback } from './suback.ts';
import { encodeSubscribe } from './subscribe.ts';
import { encodeUnsuback } from './unsuback.ts';
import { encodeUnsubscribe } from './unsubscribe.ts';
import type { PacketWriter } from './writer.ts';

/** Each takes the packet of its own type. */
type Encode = (writer: PacketWriter, packet: never, version: ProtocolVersion) => void;

const ENCODERS: Readonly<Record<ControlPacket['type'], Encode>> = {
  connect: encodeConnect,
  connack: encodeConnack,
  publish: encodePublish,
  puback: encodeAcknowledgement,
  pubrec: encodeAcknowledgement,
  pubrel: encodeAcknowledgement,
  pubcomp: encodeAcknowledgement,
  subscribe: encodeSubscribe,
  suback: encodeSuback,
  unsubscribe: encodeUnsubscribe,
  unsuback: encodeUnsuback,
  pingreq: encodePingreq,
  pingresp: encodePingresp,
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
  // The table has for each type the function of that type, which the compiler cannot follow through a union.
  const encode = ENCODERS[packet.type] as (
    writer: PacketWriter,
    packet: ControlPacket,
    version: ProtocolVersion,
  ) => void;
  encode(writer, packet, version);
}
