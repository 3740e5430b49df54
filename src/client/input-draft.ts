import { parseJson } from '../base/json.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import type {
  ChoiceField,
  FormField,
  InputForm,
  ListField,
  NumberField,
  ScalarField,
  TextField,
} from './input-form.ts';

/** What is wrong with a draft. A value, for each face to put into its own words. */
export type DraftProblem =
  | { readonly kind: 'missing' }
  | { readonly kind: 'not-a-number' }
  | { readonly kind: 'not-whole' }
  | { readonly kind: 'too-precise' }
  | { readonly kind: 'below'; readonly limit: number; readonly isExclusive: boolean }
  | { readonly kind: 'above'; readonly limit: number; readonly isExclusive: boolean }
  | { readonly kind: 'no-multiple'; readonly limit: number }
  | { readonly kind: 'too-short'; readonly limit: number }
  | { readonly kind: 'too-long'; readonly limit: number }
  | { readonly kind: 'wrong-format'; readonly format: string }
  | { readonly kind: 'no-choice' }
  | { readonly kind: 'too-few'; readonly limit: number }
  | { readonly kind: 'too-many'; readonly limit: number }
  /** One item of a list, counted from 1, is wrong. */
  | { readonly kind: 'wrong-item'; readonly item: number; readonly problem: DraftProblem }
  | { readonly kind: 'not-json' };

/** `absent`: nothing was typed and nothing needs to be. */
export type DraftReading =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'problem'; readonly problem: DraftProblem };

/** What is wrong in which field. */
export type DraftIssue = { readonly pointer: string; readonly problem: DraftProblem };

export type DraftOptions = {
  /** `1,5` is one and a half, outside of lists. */
  readonly decimalComma?: boolean;
};

/** A draft that means the empty text, where nothing typed would mean that there is no text. */
const EMPTY_TEXT = '""';

/**
 * Makes the input of what was typed into a form.
 *
 * @param drafts - by the pointer of the field; a field without draft counts as empty
 * @returns the input to send, or everything that is wrong
 */
export function readDrafts(
  form: InputForm,
  drafts: ReadonlyMap<string, string>,
  options: DraftOptions = {},
): Result<unknown, readonly DraftIssue[]> {
  const entries: [string, unknown][] = [];
  const issues: DraftIssue[] = [];
  for (const field of form.fields) {
    const reading = readDraft(field, drafts.get(field.pointer) ?? '', options);
    if (reading.kind === 'problem') issues.push({ pointer: field.pointer, problem: reading.problem });
    if (reading.kind === 'value') entries.push([field.name, reading.value]);
  }
  if (issues.length > 0) return fail(issues);
  // `fromEntries` defines members, so that a property called `__proto__` stays a property.
  return succeed(form.shape === 'object' ? Object.fromEntries(entries) : entries[0]?.[1]);
}

/**
 * Reads what was typed into one field.
 *
 * Text stands for itself, and `""` for the empty text. A boolean is `true` or `false`. A list is typed with commas
 * between its items, or as a JSON array.
 */
export function readDraft(field: FormField, draft: string, options: DraftOptions = {}): DraftReading {
  if (field.kind === 'text' && draft === EMPTY_TEXT) return readText(field, '');
  const text = field.kind === 'text' ? draft : draft.trim();
  if (text === '') return field.isRequired ? wrong({ kind: 'missing' }) : { kind: 'absent' };
  if (field.kind === 'list') return readItems(field, text);
  if (field.kind !== 'json') return readScalar(field, text, options);
  const value = parseJson(text);
  return value === undefined ? wrong({ kind: 'not-json' }) : { kind: 'value', value };
}

function readScalar(field: ScalarField, text: string, options: DraftOptions): DraftReading {
  switch (field.kind) {
    case 'text':
      return readText(field, text);
    case 'number':
      return readNumber(
        field,
        options.decimalComma === true ? text.replace(/^([^,.]*),([^,.]*)$/, '$1.$2') : text,
      );
    case 'boolean':
      return text === 'true' || text === 'false'
        ? { kind: 'value', value: text === 'true' }
        : wrong({ kind: 'no-choice' });
    default:
      return readChoice(field, text);
  }
}

function readText(field: TextField, text: string): DraftReading {
  // JSON Schema counts characters, not UTF-16 units.
  const { length } = Array.from(text);
  if (field.minLength !== undefined && length < field.minLength)
    return wrong({ kind: 'too-short', limit: field.minLength });
  if (field.maxLength !== undefined && length > field.maxLength)
    return wrong({ kind: 'too-long', limit: field.maxLength });
  const isFormat = field.format === undefined ? undefined : FORMATS.get(field.format);
  if (isFormat?.(text) === false) return wrong({ kind: 'wrong-format', format: field.format ?? '' });
  return { kind: 'value', value: text };
}

