import { createRequire } from 'node:module';
import type * as TypeBoxSchema from 'typebox/schema';
import type { Issue } from '../base/errors.ts';
import type { Command } from '../devices/command.ts';

const MAX_ISSUES = 10;

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
    return [{ pointer: '', message: 'must be left out: this command takes no input' }];
  }
  if (command.input['type'] === 'string' && typeof input === 'string' && isPlainText(command))
    return NO_ISSUES;
  const { Check, Errors } = schemas();
  if (Check(command.input, input ?? null)) return NO_ISSUES;
  const [, errors] = Errors(command.input, input ?? null);
  if (input === undefined)
    return [{ pointer: '', message: `is missing: ${errors[0]?.message ?? 'this command needs an input'}` }];
  return errors
    .slice(0, MAX_ISSUES)
    .map((error) => ({ pointer: error.instancePath, message: error.message }));
}

const NO_ISSUES: readonly Issue[] = [];
const ANNOTATIONS = new Set(['type', 'title', 'description', 'default', 'examples']);

/** The commonest schema by far: any text. */
function isPlainText(command: Command): boolean {
  for (const keyword in command.input) if (!ANNOTATIONS.has(keyword)) return false;
  return true;
}
