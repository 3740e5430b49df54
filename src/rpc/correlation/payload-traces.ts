import { parseJson } from '../../base/json.ts';
import { isUtf8 } from 'node:buffer';

/** Larger payloads are not looked into. */
const MAX_BYTES = 64 * 1024;
const MAX_DEPTH = 32;
/** Shorter texts are found in answers by chance. */
const MIN_TEXT_LENGTH = 6;
const WORD = /[\p{L}\p{N}_-]/u;

/** What a payload can be recognised by when a responder puts it into its answer. */
export type Trace = {
  /** In one spelling: members sorted, no space. Undefined when it is no JSON object or array, or an empty one. */
  readonly json: string | undefined;
  /** Undefined when it is short. */
  readonly text: string | undefined;
};

/** Undefined when it could not be told from others: short, binary, or too large. */
export function traceOf(payload: Uint8Array): Trace | undefined {
  const text = readText(payload);
  if (text === undefined) return undefined;
  const value = parseJson(text);
  const json =
    typeof value === 'object' && value !== null && Object.keys(value).length > 0 ? spell(value) : undefined;
  const plain = typeof value === 'string' ? value : text.trim();
  const long = plain.length >= MIN_TEXT_LENGTH ? plain : undefined;
  return json === undefined && long === undefined ? undefined : { json, text: long };
}

export function isSameTrace(one: Trace, other: Trace): boolean {
  return one.json === undefined ? one.text === other.text : one.json === other.json;
}

/** The bytes of an answer, as far as they are looked into. */
export class AnswerTraces {
  readonly #text: string;
  readonly #nodes = new Set<string>();
  readonly #strings = new Set<string>();

  /** @returns undefined when there is nothing to look into */
  static read(payload: Uint8Array): AnswerTraces | undefined {
    const text = readText(payload);
    return text === undefined ? undefined : new AnswerTraces(text);
  }

  private constructor(text: string) {
    this.#text = text;
    const value = parseJson(text);
    spell(value, (spelling) => this.#nodes.add(spelling));
    this.#collectStrings(value, 0);
  }

  /**
   * Whether the payload stands in the answer: as a JSON value anywhere in it, as a JSON string, or as text between
   * other words.
   *
   * @param others - payloads that may hold this one in their text, and stand there instead
   */
  holds({ json, text }: Trace, others: Iterable<Trace> = []): boolean {
    if (json !== undefined && this.#nodes.has(json)) return true;
    if (text === undefined) return false;
    if (this.#strings.has(text)) return true;
    let rest = this.#text;
    for (const other of others)
      if (other.text !== undefined && other.text !== text && other.text.includes(text))
        rest = rest.replaceAll(other.text, '\0');
    return holdsWords(rest, text);
  }

  #collectStrings(value: unknown, depth: number): void {
    if (typeof value === 'string') this.#strings.add(value);
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
    for (const member of Object.values(value)) this.#collectStrings(member, depth + 1);
  }
}

function holdsWords(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    const [before = '', after = ''] = [text[at - 1], text[at + words.length]];
    if (!WORD.test(before) && !WORD.test(after)) return true;
  }
  return false;
}

function readText(payload: Uint8Array): string | undefined {
  if (payload.length > MAX_BYTES || !isUtf8(payload)) return undefined;
  return Buffer.from(payload).toString();
}

/**
 * A JSON value in one spelling: members sorted, no space. Undefined when it is deeper than is looked into.
 *
 * @param onNode - is told the spelling of each object and array in it
 */
function spell(value: unknown, onNode?: (spelling: string) => void, depth = 0): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (depth > MAX_DEPTH) return undefined;
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  if (!isList) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  const members = entries.map(([name, member]) => {
    const spelling = spell(member, onNode, depth + 1);
    return spelling === undefined || isList ? spelling : `${JSON.stringify(name)}:${spelling}`;
  });
  if (members.includes(undefined)) return undefined;
  const spelling = isList ? `[${members.join()}]` : `{${members.join()}}`;
  onNode?.(spelling);
  return spelling;
}
