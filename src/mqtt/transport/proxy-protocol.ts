import { isIPv4, isIPv6 } from 'node:net';
import { plainAddress } from '../../base/networks.ts';

/** The longest line that version 1 allows, with its CRLF. */
export const MAX_V1_BYTES = 107;
/** Version 2 could be 65,551; load balancers add some hundred bytes of TLVs to an address. */
export const MAX_V2_BYTES = 4096;

/** What the beginning of a connection is. */
type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly why: string }
  | {
      readonly kind: 'header';
      readonly bytes: number;
      /** Undefined when the proxy speaks for itself: the connection's own address counts then. */
      readonly source: ProxySource | undefined;
    };

/** Both empty when the proxy names no address: it does not know, or the client came to it through a Unix socket. */
type ProxySource = { readonly address: string; readonly port: number };

const V1_START = Buffer.from('PROXY ');
const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n');
const V2_FIXED_BYTES = 16;
const NOBODY: ProxySource = { address: '', port: 0 };
const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };

/**
 * Reads the header that a load balancer puts before a connection's own bytes, so that the client's address is not
 * lost: version 1 (a line of text) or 2 (binary).
 *
 * @param bytes - everything that came so far
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, V2_START)) return bytes.length < V2_FIXED_BYTES ? INCOMPLETE : parseV2(bytes);
  if (startsLike(bytes, V1_START)) return parseV1(bytes);
  return invalid('it does not begin with a PROXY header');
}

/** True when `bytes` may still become, or is, something that begins with `start`. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function invalid(why: string): ProxyHeader {
  return { kind: 'invalid', why };
}

function parseV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf('\r\n');
  if (end < 0) {
    return bytes.length < MAX_V1_BYTES
      ? INCOMPLETE
      : invalid(`version 1 without an end in ${MAX_V1_BYTES} bytes`);
  }
  const length = end + 2;
  const [, family, address = '', destination = '', port = '', destinationPort = '', ...rest] = bytes
    .toString('latin1', 0, end)
    .split(' ');
  // What follows UNKNOWN means nothing, and must be skipped. It is somebody whom the proxy does not name.
  if (family === 'UNKNOWN') return { kind: 'header', bytes: length, source: NOBODY };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined;
  if (isAddress === undefined) return invalid('version 1 with an unknown family');
  const isWellFormed =
    rest.length === 0 &&
    isAddress(address) &&
    isAddress(destination) &&
    isPort(port) &&
    isPort(destinationPort);
  if (!isWellFormed) return invalid('version 1 with a malformed address or port');
  return { kind: 'header', bytes: length, source: { address: oneSpelling(address), port: Number(port) } };
}

/** Without a zone: `fe80::1%eth0` means nothing on another machine. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseV2(bytes: Buffer): ProxyHeader {
  const versionAndCommand = bytes[12] ?? 0;
  const family = bytes[13] ?? 0;
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2) return invalid('version 2 with another version number');
  if (command > 1) return invalid('version 2 with an unknown command');
  if (length > MAX_V2_BYTES) return invalid(`version 2 with more than ${MAX_V2_BYTES} bytes`);
  const needed = command === LOCAL ? 0 : ADDRESS_BYTES[family];
  if (needed === undefined) return invalid('version 2 with an unknown family or transport');
  if (length < V2_FIXED_BYTES + needed) return invalid('version 2 with a truncated address');
  if (bytes.length < length) return INCOMPLETE;
  const source = command === LOCAL ? undefined : sourceOf(bytes, family);
  return { kind: 'header', bytes: length, source };
}

const LOCAL = 0;
const UNSPECIFIED = 0x00;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;
const UNIX_STREAM = 0x31;

/** Both addresses and ports, by family and transport; TLVs may follow them. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = {
  [UNSPECIFIED]: 0,
  [TCP_OVER_IPV4]: 12,
  [TCP_OVER_IPV6]: 36,
  [UNIX_STREAM]: 216,
};

function sourceOf(bytes: Buffer, family: number): ProxySource | undefined {
  if (family === UNSPECIFIED || family === UNIX_STREAM) return NOBODY;
  if (family === TCP_OVER_IPV4) {
    return { address: bytes.subarray(16, 20).join('.'), port: bytes.readUInt16BE(24) };
  }
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(16 + at * 2).toString(16));
  return { address: oneSpelling(groups.join(':')), port: bytes.readUInt16BE(48) };
}

/** An IP address as the system would print it: `2001:DB8:0:0:0:0:0:1` → `2001:db8::1`. */
function oneSpelling(address: string): string {
  if (isIPv4(address)) return address;
  const compressed = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(compressed);
  if (mapped === null) return plainAddress(compressed);
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)];
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}
