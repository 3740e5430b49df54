import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a request that a browser made comes from a page of this server itself, or from no page at all. What other
 * programs send is none of a page.
 */
export function isFromOwnPage(headers: IncomingHttpHeaders): boolean {
  const { origin, referer, host } = headers;
  // The browser says it, and no page can: it knows the address that it has shown, whatever a proxy made of `Host`.
  switch (headers['sec-fetch-site']) {
    case 'same-origin':
      return true;
    case undefined:
    case 'none':
      break;
    default:
      // Also what no browser says, such as two of them in one.
      return false;
  }
  const from = origin ?? referer;
  if (from === undefined) return true;
  const page = URL.parse(from);
  const isWebPage = page?.protocol === 'http:' || page?.protocol === 'https:';
  // A port that is the usual one may be left out.
  return isWebPage && host !== undefined && URL.parse(`${page.protocol}//${host}`)?.host === page.host;
}
