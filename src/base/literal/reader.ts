import { fail, succeed, type Result } from '../result.ts';
import { decodeText, TextCache } from './text-cache.ts';

/** What is wrong, in words; `offset` counts bytes from `start`. */
type LiteralFailure = { readonly message: string; readonly offset: number };

/** What a reading method returns when it has refused the value; never part of a value. */
const REFUSED = Symbol('refused');
type Refused = typeof REFUSED;

const EMPTY = Buffer.alloc(0);
/** Whole numbers of so many digits are exact. */
const MAX_EXACT_DIGITS = 15;
const MAX_CODE_POINT = 0x10ffff;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const OPEN_PARENTHESIS = 0x28;
const CLOSE_PARENTHESIS = 0x29;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const SEVEN = 0x37;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_E = 0x65;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** Or-ing it to an ASCII letter makes it lower case. */
const LOWER_CASE = 0x20;

/** By first byte: the words of Python and of JSON begin differently, all six. */
const WORDS: readonly ({ readonly text: string; readonly value: boolean | null } | undefined)[] =
  byFirstCharacter([
    { text: 'True', value: true },
    { text: 'true', value: true },
    { text: 'False', value: false },
    { text: 'false', value: false },
    { text: 'None', value: null },
    { text: 'null', value: null },
  ]);

/** What follows the backslash, and what the two mean. */
const ESCAPES: readonly ({ readonly text: string; readonly value: string } | undefined)[] = byFirstCharacter([
  ...[`'`, `"`, '\\', '/'].map((text) => ({ text, value: text })),
  { text: 'n', value: '\n' },
  { text: 't', value: '\t' },
  { text: 'r', value: '\r' },
  { text: 'b', value: '\b' },
  { text: 'f', value: '\f' },
  { text: 'v', value: '\v' },
  { text: 'a', value: '\x07' },
]);

/** How many hexadecimal digits follow `\x`, `\u` and `\U`. */
const HEX_DIGITS = new Map([
  [0x78, 2],
  [0x75, 4],
  [0x55, 8],
]);

class LiteralReader {
  readonly #texts = new TextCache();
  #bytes: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  #depthLeft = 0;
  #tookComma = false;
  #message = '';
  #refusedAt = 0;

  read(bytes: Buffer, start: number, end: number, maxDepth: number): Result<unknown, LiteralFailure> {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = Math.min(end, bytes.length);
    this.#depthLeft = maxDepth;
    let value = this.#value(this.#nextByte());
    if (value !== REFUSED && this.#nextByte() >= 0)
      value = this.#refuse('there is more after the end of the value');
    this.#bytes = EMPTY; // else a large receive buffer would stay alive until the next call
    if (value === REFUSED) return fail({ message: this.#message, offset: this.#refusedAt - start });
    return succeed(value);
  }

  /** Skips space; the byte that follows, not taken, or -1 at the end. */
  #nextByte(): number {
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at]!;
      if (byte !== SPACE && byte !== LINE_FEED && byte !== TAB && byte !== CARRIAGE_RETURN) return byte;
      this.#at++;
    }
    return -1;
  }

