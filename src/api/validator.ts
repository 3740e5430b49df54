import { Ajv, type ErrorObject } from 'ajv';
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify';
import type { Issue } from '../base/errors.ts';
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
  const isBody = httpPart === 'body';
  const fits = (isBody ? bodies : texts).compile(schema);
  const where = httpPart === 'querystring' ? 'query' : (httpPart ?? 'request');
  return (data: unknown) => {
    // A request without a body is one with an empty object: what must be in it is then told by name.
    const value = isBody ? (data ?? {}) : data;
    if (fits(value)) return value === data ? UNCHANGED : { value };
    const issues = (fits.errors ?? []).map(issueOf);
    const text = issues.map((issue) => `${where}${issue.pointer} ${issue.message}`).join('; ');
    return { error: new RequestRefused('REQUEST_INVALID', `The request does not fit: ${text}.`, { issues }) };
  };
};

/** Fastify keeps what it has. */
const UNCHANGED = {};

function issueOf({ instancePath: pointer, keyword, params, message = 'does not fit' }: ErrorObject): Issue {
  if (keyword !== 'additionalProperties') return { pointer, message };
  return { pointer, message: `has members that are not known: ${String(params['additionalProperty'])}` };
}

/**
 * Requests are checked, and answers written, without the compilers that Fastify would bring for it: routes answer with
 * what their types say, so no schema has to leave anything out. Fastify's types know its own compilers only.
 */
export const COMPILERS = {
  compilersFactory: { buildValidator: () => compileValidator, buildSerializer: () => () => JSON.stringify },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>;
