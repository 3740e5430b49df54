/** The cookie by which the hub knows a person who is signed in; no service may see it, or set it. */
export const SESSION_COOKIE = 'recado_session';

/** What browsers demand more of a cookie that is called so (RFC 6265bis section 4.1.3). */
const PREFIXES = /^(?:__host-|__secure-)/;

/**
 * Whether a browser or a server could take a cookie for the hub's own.
 *
 * @param pair - `name=value`, as `Cookie` and `Set-Cookie` have it; of one without a name, browsers send the value alone
 */
export function isSessionCookie(pair: string): boolean {
  const [name = ''] = pair.replace(/^[\s=]+/, '').split('=', 1);
  return name.trim().toLowerCase().replace(PREFIXES, '') === SESSION_COOKIE;
}
