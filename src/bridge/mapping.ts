import { fail, succeed, type Result } from '../base/result.ts';
import type { ValueMistake } from '../config/config-keys.ts';

/** What a mapping may say: a value, or where in what came it stands. */
export type Mapping =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'reference'; readonly root: string; readonly steps: readonly (string | number)[] }
  | { readonly kind: 'list'; readonly items: readonly Mapping[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [name: string, mapping: Mapping])[] };

/** The words that a mapping may refer to. */
export type MappingWords = {
  /** Without `$`: `answer`, `request`. */
  readonly roots: readonly string[];
  /** The one that `$` alone and `$.a` mean, if any. */
  readonly shortRoot?: string;
};

/** What each word stands for. */
export type MappingSources = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 32;
const ROOT = /^\$([A-Za-z]*)/;
const STEP = /^(?:\.([\p{L}\p{N}_-]+)|\[(\d{1,9})\]|\["([^"]*)"\])/u;

/**
 * Reads a mapping: `$answer`, `$request`, paths as `$.a.b[0]` and `$body["a b"]` are references, `$$` at the beginning
 * of a text is a `$`, and everything else stands for itself. Nothing is ever evaluated.
 */
export function readMapping(written: unknown, words: MappingWords): Result<Mapping, readonly ValueMistake[]> {
  const mistakes: ValueMistake[] = [];
  const mapping = read(written, { words, steps: [], mistakes });
  return mistakes.length > 0 ? fail(mistakes) : succeed(mapping);
}

/**
 * What a mapping comes to. A path that leads nowhere leaves its member out; in a list it is null, as JSON has it.
 *
 * @returns undefined when the whole mapping leads nowhere
 */
export function applyMapping(mapping: Mapping, sources: MappingSources): unknown {
  if (mapping.kind === 'literal') return mapping.value;
  if (mapping.kind === 'reference') return follow(sources[mapping.root], mapping.steps);
  if (mapping.kind === 'list') return mapping.items.map((item) => applyMapping(item, sources) ?? null);
  return applyToMembers(mapping.members, sources);
}

/** Whether it comes to the same whatever came. */
export function isConstant(mapping: Mapping): boolean {
  if (mapping.kind === 'list') return mapping.items.every(isConstant);
  if (mapping.kind === 'object') return mapping.members.every(([, member]) => isConstant(member));
  return mapping.kind === 'literal';
}

/** Every reference in it. */
export function findReferences(mapping: Mapping): Extract<Mapping, { kind: 'reference' }>[] {
  if (mapping.kind === 'reference') return [mapping];
  if (mapping.kind === 'list') return mapping.items.flatMap(findReferences);
  return mapping.kind === 'object' ? mapping.members.flatMap(([, member]) => findReferences(member)) : [];
}

type Place = {
  readonly words: MappingWords;
  readonly steps: readonly string[];
  readonly mistakes: ValueMistake[];
};

function read(written: unknown, place: Place): Mapping {
  if (typeof written === 'string') return readText(written, place);
  if (typeof written !== 'object' || written === null) return { kind: 'literal', value: written };
  if (place.steps.length >= MAX_DEPTH) {
    place.mistakes.push({ steps: place.steps, message: `is nested deeper than ${MAX_DEPTH} levels` });
    return { kind: 'literal', value: null };
  }
  const below = (step: string): Place => ({ ...place, steps: [...place.steps, step] });
  if (Array.isArray(written))
    return { kind: 'list', items: written.map((item: unknown, index) => read(item, below(String(index)))) };
  const members = Object.entries(written).map(
    ([name, member]: [string, unknown]) => [name, read(member, below(name))] as const,
  );
  return { kind: 'object', members };
}

function readText(text: string, { words, steps, mistakes }: Place): Mapping {
  if (!text.startsWith('$')) return { kind: 'literal', value: text };
  if (text.startsWith('$$')) return { kind: 'literal', value: text.slice(1) };
  const [matched = '$', name = ''] = ROOT.exec(text) ?? [];
  const root = name === '' ? words.shortRoot : words.roots.find((known) => known === name);
  const path = readSteps(text.slice(matched.length));
  if (root !== undefined && path !== undefined) return { kind: 'reference', root, steps: path };
  const known = words.roots.map((each) => `$${each}`);
  const example = words.shortRoot === undefined ? `${known[0] ?? '$'}.name` : '$.name';
  const message =
    root === undefined
      ? `"${text}" refers to nothing: here are ${known.join(', ')} (a text that begins with $ is written $$…)`
      : `"${text}" is no path: write names and numbers, as ${example}[0] or ${example}["a b"]`;
  mistakes.push({ steps, message });
  return { kind: 'literal', value: null };
}

/** Undefined when it is no path. */
function readSteps(text: string): (string | number)[] | undefined {
  const steps: (string | number)[] = [];
  let rest = text;
  while (rest !== '') {
    const match = STEP.exec(rest);
    if (match === null) return undefined;
    const [matched, name, index, quoted] = match;
    steps.push(index === undefined ? (name ?? quoted ?? '') : Number(index));
    rest = rest.slice(matched.length);
  }
  return steps;
}

/** Only what a value has itself is found: no `constructor`, no `length`. */
function follow(source: unknown, steps: readonly (string | number)[]): unknown {
  let value = source;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) !== (typeof step === 'number') || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function applyToMembers(
  members: readonly (readonly [string, Mapping])[],
  sources: MappingSources,
): Record<string, unknown> {
  const found: [string, unknown][] = [];
  for (const [name, member] of members) {
    const value = applyMapping(member, sources);
    if (value !== undefined) found.push([name, value]);
  }
  // Defines members: also one called `__proto__` is only a member.
  return Object.fromEntries(found);
}
