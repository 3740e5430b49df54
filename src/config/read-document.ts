import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import type { Document, LineCounter, Node, Pair, YAMLError, YAMLMap } from 'yaml';
import { assembleSection, childPath, collectKeys, type SchemaNode } from './config-keys.ts';
import { nearestWord } from './nearest-word.ts';
import { readValue } from './read-value.ts';
import { SourceReading, type Mistake } from './source-reading.ts';

/** Aliases (`*name`) that one value may use: more is an attack or an accident. */
const MAX_ALIASES = 100;
/** Of a file that is something else altogether, nobody reads more. */
const MAX_FAULTS = 10;
const YAML_OPTIONS = { uniqueKeys: true, prettyErrors: false, version: '1.2' } as const;

/** Loaded with the first file: a program that is given none goes without it. */
const requireYaml = createRequire(import.meta.url);
const yaml = (): typeof Yaml => requireYaml('yaml') as typeof Yaml;

const LONE_CARRIAGE_RETURN = /\r(?!\n)/;
const TOO_DEEP = 'TOO_DEEP';
/** Of what the parser finds, in our words. */
const FAULT_WORDS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key is there twice; keep one of them',
  MULTIPLE_DOCS: 'a second document begins here; keep one of them',
  [TOO_DEEP]: 'this is nested too deep to be read',
};

type Entry = Pair<Node, Node | null>;

/**
 * Reads the text of a configuration file by its schema. JSON is YAML, so a JSON file is read as well.
 *
 * @param fileName - as the person wrote it: places begin with it, a line and a column (both from 1)
 * @returns mistakes about keys before those about values
 */
export function readDocument(text: string, fileName: string, schema: SchemaNode): SourceReading {
  return new DocumentReader(text, fileName, schema).read();
}

/** The keys at the top of a file and, as `routes[].call`, those of the items of its lists: enough to know its kind. */
export function outlineDocument(text: string): ReadonlySet<string> {
  const { contents } = yaml().parseDocument(text, YAML_OPTIONS);
  const keys = new Set<string>();
  for (const { key, value } of yaml().isMap(contents) ? contents.items : []) {
    keys.add(String(key));
    for (const item of yaml().isSeq(value) ? value.items : [])
      for (const pair of yaml().isMap(item) ? item.items : [])
        keys.add(`${String(key)}[].${String(pair.key)}`);
  }
  return keys;
}

class DocumentReader {
  readonly #text: string;
  readonly #schema: SchemaNode;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter = new (yaml().LineCounter)();
  readonly #fileName: string;
  readonly #reading = new SourceReading();
  /** What is wrong with values; what is wrong with keys is told before it. */
  readonly #badValues: Mistake[] = [];

  constructor(text: string, fileName: string, schema: SchemaNode) {
    this.#text = text;
    this.#schema = schema;
    this.#fileName = fileName;
    this.#document = yaml().parseDocument(text, { lineCounter: this.#lines, ...YAML_OPTIONS });
  }

  read(): SourceReading {
    const { errors, warnings, contents } = this.#document;
    const carriageReturn = errors.length > 0 ? this.#text.search(LONE_CARRIAGE_RETURN) : -1;
    if (carriageReturn >= 0) {
      const message = 'a carriage return alone ends no line; end lines with a line feed';
      this.#reading.mistakes.push({ where: this.#place(carriageReturn), message });
      return this.#reading;
    }
    for (const { code, message, pos } of pickFaults([...errors, ...warnings])) {
      const what = FAULT_WORDS[code] ?? `this is not YAML: ${message}`;
      this.#reading.mistakes.push({ where: this.#place(pos[0]), message: what });
    }
    // A key that is there twice leaves the rest readable; what is not YAML does not.
    if (errors.every(({ code }) => code === 'DUPLICATE_KEY')) this.#readSection(contents, this.#schema, '');
    this.#reading.mistakes.push(...this.#badValues);
    return this.#reading;
  }

  #readSection(written: Node | null, schema: SchemaNode, path: string): void {
    if (yaml().isAlias(written) && this.#tellLooseAlias(written, path)) return;
    const node = this.#resolve(written);
    const keys = schema.properties ?? {};
    // A section whose keys are all commented out is nothing set, not a mistake.
    const isEmpty = node === null || (yaml().isScalar(node) && node.value === null);
    if (!isEmpty && !yaml().isMap(node)) {
      this.#tell(node, path, `must be a section with keys: ${Object.keys(keys).join(', ')}`);
      return;
    }
    const given = new Set<string>();
    for (const pair of isEmpty ? [] : (node as YAMLMap<Node, Node | null>).items) {
      const name = yaml().isScalar(pair.key) ? String(pair.key.value) : '';
      const child = Object.hasOwn(keys, name) ? keys[name] : undefined;
      if (child === undefined) this.#tell(pair.key, childPath(path, name), this.#unknownKey(name, schema));
      else this.#readKey(pair, child, childPath(path, name));
      given.add(name);
    }
    for (const name of schema.required ?? []) {
      const isNeeded = keys[name]?.properties === undefined && keys[name]?.default === undefined;
      if (isNeeded && !given.has(name)) this.#tell(node, childPath(path, name), 'must be there');
    }
  }

