import { TemplateFault } from './template-fault.ts';

/** Whether a character is meant by a part of a pattern. */
type CharacterTest = (character: string) => boolean;

type PatternNode =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'begin' | 'end' }
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly PatternNode[] }
  | {
      readonly kind: 'repeat';
      readonly node: PatternNode;
      readonly range: RepeatRange;
      readonly isLazy: boolean;
    };

type RepeatRange = { readonly least: number; readonly most: number | undefined };

/** One step of a pattern's program. Of two ways, the first is the better one. */
export type PatternStep =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'fork'; first: number; second: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'begin' | 'end' | 'match' };

/** With every repetition written out. */
const MAX_PATTERN_STEPS = 500;
const MAX_PATTERN_DEPTH = 20;

/** White space in Python only: four separators and the next line. */
const SPACES = '\u001c\u001d\u001e\u001f\u0085';
const CLASSES: Readonly<Record<string, CharacterTest>> = {
  d: (character) => /\p{Nd}/u.test(character),
  w: (character) => /[\p{L}\p{N}_]/u.test(character),
  s: (character) => SPACES.includes(character) || (/\s/.test(character) && character !== '\ufeff'),
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', a: '\x07' };

/**
 * A regular expression of Python as a program for `pattern-search.ts`, which runs it in time that grows with the text
 * and no faster: so there are no references back, and nothing that looks around.
 *
 * @throws {TemplateFault} what of it is not understood
 */
export function readPattern(source: string, ignoresCase: boolean): readonly PatternStep[] {
  const steps: PatternStep[] = [];
  emit(new PatternReader(source, ignoresCase).read(), steps);
  steps.push({ kind: 'match' });
  return steps;
}

function emit(node: PatternNode, steps: PatternStep[]): void {
  if (steps.length >= MAX_PATTERN_STEPS)
    throw new TemplateFault(`a regular expression of more than ${MAX_PATTERN_STEPS} steps`);
  if (node.kind === 'sequence') for (const each of node.nodes) emit(each, steps);
  else if (node.kind === 'choice') emitChoice(node.nodes, steps);
  else if (node.kind === 'repeat') emitRepeat(node, steps);
  else steps.push(node);
}

function emitChoice(nodes: readonly PatternNode[], steps: PatternStep[]): void {
  const ends = nodes.slice(0, -1).map((node) => {
    const fork = { kind: 'fork' as const, first: steps.length + 1, second: 0 };
    const end = { kind: 'jump' as const, to: 0 };
    steps.push(fork);
    emit(node, steps);
    steps.push(end);
    fork.second = steps.length;
    return end;
  });
  emit(nodes.at(-1)!, steps);
  for (const end of ends) end.to = steps.length;
}

function emitRepeat(
  { node, range, isLazy }: Extract<PatternNode, { kind: 'repeat' }>,
  steps: PatternStep[],
): void {
  for (let count = 0; count < range.least; count++) emit(node, steps);
  const perhaps = range.most === undefined ? 1 : range.most - range.least;
  for (let count = 0; count < perhaps; count++) {
    const at = steps.length;
    const fork = { kind: 'fork' as const, first: at + 1, second: at + 1 };
    steps.push(fork);
    emit(node, steps);
    if (range.most === undefined) steps.push({ kind: 'jump', to: at });
    if (isLazy) fork.first = steps.length;
    else fork.second = steps.length;
  }
}

class PatternReader {
  readonly #source: readonly string[];
  readonly #ignoresCase: boolean;
  #at = 0;
  #depth = 0;

  constructor(source: string, ignoresCase: boolean) {
    this.#source = Array.from(source);
    this.#ignoresCase = ignoresCase;
  }

  read(): PatternNode {
    const node = this.#readChoice();
    if (this.#at < this.#source.length) this.#fail('a bracket that was not opened');
    return node;
  }

  #fail(what: string): never {
    throw new TemplateFault(`${what} in a regular expression`);
  }

  #takes(character: string): boolean {
    if (this.#source[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #readChoice(): PatternNode {
    if (++this.#depth > MAX_PATTERN_DEPTH) this.#fail('brackets too deep');
    const nodes = [this.#readSequence()];
    while (this.#takes('|')) nodes.push(this.#readSequence());
    this.#depth--;
    return { kind: 'choice', nodes };
  }

  #readSequence(): PatternNode {
    const nodes: PatternNode[] = [];
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at]!))
      nodes.push(this.#readRepeat());
    return { kind: 'sequence', nodes };
  }

  #readRepeat(): PatternNode {
    const node = this.#readOne();
    const range = this.#readRange();
    if (range === undefined) return node;
    if (node.kind === 'begin' || node.kind === 'end') this.#fail('a repetition of an anchor');
    const isLazy = this.#takes('?');
    if (this.#takes('+') || this.#readRange() !== undefined) this.#fail('a repetition of a repetition');
    return { kind: 'repeat', node, range, isLazy };
  }

  #readRange(): RepeatRange | undefined {
    if (this.#takes('*')) return { least: 0, most: undefined };
    if (this.#takes('+')) return { least: 1, most: undefined };
    if (this.#takes('?')) return { least: 0, most: 1 };
    const counts = /^\{(\d+)(,?)(\d*)\}/.exec(this.#source.slice(this.#at, this.#at + 20).join(''));
    if (counts === null) {
      if (this.#source[this.#at] === '{') this.#fail('a { that is no number of repetitions');
      return undefined;
    }
    this.#at += counts[0].length;
    const least = Number(counts[1]);
    const most = counts[2] === '' ? least : counts[3] === '' ? undefined : Number(counts[3]);
    if (Math.max(least, most ?? 0) > MAX_PATTERN_STEPS || least > (most ?? least))
      this.#fail('a number of repetitions');
    return { least, most };
  }

  #readOne(): PatternNode {
    const character = this.#source[this.#at++]!;
    if (character === '(') return this.#readGroup();
    if (character === '^') return { kind: 'begin' };
    if (character === '$') return { kind: 'end' };
    if ('*+?{'.includes(character)) this.#fail('a repetition of nothing');
    return { kind: 'character', test: this.#readTest(character) };
  }

  #readTest(character: string): CharacterTest {
    if (character === '[') return this.#readClass();
    if (character === '.') return (one) => one !== '\n';
    return character === '\\' ? this.#readEscape() : this.#range(character, character);
  }

  #readGroup(): PatternNode {
    if (this.#takes('?') && !this.#takes(':')) this.#fail('(?…)');
    const node = this.#readChoice();
    if (!this.#takes(')')) this.#fail('a bracket that was not closed');
    return node;
  }

  #readEscape(): CharacterTest {
    const character = this.#source[this.#at++];
    if (character === undefined) this.#fail('a backslash at the end');
    const known = CLASSES[character.toLowerCase()];
    if (known !== undefined) return character === character.toLowerCase() ? known : (one) => !known(one);
    const wanted = CONTROLS[character] ?? character;
    if (wanted === character && /[a-zA-Z0-9]/.test(character)) this.#fail(`\\${character}`);
    return this.#range(wanted, wanted);
  }

  #readClass(): CharacterTest {
    const isNegated = this.#takes('^');
    const tests: CharacterTest[] = [];
    do tests.push(this.#readMember());
    while (!this.#takes(']'));
    return (one) => tests.some((test) => test(one)) !== isNegated;
  }

  #readMember(): CharacterTest {
    const first = this.#source[this.#at++];
    if (first === undefined) this.#fail('a class that was not closed');
    const test = first === '\\' ? this.#readEscape() : this.#range(first, first);
    const last = this.#source[this.#at + 1];
    if (this.#source[this.#at] !== '-' || last === ']' || last === undefined) return test;
    if (first === '\\' || last === '\\') this.#fail('a range with an escaped character');
    this.#at += 2;
    if (first.codePointAt(0)! > last.codePointAt(0)!) this.#fail('a range that runs backwards');
    return this.#range(first, last);
  }

  /** All characters from one to another, in both cases where case is ignored. */
  #range(first: string, last: string): CharacterTest {
    const [from, to] = [first.codePointAt(0)!, last.codePointAt(0)!];
    const isWithin = (one: string): boolean => one.codePointAt(0)! >= from && one.codePointAt(0)! <= to;
    if (!this.#ignoresCase) return isWithin;
    return (one) => isWithin(one) || isWithin(one.toLowerCase()) || isWithin(one.toUpperCase());
  }
}
