import { MAX_PACKET_BYTES, type ProtocolVersion } from './control-packet.ts';
import { malformed, MqttError } from './errors.ts';

const EMPTY = Buffer.alloc(0);
/** The smallest buffer for the part of a packet that has come. */
const MIN_HELD_BYTES = 64;
/** One byte of type and flags, and the four that a Remaining Length may have. */
const MAX_HEADER_BYTES = 5;

/**
 * Cuts a stream of bytes into packets. A packet that lies whole in a chunk is shown where it lies; one that is cut by
 * the end of a chunk is put together in a buffer of the framer's own, which never becomes larger than twice the bytes
 * that have come, nor than the packet. Each byte is copied a bounded number of times, however the stream is split.
 *
 * ```ts
 * framer.push(chunk, 0, length);
 * while (framer.next()) handle(framer.firstByte, framer.bytes, framer.bodyStart, framer.bodyEnd);
 * ```
 *
 * After `next` has returned false, nothing of the chunk is needed any more.
 */
export class Framer {
  /** Where the packet lies: borrowed, valid until the following `next`. */
  bytes: Buffer = EMPTY;
  /** Index of the packet's first byte. */
  packetStart = 0;
  /** Type and flags. */
  firstByte = 0;
  /** Index after the Fixed Header. */
  bodyStart = 0;
  /** Index after the packet. */
  bodyEnd = 0;

  #maxPacketBytes: number;
  /** Section 1.5.5 of MQTT 5.0 refuses a Remaining Length that takes more bytes than it needs; 3.1.1 does not. */
  #minimalLengths = false;
  #chunk: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  /** Bytes that came before the chunk and belong to no packet that was shown. */
  #held: Buffer = EMPTY;
  #heldStart = 0;
  #heldEnd = 0;

