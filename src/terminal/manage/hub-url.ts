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
