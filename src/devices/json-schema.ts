import { isJsonObject, pointerStep } from '../base/json.ts';
import type { Issue } from '../base/errors.ts';

const MAX_SCHEMA_DEPTH = 8;
/** Subschemas and enum members of one schema. */
const MAX_SCHEMA_NODES = 512;
/** Of those, how many may stand where each item or member of an input is checked against them. */
const MAX_REPEATED_SCHEMA_NODES = 128;

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

/** What the value of a keyword must be, in words, and whether one is. */
type Form = { readonly must: string; readonly fits: (value: unknown) => boolean };

const isText = (value: unknown): boolean => typeof value === 'string';
const isFilledList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

const ANYTHING: Form = { must: 'be there', fits: () => true };
const TEXT: Form = { must: 'be a text', fits: isText };
const SWITCH: Form = { must: 'be true or false', fits: (value) => typeof value === 'boolean' };
const BOUND: Form = { must: 'be a number', fits: Number.isFinite };
const COUNT: Form = {
  must: 'be a whole number, 0 or more',
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};
const STEP: Form = {
  must: 'be a number above 0',
  fits: (value) => Number.isFinite(value) && (value as number) > 0,
};
const NAMES: Form = {
  must: 'be a list of names',
  fits: (value) => Array.isArray(value) && value.every(isText),
};
const LIST: Form = { must: 'be a list', fits: Array.isArray };
const CHOICES: Form = { must: 'be a list of one or more values', fits: isFilledList };
const TYPE: Form = {
  must: `be one of ${TYPES.join(', ')}, or a list of them`,
  fits: (value) =>
    (isFilledList(value) ? value : [value]).every((type) => TYPES.some((known) => known === type)),
};

/**
 * What the hub checks, and what only explains, with what each must say: a checker that meets a bound of another form
 * checks nothing. Everything else is refused rather than ignored: a validator might know it, and follow a reference or
 * run a stranger's regular expression.
 */
const PLAIN_KEYWORDS = new Map<string, Form>(
  (
    [
      ['type', TYPE],
      ['enum', CHOICES],
      ['const default', ANYTHING],
      ['minimum maximum exclusiveMinimum exclusiveMaximum', BOUND],
      ['multipleOf', STEP],
      ['minLength maxLength minItems maxItems minProperties maxProperties', COUNT],
      ['required', NAMES],
      ['title description unit format $comment', TEXT],
      ['readOnly writeOnly deprecated', SWITCH],
      ['examples', LIST],
    ] as const
  ).flatMap(([keywords, form]) => keywords.split(' ').map((keyword) => [keyword, form] as const)),
);
/** One schema for each member or item of the input. */
const REPEATED_KEYWORDS = new Set(['items', 'additionalProperties']);
const LIST_KEYWORDS = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);

/** What to do instead of the commoner keywords that are refused. */
const INSTEAD = new Map([
  ['$ref', 'write the schema out in place'],
  ['pattern', 'use enum, minLength and maxLength, or check it on the device'],
  ['patternProperties', 'use properties and additionalProperties'],
  ['uniqueItems', 'check it on the device'],
]);

type Walk = { readonly issues: Issue[]; nodes: number; repeatedNodes: number };
type Place = { readonly pointer: string; readonly depth: number; readonly isRepeated: boolean };

/**
 * Checks a JSON Schema that came from a device. The hub takes only what it can validate in bounded time.
 *
 * @returns what is wrong, each with a pointer below `pointer`; empty when the schema can be used
 */
export function checkSchema(schema: unknown, pointer: string): Issue[] {
  const walk: Walk = { issues: [], nodes: 0, repeatedNodes: 0 };
  visit(schema, { pointer, depth: 1, isRepeated: false }, walk);
  return walk.issues;
}

function visit(schema: unknown, place: Place, walk: Walk): void {
  if (typeof schema === 'boolean') return;
  if (!isJsonObject(schema)) {
    walk.issues.push({ pointer: place.pointer, message: 'must be a JSON Schema: an object, true or false' });
    return;
  }
  if (place.depth > MAX_SCHEMA_DEPTH) {
    walk.issues.push({ pointer: place.pointer, message: `is nested deeper than ${MAX_SCHEMA_DEPTH} levels` });
    return;
  }
  if (!spend(1, place, walk)) return;
  for (const [keyword, value] of Object.entries(schema)) visitKeyword(keyword, value, place, walk);
}

function visitKeyword(keyword: string, value: unknown, place: Place, walk: Walk): void {
  const pointer = place.pointer + pointerStep(keyword);
  const plain = PLAIN_KEYWORDS.get(keyword);
  if (plain !== undefined) {
    if (!plain.fits(value)) walk.issues.push({ pointer, message: `must ${plain.must}` });
    else if (keyword === 'enum') spend((value as unknown[]).length, { ...place, pointer }, walk);
  } else if (REPEATED_KEYWORDS.has(keyword)) {
    visit(value, { pointer, depth: place.depth + 1, isRepeated: true }, walk);
  } else if (LIST_KEYWORDS.has(keyword)) {
    if (!isFilledList(value)) walk.issues.push({ pointer, message: 'must be a list of one or more schemas' });
    else
      value.forEach((item, index) =>
        visit(item, { ...place, pointer: `${pointer}/${index}`, depth: place.depth + 1 }, walk),
      );
  } else if (keyword === 'not') {
    visit(value, { ...place, pointer, depth: place.depth + 1 }, walk);
  } else if (keyword === 'properties') {
    visitProperties(value, { ...place, pointer }, walk);
  } else {
    const instead = INSTEAD.get(keyword);
    walk.issues.push({
      pointer,
      message: `is not accepted from devices${instead === undefined ? '' : `: ${instead}`}`,
    });
  }
}

function visitProperties(value: unknown, place: Place, walk: Walk): void {
  if (!isJsonObject(value)) {
    walk.issues.push({ pointer: place.pointer, message: 'must be an object' });
    return;
  }
  for (const [name, item] of Object.entries(value)) {
    visit(item, { ...place, pointer: place.pointer + pointerStep(name), depth: place.depth + 1 }, walk);
  }
}

/** Counts nodes; false, with one issue, when there are too many. */
function spend(nodes: number, place: Place, walk: Walk): boolean {
  walk.nodes += nodes;
  if (place.isRepeated) walk.repeatedNodes += nodes;
  const limit = place.isRepeated ? MAX_REPEATED_SCHEMA_NODES : MAX_SCHEMA_NODES;
  if (walk.nodes <= MAX_SCHEMA_NODES && walk.repeatedNodes <= MAX_REPEATED_SCHEMA_NODES) return true;
  const where = place.isRepeated ? ' below items and additionalProperties' : '';
  const message = `is too large: at most ${limit} subschemas and enum members${where}`;
  if (walk.issues.at(-1)?.message !== message) walk.issues.push({ pointer: place.pointer, message });
  return false;
}
