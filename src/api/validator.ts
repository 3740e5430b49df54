import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import type { Issue } from '../base/errors.ts';
import { RequestRefused } from './problems.ts';

const MAX_ISSUES = 10;

/**
 * Checks requests against the schemas of their routes. Query strings and path parameters are texts, so numbers are
 * read from them; bodies are taken as they are: nothing is dropped, and nothing is turned into something else.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const checked = Compile(schema);
  // Reading numbers from texts walks the whole schema, so it is done only where a number is wanted.
  const isText =
    (httpPart === 'querystring' || httpPart === 'params') &&
    /"(?:number|integer|boolean)"/.test(JSON.stringify(schema));
  return (data: unknown) => {
    // A request without a body is one with an empty object: what must be in it is then told by name.
    const given = httpPart === 'body' ? (data ?? {}) : data;
    const value: unknown = isText ? Value.Convert(schema, given) : given;
    if (checked.Check(value)) return value === data ? UNCHANGED : { value };
    const issues = checked.Errors(value).map(issueOf).filter(isTelling).slice(0, MAX_ISSUES);
    const where = httpPart === 'querystring' ? 'query' : (httpPart ?? 'request');
    const text = issues.map((issue) => `${where}${issue.pointer} ${issue.message}`).join('; ');
    return { error: new RequestRefused('REQUEST_INVALID', `The request does not fit: ${text}.`, { issues }) };
  };
};

/** Fastify keeps what it has. */
const UNCHANGED = {};

type ValidationError = ReturnType<ReturnType<typeof Compile>['Errors']>[number];

function issueOf(error: ValidationError): Issue {
  const { instancePath: pointer, params } = error;
  if (error.keyword === 'additionalProperties') {
    const { additionalProperties } = params as { additionalProperties: string[] };
    return { pointer, message: `has members that are not known: ${additionalProperties.join(', ')}` };
  }
  return { pointer, message: error.message };
}

/** A refused member is told by the rule that refuses it; the schema `false` of its own says nothing. */
function isTelling(issue: Issue): boolean {
  return issue.message !== 'schema is false';
}