  #value(byte: number): unknown {
    if (byte === SINGLE_QUOTE || byte === DOUBLE_QUOTE) return this.#string(byte);
    if (byte === OPEN_BRACE) return this.#dictionary();
    if (byte === OPEN_BRACKET) return this.#list(CLOSE_BRACKET);
    if (byte === OPEN_PARENTHESIS) return this.#list(CLOSE_PARENTHESIS);
    if (isDigit(byte) || byte === MINUS || byte === POINT || byte === PLUS) return this.#number(byte);
    return this.#word(byte);
  }

  #dictionary(): unknown {
    if (!this.#enter()) return REFUSED;
    const dictionary: Record<string, unknown> = {};
    let byte = this.#nextByte();
    while (byte !== CLOSE_BRACE) {
      const key = this.#key(byte);
      if (key === REFUSED) return REFUSED;
      if (this.#nextByte() !== COLON) return this.#refuse('a colon must follow the key');
      this.#at++;
      const value = this.#value(this.#nextByte());
      if (value === REFUSED) return REFUSED;
      if (key === '__proto__') defineMember(dictionary, key, value);
      else dictionary[key] = value;
      byte = this.#afterItem(CLOSE_BRACE);
      if (byte < 0) return REFUSED;
    }
    this.#leave();
    return dictionary;
  }

  /** Tuples become lists. One item in parentheses without a comma is that item, as in Python. */
  #list(closer: number): unknown {
    if (!this.#enter()) return REFUSED;
    const list: unknown[] = [];
    let byte = this.#nextByte();
    while (byte !== closer) {
      const value = this.#value(byte);
      if (value === REFUSED) return REFUSED;
      list.push(value);
      byte = this.#afterItem(closer);
      if (byte < 0) return REFUSED;
    }
    this.#leave();
    return closer === CLOSE_PARENTHESIS && list.length === 1 && !this.#tookComma ? list[0] : list;
  }

  #enter(): boolean {
    if (this.#depthLeft === 0) {
      this.#refuse('too many brackets are open at once');
      return false;
    }
    this.#depthLeft--;
    this.#at++;
    return true;
  }

  #leave(): void {
    this.#depthLeft++;
    this.#at++;
  }

  /** Takes the comma after an item; the byte that follows, or -1 when something else than the closer stands there. */
  #afterItem(closer: number): number {
    const byte = this.#nextByte();
    this.#tookComma = byte === COMMA;
    if (byte === closer) return byte;
    if (byte === COMMA) {
      this.#at++;
      return this.#nextByte();
    }
    this.#refuse(`a comma or ${String.fromCharCode(closer)} must follow here`);
    return -1;
  }

  #key(byte: number): string | Refused {
    if (byte === SINGLE_QUOTE || byte === DOUBLE_QUOTE) return this.#string(byte);
    if (!isDigit(byte) && byte !== MINUS) return this.#refuse('a key must be a string');
    const number = this.#number(byte);
    if (number === REFUSED) return REFUSED;
    return Number.isSafeInteger(number)
      ? String(number)
      : this.#refuse('a key must be a string or a whole number');
  }

  #string(quote: number): string | Refused {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    let hash = 0;
    let allBits = 0;
    for (let at = start; at < this.#end; at++) {
      const byte = bytes[at]!;
      if (byte === quote) {
        this.#at = at + 1;
        return (
          this.#texts.read(bytes, start, at, hash, allBits < 0x80) ??
          this.#refuse('this text is not UTF-8', start)
        );
      }
      if (byte === BACKSLASH) return this.#escapedString(quote, start, at);
      if (isForbiddenInText(byte))
        return this.#refuse('a line break or NUL in a text must be written as an escape', at);
      allBits |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    return this.#refuse('the text has no end', this.#end);
  }

  /** Goes on with a string at its first backslash. */
  #escapedString(quote: number, start: number, firstBackslash: number): string | Refused {
    let text = '';
    let runStart = start;
    this.#at = firstBackslash;
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at]!;
      if (byte === quote || byte === BACKSLASH) {
        const run = decodeText(this.#bytes, runStart, this.#at, false);
        if (run === undefined) return this.#refuse('this text is not UTF-8', runStart);
        text += run;
        this.#at++;
        if (byte === quote) return text;
        const escaped = this.#escape();
        if (escaped === REFUSED) return REFUSED;
        text += escaped;
        runStart = this.#at;
      } else if (isForbiddenInText(byte)) {
        return this.#refuse('a line break or NUL in a text must be written as an escape');
      } else {
        this.#at++;
      }
    }
    return this.#refuse('the text has no end', this.#end);
  }

  /** Reads what follows a backslash. */
  #escape(): string | Refused {
    const byte = this.#at < this.#end ? this.#bytes[this.#at]! : -1;
    const known = ESCAPES[byte];
    if (known !== undefined) {
      this.#at++;
      return known.value;
    }
    if (isOctalDigit(byte)) return this.#octalEscape();
    const digits = HEX_DIGITS.get(byte);
    if (digits === undefined) return this.#refuse('no escape begins like this', this.#at - 1);
    let code = 0;
    for (let at = this.#at + 1; at <= this.#at + digits; at++) {
      const digit = at < this.#end ? hexValue(this.#bytes[at]!) : -1;
      if (digit < 0) return this.#refuse(`this escape needs ${digits} hexadecimal digits`, this.#at - 1);
      code = code * 16 + digit;
    }
    if (code > MAX_CODE_POINT) return this.#refuse('no character has so high a number', this.#at - 1);
    this.#at += digits + 1;
    // Two halves of a pair, written as two escapes as JSON does, join by themselves.
    return String.fromCodePoint(code);
  }

  /** `\0` to `\377`, as in Python: one to three digits. */
  #octalEscape(): string {
    let code = 0;
    for (let digits = 0; digits < 3 && this.#at < this.#end; digits++, this.#at++) {
      const byte = this.#bytes[this.#at]!;
      if (!isOctalDigit(byte)) break;
      code = code * 8 + byte - ZERO;
    }
    return String.fromCharCode(code);
  }

  #number(first: number): number | Refused {
    const start = this.#at;
    if (first === MINUS || first === PLUS) this.#at++;
    const digitsStart = this.#at;
    let value = 0;
    while (this.#at < this.#end && isDigit(this.#bytes[this.#at]!))
      value = value * 10 + this.#bytes[this.#at++]! - ZERO;
    const digits = this.#at - digitsStart;
    if (digits > 1 && this.#bytes[digitsStart] === ZERO)
      return this.#refuse('a number must not begin with 0', start);
    const next = this.#at < this.#end ? this.#bytes[this.#at]! : -1;
    const isWhole = next !== POINT && (next | LOWER_CASE) !== LOWER_E;
    if (isWhole && digits > 0 && digits <= MAX_EXACT_DIGITS) return first === MINUS ? -value : value;
    return this.#longNumber(start, digits);
  }

  /** Goes on with a number after its whole part: a fraction, an exponent, or many digits. */
  #longNumber(start: number, wholeDigits: number): number | Refused {
    let digits = wholeDigits;
    if (this.#at < this.#end && this.#bytes[this.#at] === POINT) {
      this.#at++;
      digits += this.#skipDigits();
    }
    if (digits === 0) return this.#refuse('a number needs a digit', start);
    if (this.#at < this.#end && (this.#bytes[this.#at]! | LOWER_CASE) === LOWER_E) {
      this.#at++;
      const sign = this.#at < this.#end ? this.#bytes[this.#at] : -1;
      if (sign === MINUS || sign === PLUS) this.#at++;
      if (this.#skipDigits() === 0) return this.#refuse('an exponent needs a digit', start);
    }
    const value = Number(this.#bytes.toString('latin1', start, this.#at));
    return Number.isFinite(value) ? value : this.#refuse('the number is too large', start);
  }

  #skipDigits(): number {
    const start = this.#at;
    while (this.#at < this.#end && isDigit(this.#bytes[this.#at]!)) this.#at++;
    return this.#at - start;
  }

  #word(byte: number): boolean | null | Refused {
    if (byte < 0) return this.#refuse('the value is not complete');
    const word = WORDS[byte];
    if (word === undefined) return this.#refuse('no value begins like this');
    const { text } = word;
    if (this.#end - this.#at < text.length) return this.#refuse('no value begins like this');
    for (let index = 1; index < text.length; index++) {
      if (this.#bytes[this.#at + index] !== text.charCodeAt(index))
        return this.#refuse('no value begins like this');
    }
    this.#at += text.length;
    return word.value;
  }

  #refuse(message: string, at: number = this.#at): Refused {
    this.#message = message;
    this.#refusedAt = at;
    return REFUSED;
  }
}

const reader = new LiteralReader();

/**
 * Reads one value in JSON or in Python's literal notation, without evaluating anything.
 *
 * Takes strings in single or double quotes, finite numbers, `True`/`False`/`None` and `true`/`false`/`null`, lists,
 * tuples (as lists), and dictionaries whose keys are strings or whole numbers. As in Python, a comma may follow
 * the last item. A key that comes twice has its last value.
 *
 * @param start - first byte; space around the value is skipped
 * @param end - index after the last byte; anything but space after the value is refused
 * @param maxDepth - how many brackets may be open at once
 */
export function readLiteral(
  bytes: Buffer,
  start: number,
  end: number,
  maxDepth: number,
): Result<unknown, LiteralFailure> {
  return reader.read(bytes, start, end, maxDepth);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function isOctalDigit(byte: number): boolean {
  return byte >= ZERO && byte <= SEVEN;
}

/** Python ends a line inside a text as an error, and so did every device that was checked against it. */
function isForbiddenInText(byte: number): boolean {
  return byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === 0;
}

function hexValue(byte: number): number {
  if (isDigit(byte)) return byte - ZERO;
  const letter = (byte | LOWER_CASE) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/** Assigning `__proto__` would change what the object inherits from instead of adding a member. */
function defineMember(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

function byFirstCharacter<T extends { readonly text: string }>(entries: readonly T[]): (T | undefined)[] {
  const table: (T | undefined)[] = Array.from({ length: 128 }, () => undefined);
  for (const entry of entries) table[entry.text.charCodeAt(0)] = entry;
  return table;
}
