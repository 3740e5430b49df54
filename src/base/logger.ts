import { inspect } from 'node:util';

type Write = (fields: object, text: string) => void;

/** Where log lines go. A pino logger is one. Never called per message: an enabled line costs microseconds. */
export type Logger = {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** Lines that did not get as far as their reader, where that is known. */
  readonly lost?: () => number;
  /** Lines that were not written because there were too many of their kind, by kind, where somebody reads it. */
  readonly withheld?: Map<string, number>;
};

const nothing: Write = () => {};

/** Writes nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/**
 * Where library parts write that were given no log: what failed, most of it in code of the program around them, is a
 * warning of the process, with its stack and its cause; the rest is nobody's.
 */
export const failureLogger: Logger = {
  ...silentLogger,
  error: (fields, text) => warnProcess(text, (fields as { readonly err?: unknown }).err ?? fields),
};

/** @param why - shown whole: an error with its stack and its cause */
export function warnProcess(text: string, why: unknown): void {
  process.emitWarning(text, { code: 'RECADO', detail: inspect(why) });
}
