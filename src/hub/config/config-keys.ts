import type { TSchema } from 'typebox';
import { ConfigSchema } from './config-schema.ts';

/** The words of JSON Schema that the configuration uses, as far as its readers need them. */
export type SchemaNode = TSchema & {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly unit?: string;
  readonly secret?: boolean;
  /** Of a map of free names: what it maps to what, in words. */
  readonly mapOf?: string;
};

/** One key of the configuration: what a person can set. */
export type ConfigKey = {
  /** As in the file: `gateways.socket.tcpPort`. */
  readonly path: string;
  /** The variable that sets it: `RECADO_GATEWAYS_SOCKET_TCP_PORT`. */
  readonly variable: string;
  readonly schema: SchemaNode;
  /** Its value is never printed, and can come from a file named by `…_FILE`. */
  readonly isSecret: boolean;
};

/** The keys below a section, by name; undefined for a leaf. A map of free names, as device tokens, is a leaf. */
export function sectionKeys(schema: SchemaNode): Readonly<Record<string, SchemaNode>> | undefined {
  return schema.properties;
}

/** Every key of the configuration, in the order of the schema. */
export const CONFIG_KEYS: readonly ConfigKey[] = collectKeys(ConfigSchema, []);

function collectKeys(schema: SchemaNode, path: readonly string[]): ConfigKey[] {
  const keys = sectionKeys(schema);
  if (keys !== undefined)
    return Object.entries(keys).flatMap(([name, child]) => collectKeys(child, [...path, name]));
  return [{ path: path.join('.'), variable: variableName(path), schema, isSecret: schema.secret === true }];
}

function variableName(path: readonly string[]): string {
  const words = path.map((name) => name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase());
  return ['RECADO', ...words].join('_');
}
