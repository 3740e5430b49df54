import { childPath, collectKeys, type ConfigKey, type SchemaNode } from './config-keys.ts';
import { describeExpected } from './read-value.ts';

/** A table in Markdown for each section of a schema that has keys of its own; those of the top come last. */
export function keyTables(schema: SchemaNode, path = ''): string[] {
  const children = Object.entries(schema.properties ?? {});
  const inside = children.flatMap(([name, child]) =>
    child.properties === undefined ? [] : keyTables(child, childPath(path, name)),
  );
  const leaves = children.flatMap(([name, child]) =>
    child.properties === undefined ? collectKeys(child, childPath(path, name)) : [],
  );
  if (path === '') return [...inside, sectionTable('At the top of the file', schema, leaves)];
  return leaves.length === 0 ? inside : [sectionTable(`\`${path}\``, schema, leaves), ...inside];
}

function sectionTable(title: string, schema: SchemaNode, keys: readonly ConfigKey[]): string {
  const intro = schema.description === undefined ? [] : ['', schema.description];
  const head = ['| key | default | must be | meaning, and variable |', '|---|---|---|---|'];
  return [`## ${title}`, ...intro, '', ...head, ...keys.map(tableRow), ''].join('\n');
}

function tableRow({ path, variable, schema }: ConfigKey): string {
  const secret = schema.secret === true ? ` **Secret**: also \`${variable}_FILE\`.` : '';
  const item = schema.items;
  const expected = item === undefined ? describeExpected(schema) : `a list; each ${describeExpected(item)}`;
  const cells = [`\`${path.split('.').at(-1)}\``, `\`${showDefault(schema.default)}\``, expected];
  return `| ${cells.join(' | ')} | ${schema.description}<br>\`${variable}\`${secret} |`;
}

function showDefault(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}
