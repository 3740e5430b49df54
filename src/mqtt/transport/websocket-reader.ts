import { randomBytes } from 'node:crypto';

/** Of RFC 6455, section 11.8. */
export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** Why a WebSocket is closed, as its peer is told: RFC 6455 section 7.4.1. */
export const CloseCode = {
  NORMAL: 1000,
  PROTOCOL_ERROR: 1002,
  UNSUPPORTED_DATA: 1003,
  /** Stands for a close frame without a code, and is never sent. */
  NONE: 1005,
  INVALID_TEXT: 1007,
  TOO_LARGE: 1009,
} as const;

/** How a peer ended a WebSocket: by a close frame, or by a fault. */
type WebSocketEnd = { readonly code: number; readonly fault: string | undefined };

const FIN = 0x80;
const RESERVED_BITS = 0x70;
const OPCODE_BITS = 0x0f;
const CONTROL_BIT = 0x08;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;
const MAX_HEAD_BYTES = 14;
const MAX_CONTROL_BYTES = 125;
const TWO_POW_32 = 2 ** 32;

/** Which end of a WebSocket this is: what a client sends is masked, what a server sends is not (section 5.1). */
export type WebSocketRole = 'client' | 'server';

/**
 * Takes the frames of the other end apart. The content of binary messages is one stream of bytes: MQTT does not care
 * where a frame or a message ends, so nothing is put together here, nothing of it is kept, and none is too large: what
 * limits a packet is MQTT's own.
 */
export class WebSocketReader {
  /** What the last PING held that has not been answered; an answer to the last one is enough (section 5.5.3). */
  ping: Buffer | undefined = undefined;
  /** How many frames began in what was read last. */
  frameCount = 0;
  /** Once it is set, what follows is not read. */
  end: WebSocketEnd | undefined = undefined;
  readonly #isMasked: boolean;
  /** Of the frame that is being read, as far as it has come. */
  readonly #head = Buffer.allocUnsafe(MAX_HEAD_BYTES);
  #headLength = 0;
  #headBytes = 0;
  /** Of its content: what is still to come, and what has come. */
  #left = 0;
  #taken = 0;
  #isMessageOpen = false;
  /** The content of a control frame. */
  #control: Buffer | undefined = undefined;

  constructor(role: WebSocketRole = 'server') {
    this.#isMasked = role === 'server';
  }

