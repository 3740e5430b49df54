import { TemplateFault } from './template-fault.ts';
import type { TemplateWork } from './template-work.ts';

/**
 * A float whose value is a whole number: Python prints it as `42.0`. Every other float is a plain number, and so is an
 * int; what does not fit into 53 bits is a bigint.
 */
export class WholeFloat {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }
}

export class PythonTuple {
  readonly items: readonly PythonValue[];

  constructor(items: readonly PythonValue[]) {
    this.items = items;
  }
}

const MAX_COMPARED_DEPTH = 64;

type DictKey = string | number | bigint | null | undefined;

/** A dict that a template wrote: its keys may be of any kind. Those of payloads are plain objects. */
export class PythonDict {
  readonly #members = new Map<DictKey, { readonly key: PythonValue; value: PythonValue }>();

  set(key: PythonValue, value: PythonValue): void {
    const found = this.#members.get(dictKey(key));
    if (found === undefined) this.#members.set(dictKey(key), { key, value });
    else found.value = value;
  }

  has(key: PythonValue): boolean {
    return this.#members.has(dictKey(key));
  }

  get(key: PythonValue): PythonValue {
    return this.#members.get(dictKey(key))?.value;
  }

  get size(): number {
    return this.#members.size;
  }

  entries(): readonly (readonly [key: PythonValue, value: PythonValue])[] {
    return [...this.#members.values()].map(({ key, value }) => [key, value] as const);
  }
}

export type JsonMembers = { readonly [name: string]: PythonValue };

/** What a template computes with. `null` is Python's None, `undefined` Jinja's undefined. */
export type PythonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | WholeFloat
  | PythonTuple
  | PythonDict
  | readonly PythonValue[]
  | JsonMembers;

/** Keys that are equal are one key: 1, 1.0 and True are. */
function dictKey(key: PythonValue): DictKey {
  if (typeof key === 'boolean') return Number(key);
  if (key instanceof WholeFloat) return key.number;
  if (typeof key !== 'object' || key === null) return key;
  throw new TemplateFault(`${typeName(key)} as a key of a dict`);
}

export function isList(value: PythonValue): value is readonly PythonValue[] {
  return Array.isArray(value);
}

/** A dict of a payload. */
export function isJsonMembers(value: PythonValue): value is JsonMembers {
  return (
    typeof value === 'object' &&
    value !== null &&
    !isList(value) &&
    !(value instanceof WholeFloat || value instanceof PythonTuple || value instanceof PythonDict)
  );
}

/** The items of a list or a tuple. */
export function itemsOf(value: PythonValue): readonly PythonValue[] | undefined {
  if (isList(value)) return value;
  return value instanceof PythonTuple ? value.items : undefined;
}

/** The members of any dict, in their order. */
export function membersOf(
  value: PythonValue,
  work: TemplateWork,
): readonly (readonly [key: PythonValue, value: PythonValue])[] | undefined {
  if (value instanceof PythonDict) return value.entries();
  if (!isJsonMembers(value)) return undefined;
  const entries = Object.entries(value);
  work.spend(entries.length);
  // JavaScript tells such names first and in the order of numbers, whatever the payload said.
  if (entries.length > 1 && entries.some(([name]) => /^\d+$/.test(name)))
    throw new TemplateFault('the order of members whose names are numbers');
  return entries;
}

/** Whether a float is meant, and not an int. */
export function isFloat(value: PythonValue): boolean {
  return value instanceof WholeFloat || (typeof value === 'number' && !Number.isInteger(value));
}

/** A float as a value. */
export function float(number: number): PythonValue {
  return Number.isInteger(number) ? new WholeFloat(number) : number;
}

/** An int as a value: only where it is exact. */
export function int(number: number): PythonValue {
  if (!Number.isSafeInteger(number)) throw new TemplateFault('a number of more than 53 bits');
  return number === 0 ? 0 : number;
}

/** The number that a value is; undefined when it is none. True and False are 1 and 0. */
export function numberOf(value: PythonValue): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  return value instanceof WholeFloat ? value.number : undefined;
}

/** Python's name of its type, for messages. */
export function typeName(value: PythonValue): string {
  if (value === undefined) return 'undefined';
  if (value === null) return 'None';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (isFloat(value)) return 'float';
  if (typeof value === 'number' || typeof value === 'bigint') return 'int';
  if (isList(value)) return 'list';
  return value instanceof PythonTuple ? 'tuple' : 'dict';
}

export function isTruthy(value: PythonValue, work: TemplateWork): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value) || Number.isNaN(value);
  const number = numberOf(value);
  if (number !== undefined) return number !== 0;
  return lengthOf(value, work) !== 0;
}

