import { parseJson, parseJsonObject } from '../../base/json.ts';
import { isUtf8 } from 'node:buffer';
import { isValidTopicName } from '../../mqtt/topics/topic-name.ts';

/** What the envelope of a request says. */
type EnvelopeHead = {
  /** The topic for the answer. */
  readonly answerTo: string;
  /** What is left of the caller's time. */
  readonly deadlineMs: number | undefined;
  readonly traceparent: string | undefined;
};

/**
 * A request as one JSON object that says where the answer goes: the payload stands under `payload` if it is JSON, else
 * under `text`, or under `base64` when it is no text.
 */
export function wrapRequest(payload: Uint8Array, head: EnvelopeHead): Uint8Array {
  const { answerTo, deadlineMs, traceparent } = head;
  const start = JSON.stringify({ answerTo, deadlineMs, traceparent }).slice(0, -1);
  return Buffer.from(`${start},${payloadMember(Buffer.from(payload))}}`);
}

function payloadMember(payload: Buffer): string {
  if (!isUtf8(payload)) return `"base64":"${payload.toString('base64')}"`;
  const text = payload.toString();
  // JSON goes as it was written: numbers keep all of their digits.
  return parseJson(text, Number.POSITIVE_INFINITY) !== undefined
    ? `"payload":${text.trim()}`
    : `"text":${JSON.stringify(text)}`;
}

/** Opens an envelope; undefined when the bytes are none. */
export function unwrapRequest(
  bytes: Uint8Array,
): { readonly head: EnvelopeHead; readonly payload: Uint8Array } | undefined {
  const value = readObject(bytes);
  if (value === undefined) return undefined;
  const { answerTo, deadlineMs, traceparent } = value;
  const payload = readPayload(value);
  if (typeof answerTo !== 'string' || payload === undefined) return undefined;
  if (!isValidTopicName(answerTo, Number.POSITIVE_INFINITY)) return undefined;
  return {
    head: {
      answerTo,
      deadlineMs: typeof deadlineMs === 'number' && deadlineMs > 0 ? deadlineMs : undefined,
      traceparent: typeof traceparent === 'string' ? traceparent : undefined,
    },
    payload,
  };
}

function readObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Most requests are none, and need not be parsed to see it.
  if (buffer[0] !== 0x7b || !buffer.includes('"answerTo"')) return undefined;
  return parseJsonObject(buffer.toString());
}

function readPayload(value: Record<string, unknown>): Uint8Array | undefined {
  const { payload, text, base64 } = value;
  if (payload !== undefined) return Buffer.from(JSON.stringify(payload));
  if (typeof text === 'string') return Buffer.from(text);
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
}
