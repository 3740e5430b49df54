import { isSessionCookie } from '../../accounts/session-cookie.ts';
import { mapAddresses, pathOnHost } from '../wire/header-addresses.ts';
import type { HeaderField, HeaderList } from '../wire/header-list.ts';

/**
 * Whether pages must not act as whoever looks at them. `later`: not yet, but what a browser keeps of them must not be
 * shown to who has signed in by then.
 */
export type Sandbox = 'on' | 'later' | 'off';

/** Where a caller found a service. */
export type ServicePlace = {
  /** `http://hub.example:5070`, as the caller sees it. */
  readonly origin: string;
  /** In front of each path of the service: `/services/billing`; empty where it has the host for itself. */
  readonly prefix: string;
  readonly sandbox: Sandbox;
  /** That was asked for, without the prefix. */
  readonly target: string;
};

/** Scripts and forms work; the page has an origin of its own, so that to the hub it is a page from anywhere. */
const SANDBOX: HeaderField = ['Content-Security-Policy', 'sandbox allow-scripts allow-forms'];

/** Who has signed in has one more cookie: the browser asks anew. */
const VARIES: HeaderField = ['Vary', 'Cookie'];

/** For a proxy in front of the hub, or about the network that the service is in. */
const NOT_FOR_CALLERS: ReadonlySet<string> = new Set([
  'alt-svc',
  'x-accel-redirect',
  'x-lighttpd-send-file',
  'x-reproxy-url',
  'x-sendfile',
]);
/** They are about all that is under the host: that is not the service's where others are there as well. */
const FOR_THE_WHOLE_HOST: ReadonlySet<string> = new Set([
  'clear-site-data',
  'nel',
  'report-to',
  'service-worker-allowed',
  'strict-transport-security',
]);

/** The head of a service's answer as its caller may have it. */
export function toCallerHeaders(headers: HeaderList, place: ServicePlace): HeaderList {
  const { prefix } = place;
  const kept = headers.filter(([name, value]) => {
    const lower = name.toLowerCase();
    if (lower === 'set-cookie') return !isSessionCookie(value.split(';', 1)[0]!);
    return !NOT_FOR_CALLERS.has(lower) && (prefix === '' || !FOR_THE_WHOLE_HOST.has(lower));
  });
  const mapped = mapAddresses(kept, {
    address: (address) => toCallerAddress(address, place),
    cookiePath: (path) =>
      prefix === '' ? path : cookieBelow(prefix, path ?? defaultCookiePath(place.target)),
  });
  const added = { on: [SANDBOX], later: [VARIES], off: [] }[place.sandbox];
  return [...mapped, ...added];
}

/** An address that a caller gives, as a path of the service where it is one. */
export function fromCallerAddress(address: string, { origin, prefix, target }: ServicePlace): string {
  const found = pathOnHost(address, `${origin}${prefix}${target}`);
  if (found === undefined || !`${found.pathname}/`.startsWith(`${prefix}/`)) return address;
  return `${found.pathname.slice(prefix.length) || '/'}${found.search}`;
}

/** `Cookie` without that of the hub; undefined when nothing is left. */
export function withoutSessionCookie(value: string): string | undefined {
  const kept = value.split(';').filter((pair) => !isSessionCookie(pair));
  return kept.length === 0 ? undefined : kept.join(';').trimStart();
}

function toCallerAddress(address: string, { origin, prefix, target }: ServicePlace): string {
  if (prefix === '') return address;
  const found = pathOnHost(address, `${origin}${prefix}${target}`);
  if (found === undefined) return address;
  return `${below(prefix, found.pathname)}${found.search}${found.hash}`;
}

/** A service that heeds X-Forwarded-Prefix has put it there itself. */
function below(prefix: string, path: string): string {
  return path === prefix || path.startsWith(`${prefix}/`) ? path : `${prefix}${path}`;
}

/** Without the last slash, so that the service may be asked for without it, too. */
function cookieBelow(prefix: string, path: string): string {
  return path === '/' ? prefix : below(prefix, path);
}

/** RFC 6265 section 5.1.4. */
function defaultCookiePath(target: string): string {
  const [path = ''] = target.split('?', 1);
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
