import { CONFIG_KEYS } from './config-keys.ts';
import type { Config } from './config-schema.ts';

/** Stands where a secret was. */
export const MASK = '********';

/** A copy of the configuration that may be printed: each secret is `********`, the ids of devices stay. */
export function maskSecrets(config: Config): Config {
  const copy = structuredClone(config);
  for (const key of CONFIG_KEYS.filter((each) => each.isSecret)) {
    const names = key.path.split('.');
    const last = names.pop() ?? '';
    let section = copy as unknown as Record<string, unknown>;
    for (const name of names) section = section[name] as Record<string, unknown>;
    section[last] = maskValue(section[last]);
  }
  return copy;
}

function maskValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(() => MASK);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.keys(value).map((name) => [name, MASK]));
  return MASK;
}
