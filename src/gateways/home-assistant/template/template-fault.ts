/** Why a template has no result. Thrown inside of the evaluator only: outside it is a value of `Result`. */
export class TemplateFault extends Error {
  /** Where in the template, in characters from its begin; undefined for what shows only in a payload. */
  readonly at: number | undefined;

  constructor(message: string, at?: number) {
    super(message);
    this.at = at;
  }
}
