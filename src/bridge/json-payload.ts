import { parseJson } from '../base/json.ts';

/** What travels: a value, and its JSON. */
export type JsonPayload = { readonly value: unknown; readonly json: string };

const MAX_SPACED_CHARACTERS = 65_536;
const TEXT_OR_MARK = /"[^"\\]*(?:\\.[^"\\]*)*"|[:,]/g;

/** A payload, or a body, as JSON; what is not JSON becomes `{"raw": "…"}`. */
export function readPayload(text: string): JsonPayload {
  const value = parseJson(text, Number.POSITIVE_INFINITY);
  return value === undefined ? jsonPayload({ raw: text }) : { value, json: text };
}

/** @throws {RangeError} when it is nested too deeply to be written */
export function jsonPayload(value: unknown): JsonPayload {
  return { value, json: JSON.stringify(value) };
}

/**
 * The same JSON with a space after each colon and comma: programs in Python write it so, and what these log of a
 * message looks the same whoever sent it. Large texts stay as they are.
 *
 * @param json - without space of its own, as `JSON.stringify` writes it
 */
export function spaceJson(json: string): string {
  if (json.length > MAX_SPACED_CHARACTERS) return json;
  return json.replaceAll(TEXT_OR_MARK, (part) => (part.length === 1 ? `${part} ` : part));
}
