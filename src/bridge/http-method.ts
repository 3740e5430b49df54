/** The methods that a route may have, and a call. */
export const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

/** Those whose requests have a body. */
export const METHODS_WITH_BODY: ReadonlySet<string> = new Set<HttpMethod>(['POST', 'PUT', 'PATCH']);

export function isHttpMethod(text: string): text is HttpMethod {
  return (HTTP_METHODS as readonly string[]).includes(text);
}
