import { charactersOf, isFloat, numberOf, typeName, type PythonValue } from './python-value.ts';
import { fixedText } from './python-number.ts';
import { boundedText, MAX_TEXT_CHARACTERS, pythonText } from './python-text.ts';
import { TemplateFault } from './template-fault.ts';
import type { TemplateWork } from './template-work.ts';

/** Flags, width, precision and kind of one place of a format. */
const PLACE = /%([-+ #0]*)(\d*)(?:\.(\d*))?([a-zA-Z%(*]?)/g;

/** Python's `text % values`: `'%0.2f'`, `'%02x'`, `'%s'`. */
export function percentFormat(text: string, values: readonly PythonValue[], work: TemplateWork): string {
  let next = 0;
  const made = text.replaceAll(
    PLACE,
    (_, flags: string, width: string, precision: string | undefined, kind) => {
      if (kind === '%') return '%';
      if (next >= values.length) throw new TemplateFault('not enough values for a format');
      if (Number(width) > MAX_TEXT_CHARACTERS) throw new TemplateFault('a text that is too long');
      const digits = precision === undefined ? undefined : Number(precision);
      if (digits !== undefined && digits > MAX_TEXT_CHARACTERS)
        throw new TemplateFault('a text that is too long');
      const place = placeText(String(kind), { value: values[next++], digits, flags, work });
      return pad(place, { flags, width: Number(width), work });
    },
  );
  if (next < values.length) throw new TemplateFault('more values than a format has places');
  return boundedText(made);
}

type Place = {
  readonly value: PythonValue;
  readonly digits: number | undefined;
  readonly flags: string;
  readonly work: TemplateWork;
};

/** The sign apart, so that zeros go between. */
type PlaceText = { readonly sign: string; readonly text: string; readonly isNumber: boolean };

function placeText(kind: string, { value, digits, flags, work }: Place): PlaceText {
  if (kind === 's') {
    const text = pythonText(value, work);
    return {
      sign: '',
      text: digits === undefined ? text : Array.from(text).slice(0, digits).join(''),
      isNumber: false,
    };
  }
  const number = numberOf(value);
  if (number === undefined || !Number.isFinite(number))
    throw new TemplateFault(`%${kind} of ${typeName(value)}`);
  const text = numberText(kind, { number, isWhole: !isFloat(value), digits, hasPrefix: flags.includes('#') });
  // An int has no negative zero, also where it was made of a float.
  const shown = kind.toLowerCase() === 'f' ? number : Math.trunc(number) + 0;
  const isNegative = shown < 0 || Object.is(shown, -0);
  const sign = isNegative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  return { sign, text, isNumber: true };
}

function numberText(
  kind: string,
  of: { number: number; isWhole: boolean; digits: number | undefined; hasPrefix: boolean },
): string {
  if (of.hasPrefix) throw new TemplateFault('the flag # in a format');
  const positive = Math.abs(of.number);
  if (kind === 'f' || kind === 'F') return fixedText(positive, of.digits ?? 6);
  const base = { d: 10, i: 10, u: 10, x: 16, X: 16, o: 8 }[kind];
  if (base === undefined) throw new TemplateFault(`%${kind} in a format`);
  if (base !== 10 && !of.isWhole) throw new TemplateFault(`%${kind} of float`);
  const text = BigInt(Math.trunc(positive))
    .toString(base)
    .padStart(of.digits ?? 0, '0');
  return kind === 'X' ? text.toUpperCase() : text;
}

function pad(
  { sign, text, isNumber }: PlaceText,
  { flags, width, work }: { readonly flags: string; readonly width: number; readonly work: TemplateWork },
): string {
  const missing = Math.max(0, width - sign.length - charactersOf(text, work).length);
  if (flags.includes('-')) return sign + text + ' '.repeat(missing);
  return isNumber && flags.includes('0')
    ? sign + '0'.repeat(missing) + text
    : ' '.repeat(missing) + sign + text;
}
