import type { PooledBlock, BlockPool } from '../../base/blocks.ts';
import { MAX_PACKET_BYTES, type ProtocolVersion } from './control-packet.ts';
import { malformed, MqttError } from './errors.ts';

const EMPTY = Buffer.alloc(0);
/** The smallest buffer for the part of a packet that has come. */
const MIN_HELD_BYTES = 64;
/** One byte of type and flags, and the four that a Remaining Length may have. */
const MAX_HEADER_BYTES = 5;
/** A packet of which so much has come is put together in a block. */
const BLOCK_FROM_BYTES = 65_536;
/** Of a chunk so large, also the end of a packet that is not small goes into a block: more of the kind will follow. */
const BULK_BYTES = 65_536;
const BULK_PACKET_BYTES = 4096;
/** Blocks are not made larger than this for reading ahead. */
const READ_AHEAD_BYTES = 262_144;
/** Less room than this at the end of a block is not worth a read. */
const MIN_ROOM_BYTES = 32_768;

/**
 * Cuts a stream of bytes into packets. A packet that lies whole in a chunk is shown where it lies. One that is cut by
 * the end of a chunk is put together in a buffer of the framer's own; a large one in a block of the pool, where
 * `room` has the rest of it read to, so that it is never copied. Neither becomes larger than three times the bytes
 * that have come. Each byte is copied a bounded number of times, however the stream is split.
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
  readonly #pool: BlockPool | undefined;
  /** The chunk lies in it, and is this framer's own. */
  #block: PooledBlock | undefined = undefined;
  #chunkBytes = 0;

  /**
   * @param maxPacketBytes - Fixed Header included; a larger packet is refused once its length is known
   * @param pool - for large packets; without it they are put together in buffers as small ones are
   */
  constructor(maxPacketBytes: number = MAX_PACKET_BYTES, pool?: BlockPool) {
    this.#maxPacketBytes = maxPacketBytes;
    this.#pool = pool;
  }

  /** How many bytes of an incomplete packet are held: 0 between packets. */
  get heldBytes(): number {
    return this.#block === undefined ? this.#heldEnd - this.#heldStart : this.unreadBytes;
  }

  /** How much memory is held for them. */
  get heldCapacityBytes(): number {
    return this.#held.length + (this.#block === undefined ? 0 : this.#block.buffer.length);
  }

  /** Where the packet that is shown lies, when it can be held on to there instead of being copied. */
  get block(): PooledBlock | undefined {
    return this.#block;
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
    this.#chunkBytes = end - start;
    const block = this.#block;
    if (block === undefined) {
      this.#chunk = chunk;
      this.#at = start;
      this.#end = end;
    } else if (liesAt(block, this.#end, chunk, start)) {
      this.#end += end - start;
    } else if (this.#at === this.#end) {
      this.close();
      this.push(chunk, start, end);
    } else {
      this.#append(chunk, start, end);
    }
  }

  /** Where the next bytes of the stream are best put, before they are given to `push`; undefined for anywhere. */
  room(): Buffer | undefined {
    const block = this.#block;
    if (block === undefined) return undefined;
    if (this.#at === this.#end) {
      this.close();
      return undefined;
    }
    const missing = this.#lengthAt(block.buffer, this.#at, this.#end) - this.unreadBytes;
    const free = block.buffer.length - this.#end;
    if (free < MIN_ROOM_BYTES || (missing > free && this.#at > 0)) this.#makeRoom();
    return this.#block!.buffer.subarray(this.#end);
  }

  /** Lets go of what is held, when the stream is over: nothing may be read into the `room` that was given any more. */
  close(): void {
    this.#block?.release();
    this.#block = undefined;
    this.#held = EMPTY;
    this.#heldStart = 0;
    this.#heldEnd = 0;
    this.bytes = EMPTY;
    this.#letGo();
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
    if (this.#block !== undefined) return;
    const length = this.#end - this.#at;
    if (length > 0) {
      if (this.#isBulk()) {
        this.#moveToBlock(this.#chunk, this.#at, this.#end);
        return;
      }
      this.#take(length, this.heldBytes === 0 ? length : Infinity);
    }
    this.#letGo();
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
      if (there < missing) {
        this.#leaveHeld();
        return false;
      }
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

  /** Large chunks arrive, and the packet that is cut is not small: the next ones are better read into a block. */
  #isBulk(): boolean {
    if (this.#pool === undefined || this.#chunkBytes < BULK_BYTES || this.#held.length > 0) return false;
    return this.#lengthAt(this.#chunk, this.#at, this.#end) >= BULK_PACKET_BYTES;
  }

  /** A packet that has become large goes on in a block. */
  #leaveHeld(): void {
    if (this.#pool === undefined || this.#heldEnd - this.#heldStart < BLOCK_FROM_BYTES) return;
    this.#moveToBlock(this.#held, this.#heldStart, this.#heldEnd);
    this.#held = EMPTY;
    this.#heldStart = 0;
    this.#heldEnd = 0;
  }

  #moveToBlock(bytes: Buffer, start: number, end: number, atLeast = 0): void {
    const block = this.#pool!.take(Math.max(end - start + MIN_ROOM_BYTES, atLeast));
    bytes.copy(block.buffer, 0, start, end);
    this.#block = block;
    this.#chunk = block.buffer;
    this.#at = 0;
    this.#end = end - start;
  }

  /** Goes on at the beginning of the block, or of another when its bytes are needed or it is too small. */
  #makeRoom(): void {
    const block = this.#block!;
    const { length } = block.buffer;
    const unread = this.unreadBytes;
    const wasFilled = this.#end === length;
    const capacity = wasFilled ? Math.max(length, Math.min(2 * length, READ_AHEAD_BYTES)) : length;
    if (!block.isShared && capacity === length && unread <= length - MIN_ROOM_BYTES) {
      block.buffer.copyWithin(0, this.#at, this.#end);
      this.#at = 0;
      this.#end = unread;
      return;
    }
    this.#moveToBlock(block.buffer, this.#at, this.#end, capacity);
    block.release();
  }

  /** Takes bytes that came elsewhere than into the block. */
  #append(chunk: Buffer, start: number, end: number): void {
    const count = end - start;
    const block = this.#block!;
    if (block.buffer.length - this.#end < count) {
      this.#moveToBlock(block.buffer, this.#at, this.#end, this.unreadBytes + count + MIN_ROOM_BYTES);
      block.release();
    }
    chunk.copy(this.#chunk, this.#end, start, end);
    this.#end += count;
  }

  #letGo(): void {
    this.#chunk = EMPTY;
    this.#at = 0;
    this.#end = 0;
  }

  #tooLarge(bytes: number): MqttError {
    const message = `a packet of ${bytes} bytes came where ${this.#maxPacketBytes} are accepted`;
    return new MqttError('MQTT_PACKET_TOO_LARGE', message);
  }
}

function liesAt({ buffer }: PooledBlock, at: number, chunk: Buffer, start: number): boolean {
  return chunk.buffer === buffer.buffer && chunk.byteOffset + start === buffer.byteOffset + at;
}

function padded(): MqttError {
  return malformed('Remaining Length takes more bytes than it needs'); // [MQTT-1.5.5-1]
}
