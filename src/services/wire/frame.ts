/** What a frame says (docs/protocols/services.md has the table). */
export const FrameType = {
  REQUEST: 1,
  RESPONSE: 2,
  DATA: 3,
  CREDIT: 4,
  CANCEL: 5,
  FAILURE: 6,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Type, flags, request number, sequence number. */
const FRAME_HEADER_BYTES = 10;
/** Of the head of REQUEST and RESPONSE, before it. */
const HEAD_LENGTH_BYTES = 4;
export const MAX_FRAME_NUMBER = 0xffff_ffff;
/** A CANCEL is a few words, a FAILURE a code and a sentence. */
export const MAX_CANCEL_BYTES = 256;
export const MAX_FAILURE_BYTES = 4096;

const FLAG_END = 1;
const FLAGS_AT = 1;
const REQUEST_AT = 2;
const SEQUENCE_AT = 6;

/** One frame, taken out of an MQTT message. Every field is there, whatever its type: one shape for all. */
export type Frame = {
  readonly type: FrameType;
  /** Nothing follows in this direction but CREDIT, CANCEL and FAILURE. */
  readonly isLast: boolean;
  /** 1 to 4,294,967,295. */
  readonly request: number;
  readonly sequence: number;
  /** JSON, of REQUEST and RESPONSE; empty otherwise. A view into the message. */
  readonly head: Uint8Array;
  /** Bytes of the body; the reason of CANCEL; the JSON of FAILURE; empty otherwise. A view into the message. */
  readonly body: Uint8Array;
  /** Of CREDIT; 0 otherwise. */
  readonly creditBytes: number;
};

/** Why a message is no frame. */
type FrameFault =
  | 'too-short'
  | 'unknown-type'
  | 'unknown-flag'
  | 'no-request-number'
  | 'first-not-zero'
  | 'bad-head-length'
  | 'bad-credit'
  | 'empty'
  | 'too-long';

/** What a frame is made of; parts that its type does not have are left out. */
export type FrameParts = {
  readonly type: FrameType;
  readonly isLast?: boolean;
  readonly request: number;
  readonly sequence: number;
  readonly head?: Uint8Array;
  readonly body?: Uint8Array;
  readonly creditBytes?: number;
};

const EMPTY: Uint8Array = new Uint8Array(0);

/** Encodes a frame, into a buffer of its own unless `allocate` has another one. */
export function encodeFrame(
  parts: FrameParts,
  allocate: (bytes: number) => Buffer = (bytes) => Buffer.allocUnsafe(bytes),
): Buffer {
  const { type, head, body = EMPTY } = parts;
  const headBytes = head === undefined ? 0 : HEAD_LENGTH_BYTES + head.length;
  const creditBytes = type === FrameType.CREDIT ? 4 : 0;
  const bytes = allocate(FRAME_HEADER_BYTES + headBytes + creditBytes + body.length);
  bytes[0] = type;
  bytes[FLAGS_AT] = parts.isLast === true ? FLAG_END : 0;
  bytes.writeUInt32BE(parts.request, REQUEST_AT);
  bytes.writeUInt32BE(parts.sequence, SEQUENCE_AT);
  if (creditBytes > 0) bytes.writeUInt32BE(parts.creditBytes ?? 0, FRAME_HEADER_BYTES);
  if (head !== undefined) {
    bytes.writeUInt32BE(head.length, FRAME_HEADER_BYTES);
    bytes.set(head, FRAME_HEADER_BYTES + HEAD_LENGTH_BYTES);
  }
  bytes.set(body, FRAME_HEADER_BYTES + headBytes + creditBytes);
  return bytes;
}

/** Takes a frame out of a message. Its parts are views into the message, which nobody may write to. */
export function decodeFrame(message: Uint8Array, maxHeadBytes: number): Frame | FrameFault {
  if (message.length < FRAME_HEADER_BYTES) return 'too-short';
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const type = message[0]!;
  const flags = message[FLAGS_AT]!;
  if (!isFrameType(type)) return 'unknown-type';
  if (flags !== 0 && (flags !== FLAG_END || !mayBeLast(type))) return 'unknown-flag';
  const isLast = flags === FLAG_END;
  const request = view.getUint32(REQUEST_AT);
  const sequence = view.getUint32(SEQUENCE_AT);
  if (request === 0) return 'no-request-number';
  if (type === FrameType.REQUEST && sequence !== 0) return 'first-not-zero';
  let head: Uint8Array = EMPTY;
  let creditBytes = 0;
  let bodyAt = FRAME_HEADER_BYTES;
  if (type === FrameType.REQUEST || type === FrameType.RESPONSE) {
    const headLength = message.length < bodyAt + HEAD_LENGTH_BYTES ? -1 : view.getUint32(bodyAt);
    bodyAt += HEAD_LENGTH_BYTES;
    if (headLength < 1 || headLength > maxHeadBytes || bodyAt + headLength > message.length)
      return 'bad-head-length';
    head = message.subarray(bodyAt, bodyAt + headLength);
    bodyAt += headLength;
  } else if (type === FrameType.CREDIT) {
    if (message.length !== bodyAt + 4) return 'bad-credit';
    creditBytes = view.getUint32(bodyAt);
    if (creditBytes === 0) return 'bad-credit';
    bodyAt += 4;
  }
  const body = message.subarray(bodyAt);
  const fault = findBodyFault(type, body.length, isLast);
  return fault ?? { type, isLast, request, sequence, head, body, creditBytes };
}

function findBodyFault(type: FrameType, length: number, isLast: boolean): FrameFault | undefined {
  if (type === FrameType.DATA && length === 0 && !isLast) return 'empty';
  if (type === FrameType.CANCEL && length > MAX_CANCEL_BYTES) return 'too-long';
  if (type === FrameType.FAILURE && length > MAX_FAILURE_BYTES) return 'too-long';
  return type === FrameType.FAILURE && length === 0 ? 'empty' : undefined;
}

function isFrameType(type: number): type is FrameType {
  return type >= FrameType.REQUEST && type <= FrameType.FAILURE;
}

function mayBeLast(type: FrameType): boolean {
  return type === FrameType.REQUEST || type === FrameType.RESPONSE || type === FrameType.DATA;
}
