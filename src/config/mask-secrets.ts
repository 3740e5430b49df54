import { collectKeys, type SchemaNode } from './config-keys.ts';

/** Stands where a secret was. */
export const MASK = '********';

/** A copy of a configuration that may be printed: each secret is `********`, the ids of devices stay. */
export function maskSecrets<T>(config: T, schema: SchemaNode): T {
  const copy = structuredClone(config);
  for (const { path } of collectKeys(schema).filter((key) => key.schema.secret === true)) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let section = copy as Record<string, unknown>;
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
