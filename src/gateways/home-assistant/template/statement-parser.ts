import { ExpressionParser, type NodeBudget } from './expression-parser.ts';
import { TemplateFault } from './template-fault.ts';
import type { TemplateNode, TemplateStatement } from './template-node.ts';
import { readTemplateParts, type TemplatePart } from './template-lexer.ts';

const MAX_SOURCE_BYTES = 4096;
/** Conditions within conditions. */
const MAX_NESTED_STATEMENTS = 20;

type Branch = { readonly condition: TemplateNode | undefined; readonly body: TemplateStatement[] };

/**
 * Reads a template.
 *
 * @throws {TemplateFault} with the place of what is not understood
 */
export function parseTemplate(source: string): {
  readonly body: readonly TemplateStatement[];
  readonly nodes: number;
} {
  if (Buffer.byteLength(source) > MAX_SOURCE_BYTES)
    throw new TemplateFault(`more than ${MAX_SOURCE_BYTES} bytes`, MAX_SOURCE_BYTES);
  return new StatementParser(readTemplateParts(source), source.length).read();
}

class StatementParser {
  readonly #parts: readonly TemplatePart[];
  readonly #end: number;
  readonly #budget: NodeBudget = { nodes: 0 };
  #next = 0;

  constructor(parts: readonly TemplatePart[], end: number) {
    this.#parts = parts;
    this.#end = end;
  }

  read(): { readonly body: readonly TemplateStatement[]; readonly nodes: number } {
    const body: TemplateStatement[] = [];
    const stopped = this.#readBody(body, 0);
    if (stopped !== undefined) throw new TemplateFault(`an unexpected ${stopped.word}`, stopped.parser.at);
    return { body, nodes: this.#budget.nodes };
  }

  /** @returns the statement that ended it, which is no part of it; undefined at the end of the template */
  #readBody(
    body: TemplateStatement[],
    depth: number,
  ): { readonly word: string; readonly parser: ExpressionParser } | undefined {
    for (let part = this.#parts[this.#next++]; part !== undefined; part = this.#parts[this.#next++]) {
      if (part.kind === 'text') {
        body.push(part);
        continue;
      }
      const parser = new ExpressionParser(part.tokens, part.at, this.#budget);
      if (part.kind === 'print') {
        body.push({ kind: 'print', value: parser.readTuple() });
        parser.expectEnd();
        continue;
      }
      const word = parser.takeName();
      if (['elif', 'else', 'endif'].includes(word)) return { word, parser };
      if (word === 'set') body.push(readSet(parser));
      else if (word === 'if') body.push(this.#readIf(parser, depth + 1));
      else throw new TemplateFault(`the statement ${word}`, part.at);
    }
    return undefined;
  }

  #readIf(parser: ExpressionParser, depth: number): TemplateStatement {
    if (depth > MAX_NESTED_STATEMENTS) parser.fail(`conditions deeper than ${MAX_NESTED_STATEMENTS}`);
    const branches: Branch[] = [{ condition: readCondition(parser), body: [] }];
    for (;;) {
      const stopped = this.#readBody(branches.at(-1)!.body, depth);
      if (stopped === undefined) throw new TemplateFault('endif is missing', this.#end);
      const isLast = branches.at(-1)!.condition === undefined;
      if (stopped.word === 'endif') {
        stopped.parser.expectEnd();
        return { kind: 'if', branches };
      }
      if (isLast) throw new TemplateFault(`${stopped.word} behind else`, stopped.parser.at);
      const condition = stopped.word === 'elif' ? readCondition(stopped.parser) : undefined;
      stopped.parser.expectEnd();
      branches.push({ condition, body: [] });
    }
  }
}

function readCondition(parser: ExpressionParser): TemplateNode {
  const condition = parser.readCondition();
  parser.expectEnd();
  return condition;
}

function readSet(parser: ExpressionParser): TemplateStatement {
  const name = parser.takeName();
  parser.expect('=');
  const value = parser.readTuple();
  parser.expectEnd();
  return { kind: 'set', name, value };
}
