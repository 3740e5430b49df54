import type { Issue } from '../base/errors.ts';

export type InputLimits = {
  readonly maxInputDepth: number;
  /** Members and items, at all levels. */
  readonly maxInputValues: number;
};

/**
 * Which limit an input breaks; undefined when it breaks none. It comes before everything that looks into
 * the input: validating and writing it cost as much as it has values, and go as deep as it does.
 */
export function measureInput(
  input: unknown,
  { maxInputDepth, maxInputValues }: InputLimits,
): Issue | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  let values = 0;
  let level: unknown[] = [input];
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length;
    if (values > maxInputValues) {
      const message = `has more than ${maxInputValues} values (invocations.maxInputValues)`;
      return { pointer: '', message, keyword: 'maxInputValues', limit: maxInputValues };
    }
    if (depth > maxInputDepth) {
      const message = `is nested deeper than ${maxInputDepth} levels (invocations.maxInputDepth)`;
      return { pointer: '', message, keyword: 'maxInputDepth', limit: maxInputDepth };
    }
    const below: unknown[] = [];
    for (const value of level) {
      if (typeof value === 'object' && value !== null)
        for (const item of Object.values(value)) below.push(item);
    }
    level = below;
  }
  return undefined;
}
