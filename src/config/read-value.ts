import { isIP } from 'node:net';
import { Ajv, type ErrorObject } from 'ajv';
import { parseNetwork } from '../base/networks.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import type { SchemaNode, ValueMistake } from './config-keys.ts';
import { PLAIN_JSON_SCHEMA } from './type.ts';

const MAX_SHOWN_CHARACTERS = 60;
/** What the documentation shows, now or once: everybody knows them. */
const SAMPLE_TOKENS: ReadonlySet<string> = new Set([
  'make-your-own-with-openssl-rand-hex-24',
  'choose-a-long-secret-here',
]);
const SAMPLE_TOKEN_MESSAGE =
  'this is the sample from the documentation: make your own, e.g. openssl rand -hex 24';
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;

/** What a text must be, by the formats that are checked here. */
const TEXT_FORMATS: Readonly<Record<string, string>> = {
  network: 'a network or an address, as 10.0.0.0/8 or 10.0.0.7',
  host: 'an IP address or a host name, as 127.0.0.1',
};

/** Formats of our own beside the words of JSON Schema; a token has what it must be in other words already. */
const ajv = new Ajv({
  ...PLAIN_JSON_SCHEMA,
  allErrors: true,
  formats: {
    network: (text: string) => parseNetwork(text) !== undefined,
    host: isHost,
    token: (text: string) => !SAMPLE_TOKENS.has(text),
  },
});

/** The value of one key as the program needs it, or all that is wrong with it. */
export function readValue(written: unknown, schema: SchemaNode): Result<unknown, readonly ValueMistake[]> {
  if (schema.read !== undefined) return schema.read(written);
  if (ajv.validate(schema, written)) return succeed(written);
  const mistakes = new Map<string, ValueMistake>();
  for (const error of ajv.errors ?? []) {
    const steps = stepsTo(error);
    // One that is told in other words is enough for each place.
    if (!mistakes.has(steps.join('/')))
      mistakes.set(steps.join('/'), { steps, message: mistakeMessage(written, schema, { steps, error }) });
  }
  return fail([...mistakes.values()]);
}

/** To a name that is not allowed, or to the value that is wrong. */
function stepsTo({ instancePath, keyword, params }: ErrorObject): string[] {
  const steps = instancePath.split('/').slice(1);
  const name = keyword === 'additionalProperties' ? [String(params['additionalProperty'])] : [];
  return [...steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')), ...name];
}

/** What a value must be, as the end of a sentence: `a whole number, 0 to 65535`. */
export function describeExpected(schema: SchemaNode): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'integer') {
    const unit = schema.unit === undefined ? '' : ` of ${schema.unit}`;
    const upTo = schema.maximum === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${schema.maximum}`;
    return `a whole number${unit}, ${schema.minimum} ${upTo}`;
  }
  if (schema.type === 'boolean') return 'true or false';
  const text = schema.expected ?? TEXT_FORMATS[schema.format ?? ''];
  if (text !== undefined) return text;
  return schema.type === 'array' ? 'a list' : `a map of ${schema.mapOf}`;
}

function mistakeMessage(
  value: unknown,
  schema: SchemaNode,
  { steps, error }: { readonly steps: readonly string[]; readonly error: ErrorObject },
): string {
  if (error.params['format'] === 'token') return SAMPLE_TOKEN_MESSAGE;
  let part = value;
  let expected: SchemaNode | undefined = schema;
  for (const step of steps) {
    part = (part as Record<string, unknown>)[step];
    expected =
      expected.items ??
      Object.entries(expected.patternProperties ?? {}).find(([p]) => new RegExp(p).test(step))?.[1];
    if (expected === undefined)
      return schema.nameOf === undefined
        ? `cannot be a name in a map of ${schema.mapOf}`
        : `is not ${schema.nameOf}`;
  }
  return `must be ${describeExpected(expected)} (it is ${showValue(part, schema.secret === true)})`;
}

/** Digits and dots that are no IP address are a mistyped one, not a name. */
function isHost(text: string): boolean {
  return isIP(text) !== 0 || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text));
}

function showValue(value: unknown, isSecret: boolean): string {
  if (value === null || value === undefined || value === '') return 'empty';
  if (isSecret)
    return typeof value === 'string'
      ? `hidden, ${value.length} character${value.length === 1 ? '' : 's'}`
      : 'hidden';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}
