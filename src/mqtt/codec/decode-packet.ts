import {
  decodeAcknowledgement,
  type AcknowledgementPacket,
  type AcknowledgementType,
} from './acknowledgement.ts';
import { decodeAuth, type AuthPacket } from './auth.ts';
import { decodeConnack, type ConnackPacket } from './connack.ts';
import { decodeConnect, type ConnectPacket } from './connect.ts';
import { PacketType, type ProtocolVersion } from './control-packet.ts';
import { decodeDisconnect, type DisconnectPacket } from './disconnect.ts';
import { malformed } from './errors.ts';
import { decodePingreq, decodePingresp, type PingreqPacket, type PingrespPacket } from './ping.ts';
import { decodePublish, type PublishPacket } from './publish.ts';
import type { PacketReader } from './reader.ts';
import { decodeSuback, type SubackPacket } from './suback.ts';
import { decodeSubscribe, type SubscribePacket } from './subscribe.ts';
import { decodeUnsuback, type UnsubackPacket } from './unsuback.ts';
import { decodeUnsubscribe, type UnsubscribePacket } from './unsubscribe.ts';

/** Any packet as an object; `type` says which. */
export type ControlPacket =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;

type Decode = (reader: PacketReader, flags: number, version: ProtocolVersion) => ControlPacket;

/** By packet type. */
const DECODERS: readonly (Decode | undefined)[] = [
  undefined, // reserved (section 2.1.2)
  (reader, flags) => decodeConnect(reader, flags),
  decodeConnack,
  decodePublish,
  acknowledgementDecoder(PacketType.PUBACK),
  acknowledgementDecoder(PacketType.PUBREC),
  acknowledgementDecoder(PacketType.PUBREL),
  acknowledgementDecoder(PacketType.PUBCOMP),
  decodeSubscribe,
  decodeSuback,
  decodeUnsubscribe,
  decodeUnsuback,
  decodePingreq,
  decodePingresp,
  decodeDisconnect,
  decodeAuth,
];

/**
 * Decodes any packet.
 *
 * @param reader - on what follows the Fixed Header, up to the end of the packet
 * @param firstByte - type and flags
 * @param version - what the connection's CONNECT said; a CONNECT says it itself
 * @throws {MqttError} and nothing else, whatever the bytes are
 */
export function decodePacket(
  reader: PacketReader,
  firstByte: number,
  version: ProtocolVersion,
): ControlPacket {
  const decode = DECODERS[firstByte >> 4];
  if (decode === undefined) throw malformed('packet type 0 is reserved');
  return decode(reader, firstByte & 0x0f, version);
}

function acknowledgementDecoder(type: AcknowledgementType): Decode {
  return (reader, flags, version) => decodeAcknowledgement(reader, type, flags, version);
}
