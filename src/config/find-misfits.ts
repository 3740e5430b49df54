import type { SchemaNode } from './config-keys.ts';

/** What does not fit its schema: the names or numbers that lead to it, and what it must be. */
type Misfit = {
  readonly steps: readonly string[];
  readonly message: string;
  /** Members of it that the schema does not allow, where that is what is wrong. */
  readonly unknown?: readonly string[];
};

const patterns = new Map<string, RegExp>();

/** All that is wrong with a value by the words of JSON Schema that `Type` writes, those of `anyOf` left out. */
export function findMisfits(schema: SchemaNode, value: unknown): readonly Misfit[] {
  const found: Misfit[] = [];
  addMisfits(found, schema, { value, steps: NO_STEPS });
  return found;
}

const NO_STEPS: readonly string[] = [];

type Place = { readonly value: unknown; readonly steps: readonly string[] };

function addMisfits(found: Misfit[], schema: SchemaNode, place: Place): void {
  const { value, steps } = place;
  if (schema.type !== undefined && !isOfType(value, schema.type))
    return void found.push({ steps, message: `must be ${schema.type}` });
  const messages =
    schema.enum !== undefined && !schema.enum.includes(value as string)
      ? ['must be equal to one of the allowed values']
      : typeof value === 'string'
        ? textMessages(schema, value)
        : typeof value === 'number'
          ? numberMessages(schema, value)
          : [];
  for (const message of messages) found.push({ steps, message });
  if (Array.isArray(value)) addItems(found, schema, { value, steps });
  else if (typeof value === 'object' && value !== null)
    addMembers(found, schema, { value: value as Readonly<Record<string, unknown>>, steps });
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return Number.isFinite(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}

function textMessages({ minLength, maxLength, pattern }: SchemaNode, text: string): string[] {
  const messages: string[] = [];
  if (minLength !== undefined && countCharacters(text) < minLength)
    messages.push(`must not have fewer than ${minLength} characters`);
  if (maxLength !== undefined && text.length > maxLength && countCharacters(text) > maxLength)
    messages.push(`must not have more than ${maxLength} characters`);
  if (pattern !== undefined && !regExpOf(pattern).test(text))
    messages.push(`must match pattern "${pattern}"`);
  return messages;
}

/** JSON Schema counts what Unicode calls code points. */
function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function regExpOf(pattern: string): RegExp {
  let found = patterns.get(pattern);
  if (found === undefined) patterns.set(pattern, (found = new RegExp(pattern, 'u')));
  return found;
}

function numberMessages({ minimum, maximum }: SchemaNode, value: number): string[] {
  if (minimum !== undefined && value < minimum) return [`must be >= ${minimum}`];
  return maximum !== undefined && value > maximum ? [`must be <= ${maximum}`] : [];
}

function addItems(
  found: Misfit[],
  { items, minItems, maxItems }: SchemaNode,
  { value, steps }: { readonly value: readonly unknown[]; readonly steps: readonly string[] },
): void {
  if (minItems !== undefined && value.length < minItems)
    found.push({ steps, message: `must not have fewer than ${minItems} items` });
  if (maxItems !== undefined && value.length > maxItems)
    found.push({ steps, message: `must not have more than ${maxItems} items` });
  if (items === undefined) return;
  for (const [index, item] of value.entries())
    addMisfits(found, items, { value: item, steps: [...steps, String(index)] });
}

function addMembers(
  found: Misfit[],
  schema: SchemaNode,
  { value, steps }: { readonly value: Readonly<Record<string, unknown>>; readonly steps: readonly string[] },
): void {
  const { required = NO_STEPS, maxProperties } = schema;
  const missing = required.filter((name) => !Object.hasOwn(value, name));
  if (missing.length > 0)
    found.push({ steps, message: `must have required properties ${missing.join(', ')}` });
  const names = Object.keys(value);
  if (maxProperties !== undefined && names.length > maxProperties)
    found.push({ steps, message: `must not have more than ${maxProperties} properties` });
  const { properties = {} } = schema;
  const unknown = names.filter(
    (name) => !Object.hasOwn(properties, name) && freeSchema(schema, name) === undefined,
  );
  if (unknown.length > 0 && schema.additionalProperties === false)
    found.push({ steps, message: `has members that are not known: ${unknown.join(', ')}`, unknown });
  for (const [name, member] of Object.entries(properties))
    if (Object.hasOwn(value, name))
      addMisfits(found, member, { value: value[name], steps: [...steps, name] });
  for (const name of schema.patternProperties === undefined ? [] : names) {
    const member = freeSchema(schema, name);
    if (member !== undefined) addMisfits(found, member, { value: value[name], steps: [...steps, name] });
  }
}

function freeSchema({ patternProperties }: SchemaNode, name: string): SchemaNode | undefined {
  for (const pattern in patternProperties)
    if (regExpOf(pattern).test(name)) return patternProperties[pattern];
  return undefined;
}
