import type { Issue } from '../base/errors.ts';
import type { JsonSchema } from './command.ts';

export const MAX_SCHEMA_DEPTH = 8;
export const MAX_SCHEMA_NODES = 512;

const TYPES = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);

/** Keywords that could make the hub follow references or run a stranger's regular expression. */
const REFUSED = new Map([
  ['$ref', 'write the schema out in place'],
  ['$dynamicRef', 'write the schema out in place'],
  ['$recursiveRef', 'write the schema out in place'],
  ['pattern', 'use enum, minLength and maxLength, or check it on the device'],
  ['patternProperties', 'use properties and additionalProperties'],
  ['uniqueItems', 'check it on the device'],
]);

const SCHEMA_KEYWORDS = [
  'items',
  'additionalProperties',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
];
const SCHEMA_LIST_KEYWORDS = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];

type Walk = { readonly issues: Issue[]; nodes: number };

/**
 * Checks a JSON Schema that came from a device. The hub accepts what it can validate in bounded time: no
 * references, no regular expressions, at most 8 levels and 512 subschemas.
 *
 * @returns what is wrong, each with a pointer below `pointer`; empty when the schema can be used
 */
export function checkSchema(schema: unknown, pointer: string): Issue[] {
  const walk: Walk = { issues: [], nodes: 0 };
  visit(schema, pointer, 1, walk);
  return walk.issues;
}

function visit(schema: unknown, pointer: string, depth: number, walk: Walk): void {
  if (typeof schema === 'boolean') return;
  if (!isSchemaObject(schema)) {
    walk.issues.push({ pointer, message: 'must be a JSON Schema: an object' });
    return;
  }
  if (depth > MAX_SCHEMA_DEPTH || ++walk.nodes > MAX_SCHEMA_NODES) {
    walk.issues.push({
      pointer,
      message: `is too large: at most ${MAX_SCHEMA_DEPTH} levels and ${MAX_SCHEMA_NODES} subschemas`,
    });
    return;
  }
  for (const [keyword, instead] of REFUSED) {
    if (keyword in schema)
      walk.issues.push({
        pointer: `${pointer}/${keyword}`,
        message: `is not accepted from devices: ${instead}`,
      });
  }
  checkType(schema, pointer, walk);
  for (const keyword of SCHEMA_KEYWORDS) {
    if (keyword in schema) visit(schema[keyword], `${pointer}/${keyword}`, depth + 1, walk);
  }
  for (const keyword of SCHEMA_LIST_KEYWORDS) {
    const list = schema[keyword];
    if (Array.isArray(list))
      list.forEach((item, index) => visit(item, `${pointer}/${keyword}/${index}`, depth + 1, walk));
  }
  const properties = schema['properties'];
  if (properties === undefined) return;
  if (!isSchemaObject(properties))
    walk.issues.push({ pointer: `${pointer}/properties`, message: 'must be an object' });
  else
    for (const [name, item] of Object.entries(properties))
      visit(item, `${pointer}/properties/${name}`, depth + 1, walk);
}

function checkType(schema: JsonSchema, pointer: string, walk: Walk): void {
  if (!('type' in schema)) return;
  const types = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
  if (!types.every((type) => typeof type === 'string' && TYPES.has(type))) {
    walk.issues.push({ pointer: `${pointer}/type`, message: `must be one of ${[...TYPES].join(', ')}` });
  }
}

function isSchemaObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
