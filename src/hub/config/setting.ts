/** A value that somebody set, and where: for the sentence that says what is wrong with it. */
export type Setting = {
  /** The key: `http.port`. */
  readonly path: string;
  readonly value: unknown;
  /** Where a person finds it: `recado.yaml:4:11 http.port`, `RECADO_HTTP_PORT`, `--http-port`. */
  readonly where: string;
  /** Where a part of the value is: the second item of a list. */
  readonly wherePart: (steps: readonly string[]) => string;
};

/** One thing that is wrong with the configuration. */
export type Mistake = {
  readonly where: string;
  /** What it must be or what to do, as the end of a sentence that begins with `where`. */
  readonly message: string;
};

/** What one source of the configuration says. */
export type SourceReading = { readonly settings: readonly Setting[]; readonly mistakes: readonly Mistake[] };

/** `recado.yaml:4:11 http.port: must be a whole number, 0 to 65535 (it is "abc")`. */
export function formatMistake(mistake: Mistake): string {
  return `${mistake.where}: ${mistake.message}`;
}

/** `http.tokens`, `['1']` → `http.tokens[1]`; `deviceTokens`, `['door']` → `deviceTokens.door`. */
export function formatPath(path: string, steps: readonly string[]): string {
  return steps.reduce((text, step) => (/^\d+$/.test(step) ? `${text}[${step}]` : `${text}.${step}`), path);
}
