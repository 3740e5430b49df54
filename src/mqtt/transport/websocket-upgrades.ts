import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { shown } from '../../base/log-budget.ts';
import { TrustedProxies } from '../../base/forwarding.ts';
import { isFromOwnPage } from '../../base/page-origin.ts';
import { shareReads } from '../../base/shared-reads.ts';
import { findUpgradeFault, toOriginForm } from '../../base/request-head.ts';
import type { RefusalReason, Refusals } from './refusals.ts';
import { acceptTransport } from './stream.ts';
import { SocketReader } from './tcp.ts';
import { clientCertificate } from './tls-material.ts';
import type { Peer, TransportAcceptor } from './transport.ts';
import { WebSocketTransport } from './websocket-transport.ts';

export const DEFAULT_PATH = '/mqtt';

export type WebSocketRules = {
  /** `/mqtt` unless told. A query after it is ignored. */
  readonly path?: string;
  /**
   * Web pages that may connect: `https://panel.example.org`, or `*` for all of them. Pages from the host that is asked
   * always may, and so may programs, which send no Origin.
   */
  readonly allowedOrigins?: '*' | readonly string[];
  /**
   * Whether a `Host` is a name of this server. Pages from the host that is asked are refused when it is not: anybody can
   * make a name of his own lead here, and a browser takes that for the host of his page. All are known unless told.
   */
  readonly isKnownHost?: (host: string) => boolean;
  /** Networks and addresses of proxies: what they say of who asked them is believed (`X-Forwarded-For`, say). */
  readonly trustedProxies?: readonly string[];
};

/** An HTTP request that asks for an upgrade, as the `upgrade` event of a server gives it. */
type Upgrade = {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came behind the request. */
  readonly head: Buffer;
};

/**
 * By preference: clients MUST offer `mqtt` [MQTT-6.0.0-3], and the server MUST answer it [MQTT-6.0.0-4]; the second is
 * what clients asked for before MQTT 3.1.1 was a standard.
 */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'] as const;

const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** RFC 6455 section 1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Turns HTTP upgrades into transports. */
export class WebSocketUpgrades {
  readonly #acceptor: TransportAcceptor;
  readonly #refusals: Refusals;
  readonly #proxies: TrustedProxies;
  readonly #path: string;
  readonly #allowedOrigins: '*' | ReadonlySet<string>;
  readonly #isKnownHost: (host: string) => boolean;

  constructor(acceptor: TransportAcceptor, rules: WebSocketRules, refusals: Refusals) {
    const { path = DEFAULT_PATH, allowedOrigins = [] } = rules;
    this.#acceptor = acceptor;
    this.#refusals = refusals;
    this.#proxies = new TrustedProxies(rules.trustedProxies ?? []);
    this.#path = path;
    this.#allowedOrigins = allowedOrigins === '*' ? '*' : new Set(allowedOrigins);
    this.#isKnownHost = rules.isKnownHost ?? (() => true);
  }

  /** True when the request is for the path of MQTT. */
  concerns(request: IncomingMessage): boolean {
    toOriginForm(request);
    const [path] = (request.url ?? '').split('?', 1);
    return path === this.#path;
  }

  /** Answers an upgrade, and hands the connection to the acceptor when nothing speaks against it. */
  take({ request, socket, head }: Upgrade): void {
    const peer = this.#peerOf(request);
    const fault = findUpgradeFault(request) ?? findHandshakeFault(request);
    if (fault !== undefined) return this.#refuse(socket, peer, 'upgrade-invalid', 400, fault);
    if (!this.#isOriginAllowed(request)) {
      const origin = JSON.stringify(shown(request.headers.origin ?? ''));
      const why = `pages of ${origin} may not connect: allowedOrigins (mqtt.webSocket in a hub) has those that may`;
      return this.#refuse(socket, peer, 'origin-forbidden', 403, why);
    }
    const subprotocol = chooseSubprotocol(request);
    if (subprotocol === undefined)
      return this.#refuse(socket, peer, 'subprotocol-unsupported', 400, 'The subprotocol must be mqtt');
    const reader = new SocketReader();
    const upgraded = takeOverSocket(socket as Socket, reader);
    upgraded.write(switchingProtocols(request, subprotocol));
    const transport = new WebSocketTransport(upgraded, peer);
    reader.transport = transport;
    if (acceptTransport(this.#acceptor, transport) && head.length > 0) transport.take(head, head.length);
  }

  #peerOf(request: IncomingMessage): Peer {
    const { socket } = request;
    const isSecure = isEncrypted(socket);
    const certificate = isSecure ? clientCertificate(socket) : undefined;
    const port = socket.remotePort ?? 0;
    const { address, isForwarded } = this.#proxies.originOf(request);
    const transport = this.#proxies.isOverTls(request) ? 'websocket-tls' : 'websocket';
    return { transport, address, port, certificate, ...(isForwarded && { isForwarded }) };
  }

  #refuse(socket: Duplex, peer: Peer, reason: RefusalReason, status: number, text: string): void {
    this.#refusals.tell(reason, peer.address, new Error(text));
    answer(socket, status, text);
  }

  /** A browser lets every page open a WebSocket to every host, and says in Origin where the page is from. */
  #isOriginAllowed({ headers }: IncomingMessage): boolean {
    const { origin, host } = headers;
    if (origin === undefined || this.#allowedOrigins === '*' || this.#allowedOrigins.has(origin)) return true;
    return isFromOwnPage(headers) && (host === undefined || this.#isKnownHost(host));
  }
}

function isEncrypted(socket: Duplex): socket is TLSSocket {
  return 'encrypted' in socket && socket.encrypted === true;
}

function chooseSubprotocol({ headers }: IncomingMessage): string | undefined {
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  return SUBPROTOCOLS.find((name) => offered.includes(name));
}

/** A plain socket is read through the buffer that all connections share: what the HTTP server had of it is over. */
export function takeOverSocket(socket: Socket, reader: SocketReader): Socket {
  socket.setTimeout(0);
  socket.setNoDelay();
  const upgraded = shareReads(socket, reader);
  if (upgraded !== socket) socket.destroy();
  return upgraded;
}

/** What is wrong with the opening handshake of a client: RFC 6455 section 4.2.1. */
function findHandshakeFault({ method, headers }: IncomingMessage): string | undefined {
  if (method !== 'GET') return 'A WebSocket is asked for with GET.';
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'The header Upgrade must be websocket.';
  if (headers['sec-websocket-version'] !== '13') return 'The header Sec-WebSocket-Version must be 13.';
  return KEY.test(headers['sec-websocket-key'] ?? '')
    ? undefined
    : 'The header Sec-WebSocket-Key is missing or invalid.';
}

/** What a server answers to the key of a client: RFC 6455 section 4.2.2. */
export function acceptKeyOf(key: string): string {
  return createHash('sha1').update(`${key}${ACCEPT_GUID}`).digest('base64');
}

/** The server's opening handshake: RFC 6455 section 4.2.2. */
function switchingProtocols({ headers }: IncomingMessage, subprotocol: string): string {
  const accept = acceptKeyOf(headers['sec-websocket-key'] ?? '');
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`
  );
}

/** Answers a request whose socket is no longer the HTTP server's, and closes. */
export function answer(socket: Duplex, status: number, text: string): void {
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  const { STATUS_CODES } = process.getBuiltinModule('node:http');
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    // RFC 6455 section 4.4: a client of another version learns which one to use.
    'Sec-WebSocket-Version: 13',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
}
