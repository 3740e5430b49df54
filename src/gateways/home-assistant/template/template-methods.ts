import { ABSENT, given, type Argument, type TemplateFunction } from './template-function.ts';
import { replaceAll } from './template-filters.ts';
import { hasMember, isFloat, memberOf, numberOf, typeName, type PythonValue } from './python-value.ts';
import { TemplateFault } from './template-fault.ts';

const GET: TemplateFunction = {
  parameters: ['key', 'default'],
  required: 1,
  run: (dict, [key, otherwise]) => {
    const name = given(key, undefined);
    return hasMember(dict, name) ? memberOf(dict, name) : given(otherwise, null);
  },
};

const OF_TEXTS: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries<TemplateFunction>({
    lower: ofText([], (text) => text.toLowerCase()),
    upper: ofText([], (text) => text.toUpperCase()),
    strip: ofText([], (text) => text.trim()),
    lstrip: ofText([], (text) => text.trimStart()),
    rstrip: ofText([], (text) => text.trimEnd()),
    startswith: ofText(['prefix'], (text, [prefix]) => text.startsWith(textArgument(prefix)), 1),
    endswith: ofText(['suffix'], (text, [suffix]) => text.endsWith(textArgument(suffix)), 1),
    replace: ofText(
      ['old', 'new'],
      (text, [old, replacement]) => replaceAll(text, textArgument(old), textArgument(replacement)),
      2,
    ),
    split: ofText(['sep', 'maxsplit'], split),
  }),
);

/** Names of all methods that can be called. */
export const TEMPLATE_METHODS: ReadonlyMap<string, TemplateFunction> = new Map([...OF_TEXTS, ['get', GET]]);

/** Whether a value has a method of this name, and the evaluator too. */
export function hasMethod(value: PythonValue, name: string): boolean {
  return name === 'get' ? typeName(value) === 'dict' : typeof value === 'string' && OF_TEXTS.has(name);
}

function ofText(
  parameters: readonly string[],
  run: (text: string, args: readonly Argument[]) => PythonValue,
  required = 0,
): TemplateFunction {
  return { parameters, required, run: (value, args) => run(value as string, args) };
}

function textArgument(argument: Argument | undefined): string {
  if (typeof argument === 'string') return argument;
  throw new TemplateFault('a method of a text with an argument that is none');
}

/** Without a separator at any white space, none of it at the ends. */
function split(text: string, [separator, most]: readonly Argument[]): PythonValue {
  const count = most === ABSENT ? -1 : numberOf(given(most, undefined));
  if (count === undefined || isFloat(given(most, 0)))
    throw new TemplateFault('split with a limit that is no int');
  if (separator === ABSENT || separator === null) {
    if (count >= 0) throw new TemplateFault('split with a limit and no separator');
    return text.trim() === '' ? [] : text.trim().split(/\s+/);
  }
  const by = textArgument(separator);
  if (by === '') throw new TemplateFault('split at nothing');
  const parts = text.split(by);
  if (count < 0 || parts.length <= count) return parts;
  return [...parts.slice(0, count), parts.slice(count).join(by)];
}