  #readKey(pair: Entry, schema: SchemaNode, path: string): void {
    if (schema.properties !== undefined) {
      this.#readSection(pair.value, schema, path);
      return;
    }
    this.#reading.places.set(path, `${this.#placeOf(pair.value ?? pair.key)} ${path}`);
    if (schema.items?.properties === undefined) this.#readLeaf(pair, schema, path);
    else this.#readSections(pair.value, schema.items, path);
  }

  /** A list of sections; it has no value while there is a mistake in one of them. */
  #readSections(written: Node | null, schema: SchemaNode, path: string): void {
    if (yaml().isAlias(written) && this.#tellLooseAlias(written, path)) return;
    const node = this.#resolve(written);
    if (!yaml().isSeq(node) || node.items.length === 0) {
      this.#tell(node, path, 'must be a list with at least one item');
      return;
    }
    const before = this.#countMistakes();
    const itemPaths = node.items.map((_item, index) => `${path}[${index}]`);
    for (const [index, itemPath] of itemPaths.entries())
      this.#readSection(node.items[index] as Node, schema, itemPath);
    if (this.#countMistakes() > before) return;
    const { values } = this.#reading;
    const sections = itemPaths.map((itemPath) => assembleSection(schema, values, itemPath));
    values.set(path, sections);
  }

  #readLeaf(pair: Entry, schema: SchemaNode, path: string): void {
    if (pair.value !== null && this.#tellLooseAlias(pair.value, path)) return;
    const at = pair.value ?? pair.key;
    let value: unknown;
    try {
      value = pair.value?.toJS(this.#document, { maxAliasCount: MAX_ALIASES }) ?? null;
    } catch (error) {
      this.#tell(at, path, `cannot be read: ${(error as Error).message}`);
      return;
    }
    const reading = readValue(value, schema);
    if (reading.ok) this.#reading.values.set(path, reading.value);
    else
      for (const { steps, message } of reading.failure)
        this.#badValues.push({
          where: `${this.#placeOf(this.#findInside(pair.value, steps) ?? at)} ${pathInside(path, steps)}`,
          message,
        });
  }

  #findInside(node: Node | null, steps: readonly string[]): Node | undefined {
    let part: Node | null | undefined = node;
    for (const step of steps) {
      const inside: Node | null = this.#resolve(part ?? null);
      if (!yaml().isMap(inside) && !yaml().isSeq(inside)) return undefined;
      part = inside.get(yaml().isSeq(inside) ? Number(step) : step, true) as Node | undefined;
    }
    return part ?? undefined;
  }

  /** Tells the first alias in a value that nothing before it has the anchor of. True when there is one. */
  #tellLooseAlias(written: Node, path: string): boolean {
    let aliases = 0;
    let isLoose = false;
    yaml().visit(written, {
      Alias: (_key, alias) => {
        if (++aliases > MAX_ALIASES) return yaml().visit.BREAK;
        if (alias.resolve(this.#document) !== undefined) return undefined;
        this.#tell(alias, path, `the alias *${alias.source} has no anchor &${alias.source} before it`);
        isLoose = true;
        return yaml().visit.BREAK;
      },
    });
    return isLoose;
  }

  #unknownKey(name: string, schema: SchemaNode): string {
    const former = schema.formerKeys ?? {};
    if (Object.hasOwn(former, name)) return `is called ${former[name]} now`;
    const known = Object.keys(schema.properties ?? {});
    const allowed = `(allowed: ${known.join(', ')})`;
    const near = nearestWord(name, known);
    if (near !== undefined) return `is not a key; did you mean ${near}? ${allowed}`;
    // A key of another section, as `port` at the top: say the whole path.
    const paths = collectKeys(this.#schema).map(({ path }) => path);
    const elsewhere = paths.filter((path) => path.split('.').at(-1) === name);
    return elsewhere.length > 0
      ? `is not a key here; did you mean ${elsewhere.join(' or ')}? ${allowed}`
      : `is not a key ${allowed}`;
  }

  #resolve(node: Node | null): Node | null {
    return yaml().isAlias(node) ? (node.resolve(this.#document) ?? null) : node;
  }

  #tell(node: Node | null, path: string, message: string): void {
    const where = [this.#placeOf(node), path].filter(Boolean).join(' ');
    this.#reading.mistakes.push({ where, message });
  }

  #countMistakes(): number {
    return this.#reading.mistakes.length + this.#badValues.length;
  }

  #placeOf(node: Node | null): string {
    return this.#place(node?.range?.[0] ?? 0);
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#fileName}:${Math.max(1, line)}:${Math.max(1, col)}`;
  }
}

/** What the parser says of depth is about its own stack; the rest follows from it. */
function pickFaults(faults: readonly YAMLError[]): readonly Pick<YAMLError, 'message' | 'pos' | 'code'>[] {
  const deep = faults.find(({ message }) => /call stack|Stack overflow/.test(message));
  if (deep === undefined) return faults.slice(0, MAX_FAULTS);
  return [{ code: TOO_DEEP as YAMLError['code'], message: '', pos: deep.pos }];
}

/** `http.tokens`, `['1']` → `http.tokens[1]`; `deviceTokens`, `['door']` → `deviceTokens.door`. */
function pathInside(path: string, steps: readonly string[]): string {
  return steps.reduce((text, step) => (/^\d+$/.test(step) ? `${text}[${step}]` : `${text}.${step}`), path);
}