/** Number of characters, items or members; undefined for what has none. */
export function lengthOf(value: PythonValue, work: TemplateWork): number | undefined {
  if (value === undefined) return 0;
  if (typeof value === 'string') return charactersOf(value, work).length;
  if (value instanceof PythonDict) return value.size;
  if (!isJsonMembers(value)) return itemsOf(value)?.length;
  const { length } = Object.keys(value);
  work.spend(length);
  return length;
}

/** Python counts characters, JavaScript halves of some. */
export function charactersOf(text: string, work: TemplateWork): string | readonly string[] {
  work.spendText(text);
  if (!/[\ud800-\udfff]/.test(text)) return text;
  work.spend(text.length);
  return Array.from(text);
}

type Comparing = { readonly work: TemplateWork; readonly depth: number };

/** `one == other`. */
export function areEqual(one: PythonValue, other: PythonValue, work: TemplateWork, depth = 0): boolean {
  work.spend(1);
  if (one === other) return true;
  if (depth > MAX_COMPARED_DEPTH) throw new TemplateFault('a comparison of lists that are too deep');
  const first = numberOf(one) ?? (typeof one === 'bigint' ? one : undefined);
  const second = numberOf(other) ?? (typeof other === 'bigint' ? other : undefined);
  // eslint-disable-next-line eqeqeq -- a bigint and a number are equal here, and only here
  if (first !== undefined && second !== undefined) return first == second;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (isList(one) !== isList(other)) return false;
  const items = itemsOf(one);
  const others = itemsOf(other);
  if (items !== undefined && others !== undefined)
    return areAllEqual(items, others, { work, depth: depth + 1 });
  if (items !== undefined || others !== undefined || first !== undefined || second !== undefined)
    return false;
  return haveEqualMembers(one, other, { work, depth: depth + 1 });
}

function areAllEqual(
  one: readonly PythonValue[],
  other: readonly PythonValue[],
  { work, depth }: Comparing,
): boolean {
  return one.length === other.length && one.every((item, index) => areEqual(item, other[index], work, depth));
}

function haveEqualMembers(one: PythonValue, other: PythonValue, { work, depth }: Comparing): boolean {
  if (lengthOf(one, work) !== lengthOf(other, work)) return false;
  const members =
    one instanceof PythonDict ? one.entries() : isJsonMembers(one) ? Object.entries(one) : undefined;
  return members!.every(
    ([key, value]) => hasMember(other, key) && areEqual(value, memberOf(other, key), work, depth),
  );
}

/** Whether a dict has a key. */
export function hasMember(dict: PythonValue, key: PythonValue): boolean {
  if (dict instanceof PythonDict) return dict.has(key);
  dictKey(key);
  return isJsonMembers(dict) && typeof key === 'string' && Object.hasOwn(dict, key);
}

/** The value of a key that a dict has. */
export function memberOf(dict: PythonValue, key: PythonValue): PythonValue {
  return dict instanceof PythonDict ? dict.get(key) : (dict as JsonMembers)[key as string];
}

/** Below 0, 0 or above it, as `one` is less than, equal to or more than `other`; NaN where nothing of it is true. */
export function compare(one: PythonValue, other: PythonValue, work: TemplateWork): number {
  const first = numberOf(one);
  const second = numberOf(other);
  if (first !== undefined && second !== undefined)
    return first === second ? 0 : first < second ? -1 : first > second ? 1 : Number.NaN;
  if (typeof one === 'string' && typeof other === 'string') return compareTexts(one, other, work);
  throw new TemplateFault(`${typeName(one)} and ${typeName(other)} have no order`);
}

/** By code points, which differ in order from JavaScript's units. */
function compareTexts(one: string, other: string, work: TemplateWork): number {
  const first = charactersOf(one, work);
  const second = charactersOf(other, work);
  if (typeof first === 'string' && typeof second === 'string')
    return one === other ? 0 : one < other ? -1 : 1;
  for (let index = 0; index < Math.min(first.length, second.length); index++) {
    const difference = first[index]!.codePointAt(0)! - second[index]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return first.length - second.length;
}

/** `item in container`. */
export function contains(container: PythonValue, item: PythonValue, work: TemplateWork): boolean {
  if (container === undefined) return false;
  if (typeof container === 'string' && typeof item === 'string') {
    work.spendText(container);
    return container.includes(item);
  }
  const items = itemsOf(container);
  if (items !== undefined) return items.some((each) => areEqual(each, item, work));
  if (container instanceof PythonDict || isJsonMembers(container)) return hasMember(container, item);
  throw new TemplateFault(`${typeName(item)} in ${typeName(container)}`);
}
