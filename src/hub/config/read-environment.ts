import { readFileSync } from 'node:fs';
import { CONFIG_KEYS, type ConfigKey } from './config-keys.ts';
import { nearestWord } from './nearest-word.ts';
import { parseText } from './parse-text.ts';
import type { Mistake, Setting, SourceReading } from './setting.ts';

/** Variables that other parts of Recado read. */
const OTHER_VARIABLES = ['RECADO_CONFIG', 'RECADO_URL', 'RECADO_TOKEN', 'RECADO_LANG'];
/** What Kubernetes sets by itself in every pod beside a service named `recado`; `RECADO_PORT` is an address then. */
const SERVICE_LINK =
  /^RECADO_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)=|^RECADO_PORT=(tcp|udp):/;
const MAX_SECRET_FILE_BYTES = 16_777_216;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings out of environment variables. Lists are comma separated, maps are `name=value` pairs;
 * a secret can also stand in a file, named by the variable with `_FILE` at its end (there a new line separates too).
 */
export function readEnvironment(environment: Environment): SourceReading {
  const settings: Setting[] = [];
  const mistakes: Mistake[] = unknownVariables(environment);
  for (const key of CONFIG_KEYS) {
    const reading = readVariable(key, environment);
    if (reading === undefined) continue;
    if ('message' in reading) mistakes.push(reading);
    else settings.push(reading);
  }
  return { settings, mistakes };
}

function readVariable(key: ConfigKey, environment: Environment): Setting | Mistake | undefined {
  const text = environment[key.variable];
  const fileVariable = `${key.variable}_FILE`;
  const file = key.isSecret ? environment[fileVariable] : undefined;
  if (text !== undefined && file !== undefined) {
    return { where: key.variable, message: `is set, and ${fileVariable} too; keep one of them` };
  }
  if (text !== undefined) return toSetting(key, text, key.variable);
  if (file === undefined) return undefined;
  try {
    const content = readFileSync(file, 'utf8');
    if (content.length > MAX_SECRET_FILE_BYTES)
      return { where: fileVariable, message: `names a file that is too large: ${file}` };
    return toSetting(key, content.trim().replaceAll(/\r?\n/g, ','), fileVariable);
  } catch (error) {
    return {
      where: fileVariable,
      message: `names a file that cannot be read: ${file} (${errorCode(error)})`,
    };
  }
}

function toSetting(key: ConfigKey, text: string, where: string): Setting {
  const value = parseText(text, key.schema);
  return {
    path: key.path,
    value,
    where,
    wherePart: ([step]) =>
      Array.isArray(value) ? `${where} (item ${Number(step) + 1})` : `${where} (${step})`,
  };
}

function unknownVariables(environment: Environment): Mistake[] {
  const known = [...OTHER_VARIABLES];
  for (const key of CONFIG_KEYS) known.push(key.variable, ...(key.isSecret ? [`${key.variable}_FILE`] : []));
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

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