  /**
   * Moves the content of binary messages, without its masks, to the beginning of the bytes that it came in.
   *
   * @param length - how many of the bytes have come
   * @returns how long that content is
   */
  read(bytes: Buffer, length: number): number {
    let at = 0;
    let end = 0;
    this.frameCount = 0;
    while (at < length && this.end === undefined) {
      if (this.#left === 0) {
        at = this.#readHead(bytes, at, length);
        continue;
      }
      const count = Math.min(this.#left, length - at);
      if ((this.#head[0]! & CONTROL_BIT) === 0) {
        this.#unmask(bytes, at, count, bytes, end);
        end += count;
        this.#left -= count;
      } else {
        this.#unmask(
          bytes,
          at,
          count,
          (this.#control ??= Buffer.allocUnsafe(MAX_CONTROL_BYTES)),
          this.#taken,
        );
        this.#left -= count;
        if (this.#left === 0) this.#endControl(this.#control.subarray(0, this.#taken + count));
      }
      this.#taken += count;
      at += count;
    }
    return end;
  }

  /** @returns where the head ends, or the bytes that have come */
  #readHead(bytes: Buffer, start: number, length: number): number {
    const head = this.#head;
    for (let at = start; at < length;) {
      head[this.#headLength++] = bytes[at++]!;
      if (this.#headLength === 2) this.#checkHead(head[0]!, head[1]!);
      if (this.end !== undefined) return at;
      if (this.#headLength < 2 || this.#headLength < this.#headBytes) continue;
      this.#headLength = 0;
      this.frameCount++;
      this.#beginFrame();
      return at;
    }
    return length;
  }

  #checkHead(first: number, second: number): void {
    const length = second & ~MASKED;
    const lengthBytes = length === LENGTH_64 ? 8 : length === LENGTH_16 ? 2 : 0;
    this.#headBytes = 2 + lengthBytes + (this.#isMasked ? MASK_BYTES : 0);
    if ((first & RESERVED_BITS) !== 0) return this.#refuse('has a reserved bit');
    if (((second & MASKED) !== 0) !== this.#isMasked)
      return this.#refuse(this.#isMasked ? 'has no mask' : 'has a mask');
    switch (first & OPCODE_BITS) {
      case Opcode.BINARY:
        return this.#isMessageOpen ? this.#refuse('begins within a message') : undefined;
      case Opcode.CONTINUATION:
        return this.#isMessageOpen ? undefined : this.#refuse('continues nothing');
      case Opcode.TEXT:
        return this.#refuse('is a text', CloseCode.UNSUPPORTED_DATA); // [MQTT-6.0.0-1]
      case Opcode.CLOSE:
      case Opcode.PING:
      case Opcode.PONG:
        if ((first & FIN) === 0 || length > MAX_CONTROL_BYTES) this.#refuse('is no whole control frame');
        return undefined;
      default:
        return this.#refuse('has a reserved opcode');
    }
  }

  #beginFrame(): void {
    const head = this.#head;
    const short = head[1]! & ~MASKED;
    const length =
      short === LENGTH_64
        ? head.readUInt32BE(2) * TWO_POW_32 + head.readUInt32BE(6)
        : short === LENGTH_16
          ? head.readUInt16BE(2)
          : short;
    this.#left = length;
    this.#taken = 0;
    if ((head[0]! & CONTROL_BIT) !== 0) {
      if (length === 0) this.#endControl(head.subarray(0, 0));
      return;
    }
    this.#isMessageOpen = (head[0]! & FIN) === 0;
    if (length > Number.MAX_SAFE_INTEGER) this.#refuse('is too large', CloseCode.TOO_LARGE);
  }

  #unmask(from: Buffer, start: number, count: number, into: Buffer, to: number): void {
    if (!this.#isMasked) {
      from.copy(into, to, start, start + count);
      return;
    }
    const head = this.#head;
    const mask = this.#headBytes - MASK_BYTES;
    const phase = this.#taken;
    const m0 = head[mask + (phase & 3)]!;
    const m1 = head[mask + ((phase + 1) & 3)]!;
    const m2 = head[mask + ((phase + 2) & 3)]!;
    const m3 = head[mask + ((phase + 3) & 3)]!;
    let at = 0;
    for (const end = count - 3; at < end; at += 4) {
      into[to + at] = from[start + at]! ^ m0;
      into[to + at + 1] = from[start + at + 1]! ^ m1;
      into[to + at + 2] = from[start + at + 2]! ^ m2;
      into[to + at + 3] = from[start + at + 3]! ^ m3;
    }
    for (; at < count; at++) into[to + at] = from[start + at]! ^ head[mask + ((phase + at) & 3)]!;
  }

  #endControl(content: Buffer): void {
    const opcode = this.#head[0]! & OPCODE_BITS;
    if (opcode === Opcode.PING) this.ping = Buffer.from(content);
    else if (opcode === Opcode.CLOSE) this.#readClose(content);
  }

  #readClose(content: Buffer): void {
    const code = content.length < 2 ? CloseCode.NONE : content.readUInt16BE(0);
    if (content.length === 1 || (content.length > 1 && !isCloseCode(code)))
      return this.#refuse('has no code that closes');
    const isText = content.length <= 2 || process.getBuiltinModule('node:buffer').isUtf8(content.subarray(2));
    if (!isText) return this.#refuse('gives a reason that is no UTF-8', CloseCode.INVALID_TEXT);
    this.end = { code, fault: undefined };
  }

  #refuse(what: string, code: number = CloseCode.PROTOCOL_ERROR): void {
    this.end = { code, fault: `A WebSocket frame ${what}` };
  }
}

/** Section 7.4: those that a peer may send. */
function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== CloseCode.NONE && code !== 1006;
}

/** A frame as a server sends it: whole, and without a mask. */
export function frameHead(opcode: number, length: number): Buffer {
  if (length < LENGTH_16) return Buffer.from([FIN | opcode, length]);
  if (length < 65_536) return Buffer.from([FIN | opcode, LENGTH_16, length >> 8, length & 0xff]);
  const head = Buffer.alloc(10);
  head[0] = FIN | opcode;
  head[1] = LENGTH_64;
  head.writeUInt32BE(Math.floor(length / TWO_POW_32), 2);
  head.writeUInt32BE(length % TWO_POW_32, 6);
  return head;
}

/** A frame as a client sends it: whole, with its content, under a mask that nobody can foresee (section 5.3). */
export function maskedFrame(opcode: number, content: Uint8Array): Buffer {
  const head = frameHead(opcode, content.length);
  const mask = randomBytes(MASK_BYTES);
  const start = head.length + MASK_BYTES;
  const frame = Buffer.allocUnsafe(start + content.length);
  frame.set(head);
  frame[1]! |= MASKED;
  frame.set(mask, head.length);
  for (let at = 0; at < content.length; at++) frame[start + at] = content[at]! ^ mask[at & 3]!;
  return frame;
}
