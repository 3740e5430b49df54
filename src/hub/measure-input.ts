export type InputLimits = {
  readonly maxInputDepth: number;
  /** Members and items, at all levels. */
  readonly maxInputValues: number;
};

/**
 * Which limit an input breaks, in words; undefined when it breaks none. It comes before everything that looks into
 * the input: validating and writing it cost as much as it has values, and go as deep as it does.
 */
export function measureInput(input: unknown, limits: InputLimits): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  let values = 0;
  let level: unknown[] = [input];
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length;
    if (values > limits.maxInputValues)
      return `has more than ${limits.maxInputValues} values (invocations.maxInputValues)`;
    if (depth > limits.maxInputDepth)
      return `is nested deeper than ${limits.maxInputDepth} levels (invocations.maxInputDepth)`;
    const below: unknown[] = [];
    for (const value of level) {
      if (typeof value === 'object' && value !== null)
        for (const item of Object.values(value)) below.push(item);
    }
    level = below;
  }
  return undefined;
}