function readNumber(field: NumberField, text: string): DraftReading {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return wrong({ kind: 'not-a-number' });
  return checkNumber(field, Number(text));
}

function checkNumber(field: NumberField, value: number): DraftReading {
  if (!Number.isFinite(value)) return wrong({ kind: 'not-a-number' });
  if (field.isInteger && !Number.isInteger(value)) return wrong({ kind: 'not-whole' });
  // Beyond 2^53 the number that arrives is not the one that was typed.
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && field.isInteger)
    return wrong({ kind: 'too-precise' });
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = field;
  if (minimum !== undefined && value < minimum)
    return wrong({ kind: 'below', limit: minimum, isExclusive: false });
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) {
    return wrong({ kind: 'below', limit: exclusiveMinimum, isExclusive: true });
  }
  if (maximum !== undefined && value > maximum)
    return wrong({ kind: 'above', limit: maximum, isExclusive: false });
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) {
    return wrong({ kind: 'above', limit: exclusiveMaximum, isExclusive: true });
  }
  if (multipleOf !== undefined && !isMultiple(value, multipleOf))
    return wrong({ kind: 'no-multiple', limit: multipleOf });
  return { kind: 'value', value };
}

function readChoice(field: ChoiceField, text: string): DraftReading {
  const choice = field.choices.find(({ label }) => label === text);
  return choice === undefined ? wrong({ kind: 'no-choice' }) : { kind: 'value', value: choice.value };
}

function readItems(field: ListField, text: string): DraftReading {
  const readings = readListText(field.item, text);
  if (readings === undefined) return wrong({ kind: 'not-json' });
  for (const [index, reading] of readings.entries()) {
    if (reading.kind === 'problem')
      return wrong({ kind: 'wrong-item', item: index + 1, problem: reading.problem });
  }
  const { minItems, maxItems } = field;
  if (minItems !== undefined && readings.length < minItems)
    return wrong({ kind: 'too-few', limit: minItems });
  if (maxItems !== undefined && readings.length > maxItems)
    return wrong({ kind: 'too-many', limit: maxItems });
  return {
    kind: 'value',
    value: readings.map((reading) => (reading.kind === 'value' ? reading.value : undefined)),
  };
}

function readListText(item: ScalarField, text: string): DraftReading[] | undefined {
  if (!text.startsWith('[')) return text.split(',').map((part) => readDraft(item, part.trim()));
  const values = parseJson(text);
  return Array.isArray(values) ? values.map((value) => checkValue(item, value)) : undefined;
}

/** Checks an item that came as JSON, so that its kind is known and not typed. */
function checkValue(field: ScalarField, value: unknown): DraftReading {
  switch (field.kind) {
    case 'text':
      return typeof value === 'string' ? readText(field, value) : wrong({ kind: 'no-choice' });
    case 'number':
      return typeof value === 'number' ? checkNumber(field, value) : wrong({ kind: 'not-a-number' });
    case 'boolean':
      return typeof value === 'boolean' ? { kind: 'value', value } : wrong({ kind: 'no-choice' });
    default: {
      const wanted = JSON.stringify(value);
      const isChoice = field.choices.some((choice) => JSON.stringify(choice.value) === wanted);
      return isChoice ? { kind: 'value', value } : wrong({ kind: 'no-choice' });
    }
  }
}

const TIME = String.raw`([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(z|[+-]([01]\d|2[0-3]):[0-5]\d)`;
const DATE_TIME = new RegExp(`^(\\d{4}-\\d{2}-\\d{2})t${TIME}$`, 'i');
const FULL_TIME = new RegExp(`^${TIME}$`, 'i');
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** The formats that are checked here; others are left to the hub. */
const FORMATS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date', isDate],
  ['time', (text) => FULL_TIME.test(text)],
  ['date-time', (text) => isDate(DATE_TIME.exec(text)?.[1] ?? '')],
  ['email', (text) => /^[^\s@]+@[^\s@]+$/.test(text)],
  ['ipv4', (text) => IPV4.test(text)],
  ['uri', (text) => URL.canParse(text)],
  ['uuid', (text) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)],
]);

/** A day that exists: the 30th of February does not. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isMultiple(value: number, step: number): boolean {
  const times = value / step;
  // 0.3 is three times 0.1, though not to a computer's last digit.
  return step > 0 && Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}

function wrong(problem: DraftProblem): DraftReading {
  return { kind: 'problem', problem };
}
