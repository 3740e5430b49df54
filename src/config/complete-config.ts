import { RecadoError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { assembleConfig, type ConfigDefinition } from './load-config.ts';
import { childPath, type SchemaNode } from './config-keys.ts';
import { readValue } from './read-value.ts';
import { formatMistake, SourceReading } from './source-reading.ts';

/** Some keys of a configuration, at any depth. */
export type ConfigParts<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Name in keyof T]?: ConfigParts<T[Name]> | undefined }
    : T;

/**
 * A configuration that a program gives as an object, with a default for each key that it leaves out.
 *
 * @throws {RecadoError} `CONFIG_INVALID` with a line for each mistake
 */
export function completeConfig<T>(definition: ConfigDefinition<T>, given: ConfigParts<T>): T {
  const reading = new SourceReading();
  readSection(given, definition.schema, { path: '', reading });
  const result = assembleConfig(definition, [reading]);
  if (result.ok) return result.value.config;
  const lines = result.failure.map((mistake) => `\n  ${formatMistake(mistake)}`);
  throw new RecadoError('CONFIG_INVALID', `The configuration is wrong:${lines.join('')}`);
}

function readSection(
  given: unknown,
  { properties = {} }: SchemaNode,
  { path, reading }: { path: string; reading: SourceReading },
): void {
  const tell = (where: string, message: string): unknown => reading.mistakes.push({ where, message });
  const allowed = Object.keys(properties).join(', ');
  if (!isJsonObject(given))
    return void tell(path || 'the configuration', `must be an object with: ${allowed}`);
  for (const [name, value] of Object.entries(given)) {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const where = childPath(path, name);
    if (value === undefined) continue;
    if (schema === undefined) tell(where, `is not a key (allowed: ${allowed})`);
    else if (schema.properties !== undefined) readSection(value, schema, { path: where, reading });
    else {
      const read = readValue(value, schema);
      if (read.ok) reading.values.set(where, read.value);
      else for (const { steps, message } of read.failure) tell([where, ...steps].join('.'), message);
    }
  }
}
