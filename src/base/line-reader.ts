import { isUtf8 } from 'node:buffer';
import { isDeeperThan } from './json.ts';
import type { Party } from './ledger.ts';
import { PartialMessage } from './partial-message.ts';

type Line =
  | { readonly kind: 'message'; readonly value: unknown }
  | { readonly kind: 'broken'; readonly why: string; readonly tooLarge: boolean };

const NEWLINE = 0x0a;
const NO_ROOM: Line = {
  kind: 'broken',
  why: 'the hub keeps as much of messages that are not whole as it may',
  tooLarge: true,
};

/** Cuts a byte stream of the framed protocol into lines, and reads each as JSON: at both ends of the wire. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  readonly #partial: PartialMessage;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  /** @param party - who is booked for a line that is not whole; undefined where nobody is */
  constructor(limits: { maxBytes: number; maxDepth: number }, party?: Party) {
    this.#partial = new PartialMessage(party);
    this.#maxBytes = limits.maxBytes;
    this.#maxDepth = limits.maxDepth;
  }

  get isInside(): boolean {
    return this.#partial.length > 0;
  }

  /** Hands over what arrived, which is only borrowed. Call `next` until it gives undefined before pushing again. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Its connection is over. */
  close(): void {
    this.#partial.clear();
  }

  /** The next line that is not empty; undefined when more bytes are needed. */
  next(): Line | undefined {
    while (this.#at < this.#chunk.length) {
      const newline = this.#chunk.indexOf(NEWLINE, this.#at);
      const end = newline < 0 ? this.#chunk.length : newline;
      if (this.#partial.length + end - this.#at > this.#maxBytes) {
        return { kind: 'broken', why: `a line has more than ${this.#maxBytes} bytes`, tooLarge: true };
      }
      const part = this.#chunk.subarray(this.#at, end);
      this.#at = newline < 0 ? end : end + 1;
      if (newline < 0) {
        return this.#partial.append(part) ? undefined : NO_ROOM;
      }
      if (this.#partial.length > 0 && !this.#partial.append(part)) return NO_ROOM;
      const line = this.#partial.length === 0 ? part : this.#partial.take();
      if (line.length > 1 || (line.length === 1 && line[0] !== 0x0d)) return this.#read(line);
    }
    return undefined;
  }

  #read(line: Buffer): Line {
    if (!isUtf8(line)) return { kind: 'broken', why: 'a line is not UTF-8', tooLarge: false };
    const text = line.toString('utf8');
    if (isDeeperThan(text, this.#maxDepth)) {
      return {
        kind: 'broken',
        why: `a line is nested deeper than ${this.#maxDepth} levels`,
        tooLarge: false,
      };
    }
    try {
      return { kind: 'message', value: JSON.parse(text) };
    } catch {
      return { kind: 'broken', why: 'a line is not JSON', tooLarge: false };
    }
  }
}
