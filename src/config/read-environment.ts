import { readTextUpTo } from '../base/read-file.ts';
import type { ConfigKey } from './config-keys.ts';
import { nearestWord } from './nearest-word.ts';
import { SourceReading, type Mistake } from './source-reading.ts';

/** What Kubernetes sets by itself in every pod beside a service named `recado`; `RECADO_PORT` is an address then. */
const SERVICE_LINK =
  /^RECADO_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)=|^RECADO_PORT=(tcp|udp):/;
const MAX_SECRET_FILE_BYTES = 16_777_216;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads keys out of environment variables. Lists are comma separated, maps are `name=value` pairs; a secret can also
 * stand in a file, named by the variable with `_FILE` at its end (there a new line separates too).
 *
 * @param otherVariables - which other parts of Recado read; undefined: no variable is called unknown
 */
export function readEnvironment(
  environment: Environment,
  keys: readonly ConfigKey[],
  otherVariables?: readonly string[],
): SourceReading {
  const reading = new SourceReading();
  if (otherVariables !== undefined)
    reading.mistakes.push(...findUnknownVariables(environment, keys, otherVariables));
  for (const key of keys) readVariable(key, environment, reading);
  return reading;
}

function readVariable(key: ConfigKey, environment: Environment, reading: SourceReading): void {
  const { variable, schema } = key;
  const written = environment[variable];
  const text = written === '' && schema.emptyIsUnset === true ? undefined : written;
  const fileVariable = `${variable}_FILE`;
  const file = schema.secret === true ? environment[fileVariable] : undefined;
  const tell = (where: string, message: string): void => void reading.mistakes.push({ where, message });
  if (text !== undefined && file !== undefined)
    tell(variable, `is set, and ${fileVariable} too; keep one of them`);
  else if (text !== undefined) reading.takeText(key, text, variable);
  else if (file !== undefined) {
    const content = readTextUpTo(file, MAX_SECRET_FILE_BYTES);
    if (content.ok) reading.takeText(key, content.value.trim().replaceAll(/\r?\n/g, ','), fileVariable);
    else tell(fileVariable, `names a file: ${file} ${content.failure}`);
  }
}

function findUnknownVariables(
  environment: Environment,
  keys: readonly ConfigKey[],
  otherVariables: readonly string[],
): Mistake[] {
  const known = [...otherVariables];
  for (const { variable, schema } of keys)
    known.push(variable, ...(schema.secret === true ? [`${variable}_FILE`] : []));
  return Object.entries(environment)
    .filter(([name]) => name.startsWith('RECADO_') && !known.includes(name))
    .filter(([name, text]) => !SERVICE_LINK.test(`${name}=${text}`))
    .map(([name]) => {
      // `RECADO_PORT` for `RECADO_HTTP_PORT`: the section was left out.
      const near =
        known.find((each) => each.endsWith(name.slice('RECADO'.length))) ?? nearestWord(name, known);
      const hint = near === undefined ? 'docs/config.md lists all' : `did you mean ${near}?`;
      return { where: name, message: `is not a variable that Recado knows; ${hint}` };
    });
}
