import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { formatHostPort } from '../../base/address.ts';
import { setPeerAddress } from '../../base/peer-address.ts';
import { Handshakes, type HandshakeLimits } from './handshakes.ts';
import { openIncoming, type IncomingOptions } from './incoming.ts';
import { Refusals, type OnRefused, type RefusalCounts } from './refusals.ts';
import { openSecureIncoming } from './secure-incoming.ts';
import type { TlsMaterial, TlsRules } from './tls-material.ts';
import type { Listener, TransportAcceptor } from './transport.ts';
import { answer, DEFAULT_PATH, WebSocketUpgrades, type WebSocketRules } from './websocket-upgrades.ts';

export type AttachOptions = WebSocketRules & {
  readonly onRefused?: OnRefused;
  /** Whether an upgrade is for another listener of the server, whatever its path. */
  readonly isElsewhere?: (request: IncomingMessage) => boolean;
};

export type AttachedWebSocket = {
  readonly refusals: RefusalCounts;
  /** Takes no more upgrades. The connections that are there are the acceptor's to end. */
  close(): void;
};

/**
 * Serves MQTT over WebSocket on one path of an HTTP server that is there already, for instance `fastify.server`.
 * Upgrades of other paths are left to their own listeners; where there is none they are answered with 404, because
 * Node would leave them without any answer.
 */
export function attachWebSocket(
  acceptor: TransportAcceptor,
  server: HttpServer | HttpsServer,
  options: AttachOptions = {},
): AttachedWebSocket {
  const refusals = new Refusals(options.onRefused);
  const upgrades = new WebSocketUpgrades(acceptor, options, refusals);
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (options.isElsewhere?.(request) === true) return;
    if (upgrades.concerns(request)) return upgrades.take({ request, socket, head });
    if (server.listenerCount('upgrade') === 1) answer(socket, 404, 'Nothing is served at this address');
  };
  server.on('upgrade', onUpgrade);
  return { refusals: refusals.counts, close: () => void server.off('upgrade', onUpgrade) };
}

export type WebSocketListenOptions = IncomingOptions &
  WebSocketRules &
  HandshakeLimits & {
    /** Makes it `wss:`. */
    readonly tls?: TlsMaterial & TlsRules;
    readonly onRefused?: OnRefused;
  };

export type WebSocketListener = Listener & {
  readonly refusals: RefusalCounts;
  /**
   * Takes other certificates and keys for the connections that come from now on. Undefined without `tls`.
   *
   * @throws RecadoError CONFIG_INVALID, naming what cannot be used; the old stay then
   */
  readonly reload: ((material: TlsMaterial) => void) | undefined;
};

/**
 * Listens for MQTT over WebSocket on a port of its own.
 *
 * @throws RecadoError CONFIG_INVALID for certificates and keys that cannot be used; PORT_IN_USE, or LISTEN_FAILED with
 *   the system's error as its cause
 */
export async function listenWebSocket(
  acceptor: TransportAcceptor,
  options: WebSocketListenOptions,
): Promise<WebSocketListener> {
  const { host, path = DEFAULT_PATH, tls } = options;
  const { ledger } = acceptor;
  const refusals = new Refusals(options.onRefused);
  const handshakes = new Handshakes(refusals, options);
  const serve = makeHttp(new WebSocketUpgrades(acceptor, options, refusals), handshakes);
  const opened =
    tls === undefined
      ? await openIncoming(options, { refusals, handshakes, hasHandshake: true }, (socket, address, port) =>
          serve(socket, { incoming: socket, address, port }),
        )
      : await openSecureIncoming({ ...options, ...tls }, { refusals, handshakes, ledger }, (secured) =>
          serve(secured.socket, secured),
        );
  const { port, close } = opened;
  const url = `${tls === undefined ? 'ws' : 'wss'}://${formatHostPort(host, port)}${path}`;
  const reload = 'reload' in opened ? opened.reload : undefined;
  return { url, port, refusals: refusals.counts, reload, close };
}

type Origin = { readonly incoming: Socket; readonly address: string; readonly port: number };

/** @returns what speaks HTTP on a socket until it is upgraded, or until its handshake has lasted too long */
function makeHttp(
  upgrades: WebSocketUpgrades,
  handshakes: Handshakes,
): (socket: Socket, origin: Origin) => void {
  const origins = new WeakMap<Duplex, Origin>();
  // Not by `import`, which would load all that `node:http` has beside it: docs/decisions/0020.
  const { createServer } = process.getBuiltinModule('node:http');
  // It listens nowhere: connections come when their PROXY header has been read and TLS is up.
  const http = createServer((_request, response) => {
    response.writeHead(426, { Connection: 'close, Upgrade', Upgrade: 'websocket' });
    response.end('This is MQTT over WebSocket.');
  });
  // Of the headers beyond the 2,000th Node would say nothing.
  http.maxHeadersCount = 0;
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const origin = origins.get(socket);
    if (origin === undefined || !handshakes.finish(origin.incoming)) return void socket.destroy();
    if (!upgrades.concerns(request)) return answer(socket, 404, 'Nothing is served at this address');
    upgrades.take({ request, socket, head });
  });
  return (socket, origin) => {
    origins.set(socket, origin);
    setPeerAddress(socket, origin.address, origin.port);
    http.emit('connection', socket);
    socket.resume();
  };
}
