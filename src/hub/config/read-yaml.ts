import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { ConfigSchema } from './config-schema.ts';
import { CONFIG_KEYS, sectionKeys, type SchemaNode } from './config-keys.ts';
import { nearestWord } from './nearest-word.ts';
import { formatPath, type Mistake, type Setting, type SourceReading } from './setting.ts';

/** Aliases (`*name`) that one value may use: more is an attack or an accident. */
const MAX_ALIASES = 100;

/**
 * Reads the settings out of the text of a configuration file. JSON is YAML, so a JSON file is read as well.
 *
 * @param fileName - as the person wrote it: mistakes begin with it, a line and a column (both from 1)
 */
export function readYaml(text: string, fileName: string): SourceReading {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    version: '1.2',
  });
  const reader = new YamlReader(document, (offset) => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  });
  return reader.read();
}

class YamlReader {
  readonly #document: Document.Parsed;
  readonly #place: (offset: number) => string;
  readonly #settings: Setting[] = [];
  readonly #mistakes: Mistake[] = [];

  constructor(document: Document.Parsed, place: (offset: number) => string) {
    this.#document = document;
    this.#place = place;
  }

  read(): SourceReading {
    for (const { code, message, pos } of [...this.#document.errors, ...this.#document.warnings]) {
      const text =
        code === 'DUPLICATE_KEY'
          ? 'this key is there twice; keep one of them'
          : `this is not YAML: ${message}`;
      this.#mistakes.push({ where: this.#place(pos[0]), message: text });
    }
    // A key that is there twice leaves the rest readable; what is not YAML does not.
    if (this.#document.errors.every(({ code }) => code === 'DUPLICATE_KEY'))
      this.#readSection(this.#document.contents, ConfigSchema, []);
    return { settings: this.#settings, mistakes: this.#mistakes };
  }

  #readSection(written: Node | null, schema: SchemaNode, path: readonly string[]): void {
    if (isAlias(written) && this.#tellLooseAlias(written, path.join('.'))) return;
    const node = this.#resolve(written);
    // A section whose keys are all commented out is nothing set, not a mistake.
    if (node === null || (isScalar(node) && node.value === null)) return;
    if (!isMap(node)) {
      const where = [this.#placeOf(node), path.join('.')].filter(Boolean).join(' ');
      this.#mistakes.push({ where, message: `must be a section with keys: ${allowedKeys(schema)}` });
      return;
    }
    for (const pair of (node as YAMLMap<Node, Node | null>).items) this.#readPair(pair, schema, path);
  }

  #readPair(pair: Pair<Node, Node | null>, schema: SchemaNode, path: readonly string[]): void {
    const name = isScalar(pair.key) ? String(pair.key.value) : '';
    const keys = sectionKeys(schema) ?? {};
    const child = Object.hasOwn(keys, name) ? keys[name] : undefined;
    const childPath = [...path, name];
    if (child === undefined) {
      this.#mistakes.push({
        where: `${this.#placeOf(pair.key)} ${childPath.join('.')}`,
        message: unknownKeyMessage(name, { path, schema }),
      });
    } else if (sectionKeys(child) === undefined) {
      this.#readLeaf(pair, childPath.join('.'));
    } else {
      this.#readSection(pair.value, child, childPath);
    }
  }

  #readLeaf(pair: Pair<Node, Node | null>, path: string): void {
    if (this.#tellLooseAlias(pair.value, path)) return;
    const node = this.#resolve(pair.value);
    const place = this.#placeOf(pair.value ?? pair.key);
    let value: unknown;
    try {
      value = node === null ? null : (node.toJS(this.#document, { maxAliasCount: MAX_ALIASES }) as unknown);
    } catch (error) {
      this.#mistakes.push({
        where: `${place} ${path}`,
        message: `cannot be read: ${(error as Error).message}`,
      });
      return;
    }
    this.#settings.push({
      path,
      value,
      where: `${place} ${path}`,
      wherePart: (steps) => `${this.#placeInside(node, steps) ?? place} ${formatPath(path, steps)}`,
    });
  }

  #placeInside(node: Node | null, steps: readonly string[]): string | undefined {
    if (node === null || !('getIn' in node)) return undefined;
    const part: unknown = node.getIn(
      steps.map((step) => (/^\d+$/.test(step) && !isMap(node) ? Number(step) : step)),
      true,
    );
    return isScalar(part) || isMap(part) ? this.#placeOf(part) : undefined;
  }

  /** Tells the first alias in a value that nothing before it has the anchor of. True when there is one. */
  #tellLooseAlias(written: Node | null, path: string): boolean {
    let aliases = 0;
    let loose: Alias | undefined;
    visit(written, {
      Alias: (_key, alias) => {
        if (++aliases > MAX_ALIASES) return visit.BREAK;
        if (alias.resolve(this.#document) !== undefined) return undefined;
        loose = alias;
        return visit.BREAK;
      },
    });
    if (loose === undefined) return false;
    const { source } = loose;
    const where = [this.#placeOf(loose), path].filter(Boolean).join(' ');
    this.#mistakes.push({ where, message: `the alias *${source} has no anchor &${source} before it` });
    return true;
  }

  #resolve(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : node;
  }

  #placeOf(node: Node): string {
    return this.#place(node.range?.[0] ?? 0);
  }
}

function unknownKeyMessage(name: string, at: { path: readonly string[]; schema: SchemaNode }): string {
  const known = Object.keys(sectionKeys(at.schema) ?? {});
  const near = nearestWord(name, known);
  if (near !== undefined) return `is not a key; did you mean ${near}? (allowed: ${known.join(', ')})`;
  // A key of another section, as `port` at the top: say the whole path.
  const elsewhere = CONFIG_KEYS.filter((key) => key.path.split('.').at(-1) === name).map((key) => key.path);
  if (elsewhere.length > 0)
    return `is not a key here; did you mean ${elsewhere.join(' or ')}? (allowed: ${known.join(', ')})`;
  return `is not a key (allowed: ${known.join(', ')})`;
}

function allowedKeys(schema: SchemaNode): string {
  return Object.keys(sectionKeys(schema) ?? {}).join(', ');
}
