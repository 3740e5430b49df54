import { TemplateFault } from './template-fault.ts';
import type { TemplateNode, WrittenArguments } from './template-node.ts';
import type { TemplateToken } from './template-lexer.ts';

const MAX_NODES = 500;
/** Brackets within brackets. */
const MAX_DEPTH = 50;
const CONSTANTS = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);
const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);
const NO_ARGUMENTS: WrittenArguments = { positional: [], named: new Map() };

/** How many nodes one template has, over all its expressions. */
export type NodeBudget = { nodes: number };

type NodeWithoutPlace = TemplateNode extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'at'>
    : never
  : never;

/** Reads one expression, or what stands in a statement, with Jinja's precedence: filters bind before everything. */
export class ExpressionParser {
  readonly #tokens: readonly TemplateToken[];
  readonly #end: number;
  readonly #budget: NodeBudget;
  #next = 0;
  #depth = 0;

  /** @param end - where the words end, for messages */
  constructor(tokens: readonly TemplateToken[], end: number, budget: NodeBudget) {
    this.#tokens = tokens;
    this.#end = end;
    this.#budget = budget;
  }

  /** Where it is. */
  get at(): number {
    return this.#tokens[this.#next]?.at ?? this.#end;
  }

  fail(what: string): never {
    throw new TemplateFault(what, this.at);
  }

  /** Takes a name or an operator, if it is next. */
  takes(text: string): boolean {
    const token = this.#tokens[this.#next];
    if (token === undefined || token.kind === 'constant' || token.text !== text) return false;
    this.#next++;
    return true;
  }

  expect(text: string): void {
    if (!this.takes(text)) this.fail(`${text} is missing`);
  }

  expectEnd(): void {
    const token = this.#tokens[this.#next];
    if (token !== undefined) this.fail(`an unexpected ${token.text === '' ? 'text' : token.text}`);
  }

