import {
  float,
  int,
  isFloat,
  isList,
  numberOf,
  PythonTuple,
  typeName,
  type PythonValue,
} from './python-value.ts';
import { boundedText, MAX_TEXT_CHARACTERS } from './python-text.ts';
import { TemplateFault } from './template-fault.ts';
import type { TemplateWork } from './template-work.ts';

const FLOAT_TEXT = /^[+-]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i;
const INT_TEXT = /^([+-]?)([\da-z]+(?:_[\da-z]+)*)$/i;
const SPECIAL_FLOATS: ReadonlyMap<string, number> = new Map([
  ['inf', Number.POSITIVE_INFINITY],
  ['infinity', Number.POSITIVE_INFINITY],
  ['nan', Number.NaN],
]);
const LONGEST_FIXED = 75;

/** Python's `float(value)` as a plain number; undefined where it raises ValueError or TypeError. */
export function readFloat(value: PythonValue): number | undefined {
  if (value === undefined) throw new TemplateFault('undefined as a number');
  if (typeof value !== 'string') return numberOf(value);
  const text = plainDigitsOf(value);
  if (FLOAT_TEXT.test(text)) return Number(text.replaceAll('_', ''));
  const special = SPECIAL_FLOATS.get(text.toLowerCase().replace(/^[+-]/, ''));
  return special !== undefined && text.startsWith('-') ? -special : special;
}

/** Jinja's `int`: of a text in a base, else of a float without what is behind its point; undefined where it fails. */
export function readInt(value: PythonValue, base: number): PythonValue {
  if (value === undefined) throw new TemplateFault('undefined as a number');
  if (typeof value === 'bigint') return value;
  const whole = typeof value === 'string' ? readIntText(value, base) : undefined;
  if (whole !== undefined) return whole;
  const number = readFloat(value);
  return number === undefined || !Number.isFinite(number) ? undefined : int(Math.trunc(number));
}

function readIntText(text: string, base: number): PythonValue {
  if (!Number.isInteger(base) || base < 2 || base > 36) throw new TemplateFault(`numbers of base ${base}`);
  const [, sign = '', digits = ''] = INT_TEXT.exec(withoutPrefix(plainDigitsOf(text), base)) ?? [];
  if (digits === '') return undefined;
  let number = 0;
  for (const digit of digits.replaceAll('_', '')) {
    const worth = Number.parseInt(digit, 36);
    if (worth >= base) return undefined;
    number = number * base + worth;
  }
  return int(sign === '-' ? -number : number);
}

/** Python knows the digits of all scripts, and this does not: such a text is refused and not told to be no number. */
function plainDigitsOf(text: string): string {
  if (/(?!\d)\p{Nd}/u.test(text)) throw new TemplateFault('digits of another script');
  return text.trim();
}

/** `0x` may stand before a number of base 16, `0o` of 8, `0b` of 2. */
function withoutPrefix(text: string, base: number): string {
  const prefix = { 16: 'x', 8: 'o', 2: 'b' }[base];
  return prefix === undefined ? text : text.replace(new RegExp(`^([+-]?)0${prefix}_?(?=\\w)`, 'i'), '$1');
}

/** `+ - * / // % **` of numbers, texts and lists, as Python does it. */
export function calculate(
  operator: string,
  [one, other]: readonly [PythonValue, PythonValue],
  work: TemplateWork,
): PythonValue {
  const first = numberOf(one);
  const second = numberOf(other);
  if (first !== undefined && second !== undefined) {
    const isWhole = !isFloat(one) && !isFloat(other);
    return calculateNumber(operator, { first, second, isWhole });
  }
  if (operator === '+') return join(one, other, work);
  if (operator === '*') {
    if (first !== undefined && !isFloat(one)) return repeat(other, first);
    if (second !== undefined && !isFloat(other)) return repeat(one, second);
  }
  throw new TemplateFault(`${typeName(one)} ${operator} ${typeName(other)}`);
}

function calculateNumber(
  operator: string,
  { first, second, isWhole }: { readonly first: number; readonly second: number; readonly isWhole: boolean },
): PythonValue {
  const make = isWhole ? int : float;
  if (operator === '+') return make(first + second);
  if (operator === '-') return make(first - second);
  if (operator === '*') return make(first * second);
  if (operator === '**') {
    if (first === 0 && second < 0) throw new TemplateFault('division by zero');
    const power = first ** second;
    if (Number.isNaN(power) || !Number.isFinite(power)) throw new TemplateFault('a power that is no number');
    return isWhole && second >= 0 ? int(power) : float(power);
  }
  if (second === 0) throw new TemplateFault('division by zero');
  if (operator === '/') return float(first / second);
  const remainder = modulo(first, second);
  if (operator === '%') return make(remainder);
  return make(Math.round((first - remainder) / second));
}

/** The remainder has the sign of the divisor. */
function modulo(first: number, second: number): number {
  const remainder = first % second;
  return remainder !== 0 && remainder < 0 !== second < 0 ? remainder + second : remainder;
}

function join(one: PythonValue, other: PythonValue, work: TemplateWork): PythonValue {
  if (typeof one === 'string' && typeof other === 'string') return boundedText(one + other);
  if (isList(one) && isList(other)) return joinItems(one, other, work);
  if (one instanceof PythonTuple && other instanceof PythonTuple)
    return new PythonTuple(joinItems(one.items, other.items, work));
  throw new TemplateFault(`${typeName(one)} + ${typeName(other)}`);
}

function joinItems(
  one: readonly PythonValue[],
  other: readonly PythonValue[],
  work: TemplateWork,
): readonly PythonValue[] {
  work.spend(one.length + other.length);
  return [...one, ...other];
}

function repeat(value: PythonValue, times: number): PythonValue {
  if (typeof value !== 'string') throw new TemplateFault(`${typeName(value)} * int`);
  if (value.length * times > MAX_TEXT_CHARACTERS) throw new TemplateFault('a text that is too long');
  return value.repeat(Math.max(0, times));
}

/** A number with so many digits behind its point. What stands exactly between two goes to the even one. */
export function fixedText(number: number, digits: number): string {
  if (digits > LONGEST_FIXED) throw new TemplateFault(`more than ${LONGEST_FIXED} digits`);
  if (Math.abs(number) >= 1e21)
    return BigInt(number).toString() + (digits > 0 ? `.${'0'.repeat(digits)}` : '');
  const away = number.toFixed(digits);
  // A float has so few digits that it is known here whether it stands exactly between two.
  const exact = number.toFixed(digits + 25);
  const behind = exact.slice(exact.length - 25);
  if (!/^50+$/.test(behind)) return away;
  const down = exact.slice(0, exact.length - 25).replace(/\.$/, '');
  return /[02468]$/.test(down) ? down : away;
}

/** Python's `round(number, digits)`. */
export function roundFloat(number: number, digits: number): number {
  if (digits < 0) throw new TemplateFault('rounding before the point');
  if (!Number.isFinite(number) || Math.abs(number) >= 1e21) return number;
  return Number(fixedText(number, digits));
}
