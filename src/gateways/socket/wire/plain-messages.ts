import { readLiteral } from '../../../base/literal/reader.ts';
import type { Party } from '../../../base/ledger.ts';
import { isSpace, LiteralScanner } from '../../../base/literal/scanner.ts';
import { PartialMessage } from '../../../base/partial-message.ts';

/** The three messages of a plain device that are bare words. */
type PlainWord = 'Conexão' | 'Checagem' | 'Recebido';

export type PlainMessage =
  | { readonly kind: 'word'; readonly word: PlainWord }
  | { readonly kind: 'value'; readonly value: unknown }
  /** A complete message that cannot be read; what follows it can. */
  | { readonly kind: 'unreadable'; readonly why: string }
  /** What follows cannot be told apart: the connection is of no more use. */
  | { readonly kind: 'broken'; readonly why: string; readonly tooLarge: boolean };

const WORDS = (['Conexão', 'Checagem', 'Recebido'] as const).map((word) => ({
  bytes: Buffer.from(word).toString('latin1'),
  message: { kind: 'word', word } as const,
}));

const OPEN_BRACE = 0x7b;
const NO_ROOM: PlainMessage = {
  kind: 'broken',
  why: 'is more than the hub may keep of messages that are not whole',
  tooLarge: true,
};

/**
 * Cuts the byte stream of a plain device into messages. The protocol has no framing: a message ends where its
 * word or its dictionary is complete, however the bytes were split or glued on the way.
 */
export class PlainMessageReader {
  readonly #scanner: LiteralScanner;
  readonly #maxDepth: number;
  /** Of a dictionary. */
  readonly #partial: PartialMessage;
  /** The beginning of a word that is not complete yet, one character a byte. */
  #word = '';
  #chunk: Buffer = NOTHING;
  #at = 0;

  constructor(limits: { maxBytes: number; maxDepth: number }, party: Party) {
    this.#partial = new PartialMessage(party);
    this.#scanner = new LiteralScanner(limits);
    this.#maxDepth = limits.maxDepth;
  }

  /** True while a message has begun and is not complete. */
  get isInside(): boolean {
    return this.#partial.length > 0 || this.#word !== '';
  }

  /** True while bytes wait to be read, or a message is not complete. */
  get isBusy(): boolean {
    return this.isInside || this.#at < this.#chunk.length;
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

  /** The next complete message; undefined when more bytes are needed. */
  next(): PlainMessage | undefined {
    if (this.#partial.length > 0) return this.#value();
    if (this.#word === '') {
      while (this.#at < this.#chunk.length && isSpace(this.#chunk[this.#at])) this.#at++;
      if (this.#at >= this.#chunk.length) return this.#wait();
      if (this.#chunk[this.#at] === OPEN_BRACE) return this.#value();
    }
    return this.#bareWord();
  }

  #value(): PlainMessage | undefined {
    const from = this.#at;
    const end = this.#scanner.scan(this.#chunk, from);
    if (end === -2) {
      const tooLarge = this.#scanner.broken === 'bytes';
      this.#scanner.reset();
      return {
        kind: 'broken',
        why: tooLarge ? 'is too large' : 'is nested too deep, or its brackets do not match',
        tooLarge,
      };
    }
    if (end === -1) {
      const isKept = this.#partial.append(this.#chunk.subarray(from));
      this.#wait();
      return isKept ? undefined : NO_ROOM;
    }
    this.#at = end;
    this.#scanner.reset();
    if (this.#partial.length === 0) return this.#read(this.#chunk, from, end);
    if (!this.#partial.append(this.#chunk.subarray(from, end))) return NO_ROOM;
    const whole = this.#partial.take();
    return this.#read(whole, 0, whole.length);
  }

  #read(bytes: Buffer, start: number, end: number): PlainMessage {
    const result = readLiteral(bytes, start, end, this.#maxDepth);
    return result.ok
      ? { kind: 'value', value: result.value }
      : { kind: 'unreadable', why: result.failure.message };
  }

  #bareWord(): PlainMessage | undefined {
    while (this.#at < this.#chunk.length) {
      this.#word += String.fromCharCode(this.#chunk[this.#at] ?? 0);
      this.#at++;
      const match = WORDS.find((word) => word.bytes.startsWith(this.#word));
      if (match === undefined) {
        this.#word = '';
        return { kind: 'broken', why: 'is neither a dictionary nor a word of the protocol', tooLarge: false };
      }
      if (match.bytes.length === this.#word.length) {
        this.#word = '';
        return match.message;
      }
    }
    return this.#wait();
  }

  #wait(): undefined {
    this.#chunk = NOTHING;
    this.#at = 0;
    return undefined;
  }
}

const NOTHING = Buffer.alloc(0);

/** What the hub sends: JSON of strings, numbers and objects, which Python reads as a literal as well. */
export function encodePlainCommand(number: number, inputText?: string): string {
  const command = `{"Comando":"${number}"`;
  return inputText === undefined ? `${command}}` : `${command},"Entrada":${inputText}}`;
}
