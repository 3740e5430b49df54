import { isDeeperThan, MAX_JSON_DEPTH } from '../../../base/json.ts';
import { float, type PythonValue } from './python-value.ts';

/** Numbers that JavaScript would not tell as Python does: `21.0`, `1e3`, `-0`, and those of more than 15 digits. */
const UNUSUAL_NUMBER = /\d\.0*(?!\d)|\d[eE]|-0|\d{16}/;

/** Python reads no longer one, for the time that it takes. */
const MAX_INT_CHARACTERS = 4300;

/** What a payload is as JSON, as Python has it; undefined when it is none. */
export function parsePayloadJson(text: string): PythonValue {
  if (isDeeperThan(text, MAX_JSON_DEPTH)) return undefined;
  try {
    return UNUSUAL_NUMBER.test(text)
      ? (JSON.parse(text, reviveNumber) as PythonValue)
      : (JSON.parse(text) as PythonValue);
  } catch {
    return undefined;
  }
}

function reviveNumber(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number') return value;
  const source = context?.source ?? String(value);
  if (/[.eE]/.test(source)) return float(value);
  if (Number.isSafeInteger(value)) return value + 0;
  if (source.length > MAX_INT_CHARACTERS) throw new RangeError('an int that Python does not read');
  return BigInt(source);
}
