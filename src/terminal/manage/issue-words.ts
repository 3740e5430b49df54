import type { ProblemIssue } from '../../client/index.ts';
import { sayIfKnown, type MessageKey, type Say } from '../messages.ts';
import { sayDraftProblem } from './draft-words.ts';

/** Keywords of JSON Schema of which there is a text for what is typed into fields. */
const AS_DRAFTS: Readonly<Record<string, MessageKey>> = {
  minimum: 'draft.below',
  exclusiveMinimum: 'draft.below.exclusive',
  maximum: 'draft.above',
  exclusiveMaximum: 'draft.above.exclusive',
  multipleOf: 'draft.no-multiple',
  minLength: 'draft.too-short',
  maxLength: 'draft.too-long',
  minItems: 'draft.too-few',
  maxItems: 'draft.too-many',
};

const SAME_AS: Readonly<Record<string, string>> = {
  const: 'enum',
  maxCommandBytes: 'maxBytes',
  maxLineBytes: 'maxBytes',
};

/** Keywords of which all is said without a limit. */
const WITHOUT_LIMIT: Readonly<Record<string, MessageKey>> = {
  enum: 'draft.no-choice',
  required: 'draft.missing',
};

/** What is wrong with a part of an input, as the hub found it; in its own words where this version has none. */
export function sayIssue({ message, keyword = '', limit }: ProblemIssue, say: Say): string {
  if (keyword === 'format' && limit !== undefined)
    return sayDraftProblem({ kind: 'wrong-format', format: String(limit) }, say);
  const name = SAME_AS[keyword] ?? keyword;
  const key = (limit === undefined ? WITHOUT_LIMIT[name] : AS_DRAFTS[name]) ?? `issue.${name}`;
  const limits = [limit ?? []].flat();
  const text =
    name === 'type'
      ? limits.map((type) => sayIfKnown(say, `issue.type.${type}`) ?? type).join(say('issue.type.or'))
      : limits.join(', ');
  const said = sayIfKnown(say, key, limit === undefined ? {} : { limit: text });
  return said === undefined || said.includes('{limit}') ? message : said;
}
