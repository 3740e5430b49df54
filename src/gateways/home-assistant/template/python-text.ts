import {
  PythonDict,
  isJsonMembers,
  isList,
  itemsOf,
  membersOf,
  numberOf,
  WholeFloat,
  type PythonValue,
} from './python-value.ts';
import { TemplateFault } from './template-fault.ts';
import type { TemplateWork } from './template-work.ts';

/** No text that a template makes, on the way or in the end, is longer. */
export const MAX_TEXT_CHARACTERS = 65_536;
const MAX_SHOWN_DEPTH = 64;

/** A text that was made of others, if it is not too long. */
export function boundedText(text: string): string {
  if (text.length > MAX_TEXT_CHARACTERS)
    throw new TemplateFault(`a text of more than ${MAX_TEXT_CHARACTERS} characters`);
  return text;
}

/** Texts with another one between them, which is found to be too long before it is made. */
export function joinTexts(texts: readonly string[], separator: string): string {
  const between = separator.length * Math.max(0, texts.length - 1);
  if (texts.reduce((length, text) => length + text.length, between) > MAX_TEXT_CHARACTERS)
    throw new TemplateFault(`a text of more than ${MAX_TEXT_CHARACTERS} characters`);
  return texts.join(separator);
}

/** Python's `str(value)`; undefined is the empty text. */
export function pythonText(value: PythonValue, work: TemplateWork): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : pythonRepr(value, work);
}

/** The text of what is no list and no dict; undefined for what is. */
export function scalarText(value: PythonValue): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || numberOf(value) !== undefined ? plainRepr(value) : undefined;
}

/** Python's `repr(value)`: how a value stands in a list. */
function pythonRepr(value: PythonValue, work: TemplateWork, depth = 0): string {
  if (depth > MAX_SHOWN_DEPTH)
    throw new TemplateFault(`a text of more than ${MAX_SHOWN_DEPTH} lists in lists`);
  work.spend(1);
  const plain = plainRepr(value);
  if (plain !== undefined) return plain;
  if (typeof value === 'string') {
    work.spendText(value);
    return quotedText(value);
  }
  const items = itemsOf(value)
    ?.map((item) => pythonRepr(item, work, depth + 1))
    .join(', ');
  if (isList(value)) return boundedText(`[${items}]`);
  if (items !== undefined) return boundedText(itemsOf(value)!.length === 1 ? `(${items},)` : `(${items})`);
  const members = membersOf(value, work)!.map(
    ([key, member]) => `${pythonRepr(key, work)}: ${pythonRepr(member, work, depth + 1)}`,
  );
  return boundedText(`{${members.join(', ')}}`);
}

/** Of what has no parts; undefined for texts, lists and dicts. */
function plainRepr(value: PythonValue): string | undefined {
  if (value === undefined) return 'Undefined';
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : floatText(value);
  if (typeof value === 'bigint') return String(value);
  return value instanceof WholeFloat ? floatText(value.number) : undefined;
}

/** The shortest digits that are this float, as Python writes them: `42.0`, `1e-05`, `1e+16`. */
function floatText(number: number): string {
  if (Number.isNaN(number)) return 'nan';
  if (!Number.isFinite(number)) return number > 0 ? 'inf' : '-inf';
  if (Object.is(number, -0)) return '-0.0';
  const [mantissa, power] = number.toExponential().split('e') as [string, string];
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 16) {
    const text = plainDigits(mantissa, exponent);
    return text.includes('.') ? text : `${text}.0`;
  }
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
}

/** `1.5` and -3: `0.0015`. */
function plainDigits(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const rest = digits.slice(exponent + 1);
  return `${sign}${whole}${rest === '' ? '' : `.${rest}`}`;
}

function quotedText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  if (/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(escaped))
    throw new TemplateFault('an unprintable character in a list or a dict');
  return `${quote}${escaped}${quote}`;
}

/** As `to_json` of Home Assistant writes it: no spaces, nothing escaped that need not be. */
export function jsonText(value: PythonValue, work: TemplateWork): string {
  return boundedText(jsonParts(value, work, 0));
}

function jsonParts(value: PythonValue, work: TemplateWork, depth: number): string {
  if (depth > MAX_SHOWN_DEPTH) throw new TemplateFault(`JSON of more than ${MAX_SHOWN_DEPTH} lists in lists`);
  work.spend(1);
  if (value === undefined) throw new TemplateFault('undefined as JSON');
  if (typeof value === 'bigint' || value === null) return String(value);
  if (typeof value === 'string') work.spendText(value);
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : jsonFloat(value);
  if (value instanceof WholeFloat) return jsonFloat(value.number);
  const items = itemsOf(value);
  if (items !== undefined) return `[${items.map((item) => jsonParts(item, work, depth + 1)).join(',')}]`;
  const members = membersOf(value, work)!.map(
    ([key, member]) => `${jsonKey(key, work)}:${jsonParts(member, work, depth + 1)}`,
  );
  return `{${members.join(',')}}`;
}

function jsonFloat(number: number): string {
  if (!Number.isFinite(number)) return 'null';
  // Python's `1e-05` and `1e+16` are `1e-5` and `1e16` in JSON.
  return floatText(number).replace(/e([+-])0?/, (_, sign: string) => (sign === '-' ? 'e-' : 'e'));
}

/** Names of members are texts, and other keys become such. */
function jsonKey(key: PythonValue, work: TemplateWork): string {
  return typeof key === 'string' ? JSON.stringify(key) : `"${jsonParts(key, work, 0)}"`;
}

/** Whether a value is a dict of either kind. */
export function isDict(value: PythonValue): boolean {
  return value instanceof PythonDict || isJsonMembers(value);
}
