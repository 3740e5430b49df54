import { lookup, type LookupAddress } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import { Networks } from '../../base/networks.ts';
import { fail, succeed, type Result } from '../../base/result.ts';

/** What is no address of the public internet (IANA's special-purpose registries), or may hold one that is not. */
const INNER_NETWORKS = (
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 ' +
  '192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 ' +
  '::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 ' +
  'fc00::/7 fe80::/10 fec0::/10 ff00::/8'
).split(' ');
const MAX_HEAD_BYTES = 8192;
/** Of an answer that is not looked at: beyond it the connection is closed. */
const MAX_ANSWER_BYTES = 16_384;

export type PostFailure = {
  /** Of the answer. */
  readonly status?: number;
  readonly detail: string;
  /** As long as the receiver wants to be left alone. */
  readonly retryAfterSeconds?: number;
};

export type Post = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
};

/**
 * Posts to addresses that people wrote. Where it may is asked of the address that is connected to, whatever name led
 * to it and whenever that changed; redirects are not followed.
 */
export class WebhookPoster {
  readonly #inner = new Networks(INNER_NETWORKS);
  readonly #allowed: Networks;
  readonly #timeoutMs: number;

  /** @param options - `allowedNetworks`: where it may post beside the public internet */
  constructor(options: { readonly allowedNetworks: readonly string[]; readonly timeoutMs: number }) {
    this.#allowed = new Networks(options.allowedNetworks);
    this.#timeoutMs = options.timeoutMs;
  }

  /** What is wrong with an address, as far as it can be seen before it is used; undefined where nothing is. */
  findFault(url: string): string | undefined {
    const target = URL.parse(url);
    if (target === null || !['http:', 'https:'].includes(target.protocol))
      return 'url must be an address that begins with https:// or http://.';
    if (target.username !== '' || target.password !== '' || target.hash !== '')
      return 'url must have no name, no password and no fragment.';
    const host = hostOf(target);
    return isIP(host) !== 0 && !this.#mayReach(host) ? notAllowed(host) : undefined;
  }

  /** Resolves with the status where it is one of success. Never rejects. */
  post({ url, headers, body, signal }: Post): Promise<Result<number, PostFailure>> {
    // Nothing looks up a name that is an address.
    const fault = this.findFault(url);
    if (fault !== undefined) return Promise.resolve(fail({ detail: fault }));
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const node = URL.parse(url)?.protocol === 'https:' ? 'node:https' : 'node:http';
    return new Promise((resolve) => {
      const request = process.getBuiltinModule(node).request(url, {
        method: 'POST',
        agent: false,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        lookup: this.#lookup,
        maxHeaderSize: MAX_HEAD_BYTES,
        signal: AbortSignal.any([signal, timeout]),
      });
      request.on('response', (response) => {
        drain(response);
        resolve(readStatus(response));
      });
      request.on('error', (error) => {
        const detail = timeout.aborted ? `no answer came within ${this.#timeoutMs} ms` : error.message;
        resolve(fail({ detail }));
      });
      request.end(body);
    });
  }

  readonly #lookup: LookupFunction = (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      const permitted = found.filter(({ address }) => this.#mayReach(address));
      const [first] = permitted as [LookupAddress?, ...LookupAddress[]];
      if (first === undefined) return callback(new Error(notAllowed(found[0]?.address ?? name)), []);
      if (options.all === true) callback(null, permitted);
      else callback(null, first.address, first.family);
    });
  };

  #mayReach(address: string): boolean {
    return this.#allowed.has(address) || !this.#inner.has(address);
  }
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function notAllowed(address: string): string {
  return `${address} is no address of the public internet, and webhooks.allowedNetworks does not have it`;
}

function readStatus({ statusCode = 0, headers }: IncomingMessage): Result<number, PostFailure> {
  if (statusCode >= 200 && statusCode < 300) return succeed(statusCode);
  const more = statusCode >= 300 && statusCode < 400 ? '; redirects are not followed' : '';
  const retryAfterSeconds = Number(headers['retry-after']);
  return fail({
    status: statusCode,
    detail: `it answered ${statusCode}${more}`,
    ...(Number.isFinite(retryAfterSeconds) && { retryAfterSeconds }),
  });
}

/** What was answered is of no use. It is read as far as is usual, so that its sender sees no broken connection. */
function drain(response: IncomingMessage): void {
  let left = MAX_ANSWER_BYTES;
  response.on('data', (bytes: Buffer) => {
    left -= bytes.length;
    if (left < 0) response.destroy();
  });
  response.on('error', () => {});
}
