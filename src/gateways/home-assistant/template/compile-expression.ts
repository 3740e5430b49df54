import { attributeOf, itemOf, sliceOf } from './access-member.ts';
import { FOREIGN_NAMES } from './known-names.ts';
import { patternOf } from './pattern-cache.ts';
import { percentFormat } from './percent-format.ts';
import { calculate } from './python-number.ts';
import { boundedText, pythonText } from './python-text.ts';
import {
  areEqual,
  compare,
  contains,
  float,
  int,
  isFloat,
  isTruthy,
  numberOf,
  PythonDict,
  PythonTuple,
  typeName,
  type PythonValue,
} from './python-value.ts';
import { extremeOf, TEMPLATE_FILTERS, TEMPLATE_GLOBALS } from './template-filters.ts';
import { TemplateFault } from './template-fault.ts';
import { ABSENT, type Argument, type TemplateFunction } from './template-function.ts';
import { hasMethod, TEMPLATE_METHODS } from './template-methods.ts';
import type { TemplateNode, WrittenArguments } from './template-node.ts';
import { TEMPLATE_TESTS } from './template-tests.ts';
import type { TemplateWork } from './template-work.ts';

/** By name. What is not there is undefined. */
export type TemplateVariables = { readonly [name: string]: PythonValue };

/** One run of a template. */
export type TemplateScope = {
  readonly variables: TemplateVariables;
  readonly work: TemplateWork;
  /** What the template has set; undefined before. */
  own: Map<string, PythonValue> | undefined;
};

export type Evaluation = (scope: TemplateScope) => PythonValue;

type NodeOf<K extends TemplateNode['kind']> = Extract<TemplateNode, { kind: K }>;

/**
 * Makes functions of an expression: each node becomes one, which is called at most once in a run, as nothing repeats.
 *
 * @throws {TemplateFault} with the place of what is not understood
 */
export function compileExpression(node: TemplateNode): Evaluation {
  switch (node.kind) {
    case 'constant': {
      const { value } = node;
      return () => value;
    }
    case 'name':
      return compileName(node);
    case 'attribute': {
      const { name } = node;
      const of = compileExpression(node.of);
      return (scope) => attributeOf(of(scope), name);
    }
    case 'item': {
      const [of, key] = [compileExpression(node.of), compileExpression(node.key)];
      return (scope) => itemOf(of(scope), key(scope), scope.work);
    }
    case 'slice':
      return compileSlice(node);
    case 'list':
    case 'tuple': {
      const items = node.items.map(compileExpression);
      const isTuple = node.kind === 'tuple';
      return (scope) => {
        const made = items.map((item) => item(scope));
        return isTuple ? new PythonTuple(made) : made;
      };
    }
    case 'dict':
      return compileDict(node);
    case 'not': {
      const of = compileExpression(node.of);
      return (scope) => !isTruthy(of(scope), scope.work);
    }
    case 'negative':
    case 'positive':
      return compileSign(node);
    case 'and':
    case 'or':
    case 'join':
    case 'calculation':
      return compileBinary(node);
    case 'comparison':
      return compileComparison(node);
    case 'choice':
      return compileChoice(node);
    case 'call':
      return compileCall(node);
    case 'filter':
      return compileFunction(node, TEMPLATE_FILTERS.get(node.name));
    case 'test':
      break;
  }
  return compileFunction(node, TEMPLATE_TESTS.get(node.name));
}

function compileName({ name, at }: NodeOf<'name'>): Evaluation {
  const isForeign = FOREIGN_NAMES.has(name) || TEMPLATE_GLOBALS.has(name) || name === 'min' || name === 'max';
  return (scope) => {
    if (scope.own?.has(name) === true) return scope.own.get(name);
    if (Object.hasOwn(scope.variables, name)) return scope.variables[name];
    if (isForeign) throw new TemplateFault(`the name ${name}`, at);
    return undefined;
  };
}

function compileSlice({ of, from, to }: NodeOf<'slice'>): Evaluation {
  const [value, begin, end] = [of, from, to].map((node) => node && compileExpression(node));
  return (scope) => sliceOf(value!(scope), [begin?.(scope) ?? null, end?.(scope) ?? null], scope.work);
}

function compileDict({ members }: NodeOf<'dict'>): Evaluation {
  const made = members.map(([key, value]) => [compileExpression(key), compileExpression(value)] as const);
  return (scope) => {
    const dict = new PythonDict();
    for (const [key, value] of made) dict.set(key(scope), value(scope));
    return dict;
  };
}

function compileSign({ kind, of }: NodeOf<'not' | 'negative' | 'positive'>): Evaluation {
  const operand = compileExpression(of);
  const sign = kind === 'negative' ? -1 : 1;
  return (scope) => {
    const value = operand(scope);
    const number = numberOf(value);
    if (number === undefined) throw new TemplateFault(`a sign before ${typeName(value)}`);
    return isFloat(value) ? float(sign * number) : int(sign * number);
  };
}

function compileBinary(node: NodeOf<'and' | 'or' | 'join' | 'calculation'>): Evaluation {
  const { kind, operator } = node;
  const [left, right] = [compileExpression(node.left), compileExpression(node.right)];
  if (kind === 'and' || kind === 'or')
    return (scope) => {
      const value = left(scope);
      return isTruthy(value, scope.work) === (kind === 'and') ? right(scope) : value;
    };
  if (kind === 'join')
    return (scope) => boundedText(pythonText(left(scope), scope.work) + pythonText(right(scope), scope.work));
  return (scope) => {
    const value = left(scope);
    const other = right(scope);
    if (operator !== '%' || typeof value !== 'string') return calculate(operator, [value, other], scope.work);
    return percentFormat(value, other instanceof PythonTuple ? other.items : [other], scope.work);
  };
}

