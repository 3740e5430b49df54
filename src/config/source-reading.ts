import type { ConfigKey } from './config-keys.ts';
import { parseText } from './parse-text.ts';
import { readValue } from './read-value.ts';

/** Names are usually shorter, and no token is. */
const MIN_TOKEN_CHARACTERS = 16;

/** One thing that is wrong with a configuration. */
export type Mistake = {
  /** Where a person finds it: `recado.yaml:4:11 http.port`, `RECADO_HTTP_PORT`, `--http-port`. */
  readonly where: string;
  /** What it must be or what to do, as the end of a sentence that begins with `where`. */
  readonly message: string;
};

/** What one source of a configuration says: a file, the environment, or the flags. */
export class SourceReading {
  /** Of each key that was given, its value: `http.port` → 5070. */
  readonly values = new Map<string, unknown>();
  /** And where it stands. */
  readonly places = new Map<string, string>();
  readonly mistakes: Mistake[] = [];

  /** Takes the text of a variable or a flag, as its key wants it. */
  takeText({ path, schema }: ConfigKey, text: string, where: string): void {
    const value = parseText(text, schema);
    const reading = readValue(value, schema);
    if (reading.ok) {
      this.values.set(path, reading.value);
      this.places.set(path, where);
      return;
    }
    const part = (step: string): string => {
      if (Array.isArray(value)) return `item ${Number(step) + 1}`;
      return schema.secret === true && isBareToken(step, value) ? 'a pair without =' : step;
    };
    for (const { steps, message } of reading.failure)
      this.mistakes.push({ where: steps[0] === undefined ? where : `${where} (${part(steps[0])})`, message });
  }
}

/** Whether a name in a map is a token whose own name was left out: it must not be shown. */
function isBareToken(name: string, map: unknown): boolean {
  const text = String((map as Record<string, unknown>)[name]);
  return name.length >= MIN_TOKEN_CHARACTERS && /^=*$/.test(text);
}

/** `recado.yaml:4:11 http.port: must be a whole number, 0 to 65535 (it is "abc")`. */
export function formatMistake(mistake: Mistake): string {
  return `${mistake.where}: ${mistake.message}`;
}
