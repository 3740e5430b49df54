import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { plainAddress } from '../../base/networks.ts';
import { findHeader, type HeaderField, type HeaderList } from '../wire/header-list.ts';

/** Who asked, as far as the service should know. */
type Caller = {
  readonly address: string;
  /** The `Host` that the caller gave; undefined when it gave none. */
  readonly host: string | undefined;
  readonly protocol: 'http' | 'https';
};

/** What a quoted string may hold without more ado (RFC 9110 section 5.6.4). */
const QUOTABLE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
/** W3C Trace Context, version 00. */
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const EMPTY_IDS = /^..-(?:0{32}-|[0-9a-f]{32}-0{16}-)/;

/**
 * Adds who asked: an element of `Forwarded` (RFC 7239) behind those that proxies before this one have put there, and a
 * `traceparent` where there is none.
 */
export function addForwarding(headers: HeaderList, caller: Caller): HeaderList {
  const added: HeaderField[] = [['Forwarded', forwardedElement(caller)]];
  const trace = findHeader(headers, 'traceparent');
  if (trace !== undefined && isTraceParent(trace)) return [...headers, ...added];
  added.push(['traceparent', newTraceParent()]);
  return [...headers.filter(([name]) => name.toLowerCase() !== 'traceparent'), ...added];
}

/** RFC 7239 section 6: an IPv6 address has brackets, and therefore quotes. */
function forwardedElement({ address, host, protocol }: Caller): string {
  const plain = plainAddress(address);
  const node = plain === '' ? 'unknown' : isIPv6(plain) ? `"[${plain.replace(/%.*$/, '')}]"` : plain;
  const hostPart = host !== undefined && QUOTABLE.test(host) ? `;host="${host}"` : '';
  return `for=${node}${hostPart};proto=${protocol}`;
}

function isTraceParent(text: string): boolean {
  return TRACE_PARENT.test(text) && !text.startsWith('ff') && !EMPTY_IDS.test(text);
}

function newTraceParent(): string {
  const ids = randomBytes(24).toString('hex');
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-00`;
}
