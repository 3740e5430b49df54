import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { Networks, plainAddress } from './networks.ts';
import { FORWARDED, FORWARDED_PART } from './request-head.ts';

const X_FORWARDED = 'x-forwarded-';
/** Beside `X-Forwarded-…`: by these, too, a proxy says who asked it. */
const SAYS_WHO_ASKED: ReadonlySet<string> = new Set([
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'client-ip',
  'fastly-client-ip',
  'forwarded',
  'forwarded-for',
  'true-client-ip',
  'x-azure-clientip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded',
  'x-original-forwarded-for',
  'x-originating-ip',
  'x-real-ip',
  'x-remote-addr',
  'x-remote-ip',
]);
/** The beginnings of all these: other names need no closer look. */
const BEGINS_SO = /^(?:cf[-_]|client[-_]|f|true[-_]|x[-_])/i;

/** Those that have one address and nothing else. */
const SINGLE_ADDRESS = [
  'x-real-ip',
  'cf-connecting-ip',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'fastly-client-ip',
] as const;
/** `192.0.2.1:4711`, `[2001:db8::1]:4711`, `[2001:db8::1]`. */
const WITH_PORT = /^(?:([\d.]+)|\[([^\]]*)\])(?::\d+)?$/;

/**
 * Whether a header is one by which proxies say who asked them. Programs behind CGI cannot tell `-` from `_`, so one
 * with `_` is too.
 */
export function saysWhoAsked(name: string): boolean {
  if (!BEGINS_SO.test(name)) return false;
  const plain = name.toLowerCase().replaceAll('_', '-');
  return plain.startsWith(X_FORWARDED) || SAYS_WHO_ASKED.has(plain);
}

/** Whom a proxy that is believed did not clearly name: what he takes must not be the proxy's, which all others need. */
const UNKNOWN = 'unknown';

/** Who is at the far end of a request. */
export type RequestOrigin = {
  readonly address: string;
  /** Somebody who is not believed, or not clear, passed it on: the address proves nothing. */
  readonly isForwarded: boolean;
};

/** The proxies whose word on who asked them is believed. */
export class TrustedProxies {
  readonly #networks: Networks | undefined;

  /** @param networks - CIDR ranges or addresses; the configuration has checked them already */
  constructor(networks: readonly string[]) {
    this.#networks = networks.length > 0 ? new Networks(networks) : undefined;
  }

  has(address: string): boolean {
    return this.#networks?.has(address) === true;
  }

  /** Whether who asks speaks TLS, to this server or to a proxy that is believed. */
  isOverTls({ socket, headers }: IncomingMessage): boolean {
    if ('encrypted' in socket && socket.encrypted === true) return true;
    if (!this.has(socket.remoteAddress ?? '')) return false;
    const [first = ''] = listOf(headers['x-forwarded-proto']) ?? [];
    return first.trim().toLowerCase() === 'https';
  }

  /** Where a request comes from: its connection; behind a proxy, what that one says. */
  originOf({ socket, headers, rawHeaders }: IncomingMessage): RequestOrigin {
    const peer = plainAddress(socket.remoteAddress ?? '');
    const isPassedOn = rawHeaders.some((name, at) => at % 2 === 0 && (saysWhoAsked(name) || isVia(name)));
    if (!isPassedOn) return { address: peer, isForwarded: false };
    if (!this.has(peer)) return { address: peer, isForwarded: true };
    const told = new Set(this.#tell(headers));
    const [address = ''] = told;
    // Of two that contradict each other, one came from who asked.
    const isClear = told.size === 1 && isIP(address) !== 0;
    return isClear ? { address, isForwarded: false } : { address: UNKNOWN, isForwarded: true };
  }

  #tell(headers: IncomingMessage['headers']): string[] {
    const { forwarded } = headers;
    const list = listOf(headers['x-forwarded-for']);
    const told: string[] = [];
    if (list !== undefined) told.push(this.#lastStranger(list.map(toAddress)));
    if (forwarded !== undefined) told.push(this.#lastStranger(splitForwarded(forwarded)));
    for (const name of SINGLE_ADDRESS) {
      const address = toAddress(listOf(headers[name])?.join(',') ?? '');
      if (headers[name] !== undefined && !this.has(address)) told.push(address);
    }
    return told;
  }

  /** The nearest of the hops that is no trusted proxy; what is before it, anybody may have written. */
  #lastStranger(hops: readonly string[]): string {
    return hops.findLast((address) => !this.has(address)) ?? hops[0] ?? '';
  }
}

function isVia(name: string): boolean {
  return name.length === 3 && name.toLowerCase() === 'via';
}

function listOf(value: string | string[] | undefined): string[] | undefined {
  return value === undefined ? undefined : [value].flat().join(',').split(',');
}

/** The `for` of each element; empty where it has none, or several. */
function splitForwarded(text: string): string[] {
  if (!FORWARDED.test(text)) return [];
  const elements: string[][] = [[]];
  for (const [part, name, token, quoted] of text.matchAll(FORWARDED_PART)) {
    if (part === ',') elements.push([]);
    else if (name?.toLowerCase() === 'for') elements.at(-1)?.push(token ?? quoted ?? '');
  }
  return elements.map(([hop = '', ...more]) => (more.length === 0 ? toAddress(hop) : ''));
}

/** Without port and brackets; what is no address stays as it is, and is in no network. */
function toAddress(text: string): string {
  const trimmed = text.trim();
  const [, v4, v6] = WITH_PORT.exec(trimmed) ?? [];
  return plainAddress(v4 ?? v6 ?? trimmed);
}
