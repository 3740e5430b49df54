import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify';
import type { Issue } from '../base/errors.ts';
import type { SchemaNode } from '../config/config-keys.ts';
import { findMisfits } from '../config/find-misfits.ts';
import { pointerOf } from '../config/read-value.ts';
import { RequestRefused } from './problems.ts';

const MAX_ISSUES = 10;

/**
 * Checks requests against the schemas of their routes. Query strings and path parameters are texts, so numbers are
 * read from them; bodies are taken as they are: nothing is dropped, and nothing is turned into something else.
 */
const compileValidator: FastifySchemaCompiler<SchemaNode> = ({ schema, httpPart }) => {
  const isText = httpPart === 'querystring' || httpPart === 'params';
  const numbers = isText ? namesOfNumbers(schema) : [];
  return (data: unknown) => {
    // A request without a body is one with an empty object: what must be in it is then told by name.
    const given = httpPart === 'body' ? (data ?? {}) : data;
    const value = numbers.length > 0 ? readNumbers(given as Texts, numbers) : given;
    const misfits = findMisfits(schema, value);
    if (misfits.length === 0) return value === data ? UNCHANGED : { value };
    const issues = misfits
      .slice(0, MAX_ISSUES)
      .map(({ steps, message }): Issue => ({ pointer: pointerOf(steps), message }));
    const where = httpPart === 'querystring' ? 'query' : (httpPart ?? 'request');
    const text = issues.map((issue) => `${where}${issue.pointer} ${issue.message}`).join('; ');
    return { error: new RequestRefused('REQUEST_INVALID', `The request does not fit: ${text}.`, { issues }) };
  };
};

/** Fastify keeps what it has. */
const UNCHANGED = {};

/** Of a parameter that is there more than once, all of them. */
type Texts = Readonly<Record<string, string | readonly string[]>>;

function namesOfNumbers({ properties = {} }: SchemaNode): string[] {
  return Object.entries(properties).flatMap(([name, { type }]) => (type === 'integer' ? [name] : []));
}

/** What is no number stays as it is, and does not fit. */
function readNumbers(texts: Texts, names: readonly string[]): Readonly<Record<string, unknown>> {
  const read: Record<string, unknown> = { ...texts };
  for (const name of names) {
    const number = typeof texts[name] === 'string' ? Math.trunc(Number(texts[name])) : Number.NaN;
    if (Number.isFinite(number)) read[name] = number;
  }
  return read;
}

/**
 * Requests are checked, and answers written, without the compilers that Fastify would bring for it: routes answer with
 * what their types say, so no schema has to leave anything out. Fastify's types know its own compilers only.
 */
export const COMPILERS = {
  compilersFactory: { buildValidator: () => compileValidator, buildSerializer: () => () => JSON.stringify },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>;
