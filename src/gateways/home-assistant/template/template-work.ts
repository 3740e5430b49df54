import { TemplateFault } from './template-fault.ts';

/** What the templates of one message may do: items they look at, steps of regular expressions, lists they make. */
const MAX_WORK = 400_000;

let left = Number.POSITIVE_INFINITY;

/**
 * Counts work whose size a payload or a template decides.
 *
 * @throws {TemplateFault} when it was too much
 */
export function spend(work: number): void {
  left -= work;
  if (left < 0) throw new TemplateFault('a template that takes too long');
}

/** Runs what templates do together; within another such run what that one has left is all there is. */
export function withinWork<T>(run: () => T): T {
  if (left !== Number.POSITIVE_INFINITY) return run();
  left = MAX_WORK;
  try {
    return run();
  } finally {
    left = Number.POSITIVE_INFINITY;
  }
}
