import { HIDDEN_ATTRIBUTES, PYTHON_ATTRIBUTES } from './known-names.ts';
import {
  charactersOf,
  hasMember,
  isFloat,
  isJsonMembers,
  itemsOf,
  memberOf,
  numberOf,
  PythonDict,
  PythonTuple,
  typeName,
  type PythonValue,
} from './python-value.ts';
import { TemplateFault } from './template-fault.ts';
import type { TemplateWork } from './template-work.ts';

/** Most names of members are none of these. */
const ANY_ATTRIBUTE: ReadonlySet<string> = new Set(
  Object.values(PYTHON_ATTRIBUTES).flatMap((names) => [...names]),
);

/** `of.name`: an attribute of Python's where there is one, else the member. */
export function attributeOf(of: PythonValue, name: string): PythonValue {
  if (of === undefined) throw new TemplateFault(`.${name} of undefined`);
  if (ANY_ATTRIBUTE.has(name) && isPythonAttribute(of, name)) return undefined;
  return isDictWith(of, name) ? memberOf(of, name) : undefined;
}

/** `of[key]`: the member where there is one, else an attribute of Python's. */
export function itemOf(of: PythonValue, key: PythonValue, work: TemplateWork): PythonValue {
  if (of === undefined) throw new TemplateFault('an item of undefined');
  if (of instanceof PythonDict || isJsonMembers(of)) {
    if (hasMember(of, key)) return memberOf(of, key);
  } else if (typeof key !== 'string') {
    return indexedOf(of, key, work);
  }
  if (typeof key === 'string') isPythonAttribute(of, key);
  return undefined;
}

/** `of[from:to]`. */
export function sliceOf(
  of: PythonValue,
  [from, to]: readonly [PythonValue, PythonValue],
  work: TemplateWork,
): PythonValue {
  const [begin, end] = [sliceIndex(from), sliceIndex(to)];
  if (typeof of === 'string') {
    const characters = charactersOf(of, work);
    return typeof characters === 'string'
      ? characters.slice(begin, end)
      : characters.slice(begin, end).join('');
  }
  const items = itemsOf(of);
  if (items === undefined) throw new TemplateFault(`a part of ${typeName(of)}`);
  const part = items.slice(begin, end);
  work.spend(part.length);
  return of instanceof PythonTuple ? new PythonTuple(part) : part;
}

function sliceIndex(value: PythonValue): number | undefined {
  if (value === null) return undefined;
  const index = numberOf(value);
  if (index === undefined || isFloat(value)) throw new TemplateFault('a part whose ends are no ints');
  return index;
}

function isDictWith(of: PythonValue, name: string): boolean {
  return (of instanceof PythonDict || isJsonMembers(of)) && hasMember(of, name);
}

/** Whether Python has an attribute of this name, which the sandbox hides; one that it shows is refused. */
function isPythonAttribute(of: PythonValue, name: string): boolean {
  if (PYTHON_ATTRIBUTES[typeName(of)]?.has(name) !== true) return false;
  if (!HIDDEN_ATTRIBUTES.has(name)) throw new TemplateFault(`.${name} of ${typeName(of)}, which Python has`);
  return true;
}

function indexedOf(of: PythonValue, key: PythonValue, work: TemplateWork): PythonValue {
  const index = isFloat(key) ? undefined : numberOf(key);
  const items = typeof of === 'string' ? charactersOf(of, work) : itemsOf(of);
  if (index === undefined || items === undefined) return undefined;
  return items[index < 0 ? items.length + index : index];
}
