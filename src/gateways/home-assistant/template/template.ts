import { fail, succeed, type Result } from '../../../base/result.ts';
import {
  compileExpression,
  type Evaluation,
  type TemplateScope,
  type TemplateVariables,
} from './compile-expression.ts';
import { boundedText, pythonText } from './python-text.ts';
import { isTruthy } from './python-value.ts';
import { catchFaults, TemplateFault } from './template-fault.ts';
import type { TemplateStatement } from './template-node.ts';
import { TemplateWork } from './template-work.ts';
import { parseTemplate } from './statement-parser.ts';

/** What of a template is not understood, and where: in characters from its begin. */
export type TemplateMistake = { readonly message: string; readonly at: number };

type Step = (scope: TemplateScope) => string;

/** A template that was understood. */
export class Template {
  readonly #run: Step;
  readonly #nodes: number;

  /** @param nodes - how many it has */
  constructor(run: Step, nodes: number) {
    this.#run = run;
    this.#nodes = nodes;
  }

  /**
   * The text that it makes of the variables, without white space around it; or why it makes none.
   *
   * @param work - what it may do together with others
   */
  render(variables: TemplateVariables, work = new TemplateWork()): Result<string, string> {
    return catchFaults(() => {
      work.spend(this.#nodes);
      return succeed(this.#run({ variables, work, own: undefined }).trim());
    });
  }
}

/** Reads a template of Home Assistant's MQTT discovery: a subset of Jinja2. */
export function readTemplate(text: string): Result<Template, TemplateMistake> {
  const source = text.trim();
  // As it is, then, even what would be a comment's end.
  if (!/\{[{%#]/.test(source)) return succeed(new Template(() => source, 0));
  try {
    const { body, nodes } = parseTemplate(source);
    return succeed(new Template(compileBody(body), nodes));
  } catch (error) {
    if (error instanceof TemplateFault) return fail({ message: error.message, at: error.at ?? 0 });
    throw error;
  }
}

function compileBody(statements: readonly TemplateStatement[]): Step {
  const steps = statements.map(compileStatement);
  const [only] = steps;
  if (steps.length === 1 && only !== undefined) return only;
  return (scope) => {
    let text = '';
    for (const step of steps) text = boundedText(text + step(scope));
    return text;
  };
}

function compileStatement(statement: TemplateStatement): Step {
  switch (statement.kind) {
    case 'text': {
      const { text } = statement;
      return () => text;
    }
    case 'print': {
      const value = compileExpression(statement.value);
      return (scope) => boundedText(pythonText(value(scope), scope.work));
    }
    case 'set': {
      const { name } = statement;
      const value = compileExpression(statement.value);
      return (scope) => {
        (scope.own ??= new Map()).set(name, value(scope));
        return '';
      };
    }
    case 'if':
      break;
  }
  return compileIf(statement);
}

function compileIf({ branches }: Extract<TemplateStatement, { kind: 'if' }>): Step {
  const compiled = branches.map(({ condition, body }) => ({
    condition: condition && compileExpression(condition),
    body: compileBody(body),
  })) satisfies readonly { condition: Evaluation | undefined; body: Step }[];
  return (scope) => {
    const branch = compiled.find(
      ({ condition }) => condition === undefined || isTruthy(condition(scope), scope.work),
    );
    return branch?.body(scope) ?? '';
  };
}
