import { PacketType, type ProtocolVersion } from './control-packet.ts';
import { expectReservedFlags, firstByteOf } from './fixed-header.ts';
import type { PacketReader } from './reader.ts';
import type { PacketWriter } from './writer.ts';

/** Section 3.12. */
export type PingreqPacket = { readonly type: 'pingreq' };

/** Section 3.13. */
export type PingrespPacket = { readonly type: 'pingresp' };

const PINGREQ: PingreqPacket = Object.freeze({ type: 'pingreq' });
const PINGRESP: PingrespPacket = Object.freeze({ type: 'pingresp' });

/** Decodes a PINGREQ, which has nothing after its Fixed Header. */
export function decodePingreq(reader: PacketReader, flags: number, version: ProtocolVersion): PingreqPacket {
  expectReservedFlags(PacketType.PINGREQ, flags, version);
  reader.expectEnd('PINGREQ');
  return PINGREQ;
}

/** Decodes a PINGRESP, which has nothing after its Fixed Header. */
export function decodePingresp(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
): PingrespPacket {
  expectReservedFlags(PacketType.PINGRESP, flags, version);
  reader.expectEnd('PINGRESP');
  return PINGRESP;
}

export function encodePingreq(writer: PacketWriter): void {
  writer.beginSizedPacket(firstByteOf(PacketType.PINGREQ), 0);
  writer.endSizedPacket();
}

export function encodePingresp(writer: PacketWriter): void {
  writer.beginSizedPacket(firstByteOf(PacketType.PINGRESP), 0);
  writer.endSizedPacket();
}
