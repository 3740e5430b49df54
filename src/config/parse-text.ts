import type { SchemaNode } from './config-keys.ts';

/**
 * Turns the text of a variable or a flag into the kind of value that its key has. Text that does not fit stays
 * text: the check that follows says what it must be.
 */
export function parseText(text: string, schema: SchemaNode): unknown {
  const trimmed = text.trim();
  if (schema.type === 'integer') return /^[+-]?\d{1,16}$/.test(trimmed) ? Number(trimmed) : trimmed;
  if (schema.type === 'boolean') return BOOLEANS.get(trimmed.toLowerCase()) ?? trimmed;
  if (schema.type === 'array') return splitList(text);
  if (schema.type === 'object') {
    const holdsLists = Object.values(schema.patternProperties ?? {}).some(({ type }) => type === 'array');
    const pairs = splitList(text).map(splitPair);
    return Object.fromEntries(
      pairs.map(([name, value]) => [
        name,
        holdsLists ? value.split(/\s+/).filter((word) => word !== '') : value,
      ]),
    );
  }
  return trimmed;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A token may hold `=` itself, so only the first one separates. */
function splitPair(text: string): [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
}
