import { MAX_PACKET_BYTES, MAX_STRING_BYTES, MAX_VARIABLE_BYTE_INTEGER } from './control-packet.ts';
import { MqttError, notEncodable } from './errors.ts';
import { isEncodableText } from './utf8.ts';

/** A buffer that has grown beyond this is given back by `reset`. */
const MAX_KEPT_BYTES = 1 << 20;
/** Of the buffer that takes the place of one that was given away. */
const FRESH_BYTES = 1024;
/** Up to so many bytes a loop is quicker than `copy`, and up to so many characters than `write`. */
const SHORT_SLICE_BYTES = 32;
const SHORT_TEXT_CHARACTERS = 64;

/**
 * Writes packets one after the other into one buffer that grows and is used again.
 *
 * A packet counts only from its `endPacket` on: when encoding throws half-way, what it has written is overwritten by
 * the next packet and never seen.
 */
export class PacketWriter {
  #buffer: Buffer;
  #position = 0;
  /** End of the last complete packet. */
  #complete = 0;

  constructor(initialBytes: number = 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Bytes of complete packets. */
  get length(): number {
    return this.#complete;
  }

  /** The complete packets, borrowed: valid until the next write or `reset`. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#complete);
  }

  /** A copy of the complete packets, and an empty writer. */
  take(): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.#complete);
    this.#buffer.copy(copy, 0, 0, this.#complete);
    this.reset();
    return copy;
  }

  /** The buffer itself, borrowed: complete packets lie from 0 to `length`. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Gives the complete packets away with the buffer they are in, and goes on with another one. */
  detach(next: Buffer = Buffer.allocUnsafeSlow(FRESH_BYTES)): Buffer {
    const bytes = this.bytes();
    this.#buffer = next;
    this.#position = 0;
    this.#complete = 0;
    return bytes;
  }

  /** Takes packets that are complete already; index of their first byte in `buffer`. */
  appendPackets(source: Buffer, start: number, end: number): number {
    const at = this.#complete;
    this.#position = at;
    this.writeSlice(source, start, end);
    this.#complete = this.#position;
    return at;
  }

  /** Forgets the packets that begin at `length` or after it. */
  truncate(length: number): void {
    this.#complete = length;
    this.#position = length;
  }

