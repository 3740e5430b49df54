import { acknowledgementDecoder, type AcknowledgementPacket } from './acknowledgement.ts';
import { decodeAuth, type AuthPacket } from './auth.ts';
import { decodeConnack, type ConnackPacket } from './connack.ts';
import { decodeConnect, type ConnectPacket } from './connect.ts';
import { PACKET_NAMES, PacketType, type ProtocolVersion } from './control-packet.ts';
import { decodeDisconnect, type DisconnectPacket } from './disconnect.ts';
import { malformed } from './errors.ts';
import { expectReservedFlags } from './fixed-header.ts';
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
  | { readonly type: 'pingreq' }
  | { readonly type: 'pingresp' }
  | DisconnectPacket
  | AuthPacket;

/** Decodes what follows a Fixed Header whose flags are as they must be; what is left over is not its business. */
type Decode = (reader: PacketReader, version: ProtocolVersion) => ControlPacket;

const PINGREQ = Object.freeze({ type: 'pingreq' } as const);
const PINGRESP = Object.freeze({ type: 'pingresp' } as const);

/** By packet type; what is missing is reserved (section 2.1.2), or has flags of its own. */
const DECODERS: readonly (Decode | undefined)[] = [
  undefined,
  undefined,
  decodeConnack,
  undefined,
  acknowledgementDecoder('puback'),
  acknowledgementDecoder('pubrec'),
  acknowledgementDecoder('pubrel'),
  acknowledgementDecoder('pubcomp'),
  decodeSubscribe,
  decodeSuback,
  decodeUnsubscribe,
  decodeUnsuback,
  () => PINGREQ,
  () => PINGRESP,
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
  const type = (firstByte >> 4) as PacketType;
  const flags = firstByte & 0x0f;
  if (type === PacketType.PUBLISH) return decodePublish(reader, flags, version);
  if (type === PacketType.CONNECT) return decodeConnect(reader, flags);
  const decode = DECODERS[type];
  if (decode === undefined) throw malformed('packet type 0 is reserved');
  expectReservedFlags(type, flags, version);
  const packet = decode(reader, version);
  reader.expectEnd(PACKET_NAMES[type]!);
  return packet;
}
