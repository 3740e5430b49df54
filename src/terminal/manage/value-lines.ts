import type { Say } from '../messages.ts';
import { textBlock, type Block, type Fact } from '../ui/blocks.ts';

/** A value with more lines is cut: nobody reads them. */
export const MAX_VALUE_LINES = 2000;
const MAX_DEPTH = 8;

/**
 * Shows any JSON value as lines that people can read: one line a member, deeper ones indented, lists numbered.
 *
 * @returns the lines, and how many more there would have been
 */
export function valueLines(value: unknown, say: Say): { lines: Fact[]; cut: number } {
  const lines: Fact[] = [];
  let cut = 0;
  const add = (line: Fact): void => {
    if (lines.length < MAX_VALUE_LINES) lines.push(line);
    else cut++;
  };
  const visit = (label: string, item: unknown, depth: number): void => {
    const members = depth < MAX_DEPTH ? membersOf(item) : undefined;
    if (members === undefined || members.length === 0) {
      add({ depth, label, text: sayScalar(item, say) });
      return;
    }
    if (label !== '') add({ depth, label, text: '' });
    for (const [name, member] of members) visit(name, member, label === '' ? depth : depth + 1);
  };
  visit('', value, 0);
  return { lines, cut };
}

/** A value in blocks, and how much of it is not shown. */
export function valueBlocks(value: unknown, say: Say): Block[] {
  const { lines, cut } = valueLines(value, say);
  return [
    { kind: 'facts', facts: lines, isQuoted: true },
    ...(cut === 0 ? [] : [textBlock(say('answer.cut', { count: cut }), 'dim')]),
  ];
}

function membersOf(value: unknown): [string, unknown][] | undefined {
  if (Array.isArray(value)) return value.map((item: unknown, index) => [`${index + 1}.`, item]);
  return typeof value === 'object' && value !== null ? Object.entries(value) : undefined;
}

function sayScalar(value: unknown, say: Say): string {
  if (value === null || value === undefined) return say('value.empty');
  if (value === '') return say('value.emptyText');
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.length === 0) return say('value.emptyList');
  if (typeof value === 'object' && Object.keys(value).length === 0) return say('value.emptyObject');
  return JSON.stringify(value);
}