function compileComparison({ left, steps }: NodeOf<'comparison'>): Evaluation {
  const first = compileExpression(left);
  const rest = steps.map(({ operator, right }) => ({ operator, right: compileExpression(right) }));
  return (scope) => {
    let value = first(scope);
    for (const { operator, right } of rest) {
      const other = right(scope);
      if (!holds(operator, [value, other], scope.work)) return false;
      value = other;
    }
    return true;
  };
}

function holds(
  operator: string,
  [one, other]: readonly [PythonValue, PythonValue],
  work: TemplateWork,
): boolean {
  if (operator === '==') return areEqual(one, other, work);
  if (operator === '!=') return !areEqual(one, other, work);
  if (operator === 'in') return contains(other, one, work);
  if (operator === 'not in') return !contains(other, one, work);
  const order = compare(one, other, work);
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}

function compileChoice(node: NodeOf<'choice'>): Evaluation {
  const [condition, whenTrue] = [compileExpression(node.condition), compileExpression(node.whenTrue)];
  const otherwise = node.otherwise && compileExpression(node.otherwise);
  return (scope) => (isTruthy(condition(scope), scope.work) ? whenTrue(scope) : otherwise?.(scope));
}

function compileCall(node: NodeOf<'call'>): Evaluation {
  const { of, at } = node;
  if (of.kind === 'attribute') return compileMethod(of, node);
  if (of.kind !== 'name') throw new TemplateFault('a call', at);
  const { name } = of;
  if (name === 'min' || name === 'max') {
    if (node.named.size > 0 || node.positional.length === 0)
      throw new TemplateFault(`the arguments of ${name}`, at);
    const args = node.positional.map(compileExpression);
    return (scope) =>
      extremeOf(
        name,
        args.map((argument) => argument(scope)),
        scope.work,
      );
  }
  const [value, ...positional] = node.positional;
  const called = TEMPLATE_GLOBALS.get(name);
  if (called === undefined) throw new TemplateFault(`the function ${name}`, at);
  if (value === undefined) throw new TemplateFault(`the arguments of ${name}`, at);
  return compileFunction({ of: value, name, at, positional, named: node.named }, called);
}

function compileMethod(
  { of, name, at }: NodeOf<'attribute'>,
  { positional, named }: WrittenArguments,
): Evaluation {
  const method = TEMPLATE_METHODS.get(name);
  if (method === undefined) throw new TemplateFault(`the method ${name}`, at);
  if (named.size > 0) throw new TemplateFault(`a named argument of ${name}`, at);
  const call = bindArguments({ name, at, positional, named }, method);
  const object = compileExpression(of);
  return (scope) => {
    const value = object(scope);
    if (!hasMethod(value, name)) throw new TemplateFault(`the method ${name} of ${typeName(value)}`, at);
    return call(value, scope);
  };
}

/** A filter, a test, or a function with its first argument in the place of the filtered value. */
function compileFunction(
  node: { readonly of: TemplateNode } & WrittenCall,
  called: TemplateFunction | undefined,
): Evaluation {
  if (called === undefined) throw new TemplateFault(`the filter or test ${node.name}`, node.at);
  const call = bindArguments(node, called);
  const of = compileExpression(node.of);
  return (scope) => call(of(scope), scope);
}

type WrittenCall = { readonly name: string; readonly at: number } & WrittenArguments;

function bindArguments(
  node: WrittenCall,
  called: TemplateFunction,
): (value: PythonValue, scope: TemplateScope) => PythonValue {
  const { run } = called;
  const args = orderArguments(node, called);
  const [find] = args;
  if (called.hasPattern === true && find !== undefined && find !== ABSENT) checkPattern(find);
  const compiled = args.map((argument) => (argument === ABSENT ? undefined : compileExpression(argument)));
  return (value, scope) => {
    if (typeof value === 'string') scope.work.spendText(value);
    return run(
      value,
      compiled.map((argument): Argument => (argument === undefined ? ABSENT : argument(scope))),
      scope.work,
    );
  };
}

/** A pattern that is written out shows at once whether it is understood. */
function checkPattern({ kind, ...node }: TemplateNode): void {
  if (kind !== 'constant' || !('value' in node) || typeof node.value !== 'string') return;
  try {
    patternOf(node.value, false);
  } catch (error) {
    throw new TemplateFault((error as TemplateFault).message, node.at);
  }
}

function orderArguments(
  { name, at, positional, named }: WrittenCall,
  { parameters, required, takesMore }: TemplateFunction,
): readonly (TemplateNode | typeof ABSENT)[] {
  if (positional.length > parameters.length && takesMore !== true)
    throw new TemplateFault(`more arguments than ${name} has`, at);
  const stray = [...named.keys()].find((key) => parameters.indexOf(key) < positional.length);
  if (stray !== undefined) throw new TemplateFault(`the argument ${stray} of ${name}`, at);
  const rest = parameters.slice(positional.length).map((key) => named.get(key) ?? ABSENT);
  const args = [...positional, ...rest];
  if (args.slice(0, required).includes(ABSENT))
    throw new TemplateFault(`an argument of ${name} is missing`, at);
  return args;
}
