import { isJsonObject } from '../base/json.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import { paramOf, type HttpCall } from './http-call.ts';
import { METHODS_WITH_BODY } from './http-method.ts';

/** What would lead elsewhere from a segment of a path, by itself or after a server has decoded it. */
const LEADS_AWAY = /^[.\s]*$|[/\\\p{Cc}]/u;

/** The path and query that a question is sent to, or why it cannot be. */
export type CallTarget = (question: unknown) => Result<string, string>;

/**
 * Makes the targets of a call. Where the method has no body, the members of the question go into the query, except
 * those that the file gives: in the path, or in a query of its own.
 */
export function callTarget({ method, url, params }: HttpCall): CallTarget {
  const { pathname, search } = url;
  const given = new Set([...params, ...url.searchParams.keys()]);
  const hasBody = METHODS_WITH_BODY.has(method);
  if (hasBody && params.length === 0) {
    const target = succeed(`${pathname}${search}`);
    return () => target;
  }
  const segments = pathname.split('/').map((text) => ({ text, param: paramOf(text) }));
  return (question) => {
    const path: string[] = [];
    for (const { text, param } of segments) {
      const segment = param === undefined ? text : pathValue(question, param);
      if (segment === undefined)
        return fail(`the question has no ${param} that can stand in the path: a text or a number without /`);
      path.push(segment);
    }
    const query = hasBody ? succeed(search) : withQuery(url.searchParams, question, given);
    return query.ok ? succeed(`${path.join('/')}${query.value}`) : query;
  };
}

function pathValue(question: unknown, param: string): string | undefined {
  const value = isJsonObject(question) && Object.hasOwn(question, param) ? question[param] : undefined;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
  const text = String(value);
  return LEADS_AWAY.test(text) ? undefined : encodeURIComponent(text.toWellFormed());
}

/** A list is its name as often as it has items; what is nested deeper is JSON. */
function withQuery(
  own: URLSearchParams,
  question: unknown,
  given: ReadonlySet<string>,
): Result<string, string> {
  if (question !== null && !isJsonObject(question))
    return fail('the question is no object, so that it has no place in a query, and the method has no body');
  const query = new URLSearchParams(own);
  for (const [name, member] of Object.entries(question ?? {})) {
    if (given.has(name)) continue;
    for (const item of Array.isArray(member) ? (member as unknown[]) : [member])
      if (item !== null) query.append(name, typeof item === 'string' ? item : JSON.stringify(item));
  }
  const text = query.toString();
  return succeed(text === '' ? '' : `?${text}`);
}
