import { fail, type Result } from '../../../base/result.ts';

/** Why a template has no result. Thrown inside of the evaluator only: outside it is a value of `Result`. */
export class TemplateFault extends Error {
  /** Where in the template, in characters from its begin; undefined for what shows only in a payload. */
  readonly at: number | undefined;

  constructor(message: string, at?: number) {
    super(message);
    this.at = at;
  }
}

/** What values of Python cannot be made of is a failure where they are used, and thrown no further. */
export function catchFaults<T>(run: () => Result<T, string>): Result<T, string> {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateFault) return fail(error.message);
    throw error;
  }
}
