import type { PythonValue } from './python-value.ts';
import type { TemplateWork } from './template-work.ts';

/** In the place of an argument that was not given: undefined is a value. */
export const ABSENT = Symbol('absent');

export type Argument = PythonValue | typeof ABSENT;

/** A filter, a function, a test or a method: what it is called with, and what comes of it. */
export type TemplateFunction<T = PythonValue> = {
  /** In their order; an argument may be given by its name, too. */
  readonly parameters: readonly string[];
  /** How many of them must be given. */
  readonly required: number;
  /** It takes any number more. */
  readonly takesMore?: boolean;
  /** Its first argument is a regular expression. */
  readonly hasPattern?: boolean;
  readonly run: (value: PythonValue, args: readonly Argument[], work: TemplateWork) => T;
};

/** What was given, or the default. */
export function given(argument: Argument | undefined, otherwise: PythonValue): PythonValue {
  return argument === ABSENT ? otherwise : argument;
}

/** The rest of the arguments. */
export function values(args: readonly Argument[]): PythonValue[] {
  return args.filter((argument) => argument !== ABSENT);
}
