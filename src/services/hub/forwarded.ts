import { saysWhoAsked } from '../../base/forwarding.ts';
import { plainAddress } from '../../base/networks.ts';
import { isTraceParent, newTraceParent } from '../../base/trace-parent.ts';
import { findHeader, type HeaderList } from '../wire/header-list.ts';

/** Who asked, as far as the service should know. */
type Caller = {
  readonly address: string;
  /** The `Host` that the caller gave; undefined when it gave none. */
  readonly host: string | undefined;
  readonly protocol: 'http' | 'https';
  /** What the paths of the service begin with here: `/services/billing`, or nothing. */
  readonly prefix: string;
  /** It is a proxy whose word on who asked it is believed. */
  readonly isProxy: boolean;
};

/** What a quoted string may hold without more ado (RFC 9110 section 5.6.4). */
const QUOTABLE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
const PREFIX = /^(?:\/[A-Za-z0-9._~-]+){1,16}$/;

const X_FORWARDED = 'x-forwarded-';
/** What this hub says itself, for a proxy as for everybody else. */
const SAID_HERE: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-prefix',
  'x-forwarded-proto',
]);

/**
 * The same caller as the proxies before this hub see it: host and protocol that were asked for, and the whole prefix.
 * Where none is believed, what it says of itself is what this connection shows.
 */
export function seeThroughProxy(headers: HeaderList, caller: Caller): Caller {
  if (!caller.isProxy) return caller;
  const said = (what: string): string | undefined =>
    findHeader(headers, `${X_FORWARDED}${what}`)?.split(',', 1)[0]?.trim();
  const [proto, host = '', prefix = ''] = [said('proto')?.toLowerCase(), said('host'), said('prefix')];
  return {
    ...caller,
    protocol: proto === 'http' || proto === 'https' ? proto : caller.protocol,
    host: QUOTABLE.test(host) ? host : caller.host,
    prefix: PREFIX.test(prefix) ? `${prefix}${caller.prefix}` : caller.prefix,
  };
}

/**
 * Says who asked: an element of `Forwarded` (RFC 7239), `X-Forwarded-For`, `-Host`, `-Proto` and `-Prefix`, and a
 * `traceparent` where there is none. What the caller said of it stays only when it is a proxy that is believed.
 *
 * @param caller - of this connection
 * @param seen - the same, as {@link seeThroughProxy} has it
 */
export function addForwarding(headers: HeaderList, caller: Caller, seen: Caller): HeaderList {
  const kept = headers.filter(([name]) => mayPass(name, caller.isProxy));
  const { host, protocol, prefix } = seen;
  kept.push(['Forwarded', forwardedElement(caller)], ['X-Forwarded-Proto', protocol]);
  const before = caller.isProxy ? headers.filter(([name]) => name.toLowerCase() === 'x-forwarded-for') : [];
  const hops = [...before.map(([, value]) => value), plainAddress(caller.address).replace(/%.*$/, '')];
  if (hops.at(-1) !== '') kept.push(['X-Forwarded-For', hops.join(', ')]);
  if (host !== undefined && QUOTABLE.test(host)) kept.push(['X-Forwarded-Host', host]);
  if (prefix !== '') kept.push(['X-Forwarded-Prefix', prefix]);
  const trace = findHeader(headers, 'traceparent');
  if (trace !== undefined && isTraceParent(trace)) return kept;
  const others = trace === undefined ? kept : kept.filter(([name]) => name.toLowerCase() !== 'traceparent');
  others.push(['traceparent', newTraceParent()]);
  return others;
}

/** No proxy writes `_`: only who wants to be taken for one. */
function mayPass(name: string, isProxy: boolean): boolean {
  if (!saysWhoAsked(name)) return true;
  return isProxy && !name.includes('_') && !SAID_HERE.has(name.toLowerCase());
}

/** RFC 7239 section 6: an IPv6 address has brackets, and therefore quotes. */
function forwardedElement({ address, host, protocol }: Caller): string {
  const plain = plainAddress(address);
  const node = plain === '' ? 'unknown' : plain.includes(':') ? `"[${plain.replace(/%.*$/, '')}]"` : plain;
  const hostPart = host !== undefined && QUOTABLE.test(host) ? `;host="${host}"` : '';
  return `for=${node}${hostPart};proto=${protocol}`;
}
