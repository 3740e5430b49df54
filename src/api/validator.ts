import { Ajv, type ErrorObject } from 'ajv';
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify';
import type { Issue } from '../base/errors.ts';
import { ONE_LINE } from '../base/printable-text.ts';
import { PLAIN_JSON_SCHEMA } from '../config/type.ts';
import { RequestRefused } from './problems.ts';

/** The first mistake ends a check: what a stranger sends cannot make it long. */
const bodies = new Ajv(PLAIN_JSON_SCHEMA);
/** Query strings and path parameters are texts, so numbers are read from them. */
const texts = new Ajv({ ...PLAIN_JSON_SCHEMA, coerceTypes: true });

/**
 * Checks requests against the schemas of their routes. Bodies are taken as they are: nothing is dropped, and nothing is
 * turned into something else.
 */
const compileValidator: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  // They are there to be described: who reads a header checks it, and every command would pay for it here.
  if (httpPart === 'headers') return () => UNCHANGED;
  const isBody = httpPart === 'body';
  const fits = (isBody ? bodies : texts).compile(schema);
  const where = PLACES[httpPart ?? ''] ?? 'request';
  return (data: unknown) => {
    // A request without a body is one with an empty object: what must be in it is then told by name.
    const value = isBody ? (data ?? {}) : data;
    if (fits(value)) return value === data ? UNCHANGED : { value };
    const issues = (fits.errors ?? []).map(issueOf);
    const [{ pointer, message } = DOES_NOT_FIT] = issues;
    const what = pointer === '' ? `the ${where}` : `${pointer.slice(1)} of the ${where}`;
    const text = `The request does not fit: ${what} ${message}.`;
    return { error: new RequestRefused('REQUEST_INVALID', text, { issues }) };
  };
};

/** Fastify keeps what it has. */
const UNCHANGED = {};

const PLACES: Readonly<Record<string, string>> = { querystring: 'query', params: 'path', body: 'body' };
const DOES_NOT_FIT: Issue = { pointer: '', message: 'has not the form that it must have' };
const TYPES: Readonly<Record<string, string>> = { integer: 'a whole number', object: 'an object' };

/** By keyword, what is wrong, of those that the schemas of requests have. */
const WORDS: Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => string>> = {
  additionalProperties: (params) => `has members that are not known: ${String(params['additionalProperty'])}`,
  enum: (params) => `must be one of ${(params['allowedValues'] as readonly string[]).join(', ')}`,
  maxLength: (params) => `must not be longer than ${String(params['limit'])} characters`,
  // No schema of a request asks for more than one character.
  minLength: () => 'must not be empty',
  pattern: ({ pattern }) =>
    pattern === ONE_LINE ? 'must be one line, without characters that are not seen' : DOES_NOT_FIT.message,
  required: ({ missingProperty }) => `has no member ${String(missingProperty)}`,
  maximum: (params) => `must be at most ${String(params['limit'])}`,
  minimum: (params) => `must be at least ${String(params['limit'])}`,
  type: (params) => `must be ${TYPES[String(params['type'])] ?? String(params['type'])}`,
};

function issueOf({ instancePath: pointer, keyword, params }: ErrorObject): Issue {
  return { pointer, message: WORDS[keyword]?.(params) ?? DOES_NOT_FIT.message };
}

/**
 * Requests are checked, and answers written, without the compilers that Fastify would bring for it: routes answer with
 * what their types say, so no schema has to leave anything out. Fastify's types know its own compilers only.
 */
export const COMPILERS = {
  compilersFactory: { buildValidator: () => compileValidator, buildSerializer: () => () => JSON.stringify },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>;
