import { fail, succeed, type Result } from '../base/result.ts';
import { HTTP_METHODS, isHttpMethod, type HttpMethod } from './http-method.ts';

/** `GET /rooms/:id`, read. */
type HttpRoute = {
  readonly method: HttpMethod;
  readonly path: string;
  /** The names behind colons. */
  readonly params: readonly string[];
};

const MAX_PATH_CHARACTERS = 1000;
const SEGMENT = /^(?:[A-Za-z0-9._~!$&'()+,;=@-]+|:[A-Za-z][A-Za-z0-9_]*)$/;

/** Reads a method and a path, in which `:name` stands for any one segment. */
export function readHttpRoute(text: string): Result<HttpRoute, string> {
  const [method = '', path = '', ...more] = text.trim().split(/\s+/);
  if (!isHttpMethod(method) || more.length > 0 || !path.startsWith('/') || path.length > MAX_PATH_CHARACTERS)
    return fail(`must be a method and a path, as GET /ping (methods: ${HTTP_METHODS.join(', ')})`);
  const segments = path === '/' ? [] : path.slice(1).split('/');
  const bad = segments.find((segment) => !SEGMENT.test(segment));
  if (bad !== undefined)
    return fail(`has "${bad}" in its path: a segment is plain text, or a name after a colon, as /rooms/:id`);
  const params = segments.filter((segment) => segment.startsWith(':')).map((segment) => segment.slice(1));
  const twice = params.find((name, index) => params.indexOf(name) < index);
  if (twice !== undefined) return fail(`has :${twice} twice; each name may be there once`);
  return succeed({ method, path, params });
}

/** Two routes with the same text here are the same to a caller. */
export function routeKey({ method, path }: HttpRoute): string {
  return `${method} ${path.replaceAll(/:[^/]+/g, ':')}`;
}
