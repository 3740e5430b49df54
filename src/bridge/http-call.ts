import { fail, succeed, type Result } from '../base/result.ts';
import { HTTP_METHODS, isHttpMethod, type HttpMethod } from './http-method.ts';

/** `POST http://localhost:5001/ping`, read. */
export type HttpCall = { readonly method: HttpMethod; readonly url: URL };

/** Reads a method and the address of what is called. */
export function readHttpCall(text: string): Result<HttpCall, string> {
  const [method = '', address = '', ...more] = text.trim().split(/\s+/);
  const url = URL.parse(address);
  if (isHttpMethod(method) && url !== null && more.length === 0 && isGoodTarget(url))
    return succeed({ method, url });
  const methods = HTTP_METHODS.join(', ');
  return fail(`must be a method and an address, as POST http://localhost:5001/ping (methods: ${methods})`);
}

function isGoodTarget({ protocol, hostname, username, password, hash }: URL): boolean {
  return /^https?:$/.test(protocol) && hostname !== '' && username + password + hash === '';
}
