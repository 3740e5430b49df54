import type { JsonSchema } from '../../devices/command.ts';
import { isJsonObject } from '../../base/json.ts';

/** What Thing Descriptions call the shape of a value: a JSON Schema whose `type` is one word (TD 1.1, section 5.3.2). */
type DataSchema = { readonly [keyword: string]: unknown };

/** Each value is of exactly one of these. */
const TYPES = ['null', 'boolean', 'number', 'string', 'array', 'object'] as const;

/** Keywords with one schema, and with a list of them. */
const NESTED = new Set(['items', 'additionalProperties', 'not']);
const NESTED_LISTS = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);
/** One of these says what a value is: without any, programs (node-wot among them) read no value. */
const SAYS_WHAT = ['type', 'enum', 'oneOf'];

/** A value of one of several types. */
export function oneOfTypes(types: readonly string[]): DataSchema {
  return types.length === 1 ? { type: types[0] } : { oneOf: types.map((type) => ({ type })) };
}

/** A JSON Schema of a device in the words of Thing Descriptions. Without one, any value fits. */
export function dataSchemaOf(schema: JsonSchema = {}): DataSchema {
  const written = rewrite(schema);
  return SAYS_WHAT.some((keyword) => written[keyword] !== undefined)
    ? written
    : { ...written, ...oneOfTypes(TYPES) };
}

function rewrite(schema: unknown): DataSchema {
  // `true` is any value, and `false` none; a Thing Description has objects only.
  if (!isJsonObject(schema)) return schema === false ? { not: {} } : {};
  const members = Object.entries(schema).map(([keyword, value]) => [keyword, rewriteKeyword(keyword, value)]);
  return spreadTypes(Object.fromEntries(members) as DataSchema);
}

function rewriteKeyword(keyword: string, value: unknown): unknown {
  if (NESTED.has(keyword)) return rewrite(value);
  if (NESTED_LISTS.has(keyword)) return (value as unknown[]).map(rewrite);
  if (keyword === 'properties')
    return Object.fromEntries(Object.entries(value as object).map(([name, item]) => [name, rewrite(item)]));
  // No two may be the same there.
  if (keyword === 'enum')
    return [...new Map((value as unknown[]).map((item) => [JSON.stringify(item), item])).values()];
  return value;
}

/** `"type": ["a", "b"]` becomes `oneOf`; what else the schema says is for whichever type it fits, as before. */
function spreadTypes({ type, ...rest }: DataSchema): DataSchema {
  if (!Array.isArray(type)) return type === undefined ? rest : { ...rest, type };
  const words = new Set(type as string[]);
  // An integer is a number: it would fit both.
  if (words.has('number')) words.delete('integer');
  const types = oneOfTypes([...words]);
  const { oneOf, allOf = [], ...others } = rest;
  if (oneOf === undefined || 'type' in types) return { ...rest, ...types };
  return { ...others, ...types, allOf: [...(allOf as unknown[]), { oneOf }] };
}
