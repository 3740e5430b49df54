import { TemplateFault } from './template-fault.ts';
import { float, int, type PythonValue } from './python-value.ts';

/** One word of an expression, with its place in the template. */
export type TemplateToken =
  | { readonly kind: 'name' | 'operator'; readonly text: string; readonly at: number }
  | { readonly kind: 'constant'; readonly text: string; readonly value: PythonValue; readonly at: number };

/** A piece of a template: text that is told as it is, or an expression, or a statement. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print' | 'statement'; readonly tokens: readonly TemplateToken[]; readonly at: number };

const OPENINGS = /\{\{|\{%|\{#/g;
const SPACE = /\s*/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER = /(?<float>\d+(?:_\d+)*(?:\.\d+(?:_\d+)*(?:e[+-]?\d+)?|e[+-]?\d+))|(?<int>\d+(?:_\d+)*)/iy;
const INDEX = /\d+/y;
const TEXT = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|<=|>=|[-+/*%~[\](){}<>=.:|,;]/y;
const CLOSED_BY: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
};

/**
 * Cuts a template into its parts.
 *
 * @throws {TemplateFault} with the place of what is not understood
 */
export function readTemplateParts(source: string): readonly TemplatePart[] {
  return new TemplateLexer(source).read();
}

class TemplateLexer {
  readonly #source: string;
  readonly #parts: TemplatePart[] = [];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  read(): readonly TemplatePart[] {
    for (;;) {
      OPENINGS.lastIndex = this.#at;
      const opening = OPENINGS.exec(this.#source);
      if (opening === null) break;
      this.#addText(opening.index, this.#source[opening.index + 2] === '-');
      this.#at = opening.index + 2;
      if ('-+'.includes(this.#source[this.#at] ?? ' ')) this.#at++;
      if (opening[0] === '{#') this.#skipComment(opening.index);
      else this.#readTokens(opening[0] === '{{' ? 'print' : 'statement', opening.index);
    }
    this.#addText(this.#source.length, false);
    return this.#parts;
  }

  #addText(end: number, isTrimmed: boolean): void {
    const text = this.#source.slice(this.#at, end);
    const kept = isTrimmed ? text.trimEnd() : text;
    if (kept !== '') this.#parts.push({ kind: 'text', text: kept });
  }

  #skipComment(begin: number): void {
    const end = this.#source.indexOf('#}', this.#at);
    if (end === -1) throw new TemplateFault('a comment that does not end', begin);
    this.#at = end + 2;
    if (end > begin + 2 && this.#source[end - 1] === '-') this.#match(SPACE);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #readTokens(kind: 'print' | 'statement', begin: number): void {
    const end = kind === 'print' ? '}}' : '%}';
    const tokens: TemplateToken[] = [];
    const open: string[] = [];
    for (;;) {
      this.#match(SPACE);
      // Within brackets of its own, `}}` is the end of two dicts.
      if (open.length === 0 && this.#takesEnd(end)) break;
      if (this.#at >= this.#source.length) throw new TemplateFault(`${end} is missing`, begin);
      const token = this.#readToken(tokens.at(-1)?.text === '.');
      if (token.kind === 'operator') this.#balance(token, open);
      tokens.push(token);
    }
    this.#parts.push({ kind, tokens, at: begin });
  }

  #takesEnd(end: string): boolean {
    const isTrimming = this.#source.startsWith(`-${end}`, this.#at);
    if (!isTrimming && !this.#source.startsWith(end, this.#at)) return false;
    this.#at += isTrimming ? end.length + 1 : end.length;
    if (isTrimming) this.#match(SPACE);
    return true;
  }

  #balance({ text, at }: TemplateToken, open: string[]): void {
    const closing = CLOSED_BY[text];
    if (closing !== undefined) open.push(closing);
    else if (')]}'.includes(text) && open.pop() !== text)
      throw new TemplateFault(`an unexpected ${text}`, at);
  }

  #readToken(isAfterPoint: boolean): TemplateToken {
    const at = this.#at;
    const name = this.#match(NAME)?.[0];
    if (name !== undefined) {
      if (name.startsWith('_')) throw new TemplateFault(`the name ${name}: none may begin with _`, at);
      return { kind: 'name', text: name, at };
    }
    // `list.0.1` is an index of an index, and no float.
    const index = isAfterPoint ? this.#match(INDEX)?.[0] : undefined;
    if (index !== undefined) return { kind: 'constant', text: index, value: int(Number(index)), at };
    const number = this.#match(NUMBER)?.groups;
    if (number !== undefined) return this.#numberToken(number, at);
    const text = this.#match(TEXT)?.[0];
    if (text !== undefined) return { kind: 'constant', text: '', value: unescape(text.slice(1, -1), at), at };
    const operator = this.#match(OPERATOR)?.[0];
    if (operator !== undefined) return { kind: 'operator', text: operator, at };
    throw new TemplateFault(`the character ${this.#source[at]}`, at);
  }

  #numberToken(number: Readonly<Record<string, string | undefined>>, at: number): TemplateToken {
    const digits = (number['float'] ?? number['int'] ?? '').replaceAll('_', '');
    if (/[xob]/i.test(this.#source[this.#at] ?? '')) throw new TemplateFault('a number of another base', at);
    const make = number['float'] === undefined ? int : float;
    return { kind: 'constant', text: digits, value: make(Number(digits)), at };
  }
}

/** What a text of a template means: Python's escapes. */
function unescape(text: string, at: number): string {
  return text.replaceAll(/\\(x[\da-f]{2}|u[\da-f]{4}|[0-7]{1,3}|[\s\S])/gi, (whole, code: string) => {
    if ('NUuxX'.includes(code[0]!) && (code.length === 1 || code.startsWith('X')))
      throw new TemplateFault(`the escape \\${code}`, at);
    if (/^[xu]/.test(code) && code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return ESCAPES[code] ?? (`\\'"`.includes(code) ? code : whole);
  });
}