  /** Forgets everything that was written. */
  reset(): void {
    this.#position = 0;
    this.#complete = 0;
    if (this.#buffer.length > MAX_KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(MAX_KEPT_BYTES);
  }

  /** Begins a packet whose length is not known yet; `endPacket` writes it. */
  beginPacket(firstByte: number): void {
    this.#position = this.#complete;
    this.#ensure(2);
    this.#buffer[this.#position] = firstByte;
    this.#position += 2;
  }

  /** Ends the packet of `beginPacket`. */
  endPacket(): void {
    const lengthAt = this.#complete + 1;
    this.#insertLength(lengthAt);
    this.#complete = this.#position;
  }

  /**
   * Begins a packet of known Remaining Length and makes room for all of it. End it with `endSizedPacket`.
   *
   * @param writtenLength - as much of it is written here; the rest is sent from where it lies
   */
  beginSizedPacket(firstByte: number, remainingLength: number, writtenLength = remainingLength): void {
    if (remainingLength > MAX_VARIABLE_BYTE_INTEGER) throw packetTooLarge();
    this.#position = this.#complete;
    this.#ensure(writtenLength + 5);
    this.#buffer[this.#position++] = firstByte;
    this.writeVariableByteInteger(remainingLength);
  }

  /** Ends the packet of `beginSizedPacket`. */
  endSizedPacket(): void {
    this.#complete = this.#position;
  }

  /** Begins a part that has its own length in front, such as properties. Give the result to `endPart`. */
  beginPart(): number {
    this.writeByte(0);
    return this.#position - 1;
  }

  endPart(lengthAt: number): void {
    this.#insertLength(lengthAt);
  }

  /** Index of the next byte; an index into `bytes()` once the packet is complete. */
  get position(): number {
    return this.#position;
  }

  writeByte(value: number): void {
    this.#ensure(1);
    this.#buffer[this.#position++] = value;
  }

  writeUint16(value: number): void {
    this.#ensure(2);
    const at = this.#position;
    this.#buffer[at] = value >>> 8;
    this.#buffer[at + 1] = value;
    this.#position = at + 2;
  }

  writeUint32(value: number): void {
    this.#ensure(4);
    this.#position = this.#buffer.writeUInt32BE(value, this.#position);
  }

  writeVariableByteInteger(value: number): void {
    if (!(value >= 0 && value <= MAX_VARIABLE_BYTE_INTEGER)) throw packetTooLarge();
    this.#ensure(4);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#position++] = rest;
  }

  /** A UTF-8 Encoded String; refuses lone surrogates, U+0000 and more than 65,535 bytes. */
  writeUtf8String(text: string, what: string): void {
    const length = text.length;
    if (length <= SHORT_TEXT_CHARACTERS && this.#writeShortAscii(text, length)) return;
    if (!isEncodableText(text)) throw notEncodable(`${what} contains a lone surrogate or U+0000`);
    const byteLength = Buffer.byteLength(text);
    if (byteLength > MAX_STRING_BYTES) throw notEncodable(`${what} has more than ${MAX_STRING_BYTES} bytes`);
    this.writeUint16(byteLength);
    this.#ensure(byteLength);
    this.#position += this.#buffer.write(text, this.#position, byteLength, 'utf8');
  }

  /** Binary Data; refuses more than 65,535 bytes. */
  writeBinaryData(data: Uint8Array, what: string): void {
    if (data.length > MAX_STRING_BYTES) throw notEncodable(`${what} has more than ${MAX_STRING_BYTES} bytes`);
    this.writeUint16(data.length);
    this.writeBytes(data);
  }

  /** Bytes as they are, without a length. */
  writeBytes(data: Uint8Array): void {
    this.#ensure(data.length);
    this.#buffer.set(data, this.#position);
    this.#position += data.length;
  }

  /** A part of a buffer; without a view of it, which would be most of what a message leaves to the collector. */
  writeSlice(source: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#ensure(length);
    const target = this.#buffer;
    let at = this.#position;
    if (length <= SHORT_SLICE_BYTES) {
      for (let from = start; from < end; from++) target[at++] = source[from]!;
    } else {
      source.copy(target, at, start, end);
    }
    this.#position += length;
  }

  /** Length and bytes of a short string; false, and nothing written, when not all of it is ASCII above 0. */
  #writeShortAscii(text: string, length: number): boolean {
    this.#ensure(length + 2);
    const target = this.#buffer;
    const start = this.#position + 2;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code === 0 || code >= 0x80) return false;
      target[start + index] = code;
    }
    target[start - 2] = 0;
    target[start - 1] = length;
    this.#position = start + length;
    return true;
  }

  /** Writes the length of what follows `lengthAt`, for which one byte was left; moves it when more are needed. */
  #insertLength(lengthAt: number): void {
    const start = lengthAt + 1;
    const length = this.#position - start;
    if (length < 0x80) {
      this.#buffer[lengthAt] = length;
      return;
    }
    if (length > MAX_VARIABLE_BYTE_INTEGER) throw packetTooLarge();
    const more = length < 1 << 14 ? 1 : length < 1 << 21 ? 2 : 3;
    this.#ensure(more);
    this.#buffer.copyWithin(start + more, start, this.#position);
    const end = this.#position + more;
    this.#position = lengthAt;
    this.writeVariableByteInteger(length);
    this.#position = end;
  }

  #ensure(bytes: number): void {
    if (this.#buffer.length - this.#position < bytes) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const needed = this.#position + bytes;
    if (needed - this.#complete > MAX_PACKET_BYTES) throw packetTooLarge();
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#position);
    this.#buffer = grown;
  }
}

/** No packet can be so large. */
export function packetTooLarge(): MqttError {
  return new MqttError(
    'MQTT_PACKET_TOO_LARGE',
    `the packet has more than ${MAX_VARIABLE_BYTE_INTEGER} bytes after its Fixed Header`,
  );
}
