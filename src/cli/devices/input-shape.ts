import { escapeLine } from '../../base/printable-text.ts';
import type { Command } from '../../client/index.ts';
import { cutTo } from '../../terminal/ui/rows.ts';

/** Of a list that people read; --json has the whole schema. */
const MAX_COLUMNS = 40;

/** As the hub has checked it when the device came. */
type SchemaParts = {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
};

/** What a command takes, in as few words as it goes: `number`, `"heat"|"cool"`, `{target, mode?}`. */
export function shapeOf(schema: Command['input']): string {
  return schema === null ? '-' : cutTo(escapeLine(describeSchema(schema)), MAX_COLUMNS);
}

function describeSchema(schema: SchemaParts): string {
  const { type, enum: choices, properties, required = [] } = schema;
  if (choices !== undefined) return choices.map((choice) => JSON.stringify(choice)).join('|');
  if (properties !== undefined) {
    const members = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
    return `{${members.join(', ')}}`;
  }
  if (typeof type === 'string') return type;
  return Object.keys(schema).length === 0 ? 'any' : JSON.stringify(schema);
}
