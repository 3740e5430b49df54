import type { TSchema } from 'typebox';
import type { Result } from '../base/result.ts';

/** What is wrong inside one value: the names or numbers that lead to it, and what it must be. */
export type ValueMistake = { readonly steps: readonly string[]; readonly message: string };

/** The words of JSON Schema that a configuration uses, as far as its readers need them, and some of our own. */
export type SchemaNode = TSchema & {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  /** Of a section: names that keys of it once had, and the paths that they have now. */
  readonly formerKeys?: Readonly<Record<string, string>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly unit?: string;
  readonly secret?: boolean;
  /** It names a file: in a configuration file, from the folder of that one on. */
  readonly isFileName?: boolean;
  /** Of a variable: an empty one says nothing, as where a composition passes one on that may not be set. */
  readonly emptyIsUnset?: boolean;
  /** What a text must be, as the end of a sentence that begins with `must be`. */
  readonly expected?: string;
  /** Of a map of free names: what it maps to what, in words. */
  readonly mapOf?: string;
  /** Of such a map: what a name is, as the end of a sentence that begins with `is not`. */
  readonly nameOf?: string;
  /** Makes what the program needs out of what is written, where that is something else. */
  readonly read?: (written: unknown) => Result<unknown, readonly ValueMistake[]>;
};

/** One key of a configuration: what a person can set. */
export type ConfigKey = {
  /** As in the file: `gateways.socket.tcpPort`. */
  readonly path: string;
  /** The variable that sets it: `RECADO_GATEWAYS_SOCKET_TCP_PORT`. */
  readonly variable: string;
  /** Where it is secret: its value is never printed, and can come from a file named by `…_FILE`. */
  readonly schema: SchemaNode;
};

/** Every key of a schema, in its order. A map of free names, as device tokens, is one key; so is a list. */
export function collectKeys(schema: SchemaNode, path = ''): ConfigKey[] {
  if (schema.properties === undefined) return [{ path, variable: variableName(path), schema }];
  return Object.entries(schema.properties).flatMap(([name, child]) =>
    collectKeys(child, childPath(path, name)),
  );
}

/**
 * A section with every key present: those of `values`, else the defaults. A new object each time.
 *
 * @param values - by path: `http.port` → 5070
 */
export function assembleSection(
  schema: SchemaNode,
  values: ReadonlyMap<string, unknown>,
  path = '',
): unknown {
  if (schema.properties === undefined)
    return values.has(path)
      ? values.get(path)
      : structuredClone(schema.default ?? (schema.type === 'array' ? [] : undefined));
  const members: [string, unknown][] = [];
  for (const [name, child] of Object.entries(schema.properties)) {
    const value = assembleSection(child, values, childPath(path, name));
    if (value !== undefined) members.push([name, value]);
  }
  return Object.fromEntries(members);
}

/** `http`, `port` → `http.port`; at the top only the name. */
export function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function variableName(path: string): string {
  const words = path.split('.').map((name) => name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase());
  return ['RECADO', ...words].join('_');
}
