import { ABSENT, given, values, type Argument, type TemplateFunction } from './template-function.ts';
import { spend } from './template-work.ts';
import { percentFormat } from './percent-format.ts';
import { patternOf } from './pattern-cache.ts';
import { PatternSearch } from './pattern-search.ts';
import { parsePayloadJson } from './payload-json.ts';
import { readFloat, readInt, calculate, roundFloat } from './python-number.ts';
import { joinTexts, jsonText, pythonText } from './python-text.ts';
import {
  charactersOf,
  compare,
  float,
  int,
  isFloat,
  isTruthy,
  itemsOf,
  lengthOf,
  numberOf,
  typeName,
  type PythonValue,
} from './python-value.ts';
import { TemplateFault } from './template-fault.ts';

const TRUE_WORDS: ReadonlySet<string> = new Set(['1', 'true', 'yes', 'on', 'enable']);
const FALSE_WORDS: ReadonlySet<string> = new Set(['0', 'false', 'no', 'off', 'disable']);
/** Jinja cuts nothing off for the sake of a few characters. */
const TRUNCATE_LEEWAY = 5;

const LENGTH = plain((value) => lengthOf(value) ?? refuse('length', value));

/** Filters as Home Assistant has them: without a default, what is no number is a fault. */
export const TEMPLATE_FILTERS: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries<TemplateFunction>({
    default: { parameters: ['default_value', 'boolean'], required: 0, run: orDefault },
    d: { parameters: ['default_value', 'boolean'], required: 0, run: orDefault },
    int: { parameters: ['default', 'base'], required: 0, run: toInt },
    float: { parameters: ['default'], required: 0, run: toFloat },
    bool: { parameters: ['default'], required: 0, run: toBoolean },
    is_number: plain(isNumber),
    round: { parameters: ['precision', 'method', 'default'], required: 0, run: round },
    multiply: {
      parameters: ['amount', 'default'],
      required: 1,
      run: (value, args) => change('*', value, args),
    },
    add: { parameters: ['amount', 'default'], required: 1, run: (value, args) => change('+', value, args) },
    abs: plain(absolute),
    min: plain((value) => extreme(listOf('min', value), -1)),
    max: plain((value) => extreme(listOf('max', value), 1)),
    is_defined: plain((value) => (value === undefined ? refuse('is_defined', value) : value)),
    tojson: plain(jsonText),
    to_json: plain(jsonText),
    from_json: plain(fromJson),
    lower: plain((value) => pythonText(value).toLowerCase()),
    upper: plain((value) => pythonText(value).toUpperCase()),
    string: plain(pythonText),
    trim: plain((value) => pythonText(value).trim()),
    length: LENGTH,
    count: LENGTH,
    first: plain((value) => listOf('first', value)[0]),
    last: plain((value) => listOf('last', value).at(-1)),
    join: { parameters: ['d'], required: 0, run: join },
    replace: { parameters: ['old', 'new'], required: 2, run: replaceText },
    format: { parameters: [], required: 0, takesMore: true, run: format },
    truncate: { parameters: ['length', 'killwords', 'end', 'leeway'], required: 0, run: truncate },
    iif: { parameters: ['if_true', 'if_false', 'if_none'], required: 0, run: immediateIf },
    regex_replace: {
      parameters: ['find', 'replace', 'ignorecase'],
      required: 0,
      hasPattern: true,
      run: replacePattern,
    },
    regex_search: pattern('anywhere'),
    regex_match: pattern('at the begin'),
  }),
);

/** Functions that are called by their names; the value is their first argument. */
export const TEMPLATE_GLOBALS: ReadonlyMap<string, TemplateFunction> = new Map(
  ['float', 'int', 'bool', 'is_number', 'iif'].map((name) => [name, TEMPLATE_FILTERS.get(name)!] as const),
);

/** `min` and `max` take a list, or what would be in it. */
export function extremeOf(name: 'min' | 'max', args: readonly PythonValue[]): PythonValue {
  const items = args.length === 1 ? listOf(name, args[0]) : args;
  return extreme(items, name === 'min' ? -1 : 1);
}

/** Python's `is_number`: finite, and nothing that is not one. */
export function isNumber(value: PythonValue): boolean {
  return typeof value === 'bigint' || Number.isFinite(readFloat(value) ?? Number.NaN);
}

/** A test or a filter that looks for a regular expression. */
export function pattern(where: 'anywhere' | 'at the begin'): TemplateFunction<boolean> {
  return {
    parameters: ['find', 'ignorecase'],
    required: 0,
    hasPattern: true,
    run: (value, [find, ignoresCase]) => search(value, find, ignoresCase).isFound(where),
  };
}

function search(
  value: PythonValue,
  find: Argument | undefined,
  ignoresCase: Argument | undefined,
): PatternSearch {
  const program = patternOf(
    textOf('a regular expression', given(find, '')),
    isTruthy(given(ignoresCase, false)),
  );
  return new PatternSearch(program, pythonText(value));
}

function plain<T extends PythonValue>(run: (value: PythonValue) => T): TemplateFunction<T> {
  return { parameters: [], required: 0, run };
}

function refuse(what: string, value: PythonValue): never {
  throw new TemplateFault(
    `${what} of ${typeof value === 'string' ? JSON.stringify(value) : typeName(value)}`,
  );
}

function fromJson(value: PythonValue): PythonValue {
  const text = textOf('from_json', value);
  spend(text.length);
  return parsePayloadJson(text) ?? refuse('from_json', value);
}

function textOf(what: string, value: PythonValue): string {
  return typeof value === 'string' ? value : refuse(what, value);
}

