/** A template and a payload for it. */
export type Sample = { readonly template: string; readonly payload: string };

const NUMBERS = [
  '0',
  '1',
  '-7',
  '42',
  '255',
  '0.5',
  '2.675',
  '-0.125',
  '21.0',
  '1e3',
  '1234567',
  '0.00001',
  '1e16',
];
const TEXTS = [
  'on',
  'off',
  'ON',
  '',
  '42',
  ' 21.50 ',
  '1_000',
  'nan',
  'a,b,c',
  'Übér',
  "it's",
  'x y  z',
  '0x1F',
  '🙂a',
];
const NAMES = ['state', 'a', 'list', 'deep', 'missing', 'flag', 'none'];
const FILTERS = [
  'int', 'float', 'int(0)', 'float(1.5)', 'int(base=16)', 'int(default=7)', 'round', 'round(1)', 'round(2)',
  "round(0, 'floor')", "round(1, 'ceil')", "round(0, 'half')", 'round(default=3)', 'multiply(2)', 'multiply(0.1)',
  'add(1)', 'lower', 'upper', 'string', 'trim', 'length', "default('x')", 'default(5, true)', 'default(none)',
  'is_defined', 'to_json', 'tojson', 'abs', 'first', 'last', "join('-')", "replace('o', '0')", 'is_number', 'bool(false)',
  'truncate(5)', "truncate(4, true, '')", "iif('yes', 'no')", "regex_replace(find='[a-c]+|o', replace='_')",
  "regex_replace('x*', '-')", "regex_search('^o')", "regex_match('N$', ignorecase=true)", 'max', 'min',
]; // prettier-ignore
const TESTS = [
  'defined', 'not defined', 'undefined', 'none', 'number', 'string', 'true', 'false', 'boolean', 'mapping', 'integer',
  'float', "equalto 'on'", 'eq(42)', "in ['on', 42]", 'gt 10', "search('o')", 'is_number', 'not none',
]; // prettier-ignore
const METHODS = [
  '.lower()',
  '.upper()',
  '.strip()',
  ".split(',')",
  ".replace('o', 'a')",
  ".startswith('o')",
  ".get('a')",
];
const FORMATS = ['%0.2f', '%d', '%03d', '%02x', '%s', '%5.1f|', '%-6s|', '%+d', '%i%%'];

/** Makes templates of the kinds that devices publish, and payloads that fit them or do not; always the same by seed. */
export class TemplateMaker {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  sample(): Sample {
    return { template: this.#template(), payload: this.#payload() };
  }

  /** Below `limit`: a Weyl sequence, well mixed. */
  #below(limit: number): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % limit;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)]!;
  }

  #payload(): string {
    const scalar = (): string =>
      this.#pick([...NUMBERS, ...TEXTS.map((text) => JSON.stringify(text)), 'true', 'false', 'null']);
    if (this.#below(4) === 0) return this.#pick([...NUMBERS, ...TEXTS]);
    const list = `[${Array.from({ length: this.#below(4) }, scalar).join(', ')}]`;
    const members = [
      `"state": ${scalar()}`, `"a": ${scalar()}`, `"flag": ${this.#pick(['true', 'false'])}`, `"none": null`,
      `"list": ${list}`, `"deep": {"a": ${scalar()}, "list": ${list}}`,
    ]; // prettier-ignore
    return `{${members.filter(() => this.#below(5) > 0).join(', ')}}`;
  }

  #template(): string {
    const text = this.#pick(['', 'is: ', '{"x": ']);
    switch (this.#below(6)) {
      case 0:
        return `{% if (${this.#expression(1)}) %}ON{% elif (${this.#expression(1)}) -%} half {%- else %}OFF{% endif %}`;
      case 1:
        return `{% set x = ${this.#expression(1)} %}${text}{{ x }}{{ ${this.#expression(1)} }}`;
      case 2:
        return `${text}{{ ${this.#expression(1)} }}${this.#pick(['', ' }', '%'])}`;
      default:
        return `{{ ${this.#expression(1 + this.#below(2))} }}`;
    }
  }

  #expression(depth: number): string {
    if (depth === 0) return this.#operand();
    const inner = (): string => this.#expression(depth - 1);
    switch (this.#below(12)) {
      case 0:
        return `${inner()} ${this.#pick(['+', '-', '*', '/', '%', '//', '~'])} ${inner()}`;
      case 1:
        return `${inner()} ${this.#pick(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'])} ${inner()}`;
      case 2:
        return `${inner()} if ${inner()} else ${inner()}`;
      case 3:
        return `(${inner()}) ${this.#pick(['and', 'or'])} not ${inner()}`;
      case 4:
        return `(${inner()} is ${this.#pick(TESTS)})`;
      case 5:
        return `'${this.#pick(FORMATS)}'|format(${inner()})`;
      case 6:
        return `{'on': ${inner()}, 42: 'n', None: ${inner()}}[${inner()}]`;
      case 7:
        return this.#pick([
          `[${inner()}, ${inner()}]`,
          `(${inner()}, ${inner()})|max`,
          `min(${inner()}, 3)`,
          `-${inner()}`,
        ]);
      case 8:
        return `${this.#pick(['float', 'int', 'is_number', 'bool'])}(${inner()})`;
      case 9:
        return `0 < ${inner()}|int(0) <= 65535`;
      default:
        return `(${inner()})|${this.#pick(FILTERS)}`;
    }
  }

  #operand(): string {
    switch (this.#below(8)) {
      case 0:
        return this.#pick(NUMBERS.filter((number) => !number.includes('e')));
      case 1:
        // Jinja itself stumbles over a NaN that it computes while it compiles.
        return `'${this.#pick(TEXTS.filter((text) => text !== 'nan')).replaceAll("'", "\\'")}'`;
      case 2:
        return `value${this.#pick(['', '', '[0:2]', '[-1]', ...METHODS])}`;
      case 3:
        return this.#pick(['true', 'none', '[1, 2.0, "x"]', '(1, 2)', "{'a': 1}", '[]']);
      default:
        return `value_json${this.#path()}`;
    }
  }

  #path(): string {
    const name = this.#pick(NAMES);
    const first = this.#pick([`.${name}`, `["${name}"]`]);
    return (
      first + this.#pick(['', '', '', '', '', '', '.a', '[0]', '.0', '[-1:]', '.list', this.#pick(METHODS)])
    );
  }
}
