import { readPattern, type PatternStep } from './pattern.ts';

const MAX_KEPT_PATTERNS = 128;
const kept = new Map<string, readonly PatternStep[]>();

/**
 * The program of a regular expression, kept for the next message.
 *
 * @throws {TemplateFault} what of it is not understood
 */
export function patternOf(source: string, ignoresCase: boolean): readonly PatternStep[] {
  const key = `${ignoresCase} ${source}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const program = readPattern(source, ignoresCase);
  if (kept.size >= MAX_KEPT_PATTERNS) kept.clear();
  kept.set(key, program);
  return program;
}
