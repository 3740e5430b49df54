import { isSessionCookie, SESSION_COOKIE } from '../accounts/session-cookie.ts';

/**
 * The secret in the cookie of a person who is signed in. Two such cookies are none: a page of another name below the
 * same domain could have set one of them.
 */
export function readSessionCookie(cookies: string | undefined): string | undefined {
  if (cookies === undefined) return undefined;
  const [pair, ...more] = cookies.split(';').filter(isSessionCookie);
  return pair === undefined || more.length > 0 ? undefined : pair.slice(pair.indexOf('=') + 1).trim();
}

/** `Set-Cookie` for who has signed in. @param isSecure - whether the browser may keep it for HTTPS alone */
export function writeSessionCookie(
  secret: string,
  { maxAgeMs, isSecure }: { readonly maxAgeMs: number; readonly isSecure: boolean },
): string {
  const maxAge = Math.floor(maxAgeMs / 1000);
  return `${SESSION_COOKIE}=${secret}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}

/**
 * For an answer that signs in, where pages of services are sandboxed: what those of before the first account left in
 * the browser, a service worker for one, acts as nobody. Browsers obey where the hub is asked by HTTPS, or is theirs.
 */
export const CLEARS_PAGES = { 'clear-site-data': '"cache", "storage"' } as const;
