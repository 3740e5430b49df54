import { given, type TemplateFunction } from './template-function.ts';
import { isNumber, pattern } from './template-filters.ts';
import { isDict } from './python-text.ts';
import { areEqual, compare, contains, isFloat, numberOf, type PythonValue } from './python-value.ts';
import { TemplateFault } from './template-fault.ts';
import type { TemplateWork } from './template-work.ts';

const IS_EQUAL = binary((one, other, work) => areEqual(one, other, work));
const IS_UNEQUAL = binary((one, other, work) => !areEqual(one, other, work));
const IS_LESS = binary((one, other, work) => compare(one, other, work) < 0);
const IS_MORE = binary((one, other, work) => compare(one, other, work) > 0);
const IS_AT_MOST = binary((one, other, work) => compare(one, other, work) <= 0);
const IS_AT_LEAST = binary((one, other, work) => compare(one, other, work) >= 0);

/** What stands behind `is`. */
export const TEMPLATE_TESTS: ReadonlyMap<string, TemplateFunction<boolean>> = new Map(
  Object.entries<TemplateFunction<boolean>>({
    defined: unary((value) => value !== undefined),
    undefined: unary((value) => value === undefined),
    none: unary((value) => value === null),
    true: unary((value) => value === true),
    false: unary((value) => value === false),
    boolean: unary((value) => typeof value === 'boolean'),
    number: unary((value) => typeof value === 'bigint' || numberOf(value) !== undefined),
    integer: unary(isInteger),
    float: unary(isFloat),
    string: unary((value) => typeof value === 'string'),
    mapping: unary(isDict),
    even: unary((value) => wholeRemainder(value) === 0),
    odd: unary((value) => wholeRemainder(value) !== 0),
    is_number: unary(isNumber),
    eq: IS_EQUAL,
    equalto: IS_EQUAL,
    ne: IS_UNEQUAL,
    lt: IS_LESS,
    lessthan: IS_LESS,
    gt: IS_MORE,
    greaterthan: IS_MORE,
    le: IS_AT_MOST,
    ge: IS_AT_LEAST,
    in: binary((item, container, work) => contains(container, item, work)),
    search: pattern('anywhere'),
    match: pattern('at the begin'),
  }),
);

function unary(run: (value: PythonValue) => boolean): TemplateFunction<boolean> {
  return { parameters: [], required: 0, run };
}

function binary(
  run: (one: PythonValue, other: PythonValue, work: TemplateWork) => boolean,
): TemplateFunction<boolean> {
  return {
    parameters: ['other'],
    required: 1,
    run: (one, [other], work) => run(one, given(other, undefined), work),
  };
}

function isInteger(value: PythonValue): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && !isFloat(value));
}

function wholeRemainder(value: PythonValue): number {
  const number = numberOf(value);
  if (number === undefined) throw new TemplateFault('even or odd, of what is no number');
  return Math.abs(number % 2);
}
