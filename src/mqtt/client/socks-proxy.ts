import { once } from 'node:events';
import type { Socket } from 'node:net';
import { MqttClientError } from './client-error.ts';

type Login = { readonly user: string; readonly password: string };

/** A SOCKS 5 proxy, taken out of a URL. */
type ProxyAddress = {
  readonly host: string;
  readonly port: number;
  /** What it is told; undefined where it asks nobody. */
  readonly login: Login | undefined;
};

const DEFAULT_PORT = 1080;
const VERSION = 5;
const NO_LOGIN = 0;
const USER_AND_PASSWORD = 2;
const CONNECT = 1;
const ADDRESS_TYPE = { IPV4: 1, NAME: 3 } as const;
const MAX_TEXT_BYTES = 255;

/** RFC 1928 section 6. */
const FAILURES: Readonly<Record<number, string>> = {
  1: 'it failed',
  2: 'its rules forbid it',
  3: 'the network is unreachable',
  4: 'the host is unreachable',
  5: 'the connection was refused',
  6: 'the time to live is over',
};

/**
 * Reads `socks5h://user:password@host:port`.
 *
 * @throws {MqttClientError} `CONFIG_INVALID`
 */
export function parseProxyUrl(text: string): ProxyAddress {
  const url = URL.parse(text);
  if (url?.protocol !== 'socks5h:' || url.hostname === '')
    throw new MqttClientError('CONFIG_INVALID', 'a proxy is written socks5h://user:password@HOST:PORT');
  const [user, password] = [url.username, url.password].map((part) => decodeURIComponent(part)) as [
    string,
    string,
  ];
  return {
    host: url.hostname.replaceAll(/[[\]]/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    login: user === '' ? undefined : { user, password },
  };
}

/**
 * Has a proxy connect a socket to a host (RFC 1928; RFC 1929 for the password). What comes afterwards comes from there,
 * and was not read.
 */
export async function askProxy(
  socket: Socket,
  { host, port, login }: { readonly host: string; readonly port: number; readonly login: Login | undefined },
): Promise<void> {
  const methods = login === undefined ? [NO_LOGIN] : [NO_LOGIN, USER_AND_PASSWORD];
  socket.write(Buffer.from([VERSION, methods.length, ...methods]));
  const [, method] = await take(socket, 2);
  if (method === USER_AND_PASSWORD && login !== undefined) {
    socket.write(Buffer.concat([Buffer.from([1]), text(login.user), text(login.password)]));
    const [, status] = await take(socket, 2);
    if (status !== 0) throw new Error('the proxy refused the user name or the password');
  } else if (method !== NO_LOGIN)
    throw new Error('the proxy wants another login than a user name and a password');
  // An address stands as a name too: whoever resolves names takes it.
  const destination = [text(host), Buffer.from([port >> 8, port & 0xff])];
  socket.write(Buffer.concat([Buffer.from([VERSION, CONNECT, 0, ADDRESS_TYPE.NAME]), ...destination]));
  const [, code = 1, , type] = await take(socket, 4);
  if (code !== 0) throw new Error(`the proxy did not connect: ${FAILURES[code] ?? `its code is ${code}`}`);
  const [length = 0] =
    type === ADDRESS_TYPE.NAME ? await take(socket, 1) : [type === ADDRESS_TYPE.IPV4 ? 4 : 16];
  await take(socket, length + 2);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length > MAX_TEXT_BYTES) throw new Error('a name for the proxy is longer than 255 bytes');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** Exactly so many bytes: what follows them stays for who reads next. */
async function take(socket: Socket, length: number): Promise<Buffer> {
  let bytes = socket.read(length) as Buffer | null;
  while (bytes === null) {
    const waiting = new AbortController();
    const { signal } = waiting;
    const events = [once(socket, 'readable', { signal }), once(socket, 'end', { signal })];
    await Promise.race(events).finally(() => waiting.abort());
    bytes = socket.read(length) as Buffer | null;
    if (socket.readableEnded) break;
  }
  // At the end of a stream what is left is given, though it is less.
  if (bytes?.length !== length) throw new Error('the proxy closed the connection');
  return bytes;
}
