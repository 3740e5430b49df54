import { ABSENT, given, values, type Argument, type TemplateFunction } from './template-function.ts';
import type { TemplateWork } from './template-work.ts';
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

const LENGTH = plain((value, work) => lengthOf(value, work) ?? refuse('length', value));

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
      run: (value, args, work) => change('*', { value, args, work }),
    },
    add: {
      parameters: ['amount', 'default'],
      required: 1,
      run: (value, args, work) => change('+', { value, args, work }),
    },
    abs: plain(absolute),
    min: plain((value, work) => extreme(listOf('min', value, work), -1, work)),
    max: plain((value, work) => extreme(listOf('max', value, work), 1, work)),
    is_defined: plain((value) => (value === undefined ? refuse('is_defined', value) : value)),
    tojson: plain(jsonText),
    to_json: plain(jsonText),
    from_json: plain(fromJson),
    lower: plain((value, work) => pythonText(value, work).toLowerCase()),
    upper: plain((value, work) => pythonText(value, work).toUpperCase()),
    string: plain(pythonText),
    trim: plain((value, work) => pythonText(value, work).trim()),
    length: LENGTH,
    count: LENGTH,
    first: plain((value, work) => listOf('first', value, work)[0]),
    last: plain((value, work) => listOf('last', value, work).at(-1)),
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
export function extremeOf(
  name: 'min' | 'max',
  args: readonly PythonValue[],
  work: TemplateWork,
): PythonValue {
  const items = args.length === 1 ? listOf(name, args[0], work) : args;
  return extreme(items, name === 'min' ? -1 : 1, work);
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
    run: (value, [find, ignoresCase], work) => search(value, [find, ignoresCase], work).isFound(where),
  };
}

function search(
  value: PythonValue,
  [find, ignoresCase]: readonly [find: Argument | undefined, ignoresCase: Argument | undefined],
  work: TemplateWork,
): PatternSearch {
  const program = patternOf(
    textOf('a regular expression', given(find, '')),
    isTruthy(given(ignoresCase, false), work),
  );
  return new PatternSearch(program, pythonText(value, work), work);
}

function plain<T extends PythonValue>(
  run: (value: PythonValue, work: TemplateWork) => T,
): TemplateFunction<T> {
  return { parameters: [], required: 0, run: (value, _args, work) => run(value, work) };
}

function refuse(what: string, value: PythonValue): never {
  throw new TemplateFault(
    `${what} of ${typeof value === 'string' ? JSON.stringify(value) : typeName(value)}`,
  );
}

function fromJson(value: PythonValue, work: TemplateWork): PythonValue {
  const text = textOf('from_json', value);
  work.spend(text.length);
  return parsePayloadJson(text) ?? refuse('from_json', value);
}

function textOf(what: string, value: PythonValue): string {
  return typeof value === 'string' ? value : refuse(what, value);
}

function listOf(what: string, value: PythonValue, work: TemplateWork): readonly PythonValue[] {
  if (value === undefined) return [];
  const items = typeof value === 'string' ? Array.from(charactersOf(value, work)) : itemsOf(value);
  work.spend(items?.length ?? 0);
  return items ?? refuse(what, value);
}

function orDefault(
  value: PythonValue,
  [otherwise, boolean]: readonly Argument[],
  work: TemplateWork,
): PythonValue {
  const isWanted = value === undefined || (isTruthy(given(boolean, false), work) && !isTruthy(value, work));
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
  { value, args, work }: { value: PythonValue; args: readonly Argument[]; work: TemplateWork },
): PythonValue {
  const [amount, otherwise] = args;
  const number = readFloat(value);
  const by = given(amount, undefined);
  if (number !== undefined && numberOf(by) !== undefined)
    return calculate(operator, [float(number), by], work);
  return otherwise === ABSENT || by === undefined
    ? refuse('a calculation', value)
    : given(otherwise, undefined);
}

function absolute(value: PythonValue): PythonValue {
  const number = numberOf(value) ?? refuse('abs', value);
  return isFloat(value) ? float(Math.abs(number)) : int(Math.abs(number));
}

/** The first of those that are the least, or the most; texts without regard to case. */
function extreme(items: readonly PythonValue[], direction: 1 | -1, work: TemplateWork): PythonValue {
  const fold = (item: PythonValue): PythonValue => (typeof item === 'string' ? item.toLowerCase() : item);
  let best = items[0];
  if (best === undefined && items.length > 0) refuse('an order', best);
  for (const item of items.slice(1)) if (compare(fold(item), fold(best), work) * direction > 0) best = item;
  return best;
}

function join(value: PythonValue, [separator]: readonly Argument[], work: TemplateWork): PythonValue {
  const texts = listOf('join', value, work).map((item) => pythonText(item, work));
  return joinTexts(texts, pythonText(given(separator, ''), work));
}

function replaceText(
  value: PythonValue,
  [old, replacement]: readonly Argument[],
  work: TemplateWork,
): PythonValue {
  const [from, to] = [pythonText(given(old, ''), work), pythonText(given(replacement, ''), work)];
  return replaceAll(pythonText(value, work), from, to);
}

/** Python's `text.replace(from, to)`. */
export function replaceAll(text: string, from: string, to: string): string {
  if (from === '') throw new TemplateFault('the replacement of an empty text');
  return joinTexts(text.split(from), to);
}

function format(value: PythonValue, args: readonly Argument[], work: TemplateWork): PythonValue {
  return percentFormat(pythonText(value, work), values(args), work);
}

function truncate(
  value: PythonValue,
  [length, killwords, end, leeway]: readonly Argument[],
  work: TemplateWork,
): PythonValue {
  const most = wholeNumber('a length', given(length, 255));
  const tail = textOf('an end', given(end, '...'));
  const some = given(leeway, null);
  const room = most + (some === null ? TRUNCATE_LEEWAY : wholeNumber('a leeway', some));
  if (most < tail.length || room < most) throw new TemplateFault('a length that is too small');
  if ((lengthOf(value, work) ?? refuse('truncate', value)) <= room) return value;
  const kept = Array.from(textOf('truncate', value))
    .slice(0, most - tail.length)
    .join('');
  if (isTruthy(given(killwords, false), work)) return kept + tail;
  const space = kept.lastIndexOf(' ');
  return (space === -1 ? kept : kept.slice(0, space)) + tail;
}

function immediateIf(
  value: PythonValue,
  [yes, no, none]: readonly Argument[],
  work: TemplateWork,
): PythonValue {
  if (value === null && none !== ABSENT) return given(none, undefined);
  return isTruthy(value, work) ? given(yes, true) : given(no, false);
}

function replacePattern(
  value: PythonValue,
  [find, replacement, ignoresCase]: readonly Argument[],
  work: TemplateWork,
): PythonValue {
  const text = textOf('a replacement', given(replacement, ''));
  if (text.includes('\\')) throw new TemplateFault('a backslash in a replacement');
  return search(value, [find, ignoresCase], work).replace(text);
}