function listOf(what: string, value: PythonValue): readonly PythonValue[] {
  if (value === undefined) return [];
  const items = typeof value === 'string' ? Array.from(charactersOf(value)) : itemsOf(value);
  spend(items?.length ?? 0);
  return items ?? refuse(what, value);
}

function orDefault(value: PythonValue, [otherwise, boolean]: readonly Argument[]): PythonValue {
  const isWanted = value === undefined || (isTruthy(given(boolean, false)) && !isTruthy(value));
  return isWanted ? given(otherwise, '') : value;
}

function toInt(value: PythonValue, [otherwise, base]: readonly Argument[]): PythonValue {
  const whole = readInt(value, wholeNumber('a base', given(base, 10)));
  if (whole !== undefined) return whole;
  return otherwise === ABSENT ? refuse('int', value) : given(otherwise, undefined);
}

function toFloat(value: PythonValue, [otherwise]: readonly Argument[]): PythonValue {
  const number = readFloat(value);
  if (number !== undefined) return float(number);
  return otherwise === ABSENT ? refuse('float', value) : given(otherwise, undefined);
}

function toBoolean(value: PythonValue, [otherwise]: readonly Argument[]): PythonValue {
  const number = numberOf(value);
  if (number !== undefined) return number !== 0;
  const word = typeof value === 'string' ? value.toLowerCase().trim() : '';
  if (TRUE_WORDS.has(word)) return true;
  if (FALSE_WORDS.has(word)) return false;
  return otherwise === ABSENT ? refuse('bool', value) : given(otherwise, undefined);
}

function wholeNumber(what: string, value: PythonValue): number {
  const number = numberOf(value);
  return number === undefined || isFloat(value) ? refuse(what, value) : number;
}

function round(value: PythonValue, [precision, method, otherwise]: readonly Argument[]): PythonValue {
  const digits = wholeNumber('a precision', given(precision, 0));
  const number = readFloat(value);
  if (number === undefined)
    return otherwise === ABSENT ? refuse('round', value) : given(otherwise, undefined);
  const rounded = roundBy(given(method, 'common'), number, digits);
  if (digits !== 0) return float(rounded);
  return Number.isFinite(rounded) ? int(Math.trunc(rounded)) : refuse('int', rounded);
}

function roundBy(method: PythonValue, number: number, digits: number): number {
  if (method === 'half') return roundFloat(number * 2, 0) / 2;
  const factor = 10 ** digits;
  if (method === 'ceil' || method === 'floor') {
    if (!Number.isFinite(number)) return refuse(method, number);
    return Math[method](number * factor) / factor;
  }
  return roundFloat(number, digits);
}

function change(
  operator: '*' | '+',
  value: PythonValue,
  [amount, otherwise]: readonly Argument[],
): PythonValue {
  const number = readFloat(value);
  const by = given(amount, undefined);
  if (number !== undefined && numberOf(by) !== undefined) return calculate(operator, float(number), by);
  return otherwise === ABSENT || by === undefined
    ? refuse('a calculation', value)
    : given(otherwise, undefined);
}

function absolute(value: PythonValue): PythonValue {
  const number = numberOf(value) ?? refuse('abs', value);
  return isFloat(value) ? float(Math.abs(number)) : int(Math.abs(number));
}

/** The first of those that are the least, or the most; texts without regard to case. */
function extreme(items: readonly PythonValue[], direction: 1 | -1): PythonValue {
  const fold = (item: PythonValue): PythonValue => (typeof item === 'string' ? item.toLowerCase() : item);
  let best = items[0];
  if (best === undefined && items.length > 0) refuse('an order', best);
  for (const item of items.slice(1)) if (compare(fold(item), fold(best)) * direction > 0) best = item;
  return best;
}

function join(value: PythonValue, [separator]: readonly Argument[]): PythonValue {
  return joinTexts(listOf('join', value).map(pythonText), pythonText(given(separator, '')));
}

function replaceText(value: PythonValue, [old, replacement]: readonly Argument[]): PythonValue {
  const [from, to] = [pythonText(given(old, '')), pythonText(given(replacement, ''))];
  return replaceAll(pythonText(value), from, to);
}

/** Python's `text.replace(from, to)`. */
export function replaceAll(text: string, from: string, to: string): string {
  if (from === '') throw new TemplateFault('the replacement of an empty text');
  return joinTexts(text.split(from), to);
}

function format(value: PythonValue, args: readonly Argument[]): PythonValue {
  return percentFormat(pythonText(value), values(args));
}

function truncate(value: PythonValue, [length, killwords, end, leeway]: readonly Argument[]): PythonValue {
  const most = wholeNumber('a length', given(length, 255));
  const tail = textOf('an end', given(end, '...'));
  const some = given(leeway, null);
  const room = most + (some === null ? TRUNCATE_LEEWAY : wholeNumber('a leeway', some));
  if (most < tail.length || room < most) throw new TemplateFault('a length that is too small');
  if ((lengthOf(value) ?? refuse('truncate', value)) <= room) return value;
  const kept = Array.from(textOf('truncate', value))
    .slice(0, most - tail.length)
    .join('');
  if (isTruthy(given(killwords, false))) return kept + tail;
  const space = kept.lastIndexOf(' ');
  return (space === -1 ? kept : kept.slice(0, space)) + tail;
}

function immediateIf(value: PythonValue, [yes, no, none]: readonly Argument[]): PythonValue {
  if (value === null && none !== ABSENT) return given(none, undefined);
  return isTruthy(value) ? given(yes, true) : given(no, false);
}

function replacePattern(
  value: PythonValue,
  [find, replacement, ignoresCase]: readonly Argument[],
): PythonValue {
  const text = textOf('a replacement', given(replacement, ''));
  if (text.includes('\\')) throw new TemplateFault('a backslash in a replacement');
  return search(value, find, ignoresCase).replace(text);
}
