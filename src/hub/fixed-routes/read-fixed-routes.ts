import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import type { SchemaNode } from '../config/config-keys.ts';
import { nearestWord } from '../config/nearest-word.ts';
import { formatPath, type Mistake } from '../config/setting.ts';
import { readLeaf } from './read-leaf.ts';

/** Aliases (`*name`) that one value may use: more is an attack or an accident. */
const MAX_ALIASES = 100;

/** A value for each key of the schema that was given or has a default; and where each that was given stands. */
export type FixedRoutesReading = {
  readonly value: Readonly<Record<string, unknown>>;
  /** `routes[0].route` → `gateway.yaml:3:12 routes[0].route`. */
  readonly places: ReadonlyMap<string, string>;
  readonly mistakes: readonly Mistake[];
};

/**
 * Reads the text of gateway.yaml or agent.yaml by its schema. JSON is YAML, so a JSON file is read as well.
 *
 * @param fileName - as the person wrote it: mistakes begin with it, a line and a column (both from 1)
 */
export function readFixedRoutes(text: string, fileName: string, schema: SchemaNode): FixedRoutesReading {
  return new SchemaReader(text, fileName).read(schema);
}

class SchemaReader {
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();
  readonly #fileName: string;
  readonly #mistakes: (Mistake & { readonly offset: number })[] = [];
  readonly #places = new Map<string, string>();

  constructor(text: string, fileName: string) {
    this.#fileName = fileName;
    const options = { uniqueKeys: true, prettyErrors: false, version: '1.2' } as const;
    this.#document = parseDocument(text, { lineCounter: this.#lines, ...options });
  }

  read(schema: SchemaNode): FixedRoutesReading {
    let value = {};
    for (const { code, message, pos } of [...this.#document.errors, ...this.#document.warnings]) {
      const what =
        code === 'DUPLICATE_KEY'
          ? 'this key is there twice; keep one of them'
          : `this is not YAML: ${message}`;
      this.#mistakes.push({ where: this.#place(pos[0]), message: what, offset: pos[0] });
    }
    if (this.#document.errors.every(({ code }) => code === 'DUPLICATE_KEY'))
      value = this.#readSection(this.#document.contents, schema, '');
    this.#mistakes.sort((one, other) => one.offset - other.offset);
    const mistakes = this.#mistakes.map(({ where, message }) => ({ where, message }));
    return { value, places: this.#places, mistakes };
  }

  #readSection(written: Node | null, schema: SchemaNode, path: string): Record<string, unknown> {
    if (isAlias(written) && written.resolve(this.#document) === undefined) {
      this.#tell(written, path, `the alias *${written.source} has no anchor before it`);
      return {};
    }
    const node = this.#resolve(written);
    const keys = schema.properties ?? {};
    // A section whose keys are all commented out is nothing set, not a mistake.
    const isEmpty = node === null || (isScalar(node) && node.value === null);
    if (!isEmpty && !isMap(node)) {
      this.#tell(node, path, `must be a section with keys: ${Object.keys(keys).join(', ')}`);
      return {};
    }
    const given = new Map<string, Pair<Node, Node | null>>();
    for (const pair of isEmpty ? [] : (node as YAMLMap<Node, Node | null>).items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : '';
      if (Object.hasOwn(keys, name)) given.set(name, pair);
      else this.#tell(pair.key, childPath(path, name), unknownKeyMessage(name, Object.keys(keys)));
    }
    const value: Record<string, unknown> = {};
    for (const [name, child] of Object.entries(keys)) {
      const pair = given.get(name);
      const at = {
        node: pair?.value ?? pair?.key ?? node,
        path: childPath(path, name),
        isGiven: pair !== undefined,
      };
      const read = this.#readKey(pair?.value ?? null, child, at);
      const { required = [] } = schema as { readonly required?: readonly string[] };
      if (read === undefined && required.includes(name) && !at.isGiven)
        this.#tell(node, at.path, 'must be there');
      if (read !== undefined) value[name] = read;
    }
    return value;
  }

  #readKey(
    written: Node | null,
    schema: SchemaNode,
    at: { node: Node | null; path: string; isGiven: boolean },
  ): unknown {
    if (at.isGiven) this.#places.set(at.path, `${this.#placeOf(at.node)} ${at.path}`);
    if (schema.properties !== undefined) return this.#readSection(written, schema, at.path);
    if (!at.isGiven) return schema.default;
    if (schema.items?.properties !== undefined) return this.#readList(written, schema.items, at.path);
    return this.#readLeaf(written, schema, at);
  }

  #readList(written: Node | null, itemSchema: SchemaNode, path: string): unknown[] {
    const node = this.#resolve(written);
    if (!isSeq(node) || node.items.length === 0) {
      this.#tell(node, path, 'must be a list with at least one item');
      return [];
    }
    return node.items.map((item, index) => this.#readSection(item as Node, itemSchema, `${path}[${index}]`));
  }

  #readLeaf(written: Node | null, schema: SchemaNode, at: { node: Node | null; path: string }): unknown {
    let value: unknown;
    try {
      value = written?.toJS(this.#document, { maxAliasCount: MAX_ALIASES }) ?? null;
    } catch (error) {
      this.#tell(at.node, at.path, `cannot be read: ${(error as Error).message}`);
      return undefined;
    }
    const reading = readLeaf(value, schema);
    if (reading.ok) return reading.value;
    for (const { steps, message } of reading.mistakes)
      this.#tell(this.#findInside(written, steps) ?? at.node, formatPath(at.path, steps), message);
    return undefined;
  }

  #findInside(node: Node | null, steps: readonly string[]): Node | undefined {
    let part: Node | null | undefined = node;
    for (const step of steps) {
      const inside: Node | null = this.#resolve(part ?? null);
      if (!isMap(inside) && !isSeq(inside)) return undefined;
      part = inside.get(isSeq(inside) ? Number(step) : step, true) as Node | undefined;
    }
    return part ?? undefined;
  }

  #resolve(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : node;
  }

  #tell(node: Node | null, path: string, message: string): void {
    const where = [this.#placeOf(node), path].filter(Boolean).join(' ');
    this.#mistakes.push({ where, message, offset: node?.range?.[0] ?? 0 });
  }

  #placeOf(node: Node | null): string {
    return this.#place(node?.range?.[0] ?? 0);
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#fileName}:${Math.max(1, line)}:${Math.max(1, col)}`;
  }
}

function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function unknownKeyMessage(name: string, known: readonly string[]): string {
  const near = nearestWord(name, known);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return `is not a key${hint} (allowed: ${known.join(', ')})`;
}
