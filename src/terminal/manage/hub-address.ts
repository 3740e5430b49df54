import { isIPv6 } from 'node:net';

/** What is proposed to somebody who gives no address. */
export const DEFAULT_HUB_URL = 'http://127.0.0.1:5070';
const DEFAULT_PORT = 5070;

export type HubAddress =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly url?: undefined };

/**
 * Reads where a hub is, as people write it: `hub.local`, `192.168.0.20:5070`, `[::1]:5070`, `::1`,
 * `https://hub.example/house`. Without a scheme it is HTTP at port 5070; nothing at all is this machine.
 */
export function parseHubAddress(text: string): HubAddress {
  const written = text.trim();
  if (written === '') return { ok: true, url: DEFAULT_HUB_URL };
  if (/\s/.test(written)) return { ok: false };
  if (written.includes('://')) return readUrl(written);
  if (isIPv6(written)) return { ok: true, url: `http://[${written}]:${DEFAULT_PORT}` };
  if (/[/?#@\\]/.test(written)) return { ok: false };
  return readUrl(/:\d+$/.test(written) ? `http://${written}` : `http://${written}:${DEFAULT_PORT}`);
}

function readUrl(text: string): HubAddress {
  const url = URL.parse(text);
  const isHub =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '';
  return isHub ? { ok: true, url: url.origin + url.pathname.replace(/\/+$/, '') } : { ok: false };
}
