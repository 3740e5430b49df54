import { malformed, protocolError } from './errors.ts';
import { judgeUtf8, Utf8Kind } from './utf8.ts';

const EMPTY = Buffer.alloc(0);

/**
 * Reads the parts of one packet, one after the other, from a borrowed buffer. Reading past the end throws, never
 * returns something made up. One reader is made once and set on packet after packet.
 */
export class PacketReader {
  bytes: Buffer = EMPTY;
  position = 0;
  /** Index after the last byte that may be read. */
  end = 0;

  /** Sets the reader on what follows a Fixed Header. */
  over(bytes: Buffer, start: number, end: number): this {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    return this;
  }

  get remainingBytes(): number {
    return this.end - this.position;
  }

  readByte(what: string): number {
    const at = this.position;
    if (at >= this.end) throw cutShort(what);
    this.position = at + 1;
    return this.bytes[at]!;
  }

  /** A Two Byte Integer (section 1.5.2). */
  readUint16(what: string): number {
    const at = this.position;
    if (this.end - at < 2) throw cutShort(what);
    this.position = at + 2;
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  /** A Four Byte Integer (section 1.5.3), never negative. */
  readUint32(what: string): number {
    const at = this.position;
    if (this.end - at < 4) throw cutShort(what);
    this.position = at + 4;
    return this.bytes.readUInt32BE(at);
  }

  /** A Variable Byte Integer (section 1.5.5): at most four bytes, and no more than the value needs. */
  readVariableByteInteger(what: string): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.readByte(what);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw malformed(`${what} takes more bytes than it needs`); // [MQTT-1.5.5-1]
        return value;
      }
    }
    throw malformed(`${what} has more than four bytes`);
  }

  /** A UTF-8 Encoded String (section 1.5.4). U+FEFF stays where it is [MQTT-1.5.4-3]. */
  readUtf8String(what: string): string {
    const length = this.readUint16(what);
    const start = this.position;
    const end = start + length;
    if (end > this.end) throw cutShort(what);
    this.position = end;
    const kind = judgeUtf8(this.bytes, start, end);
    if (kind === Utf8Kind.HAS_NULL) throw malformed(`${what} contains U+0000`); // [MQTT-1.5.4-2]
    if (kind === Utf8Kind.ILL_FORMED) throw malformed(`${what} is not well-formed UTF-8`); // [MQTT-1.5.4-1]
    return this.bytes.toString(kind === Utf8Kind.ASCII ? 'latin1' : 'utf8', start, end);
  }

  /** Binary Data (section 1.5.6), copied: it may be kept longer than the receive buffer. */
  readBinaryData(what: string): Uint8Array {
    const length = this.readUint16(what);
    const start = this.position;
    if (start + length > this.end) throw cutShort(what);
    this.position = start + length;
    // Not Buffer.from: its small buffers are cut from a shared one, which the smallest of them keeps alive.
    return new Uint8Array(this.bytes.subarray(start, start + length));
  }

  /** 1 to 65535 [MQTT-2.2.1-3]. */
  readPacketId(): number {
    const packetId = this.readUint16('Packet Identifier');
    if (packetId === 0) throw protocolError('Packet Identifier is 0');
    return packetId;
  }

  /** What has not been read, borrowed: a view into the receive buffer. */
  readRest(): Buffer {
    const rest = this.bytes.subarray(this.position, this.end);
    this.position = this.end;
    return rest;
  }

  /** Throws when bytes are left over. */
  expectEnd(what: string): void {
    if (this.position !== this.end) throw malformed(`${what} is longer than its contents`);
  }
}

function cutShort(what: string): Error {
  return malformed(`the packet ends within ${what}`);
}