  takeName(): string {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'name') this.fail('a name is missing');
    this.#next++;
    return token.text;
  }

  /** One expression, or several with commas: a tuple. */
  readTuple(): TemplateNode {
    const at = this.at;
    const first = this.readExpression();
    if (!this.#sees(',')) return first;
    const items = [first];
    while (this.takes(',') && this.#next < this.#tokens.length) items.push(this.readExpression());
    return this.#node(at, { kind: 'tuple', items });
  }

  /** The condition of a statement: there `x if y` needs brackets. */
  readCondition(): TemplateNode {
    return this.#readOr();
  }

  readExpression(): TemplateNode {
    if (++this.#depth > MAX_DEPTH) this.fail(`brackets deeper than ${MAX_DEPTH}`);
    const at = this.at;
    let node = this.#readOr();
    while (this.takes('if')) {
      const condition = this.#readOr();
      const otherwise = this.takes('else') ? this.readExpression() : undefined;
      node = this.#node(at, { kind: 'choice', condition, whenTrue: node, otherwise });
    }
    this.#depth--;
    return node;
  }

  #sees(text: string, ahead = 0): boolean {
    const token = this.#tokens[this.#next + ahead];
    return token !== undefined && token.kind !== 'constant' && token.text === text;
  }

  #node(at: number, node: NodeWithoutPlace): TemplateNode {
    if (++this.#budget.nodes > MAX_NODES) throw new TemplateFault(`more than ${MAX_NODES} nodes`, at);
    return { ...node, at };
  }

  #readOr(): TemplateNode {
    const at = this.at;
    let left = this.#readAnd();
    while (this.takes('or'))
      left = this.#node(at, { kind: 'or', operator: 'or', left, right: this.#readAnd() });
    return left;
  }

  #readAnd(): TemplateNode {
    const at = this.at;
    let left = this.#readNot();
    while (this.takes('and'))
      left = this.#node(at, { kind: 'and', operator: 'and', left, right: this.#readNot() });
    return left;
  }

  #readNot(): TemplateNode {
    const at = this.at;
    return this.takes('not') ? this.#node(at, { kind: 'not', of: this.#readNot() }) : this.#readComparison();
  }

  #readComparison(): TemplateNode {
    const at = this.at;
    const left = this.#readSum();
    const steps: { operator: string; right: TemplateNode }[] = [];
    for (let operator = this.#takeComparison(); operator !== undefined; operator = this.#takeComparison())
      steps.push({ operator, right: this.#readSum() });
    return steps.length === 0 ? left : this.#node(at, { kind: 'comparison', left, steps });
  }

  #takeComparison(): string | undefined {
    const token = this.#tokens[this.#next];
    if (token?.kind === 'operator' && COMPARISONS.has(token.text)) {
      this.#next++;
      return token.text;
    }
    if (this.takes('in')) return 'in';
    if (!this.#sees('not') || !this.#sees('in', 1)) return undefined;
    this.#next += 2;
    return 'not in';
  }

  #readSum(): TemplateNode {
    return this.#readChain(['+', '-'], 'calculation', () =>
      this.#readChain(['~'], 'join', () =>
        this.#readChain(['*', '/', '//', '%'], 'calculation', () =>
          this.#readChain(['**'], 'calculation', () => this.#readUnary(true)),
        ),
      ),
    );
  }

  /** Operators of one rank, from left to right. */
  #readChain(
    operators: readonly string[],
    kind: 'calculation' | 'join',
    readOperand: () => TemplateNode,
  ): TemplateNode {
    const at = this.at;
    let left = readOperand();
    for (;;) {
      const operator = operators.find((each) => this.takes(each));
      if (operator === undefined) return left;
      left = this.#node(at, { kind, operator, left, right: readOperand() });
    }
  }

  /** A sign binds before filters: `-1|abs` is 1. */
  #readUnary(hasFilters: boolean): TemplateNode {
    const at = this.at;
    const sign = this.takes('-') ? 'negative' : this.takes('+') ? 'positive' : undefined;
    const operand =
      sign === undefined ? this.#readPrimary() : this.#node(at, { kind: sign, of: this.#readUnary(false) });
    const node = this.#readPostfix(operand);
    return hasFilters ? this.#readFilters(node) : node;
  }

  #readPrimary(): TemplateNode {
    const at = this.at;
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw new TemplateFault('an expression is missing', at);
    if (token.kind === 'constant') return this.#readConstant(token);
    if (token.kind === 'name') return this.#readName(token.text, at);
    if (token.text === '(') return this.#readBrackets(at);
    if (token.text === '[') return this.#node(at, { kind: 'list', items: this.#readItems(']') });
    if (token.text === '{') return this.#readDict(at);
    throw new TemplateFault(`an unexpected ${token.text}`, at);
  }

  /** Texts that follow one another are one. */
  #readConstant({ value, at }: TemplateToken & { readonly kind: 'constant' }): TemplateNode {
    let joined = value;
    for (;;) {
      const token = this.#tokens[this.#next];
      if (typeof joined !== 'string' || token?.kind !== 'constant' || typeof token.value !== 'string') break;
      joined += token.value;
      this.#next++;
    }
    return this.#node(at, { kind: 'constant', value: joined });
  }

  #readName(name: string, at: number): TemplateNode {
    if (CONSTANTS.has(name)) return this.#node(at, { kind: 'constant', value: CONSTANTS.get(name)! });
    if (['not', 'and', 'or', 'in', 'is', 'if', 'else'].includes(name))
      throw new TemplateFault(`an unexpected ${name}`, at);
    return this.#node(at, { kind: 'name', name });
  }

  #readBrackets(at: number): TemplateNode {
    if (this.takes(')')) return this.#node(at, { kind: 'tuple', items: [] });
    const first = this.readExpression();
    if (this.takes(')')) return first;
    this.expect(',');
    return this.#node(at, { kind: 'tuple', items: [first, ...this.#readItems(')')] });
  }

  #readItems(end: string): TemplateNode[] {
    const items: TemplateNode[] = [];
    while (!this.takes(end)) {
      items.push(this.readExpression());
      if (!this.#sees(end)) this.expect(',');
    }
    return items;
  }

  #readDict(at: number): TemplateNode {
    const members: [TemplateNode, TemplateNode][] = [];
    while (!this.takes('}')) {
      const key = this.readExpression();
      this.expect(':');
      members.push([key, this.readExpression()]);
      if (!this.#sees('}')) this.expect(',');
    }
    return this.#node(at, { kind: 'dict', members });
  }

  #readPostfix(first: TemplateNode): TemplateNode {
    let node = first;
    for (;;) {
      const at = this.at;
      if (this.takes('.')) node = this.#readMember(node, at);
      else if (this.takes('[')) node = this.#readSubscript(node, at);
      else if (this.takes('(')) node = this.#node(at, { kind: 'call', of: node, ...this.#readArguments() });
      else return node;
    }
  }

  #readMember(of: TemplateNode, at: number): TemplateNode {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'constant' || typeof token.value !== 'number')
      return this.#node(at, { kind: 'attribute', of, name: this.takeName() });
    this.#next++;
    const key = this.#node(at, { kind: 'constant', value: token.value });
    return this.#node(at, { kind: 'item', of, key });
  }

  #readSubscript(of: TemplateNode, at: number): TemplateNode {
    const from = this.#sees(':') ? undefined : this.readExpression();
    if (this.takes(']')) return this.#node(at, { kind: 'item', of, key: from! });
    this.expect(':');
    const to = this.#sees(']') ? undefined : this.readExpression();
    this.expect(']');
    return this.#node(at, { kind: 'slice', of, from, to });
  }

  #readArguments(): WrittenArguments {
    const positional: TemplateNode[] = [];
    const named = new Map<string, TemplateNode>();
    while (!this.takes(')')) {
      const token = this.#tokens[this.#next];
      if (token?.kind === 'name' && this.#sees('=', 1)) {
        this.#next += 2;
        named.set(token.text, this.readExpression());
      } else if (named.size > 0) this.fail('an argument without a name behind one with a name');
      else positional.push(this.readExpression());
      if (!this.#sees(')')) this.expect(',');
    }
    return { positional, named };
  }

  #readFilters(first: TemplateNode): TemplateNode {
    let node = first;
    for (;;) {
      const at = this.at;
      if (this.takes('|')) {
        const name = this.takeName();
        const written = this.takes('(') ? this.#readArguments() : NO_ARGUMENTS;
        node = this.#node(at, { kind: 'filter', of: node, name, ...written });
      } else if (this.takes('is')) node = this.#readTest(node, at);
      else if (this.takes('(')) node = this.#node(at, { kind: 'call', of: node, ...this.#readArguments() });
      else return node;
    }
  }

  #readTest(of: TemplateNode, at: number): TemplateNode {
    const isNegated = this.takes('not');
    const name = this.takeName();
    const written = this.takes('(') ? this.#readArguments() : this.#readBareArgument();
    const node = this.#node(at, { kind: 'test', of, name, ...written });
    return isNegated ? this.#node(at, { kind: 'not', of: node }) : node;
  }

  /** `is equalto 'x'`: one argument may stand without brackets. */
  #readBareArgument(): WrittenArguments {
    const token = this.#tokens[this.#next];
    const isArgument =
      token?.kind === 'constant' ||
      (token?.kind === 'name' && !['else', 'or', 'and'].includes(token.text)) ||
      (token?.kind === 'operator' && (token.text === '[' || token.text === '{'));
    if (!isArgument) return NO_ARGUMENTS;
    return { positional: [this.#readPostfix(this.#readPrimary())], named: new Map() };
  }
}
