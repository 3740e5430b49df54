import { existsSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { RecadoError } from '../base/errors.ts';
import { readTextUpTo } from '../base/read-file.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import { assembleSection, collectKeys, type ConfigKey, type SchemaNode } from './config-keys.ts';
import { readDocument } from './read-document.ts';
import { readEnvironment, type Environment } from './read-environment.ts';
import { formatMistake, SourceReading, type Mistake } from './source-reading.ts';

/** Room for the tokens of 100,000 devices; more is the wrong file. */
const MAX_CONFIG_FILE_BYTES = 16_777_216;

/** What is wrong, and the keys that it may be mended by: the place of the first one that somebody set is told. */
export type Contradiction = { readonly paths: readonly [string, ...string[]]; readonly message: string };

/** What one program can be told, and from where. `T` is what its schema comes to. */
export type ConfigDefinition<T> = {
  readonly schema: SchemaNode;
  /** Those that have a variable. */
  readonly variables: readonly ConfigKey[];
  /** Variables that other parts read; undefined: a variable that nobody knows is left alone. */
  readonly otherVariables?: readonly string[];
  /** The variable that names the file. */
  readonly fileVariable?: string;
  /** The file that is read when nobody names one, if it is there. */
  readonly usualFile?: string;
  /** Values of keys that nobody set, where they depend on others. */
  readonly completeValues?: (values: ReadonlyMap<string, unknown>) => Readonly<Record<string, unknown>>;
  /** What is wrong only when two keys are seen together. */
  readonly findContradictions: (config: T) => readonly Contradiction[];
};

/** Whether somebody set a key to more than nothing. */
export function isSet(values: ReadonlyMap<string, unknown>, path: string): boolean {
  return Object.keys(Object(values.get(path))).length > 0;
}

/** One flag of the command line that sets a key. */
export type ConfigFlag = { readonly flag: string; readonly path: string; readonly text: string };

export type ConfigSources = {
  readonly environment: Environment;
  /** The folder that relative names start from. */
  readonly folder: string;
  /** The file that the command line names. */
  readonly file?: string | undefined;
  readonly flags?: readonly ConfigFlag[];
};

type LoadedConfig<T> = {
  readonly config: T;
  /** The one that was read, if any. */
  readonly file: string | undefined;
  /** Of each key that was set, where: `recado.yaml:4:11 http.port`, `RECADO_HTTP_PORT`, `--http-port`. */
  readonly places: ReadonlyMap<string, string>;
};

/**
 * Puts a configuration together: defaults, then the file, then the environment, then flags; what comes later wins.
 * What an earlier source has wrong stays a mistake.
 *
 * @returns everything that is wrong at once, when something is
 */
export function loadConfig<T>(
  definition: ConfigDefinition<T>,
  sources: ConfigSources,
): Result<LoadedConfig<T>, readonly Mistake[]> {
  const { schema, variables, otherVariables } = definition;
  const file = chooseFile(definition, sources);
  const readings = [
    file === undefined ? new SourceReading() : readConfigFile(file, sources.folder, schema),
    readEnvironment(sources.environment, variables, otherVariables),
    readFlags(sources.flags ?? [], collectKeys(schema)),
  ];
  const result = assembleConfig(definition, readings);
  return result.ok ? succeed({ ...result.value, file }) : result;
}

/** What several sources say, put together; all that is wrong, when something is. */
export function assembleConfig<T>(
  definition: ConfigDefinition<T>,
  readings: readonly SourceReading[],
): Result<Omit<LoadedConfig<T>, 'file'>, readonly Mistake[]> {
  const values = new Map(readings.flatMap((each) => [...each.values]));
  const places = new Map(readings.flatMap((each) => [...each.places]));
  const completed = new Map([...Object.entries(definition.completeValues?.(values) ?? {}), ...values]);
  const config = assembleSection(definition.schema, completed) as T;
  const contradictions = definition.findContradictions(config).map(({ paths, message }): Mistake => {
    const [where] = paths.flatMap((path) => places.get(path) ?? []);
    return { where: where ?? paths[0], message };
  });
  const mistakes = new Map(
    [...readings.flatMap((each) => each.mistakes), ...contradictions].map((each) => [
      formatMistake(each),
      each,
    ]),
  );
  return mistakes.size > 0 ? fail([...mistakes.values()]) : succeed({ config, places });
}

/**
 * The same, for a program that does not start without.
 *
 * @param program - as texts call it: `the hub`
 * @throws {RecadoError} `CONFIG_INVALID` with a line for each mistake
 */
export function loadConfigOrThrow<T>(
  definition: ConfigDefinition<T>,
  sources: ConfigSources,
  program: string,
): T {
  const reading = loadConfig(definition, sources);
  if (reading.ok) return reading.value.config;
  const lines = reading.failure.map((mistake) => `\n  ${formatMistake(mistake)}`);
  const text = `${program} did not start, because its configuration is wrong:${lines.join('')}`;
  throw new RecadoError('CONFIG_INVALID', text);
}

/** The text of a configuration file, or what is wrong with the file. */
export function readConfigText(file: string, folder: string): Result<string, string> {
  return readTextUpTo(resolve(folder, file), MAX_CONFIG_FILE_BYTES);
}

function chooseFile<T>(
  { fileVariable = '', usualFile }: ConfigDefinition<T>,
  { file, environment, folder }: ConfigSources,
): string | undefined {
  const named = file ?? environment[fileVariable];
  if (named !== undefined) return named;
  return usualFile !== undefined && existsSync(resolve(folder, usualFile)) ? usualFile : undefined;
}

function readConfigFile(file: string, folder: string, schema: SchemaNode): SourceReading {
  const text = readConfigText(file, folder);
  if (text.ok) return placeFileNames(readDocument(text.value, file, schema), resolve(folder, file), schema);
  const reading = new SourceReading();
  reading.mistakes.push({ where: file, message: text.failure });
  return reading;
}

/** Names of files in a file start from its folder, so that it means the same wherever the program is started. */
function placeFileNames(reading: SourceReading, file: string, schema: SchemaNode): SourceReading {
  for (const { path } of collectKeys(schema).filter((key) => key.schema.isFileName === true)) {
    const name = reading.values.get(path);
    if (typeof name !== 'string' || name === '') continue;
    const placed = resolve(dirname(file), name);
    // As people know it, where that is shorter.
    const shown = relative(process.cwd(), placed);
    reading.values.set(path, shown.startsWith('..') || isAbsolute(name) ? placed : shown);
  }
  return reading;
}

function readFlags(flags: readonly ConfigFlag[], keys: readonly ConfigKey[]): SourceReading {
  const reading = new SourceReading();
  for (const { flag, path, text } of flags) {
    const key = keys.find((each) => each.path === path);
    if (key === undefined) throw new TypeError(`no configuration key ${path}`);
    reading.takeText(key, text, flag);
  }
  return reading;
}
