import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { fail, succeed, type Result } from '../base/result.ts';
import { recognizeBridgeFile } from '../bridge/bridge-files.ts';
import { BRIDGE_CALLER_CONFIG } from '../bridge/caller-config.ts';
import { BRIDGE_SERVER_CONFIG } from '../bridge/server-config.ts';
import { findOpenHttpListener } from '../config/http-listener.ts';
import type { Config } from '../hub/config/config-schema.ts';
import { loadConfig, type ConfigSources } from '../config/load-config.ts';
import { MASK, maskSecrets } from '../config/mask-secrets.ts';
import type { OpenListener } from '../config/open-listener.ts';
import { formatMistake } from '../config/source-reading.ts';
import { HUB_CONFIG } from '../hub/config/hub-config.ts';
import { findOpenListeners } from '../hub/config/open-listeners.ts';
import { findConfigWarnings } from '../hub/config/config-warnings.ts';
import { checkFiles } from '../hub/check-files.ts';

/** A configuration that is good: what to say of it, and what it comes to, without what must not be seen. */
type CheckedConfig = { readonly remarks: readonly string[]; readonly yaml: string };

/** Checks a file of the hub, or with fixed routes: which it is, its keys tell. What is wrong is a line each. */
export async function checkConfig(sources: ConfigSources): Promise<Result<CheckedConfig, readonly string[]>> {
  const { file, folder } = sources;
  const kind = file === undefined ? undefined : recognizeBridgeFile(file, folder);
  if (kind === undefined || file === undefined) return checkHubConfig(sources);
  const mistakes = kind === 'gateway' ? findServerMistakes(sources) : findCallerMistakes(sources);
  if (mistakes.length > 0) return fail(mistakes);
  const remarks = [`${file} is good, for recado ${kind === 'gateway' ? 'gateway' : 'agent'} --config.`];
  return succeed({ remarks, yaml: showMasked(resolve(folder, file)) });
}

async function checkHubConfig(sources: ConfigSources): Promise<Result<CheckedConfig, readonly string[]>> {
  const reading = loadConfig(HUB_CONFIG, sources);
  if (!reading.ok) return fail(reading.failure.map(formatMistake));
  const { config, file, places } = reading.value;
  const open = findOpenListeners(config).map((listener) => placeListener(listener, places));
  const files = await checkFiles(config);
  // Where accounts last, the hub starts, and lets nobody in before there is one.
  const wrong = [...(config.insecure || !config.inMemory ? [] : open), ...(files.ok ? [] : files.failure)];
  const careful = config.insecure ? 'insecure is set' : 'only accounts let anybody in';
  if (wrong.length > 0) return fail(wrong);
  const result =
    file === undefined ? 'There is no file; the defaults and the environment are good.' : `${file} is good.`;
  const remarks = [
    ...open.map((sentence) => `Careful, ${careful}: ${sentence}.`),
    ...findImpliedExport(config),
    ...findConfigWarnings(config).map((sentence) => `Careful, ${sentence}.`),
    ...(files.ok ? files.value.map((warning) => `Careful, ${warning}.`) : []),
    result,
  ];
  return succeed({ remarks, yaml: stringify(maskSecrets(config, HUB_CONFIG.schema)) });
}

/** One setting that sets another one. */
function findImpliedExport({ gateways: { mqtt, homeAssistant } }: Config): string[] {
  if (!homeAssistant.enabled || !homeAssistant.publish || mqtt.export) return [];
  if (!mqtt.enabled) return [];
  return [
    'With gateways.homeAssistant.publish other devices of the hub are shown over MQTT, as with gateways.mqtt.export.',
  ];
}

function findServerMistakes(sources: ConfigSources): string[] {
  const reading = loadConfig(BRIDGE_SERVER_CONFIG, sources);
  if (!reading.ok) return reading.failure.map(formatMistake);
  const { config, places } = reading.value;
  const open = config.insecure ? [] : findOpenHttpListener(config.http, 'the gateway');
  return open.map((listener) => placeListener(listener, places));
}

function findCallerMistakes(sources: ConfigSources): string[] {
  const reading = loadConfig(BRIDGE_CALLER_CONFIG, sources);
  return reading.ok ? [] : reading.failure.map(formatMistake);
}

function placeListener({ path, message }: OpenListener, places: ReadonlyMap<string, string>): string {
  const where = places.get(path) ?? path;
  return where.endsWith(path) ? `${where}: ${message}` : `${where}: ${path} ${message}`;
}

/** Fixed routes as the person wrote them. */
function showMasked(file: string): string {
  const config = parse(readFileSync(file, 'utf8'), { version: '1.2' }) as Record<string, unknown>;
  const { broker, http } = config;
  const hasTokens = typeof http === 'object' && http !== null && 'tokens' in http;
  return stringify({
    ...config,
    ...(typeof broker === 'string' && { broker: broker.replace(/\/\/[^/]*@/, `//${MASK}@`) }),
    ...(hasTokens && { http: { ...http, tokens: [MASK] } }),
  });
}
