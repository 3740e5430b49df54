import { isIPv6 } from 'node:net';
import { fail, succeed, type Result } from '../../base/result.ts';

/** What is proposed to somebody who gives no address. */
export const DEFAULT_HUB_URL = 'http://127.0.0.1:5070';
const DEFAULT_PORT = 5070;

/**
 * Reads where a hub is, as people write it: `hub.local`, `192.168.0.20:5070`, `[::1]:5070`, `::1`,
 * `https://hub.example/house`. Without a scheme it is HTTP at port 5070; nothing at all is this machine.
 */
export function parseHubUrl(text: string): Result<string, 'no-address'> {
  const written = text.trim();
  if (written === '') return succeed(DEFAULT_HUB_URL);
  if (/\s/.test(written)) return fail('no-address');
  if (written.includes('://')) return readUrl(written);
  if (isIPv6(written)) return succeed(`http://[${written}]:${DEFAULT_PORT}`);
  if (/[/?#@\\]/.test(written)) return fail('no-address');
  return readUrl(/:\d+$/.test(written) ? `http://${written}` : `http://${written}:${DEFAULT_PORT}`);
}

/** What starts a hub that listens there, for whoever is at that machine. */
export function startCommandFor(url: string): string {
  const { protocol, port } = new URL(url);
  const isUsual = protocol !== 'http:' || port === String(DEFAULT_PORT);
  return isUsual ? 'recado hub' : `recado hub --http-port ${port === '' ? 80 : port}`;
}

/** What starts a virtual device of that hub; its ports are known only where the hub has its usual one. */
export function simulateCommandFor(url: string): string {
  const { hostname, port } = new URL(url);
  const isHere = /^(localhost|127\..*|\[::1\])$/.test(hostname);
  const host = isHere ? '' : ` --host ${hostname.replaceAll(/[[\]]/g, '')}`;
  const ports = port === String(DEFAULT_PORT) ? '' : ' --port … --udp-port …';
  return `recado simulate sensor${host}${ports}`;
}

function readUrl(text: string): Result<string, 'no-address'> {
  const url = URL.parse(text);
  const isHub =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '';
  return isHub ? succeed(url.origin + url.pathname.replace(/\/+$/, '')) : fail('no-address');
}
