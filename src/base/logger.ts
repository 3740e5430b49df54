type Write = (fields: object, text: string) => void;

/** Where log lines go. A pino logger is one. Never called per message: an enabled line costs microseconds. */
export type Logger = {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
};

const nothing: Write = () => {};

/** Writes nothing: the default of every library part. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
