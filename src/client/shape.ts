import { isJsonObject } from '../base/json.ts';
/** What an answer should have been and is not. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** What is wrong with a value called `name`; undefined when it is a `T`. `vouchesFor` is there for the compiler alone. */
export type Check<T> = ((value: unknown, name: string) => string | undefined) & { readonly vouchesFor?: T };

/** A check for each member: what is new in a schema of the API does not compile before it has one here. */
export type Members<T> = { readonly [K in keyof T]-?: Check<T[K]> };

export type Fields = Readonly<Record<string, unknown>>;

function ofType<T>(type: 'string' | 'number' | 'boolean'): Check<T> {
  return (value, name) => (typeof value === type ? undefined : `has no ${type} "${name}"`);
}

export const text = ofType<string>('string');
export const number = ofType<number>('number');
export const truth = ofType<boolean>('boolean');

/** One of some words; a newer hub may know more of them. */
export function word<T extends string>(): Check<T> {
  return ofType<T>('string');
}

export function oneOf<T extends string>(...words: readonly T[]): Check<T> {
  return (value, name) =>
    words.some((known) => known === value) ? undefined : `has no ${words.join(' or ')} as "${name}"`;
}

export const anything: Check<unknown> = (value, name) =>
  value === undefined ? `has no "${name}"` : undefined;

export function orNull<T>(check: Check<T>): Check<T | null> {
  return (value, name) => (value === null ? undefined : check(value, name));
}

export function optional<T>(check: Check<T>): Check<T> {
  return (value, name) => (value === undefined ? undefined : check(value, name));
}

export const fields: Check<Fields> = (value, name) =>
  isJsonObject(value) ? undefined : `has something else where ${name} should be`;

export function object<T>(members: Members<T>): Check<T> {
  const checks = Object.entries<Check<unknown>>(members);
  return (value, name) => {
    if (!isJsonObject(value)) return fields(value, name);
    for (const [member, check] of checks) {
      const fault = check(value[member], member);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

export function list<T>(item: Check<T>, itemName: string): Check<T[]> {
  return (value, name) => {
    if (!Array.isArray(value)) return `has no list "${name}"`;
    for (const each of value) {
      const fault = item(each, itemName);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

/** Makes a reader of a check: it gives the value on, or throws a `ShapeError`. */
export function reader<T>(check: Check<T>, name: string): (value: unknown) => T {
  return (value) => {
    const fault = check(value, name);
    if (fault !== undefined) throw new ShapeError(fault);
    return value as T;
  };
}
