/** What a frame says (docs/protocols/services.md has the table). */
export const FrameType = {
  REQUEST: 1,
  RESPONSE: 2,
  DATA: 3,
  CREDIT: 4,
  CANCEL: 5,
  FAILURE: 6,
  PROBE: 7,
  STATE: 8,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Type, flags, request number, sequence number, bytes received. */
const FRAME_HEADER_BYTES = 14;
export const MAX_FRAME_NUMBER = 0xffff_ffff;
/** A CANCEL is a few words, a FAILURE a code and a sentence. */
export const MAX_CANCEL_BYTES = 256;
export const MAX_FAILURE_BYTES = 4096;

const FLAG_END = 1;
const FLAGS_AT = 1;
const REQUEST_AT = 2;
const SEQUENCE_AT = 6;
const RECEIVED_AT = 10;
/** Numbers that stand behind the header: epoch, timeout and credit; the credit; the bytes sent. */
const NUMBERS: Readonly<Record<FrameType, number>> = {
  [FrameType.REQUEST]: 3,
  [FrameType.RESPONSE]: 0,
  [FrameType.DATA]: 0,
  [FrameType.CREDIT]: 1,
  [FrameType.CANCEL]: 0,
  [FrameType.FAILURE]: 0,
  [FrameType.PROBE]: 1,
  [FrameType.STATE]: 1,
};

/** One frame, taken out of an MQTT message. Every field is there, whatever its type: one shape for all. */
export type Frame = {
  readonly type: FrameType;
  /** The body is over in this direction. */
  readonly isLast: boolean;
  /** 1 to 4,294,967,295; 0 in a STATE that is about no request. */
  readonly request: number;
  /** Of PROBE and STATE: the number that the next frame of the request will have. */
  readonly sequence: number;
  /** Bytes of frames that their sender has received from the other side, of all requests, modulo 2^32. */
  readonly receivedBytes: number;
  /** Of REQUEST: the epoch of the agent that it is meant for. */
  readonly epoch: number;
  /** Of REQUEST: how long the answer may take to begin once the body is over. */
  readonly timeoutMs: number;
  /** Of REQUEST and CREDIT: so many bytes (more) may be sent to the sender of this frame. */
  readonly creditBytes: number;
  /** Of PROBE and STATE: bytes of frames that their sender has sent, of all requests, modulo 2^32. */
  readonly sentBytes: number;
  /** JSON, of REQUEST and RESPONSE; empty otherwise. A view into the message. */
  readonly head: Uint8Array;
  /** Bytes of the body; the reason of CANCEL; the JSON of FAILURE; empty otherwise. A view into the message. */
  readonly body: Uint8Array;
};

/** What is wrong with a message that is no frame. */
type FrameFault =
  | 'too-short'
  | 'unknown-type'
  | 'unknown-flag'
  | 'no-request-number'
  | 'first-not-zero'
  | 'bad-head-length'
  | 'bad-number'
  | 'empty'
  | 'too-long';

/** A frame to encode; its body may lie in several pieces. */
export type FrameParts = Pick<Frame, 'type' | 'request'> &
  Partial<Omit<Frame, 'type' | 'request' | 'body'>> & {
    readonly body?: Uint8Array | readonly Uint8Array[];
  };

const EMPTY: Uint8Array = new Uint8Array(0);
const NO_PIECES: readonly Uint8Array[] = [];

/** @param allocate - where it is put; into memory of its own where nothing is said */
export function encodeFrame(
  parts: FrameParts,
  allocate: (bytes: number) => Buffer = (bytes) => Buffer.allocUnsafe(bytes),
): Buffer {
  const { type, head = EMPTY, body = NO_PIECES } = parts;
  const pieces = body instanceof Uint8Array ? [body] : body;
  let bodyBytes = 0;
  for (const piece of pieces) bodyBytes += piece.length;
  let at = FRAME_HEADER_BYTES + NUMBERS[type] * 4;
  const headBytes = hasHead(type) ? 4 + head.length : 0;
  const frame = allocate(at + headBytes + bodyBytes);
  frame[0] = type;
  frame[FLAGS_AT] = parts.isLast === true ? FLAG_END : 0;
  frame.writeUInt32BE(parts.request, REQUEST_AT);
  frame.writeUInt32BE(parts.sequence ?? 0, SEQUENCE_AT);
  frame.writeUInt32BE(parts.receivedBytes ?? 0, RECEIVED_AT);
  if (type === FrameType.REQUEST) {
    frame.writeUInt32BE(parts.epoch ?? 0, FRAME_HEADER_BYTES);
    frame.writeUInt32BE(parts.timeoutMs ?? 0, FRAME_HEADER_BYTES + 4);
    frame.writeUInt32BE(parts.creditBytes ?? 0, FRAME_HEADER_BYTES + 8);
  } else if (NUMBERS[type] === 1) {
    frame.writeUInt32BE((type === FrameType.CREDIT ? parts.creditBytes : parts.sentBytes) ?? 0, at - 4);
  }
  if (headBytes > 0) {
    frame.writeUInt32BE(head.length, at);
    frame.set(head, at + 4);
    at += headBytes;
  }
  for (const piece of pieces) {
    frame.set(piece, at);
    at += piece.length;
  }
  return frame;
}

/** Takes a frame out of a message. Its parts are views into the message, which nobody may write to. */
export function decodeFrame(message: Uint8Array): Frame | FrameFault {
  if (message.length < FRAME_HEADER_BYTES) return 'too-short';
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const type = message[0]!;
  const flags = message[FLAGS_AT]!;
  if (!isFrameType(type)) return 'unknown-type';
  if (flags !== 0 && (flags !== FLAG_END || !isOfBody(type))) return 'unknown-flag';
  const isLast = flags === FLAG_END;
  const request = view.getUint32(REQUEST_AT);
  const sequence = view.getUint32(SEQUENCE_AT);
  const receivedBytes = view.getUint32(RECEIVED_AT);
  if (request === 0 && type !== FrameType.STATE) return 'no-request-number';
  if (type === FrameType.REQUEST && sequence !== 0) return 'first-not-zero';
  let bodyAt = FRAME_HEADER_BYTES + NUMBERS[type] * 4;
  if (message.length < bodyAt) return 'bad-number';
  let [epoch, timeoutMs, creditBytes, sentBytes] = [0, 0, 0, 0];
  if (type === FrameType.REQUEST) {
    epoch = view.getUint32(FRAME_HEADER_BYTES);
    timeoutMs = view.getUint32(FRAME_HEADER_BYTES + 4);
    creditBytes = view.getUint32(FRAME_HEADER_BYTES + 8);
    if (epoch === 0 || timeoutMs === 0 || creditBytes === 0) return 'bad-number';
  } else if (type === FrameType.CREDIT) {
    creditBytes = view.getUint32(FRAME_HEADER_BYTES);
    if (creditBytes === 0) return 'bad-number';
  } else if (bodyAt > FRAME_HEADER_BYTES) sentBytes = view.getUint32(FRAME_HEADER_BYTES);
  let head = EMPTY;
  if (hasHead(type)) {
    const headLength = message.length < bodyAt + 4 ? 0 : view.getUint32(bodyAt);
    bodyAt += 4;
    if (headLength === 0 || bodyAt + headLength > message.length) return 'bad-head-length';
    head = message.subarray(bodyAt, bodyAt + headLength);
    bodyAt += headLength;
  }
  const body = bodyAt === message.length ? EMPTY : message.subarray(bodyAt);
  const fault = findBodyFault(type, body.length, isLast);
  if (fault !== undefined) return fault;
  return {
    type,
    isLast,
    request,
    sequence,
    receivedBytes,
    epoch,
    timeoutMs,
    creditBytes,
    sentBytes,
    head,
    body,
  };
}

/** REQUEST, RESPONSE and DATA: the frames that carry bodies, and that a link counts. */
export function isOfBody(type: FrameType): boolean {
  return type <= FrameType.DATA;
}

function findBodyFault(type: FrameType, length: number, isLast: boolean): FrameFault | undefined {
  if (type === FrameType.DATA) return length === 0 && !isLast ? 'empty' : undefined;
  if (type === FrameType.CANCEL) return length > MAX_CANCEL_BYTES ? 'too-long' : undefined;
  if (type === FrameType.FAILURE && length === 0) return 'empty';
  if (type === FrameType.FAILURE) return length > MAX_FAILURE_BYTES ? 'too-long' : undefined;
  return length > 0 && !isOfBody(type) ? 'too-long' : undefined;
}

function hasHead(type: FrameType): boolean {
  return type <= FrameType.RESPONSE;
}

function isFrameType(type: number): type is FrameType {
  return type >= FrameType.REQUEST && type <= FrameType.STATE;
}
