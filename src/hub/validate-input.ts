import { createRequire } from 'node:module';
import type * as TypeBoxSchema from 'typebox/schema';
import { definedMembers } from '../base/defined-members.ts';
import type { Issue } from '../base/errors.ts';
import type { Command, JsonSchema } from '../devices/command.ts';

const MAX_ISSUES = 10;
/** Names and values that one of them lists; a list of more is not told. */
const MAX_LISTED = 20;

/** Loaded with the first input that needs it: 240 files, which a hub whose devices take texts goes without. */
const requirePackage = createRequire(import.meta.url);
const schemas = (): typeof TypeBoxSchema => requirePackage('typebox/schema') as typeof TypeBoxSchema;

/**
 * What is wrong with the input of a command; empty when it fits. The schema was checked when the device came
 * (`devices/json-schema.ts`); it is interpreted, never compiled to code.
 */
export function validateInput(command: Command, input: unknown): readonly Issue[] {
  if (command.input === undefined) {
    if (input === undefined || input === null) return NO_ISSUES;
    return [{ pointer: '', message: 'must be left out: this command takes no input', keyword: 'boolean' }];
  }
  if (command.input['type'] === 'string' && typeof input === 'string' && isPlainText(command))
    return NO_ISSUES;
  const issues = validateValue(command.input, input ?? null);
  if (input !== undefined || issues.length === 0) return issues;
  const message = `is missing: ${issues[0]?.message ?? 'this command needs an input'}`;
  return [{ pointer: '', message, keyword: 'required' }];
}

/** What is wrong with a value by a schema of a device; empty when it fits. */
export function validateValue(schema: JsonSchema, value: unknown): readonly Issue[] {
  const { Check, Errors } = schemas();
  if (Check(schema, value)) return NO_ISSUES;
  const [, errors] = Errors(schema, value);
  return errors.slice(0, MAX_ISSUES).map((error) => {
    const { instancePath: pointer, keyword, message } = error;
    return { pointer, message, keyword, ...definedMembers({ limit: limitOf(error) }) };
  });
}

/** What a keyword asks for, or the names that it is about; undefined where there is none, or too much of it. */
function limitOf({ keyword, params }: { readonly keyword: string; readonly params: object }): Issue['limit'] {
  const limit = (params as Readonly<Record<string, unknown>>)[PARAMETERS[keyword] ?? 'limit'];
  if (limit === undefined || typeof limit === 'number') return limit;
  if (Array.isArray(limit)) return limit.length > MAX_LISTED ? undefined : limit.map(textOf);
  return textOf(limit);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Where the checker keeps it, by keyword; elsewhere as `limit`. */
const PARAMETERS: Readonly<Record<string, string>> = {
  additionalProperties: 'additionalProperties',
  const: 'allowedValue',
  enum: 'allowedValues',
  format: 'format',
  multipleOf: 'multipleOf',
  required: 'requiredProperties',
  type: 'type',
};

const NO_ISSUES: readonly Issue[] = [];
const ANNOTATIONS = new Set(['type', 'title', 'description', 'default', 'examples']);

/** The commonest schema by far: any text. */
function isPlainText(command: Command): boolean {
  for (const keyword in command.input) if (!ANNOTATIONS.has(keyword)) return false;
  return true;
}
