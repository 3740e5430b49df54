import type { DraftProblem, FormField, NumberField, TextField } from '../../client/index.ts';
import type { Say } from '../messages.ts';

/** Choices are named in a hint up to this many characters. */
const MAX_CHOICES_CHARACTERS = 60;

const FORMAT_EXAMPLES: Readonly<Record<string, string>> = {
  date: '2026-11-22',
  time: '10:30:00Z',
  'date-time': '2026-11-22T10:30:00Z',
  email: 'ana@example.org',
  ipv4: '192.168.0.20',
  uri: 'https://example.org/',
  uuid: '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
};

/** What is wrong with what was typed, and what to do. */
export function sayDraftProblem(problem: DraftProblem, say: Say): string {
  switch (problem.kind) {
    case 'below':
    case 'above':
      return say(`draft.${problem.kind}${problem.isExclusive ? '.exclusive' : ''}`, { limit: problem.limit });
    case 'wrong-format': {
      const example = FORMAT_EXAMPLES[problem.format];
      if (example !== undefined) return say('draft.wrong-format.like', { example });
      return say('draft.wrong-format', { format: problem.format });
    }
    case 'wrong-item':
      return say('draft.wrong-item', { item: problem.item, problem: sayDraftProblem(problem.problem, say) });
    case 'no-multiple':
    case 'too-short':
    case 'too-long':
    case 'too-few':
    case 'too-many':
      return say(`draft.${problem.kind}`, { limit: problem.limit });
    default:
      return say(`draft.${problem.kind}`);
  }
}

/** What a field takes: `optional, whole number, 0 to 100`. A short hint leaves out some of many choices. */
export function sayFieldHint(
  field: FormField,
  say: Say,
  options: { isShort: boolean } = { isShort: true },
): string {
  const optional = field.isRequired ? [] : [say('form.optional')];
  return [...optional, ...sayKind(field, say, options.isShort)].join(', ');
}

function sayKind(field: FormField, say: Say, isShort: boolean): string[] {
  switch (field.kind) {
    case 'text':
      return sayText(field, say);
    case 'number':
      return sayNumber(field, say);
    case 'boolean':
      return [`${say('form.yes')} / ${say('form.no')}`];
    case 'choice': {
      const choices = field.choices.map((choice) => choice.label).join(', ');
      const short =
        isShort && choices.length > MAX_CHOICES_CHARACTERS
          ? `${choices.slice(0, MAX_CHOICES_CHARACTERS)}…`
          : choices;
      return [say('form.choice', { choices: short })];
    }
    case 'list':
      return [
        say('form.list'),
        ...sayBounds('form.list', field.minItems, field.maxItems, say),
        ...sayKind(field.item, say, isShort),
      ];
    default:
      return [say('form.json')];
  }
}

function sayText(field: TextField, say: Say): string[] {
  const format =
    field.format === undefined
      ? []
      : [say('form.text.format', { format: FORMAT_EXAMPLES[field.format] ?? field.format })];
  return [say('form.text'), ...sayBounds('form.text', field.minLength, field.maxLength, say), ...format];
}

function sayNumber(field: NumberField, say: Say): string[] {
  const parts = [
    say(field.isInteger ? 'form.integer' : 'form.number'),
    ...sayBounds('form.number', field.minimum, field.maximum, say),
  ];
  if (field.exclusiveMinimum !== undefined) parts.push(say('form.above', { min: field.exclusiveMinimum }));
  if (field.exclusiveMaximum !== undefined) parts.push(say('form.below', { max: field.exclusiveMaximum }));
  if (field.multipleOf !== undefined) parts.push(say('form.multiple', { step: field.multipleOf }));
  return parts;
}

type Bounded = 'form.number' | 'form.text' | 'form.list';

function sayBounds(what: Bounded, min: number | undefined, max: number | undefined, say: Say): string[] {
  if (min !== undefined && max !== undefined) return [say(`${what}.length`, { min, max })];
  if (min !== undefined) return [say(`${what}.min`, { min })];
  return max === undefined ? [] : [say(`${what}.max`, { max })];
}