  /** @param maxPacketBytes - Fixed Header included; a larger packet is refused once its length is known */
  constructor(maxPacketBytes: number = MAX_PACKET_BYTES) {
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** How many bytes of an incomplete packet are held: 0 between packets. */
  get heldBytes(): number {
    return this.#heldEnd - this.#heldStart;
  }

  /** How much memory is held for them. */
  get heldCapacityBytes(): number {
    return this.#held.length;
  }

  /** Bytes of the chunk that `next` has not come to. */
  get unreadBytes(): number {
    return this.#end - this.#at;
  }

  /** For all packets from the next one on. */
  setMaxPacketBytes(maxPacketBytes: number): void {
    this.#maxPacketBytes = maxPacketBytes;
  }

  /**
   * Says which version the connection speaks, once its CONNECT is decoded and is still the packet shown. From then on
   * the Remaining Lengths are held to the rules of that version; that of the CONNECT too.
   */
  setVersion(version: ProtocolVersion): void {
    this.#minimalLengths = version === 5;
    if (
      this.#minimalLengths &&
      this.bytes[this.bodyStart - 1] === 0 &&
      this.bodyStart - this.packetStart > 2
    ) {
      throw padded();
    }
  }

  /** Gives the next chunk of the stream. What was left of the chunk before must have been read, or held by `hold`. */
  push(chunk: Buffer, start: number, end: number): void {
    this.#chunk = chunk;
    this.#at = start;
    this.#end = end;
  }

  /**
   * Goes to the next complete packet; false when there is none yet.
   *
   * @throws {MqttError} malformed Remaining Length, or `MQTT_PACKET_TOO_LARGE`; the stream cannot be read any further
   */
  next(): boolean {
    if (this.#held.length > 0) return this.#nextHeld();
    const chunk = this.#chunk;
    const start = this.#at;
    // Two bytes tell of most packets how long they are.
    if (this.#end - start >= 2) {
      const length = chunk[start + 1]!;
      if (length < 0x80) {
        const bodyEnd = start + 2 + length;
        if (length + 2 > this.#maxPacketBytes) throw this.#tooLarge(length + 2);
        if (bodyEnd <= this.#end) {
          this.bytes = chunk;
          this.packetStart = start;
          this.firstByte = chunk[start]!;
          this.bodyStart = start + 2;
          this.bodyEnd = bodyEnd;
          this.#at = bodyEnd;
          return true;
        }
      } else if (this.#show(chunk, start, this.#end)) {
        this.#at = this.bodyEnd;
        return true;
      }
    }
    this.hold();
    return false;
  }

  /** Copies what is left of the chunk, so that the chunk may be used for something else before `next` goes on. */
  hold(): void {
    const length = this.#end - this.#at;
    if (length > 0) this.#take(length, this.heldBytes === 0 ? length : Infinity);
    this.#chunk = EMPTY;
    this.#at = 0;
    this.#end = 0;
  }

  /** Goes on where bytes are held: they come before the chunk. */
  #nextHeld(): boolean {
    let total = 0;
    for (;;) {
      total = this.#lengthAt(this.#held, this.#heldStart, this.#heldEnd);
      if (total > 0) break;
      if (this.#heldStart === this.#heldEnd) return this.#afterHeld();
      if (this.#at === this.#end) return false;
      this.#take(1, MAX_HEADER_BYTES);
    }
    const missing = total - this.heldBytes;
    if (missing > 0) {
      const there = Math.min(missing, this.#end - this.#at);
      if (there > 0) this.#take(there, total);
      if (there < missing) return false;
    }
    this.#show(this.#held, this.#heldStart, this.#heldEnd);
    this.#heldStart += total;
    return true;
  }

  /** All that was held has been shown: lets go of it and reads on in the chunk. */
  #afterHeld(): boolean {
    this.#held = EMPTY;
    this.#heldStart = 0;
    this.#heldEnd = 0;
    this.bytes = EMPTY;
    return this.next();
  }

  /** Shows the packet that begins at `start`; false when not all of it is there. */
  #show(bytes: Buffer, start: number, end: number): boolean {
    const total = this.#lengthAt(bytes, start, end);
    if (total === 0 || total > end - start) return false;
    let bodyStart = start + 2;
    while (bytes[bodyStart - 1]! >= 0x80) bodyStart++;
    this.bytes = bytes;
    this.packetStart = start;
    this.firstByte = bytes[start]!;
    this.bodyStart = bodyStart;
    this.bodyEnd = start + total;
    return true;
  }

  /** How long the packet is, Fixed Header included; 0 when too little of it is there to know. */
  #lengthAt(bytes: Buffer, start: number, end: number): number {
    let length = 0;
    for (let at = start + 1, shift = 0; at < end; at++, shift += 7) {
      const byte = bytes[at]!;
      if (shift === 21 && byte >= 0x80) throw malformed('Remaining Length has more than four bytes');
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0 && this.#minimalLengths) throw padded();
        const total = at + 1 - start + length;
        if (total > this.#maxPacketBytes) throw this.#tooLarge(total);
        return total;
      }
    }
    return 0;
  }

  /** Moves bytes from the chunk to what is held. `packetBytes` is how large the whole may become. */
  #take(bytes: number, packetBytes: number): void {
    const needed = this.heldBytes + bytes;
    if (this.#heldStart + needed > this.#held.length) {
      const capacity = Math.max(needed, Math.min(packetBytes, needed * 2), MIN_HELD_BYTES);
      // Not from the pool: a few bytes would keep a whole pool alive for as long as a slow peer likes.
      const grown = Buffer.allocUnsafeSlow(capacity);
      this.#held.copy(grown, 0, this.#heldStart, this.#heldEnd);
      this.#held = grown;
      this.#heldEnd -= this.#heldStart;
      this.#heldStart = 0;
    }
    this.#chunk.copy(this.#held, this.#heldEnd, this.#at, this.#at + bytes);
    this.#heldEnd += bytes;
    this.#at += bytes;
  }

  #tooLarge(bytes: number): MqttError {
    const message = `a packet of ${bytes} bytes came where ${this.#maxPacketBytes} are accepted`;
    return new MqttError('MQTT_PACKET_TOO_LARGE', message);
  }
}

function padded(): MqttError {
  return malformed('Remaining Length takes more bytes than it needs'); // [MQTT-1.5.5-1]
}
