import type { HeaderField, HeaderList } from './header-list.ts';

/** How the addresses in an answer become those of whoever reads it. */
type AddressMap = {
  /** A whole address, or a part of one. */
  readonly address: (address: string) => string;
  /** The path of a cookie; undefined for one that has none. */
  readonly cookiePath: (path: string | undefined) => string | undefined;
};

/** `5; url=/x`, with or without quotes and `url=`, as browsers read it. */
const REFRESH = /^(\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?["']?)([^"']*)(["']?.*)$/i;

/** An answer's head with the addresses of the service in other words; all else stays as it is. */
export function mapAddresses(headers: HeaderList, map: AddressMap): HeaderList {
  return headers.map((field): HeaderField => {
    const [name, value] = field;
    switch (name.toLowerCase()) {
      case 'location':
      case 'content-location':
        return [name, map.address(value)];
      case 'refresh':
        return [name, mapRefresh(value, map)];
      case 'link':
        return [name, value.replaceAll(/<([^>]*)>/g, (_all, address: string) => `<${map.address(address)}>`)];
      case 'set-cookie':
        return [name, mapCookie(value, map)];
      default:
        return field;
    }
  });
}

function mapRefresh(value: string, map: AddressMap): string {
  const [, before = '', address = '', after = ''] = REFRESH.exec(value) ?? [];
  return address === '' ? value : `${before}${map.address(address)}${after}`;
}

/** A cookie is for the host that it came from and no other: `Domain` goes (RFC 6265 section 4.1.2.3). */
function mapCookie(cookie: string, map: AddressMap): string {
  const [pair = '', ...attributes] = cookie.split(';');
  let path: string | undefined;
  const kept = attributes.filter((attribute) => {
    const [name = '', value = ''] = attribute.trim().split(/\s*=\s*/, 2);
    const lower = name.toLowerCase();
    // The last one counts, and one that is no path is none.
    if (lower === 'path') path = value.startsWith('/') ? value : undefined;
    return lower !== 'path' && lower !== 'domain';
  });
  const mapped = map.cookiePath(path);
  if (mapped !== undefined) kept.push(` Path=${mapped}`);
  return [pair, ...kept].join(';');
}

/**
 * The path, query and fragment that an address of one host stands for; undefined when it is of another host, or says
 * only how to go on from where it was said, which is the same for all who read it.
 *
 * @param base - the address that was asked for, on that host
 */
export function pathOnHost(address: string, base: string): URL | undefined {
  const text = address.trim();
  const [from, url] = [URL.parse(base), URL.parse(text, base)];
  if (from === null || url === null || !isSameHost(from, url)) return undefined;
  const isFromHere = !/^(?:[a-z][a-z0-9+.-]*:|[/\\])/i.test(text);
  // From below the root of the one, `..` may lead above that of the other.
  return isFromHere && !text.includes('..') ? undefined : url;
}

/** Whether it is `http:` or `https:` is for a proxy in between to say. */
function isSameHost(one: URL, other: URL): boolean {
  return /^https?:$/.test(other.protocol) && one.hostname === other.hostname && portOf(one) === portOf(other);
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port;
}
