import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { checkValue } from './check-value.ts';
import { CONFIG_KEYS, type ConfigKey } from './config-keys.ts';
import type { Config } from './config-schema.ts';
import { defaultConfig } from './default-config.ts';
import { parseText } from './parse-text.ts';
import { readEnvironment, type Environment } from './read-environment.ts';
import { readYaml } from './read-yaml.ts';
import type { Mistake, Setting, SourceReading } from './setting.ts';

/** The file that is read when nobody names one. */
export const DEFAULT_CONFIG_FILE = 'recado.yaml';
/** Room for the tokens of 100,000 devices; more is the wrong file. */
const MAX_CONFIG_FILE_BYTES = 16_777_216;

/** One flag of the command line that sets a key. */
export type ConfigFlag = { readonly flag: string; readonly path: string; readonly text: string };

export type ConfigSources = {
  readonly environment: Environment;
  /** The folder where `recado.yaml` is looked for, and that relative names start from. */
  readonly folder: string;
  /** The file that `--config` names. */
  readonly file?: string | undefined;
  readonly flags?: readonly ConfigFlag[];
};

/**
 * A good configuration, or everything that is wrong with it at once. `file` is the one that was read, if any;
 * `places` says of each key that was set where: `recado.yaml:4:11 http.port`, `RECADO_HTTP_PORT`, `--http-port`.
 */
export type ConfigReading =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly file: string | undefined;
      readonly places: ReadonlyMap<string, string>;
    }
  | { readonly ok: false; readonly mistakes: readonly Mistake[]; readonly file: string | undefined };

/**
 * Puts the configuration together: defaults, then the file, then the environment, then flags; what comes later wins.
 * The file is the one of `--config`, else of `RECADO_CONFIG`, else `recado.yaml` when it exists, else none.
 */
export function loadConfig(sources: ConfigSources): ConfigReading {
  const { file, reading } = readConfigFile(sources);
  const readings = [reading, readEnvironment(sources.environment), readFlags(sources.flags ?? [])];
  const mistakes = readings.flatMap((each) => each.mistakes);
  // Each setting is checked, also one that a later source overrides: a mistake in the file stays a mistake.
  const settings = new Map<string, Setting>();
  for (const setting of readings.flatMap((each) => each.settings)) {
    const found = checkSetting(setting);
    if (found.length === 0) settings.set(setting.path, setting);
    mistakes.push(...found);
  }
  const config = applySettings(settings.values());
  mistakes.push(...checkTogether(config, settings));
  const unique = [
    ...new Map(mistakes.map((mistake) => [`${mistake.where}\n${mistake.message}`, mistake])).values(),
  ];
  if (unique.length > 0) return { ok: false, mistakes: unique, file };
  const places = new Map([...settings.values()].map(({ path, where }) => [path, where]));
  return { ok: true, config, file, places };
}

function readConfigFile(sources: ConfigSources): { file: string | undefined; reading: SourceReading } {
  const named = sources.file ?? sources.environment['RECADO_CONFIG'];
  const file = named ?? DEFAULT_CONFIG_FILE;
  const fullName = isAbsolute(file) ? file : join(sources.folder, file);
  if (named === undefined && !existsSync(fullName))
    return { file: undefined, reading: { settings: [], mistakes: [] } };
  try {
    if (statSync(fullName).size > MAX_CONFIG_FILE_BYTES)
      return unreadable(file, `is larger than ${MAX_CONFIG_FILE_BYTES} bytes`);
    return { file, reading: readYaml(readFileSync(fullName, 'utf8'), file) };
  } catch (error) {
    return unreadable(file, describeReadError(error as NodeJS.ErrnoException));
  }
}

function unreadable(file: string, message: string): { file: string; reading: SourceReading } {
  return { file, reading: { settings: [], mistakes: [{ where: file, message }] } };
}

function describeReadError(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file';
  if (error.code === 'EISDIR') return 'this is a folder, not a file';
  if (error.code === 'EACCES') return 'this user may not read the file';
  return `cannot be read: ${error.message}`;
}

function readFlags(flags: readonly ConfigFlag[]): SourceReading {
  const settings = flags.map(({ flag, path, text }): Setting => {
    const value = parseText(text, configKey(path).schema);
    return { path, value, where: flag, wherePart: ([step]) => `${flag} (${step})` };
  });
  return { settings, mistakes: [] };
}

function checkSetting(setting: Setting): Mistake[] {
  const key = configKey(setting.path);
  return checkValue(setting.value, key.schema, key.isSecret).map(({ steps, message }) => ({
    where: steps.length === 0 ? setting.where : setting.wherePart(steps),
    message,
  }));
}

