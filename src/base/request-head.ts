import type { IncomingMessage } from 'node:http';

/** RFC 3986 section 3.2.2, with a port: what RFC 9112 section 3.2 lets a Host be. */
const PORT = '[0-5]?\\d{0,4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5]';
const HOST = new RegExp(`^(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::(?:${PORT}))?$`);
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PAIR = `${TOKEN}=(?:${TOKEN}|"(?:[^"\\\\]|\\\\.)*")`;
/** RFC 7239 section 4, with the blanks around `;` that many write. */
export const FORWARDED = new RegExp(`^(?:${PAIR})?(?:[ \\t]*[;,](?:[ \\t]*${PAIR})?)*[ \\t]*$`);
/** What there is in one that is {@link FORWARDED}: a parameter, or what ends an element. */
export const FORWARDED_PART = new RegExp(`(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")|,`, 'g');

const AUTHORITY = /^https?:\/\/([^/?#]+)/i;

/** For what is another version, or no HTTP at all. */
export const NO_HTTP = 'This is not a request of HTTP/1.1.';

/** A request line with a whole address in it, as proxies are sent it, is made what all others are: its host counts. */
export function toOriginForm(request: IncomingMessage): void {
  const [start = '', authority] = AUTHORITY.exec(request.url ?? '') ?? [];
  // RFC 9112 section 3.2.2.
  if (authority === undefined) return;
  const rest = request.url?.slice(start.length) ?? '';
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = authority;
}

/**
 * What is wrong with the head of a request that Node's parser let pass, and others may read in another way; undefined
 * when nothing is. Such a request is answered with 400, and its connection closed.
 *
 * @param target - as it came; `url` may be another one by now
 */
export function findHeadFault(request: IncomingMessage, target = request.url ?? ''): string | undefined {
  const { method, headers, rawHeaders, httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return NO_HTTP;
  // RFC 9112 section 3.2.
  const isPath = target.startsWith('/') || AUTHORITY.test(target) || (target === '*' && method === 'OPTIONS');
  if (!isPath || target.includes('#'))
    return 'A request is for a path that begins with /, or an address with http:// or https:// and a host; # is in none.';
  const { host, forwarded } = headers;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0'))
    return 'The body of a request is chunked, in HTTP/1.1, or has a Content-Length; no other Transfer-Encoding is taken.';
  // RFC 9110 section 4.2.1 wants a host; RFC 9112 section 3.2 one line that says it.
  const isHostRight =
    host === undefined ? httpVersion === '1.0' : HOST.test(host) && !hasTwoHosts(rawHeaders);
  if (!isHostRight) return 'A request has one Host, which is a name or an address, perhaps with a port.';
  if (forwarded !== undefined && !FORWARDED.test(forwarded))
    return 'The header Forwarded is not as RFC 7239 has it.';
  return undefined;
}

/** The same for a request that asks for another protocol: what follows its head would be taken for that. */
export function findUpgradeFault(request: IncomingMessage): string | undefined {
  const { headers, httpVersion } = request;
  // RFC 9110 section 7.8.
  if (httpVersion === '1.0') return 'An upgrade is asked for in HTTP/1.1.';
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  return hasBody ? 'A request for an upgrade has no body.' : findHeadFault(request);
}

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}
