import { Value } from 'typebox/value';
import { ConfigSchema, type Config } from './config-schema.ts';

/** The configuration of a hub that was told nothing: loopback only, the usual ports. A new object each time. */
export function defaultConfig(): Config {
  return Value.Create(ConfigSchema) as Config;
}
