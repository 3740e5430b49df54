import { fail, succeed, type Result } from '../base/result.ts';
import { HTTP_METHODS, isHttpMethod, type HttpMethod } from './http-method.ts';

/** `PUT http://localhost:5001/rooms/:id`, read. */
export type HttpCall = {
  readonly method: HttpMethod;
  readonly url: URL;
  /** The names behind colons in its path: members of the question stand there. */
  readonly params: readonly string[];
};

const PARAM = /^:[A-Za-z][A-Za-z0-9_]*$/;

/** Reads a method and the address of what is called. */
export function readHttpCall(text: string): Result<HttpCall, string> {
  const [method = '', address = '', ...more] = text.trim().split(/\s+/);
  const url = URL.parse(address);
  if (!isHttpMethod(method) || url === null || more.length > 0 || !isGoodTarget(url)) {
    const methods = HTTP_METHODS.join(', ');
    return fail(`must be a method and an address, as POST http://localhost:5001/ping (methods: ${methods})`);
  }
  const params = url.pathname.split('/').flatMap((segment) => paramOf(segment) ?? []);
  const twice = params.find((name, index) => params.indexOf(name) < index);
  if (twice !== undefined) return fail(`has :${twice} twice; each name may be there once`);
  return succeed({ method, url, params });
}

/** The name that stands for a segment of a path; undefined when it stands for itself. */
export function paramOf(segment: string): string | undefined {
  return PARAM.test(segment) ? segment.slice(1) : undefined;
}

function isGoodTarget({ protocol, hostname, username, password, hash }: URL): boolean {
  return /^https?:$/.test(protocol) && hostname !== '' && username + password + hash === '';
}
