import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
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
    // A request without a body is one whose body is null: schemas say whether they take that.
    const value: unknown = isText ? Value.Convert(schema, data) : (data ?? null);
    if (checked.Check(value)) return { value };
    const issues = checked
      .Errors(value)
      .slice(0, MAX_ISSUES)
      .map((error) => ({ pointer: error.instancePath, message: error.message }));
    const where = httpPart === 'querystring' ? 'query' : (httpPart ?? 'request');
    const text = issues.map((issue) => `${where}${issue.pointer} ${issue.message}`).join('; ');
    return { error: new RequestRefused('REQUEST_INVALID', `The request does not fit: ${text}.`, { issues }) };
  };
};