function configKey(path: string): ConfigKey {
  const key = CONFIG_KEYS.find((each) => each.path === path);
  if (key === undefined) throw new TypeError(`no configuration key ${path}`);
  return key;
}

type Section = { [name: string]: unknown };

function applySettings(settings: Iterable<Setting>): Config {
  const config = defaultConfig();
  for (const { path, value } of settings) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    const section = names.reduce((parent, name) => parent[name] as Section, config as unknown as Section);
    section[last] = value;
  }
  return config;
}

/** What is wrong only when two keys are seen together. */
function checkTogether(config: Config, settings: ReadonlyMap<string, Setting>): Mistake[] {
  const where = (first: string, second: string): string =>
    (settings.get(first) ?? settings.get(second))?.where ?? first;
  const mistakes: Mistake[] = [];
  const mustNotExceed = (small: readonly [string, number], large: readonly [string, number]): void => {
    if (small[1] <= large[1]) return;
    const message = `${small[0]} is ${small[1]}, more than ${large[0]}, which is ${large[1]}; lower the one or raise the other`;
    mistakes.push({ where: where(small[0], large[0]), message });
  };
  const { devices, invocations } = config;
  mustNotExceed(
    ['invocations.defaultTimeoutMs', invocations.defaultTimeoutMs],
    ['invocations.maxTimeoutMs', invocations.maxTimeoutMs],
  );
  mustNotExceed(
    ['devices.maxQueuedPerCaller', devices.maxQueuedPerCaller],
    ['devices.maxQueuedInvocations', devices.maxQueuedInvocations],
  );
  const others = [
    ...findSharedPorts(config),
    ...findMissingTlsParts(config.mqtt),
    ...findUnprovenAgents(config),
  ];
  mistakes.push(...others.map(({ paths, message }) => ({ where: where(...paths), message })));
  return mistakes;
}

/** What is wrong, and the keys that it may be mended by: the place of the first one that somebody set is told. */
type Contradiction = { readonly paths: readonly [string, string]; readonly message: string };

function findSharedPorts({ http, gateways: { socket }, mqtt }: Config): Contradiction[] {
  const ports = [
    { path: 'http.port', ...http },
    ...(socket.enabled ? [{ path: 'gateways.socket.tcpPort', host: socket.host, port: socket.tcpPort }] : []),
    ...(mqtt.enabled ? [{ path: 'mqtt.port', ...mqtt }] : []),
    ...(mqtt.enabled && mqtt.tls.enabled ? [{ path: 'mqtt.tls.port', ...mqtt.tls }] : []),
  ].filter(({ port }) => port !== 0);
  return ports.flatMap((later, index) =>
    ports
      .slice(0, index)
      .filter(({ host, port }) => host === later.host && port === later.port)
      .map(({ path, port }) => {
        const message = `${path} and ${later.path} are both ${port}; each needs its own`;
        return { paths: [later.path, path], message };
      }),
  );
}

function findMissingTlsParts({ enabled, tls }: Config['mqtt']): Contradiction[] {
  if (!enabled || !tls.enabled) return [];
  const missing: Contradiction[] = [];
  const mustBeSet = (path: string, because: string, why: string): void => {
    missing.push({ paths: [path, because], message: `${path} must be set, because ${why}` });
  };
  if (tls.certFile === '') mustBeSet('mqtt.tls.certFile', 'mqtt.tls.enabled', 'mqtt.tls.enabled is true');
  if (tls.keyFile === '') mustBeSet('mqtt.tls.keyFile', 'mqtt.tls.enabled', 'mqtt.tls.enabled is true');
  const { clientCertificates, certificateNames } = tls;
  if (clientCertificates !== 'no' && tls.caFile === '') {
    const why = `mqtt.tls.clientCertificates is ${clientCertificates}`;
    mustBeSet('mqtt.tls.caFile', 'mqtt.tls.clientCertificates', why);
  }
  if (clientCertificates === 'no' && certificateNames) {
    const why = 'mqtt.tls.certificateNames is true';
    mustBeSet('mqtt.tls.clientCertificates', 'mqtt.tls.certificateNames', why);
  }
  return missing;
}

/** A user name that nobody proves is no right to anything. */
function findUnprovenAgents({ services, mqtt, broker }: Config): Contradiction[] {
  const isNeeded =
    services.enabled && mqtt.enabled && broker === '' && Object.keys(services.agents).length > 0;
  if (!isNeeded || mqtt.passwordFile !== '' || mqtt.tls.certificateNames) return [];
  const message =
    'services.agents names users, and nothing proves who they are: set mqtt.passwordFile or mqtt.tls.certificateNames';
  return [{ paths: ['services.agents', 'mqtt.passwordFile'], message }];
}
