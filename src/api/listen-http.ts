import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { formatHostPort } from '../base/address.ts';
import { systemClock } from '../base/clock.ts';
import type { Ledger } from '../base/ledger.ts';
import { listenError } from '../base/listen-error.ts';
import type { Logger } from '../base/logger.ts';
import { setPeerAddress } from '../base/peer-address.ts';
import type { TlsFiles } from '../hub/tls/tls-files.ts';
import { TlsReload } from '../hub/tls/tls-reload.ts';
import { Handshakes } from '../mqtt/transport/handshakes.ts';
import { receiveIncoming, type TakeIncoming } from '../mqtt/transport/incoming.ts';
import { tellFailedAccepts } from '../mqtt/transport/open-server.ts';
import type { Refusals } from '../mqtt/transport/refusals.ts';
import { secureIncoming } from '../mqtt/transport/secure-incoming.ts';
import { moveHttpConnection, replaceHttpConnection } from './http-connections.ts';

type HttpListener = {
  readonly host: string;
  readonly port: number;
  readonly proxyProtocol: boolean;
  readonly trustedProxies: readonly string[];
  readonly tls: TlsFiles & { readonly enabled: boolean };
};

/**
 * Opens the port that the section `http` of a configuration names.
 *
 * @returns `http://127.0.0.1:5070`, with the port that the system gave for 0
 * @throws {RecadoError} `CONFIG_INVALID`, `PORT_IN_USE` or `LISTEN_FAILED`
 */
export async function listenHttp(app: FastifyInstance, http: HttpListener, parts: Parts): Promise<string> {
  const { host, port, tls } = http;
  const { refusals } = parts;
  await prepareConnections(app, http, parts);
  try {
    await app.listen({ host, port });
  } catch (error) {
    const keys = { portFlag: '--http-port', portKey: 'http.port', hostKey: 'http.host' };
    throw listenError(error, { kind: 'TCP', host, port, ...keys });
  }
  tellFailedAccepts(app.server, refusals);
  const { port: actual } = app.server.address() as AddressInfo;
  return `${tls.enabled ? 'https' : 'http'}://${formatHostPort(host, actual)}`;
}

type Parts = {
  /** Counts what does not get as far as HTTP. */
  readonly refusals: Refusals;
  readonly ledger: Ledger;
  readonly log: Logger;
};

/** Puts what comes before HTTP, headers of the PROXY protocol and TLS, between the port and the server. */
async function prepareConnections(app: FastifyInstance, http: HttpListener, parts: Parts): Promise<void> {
  const { proxyProtocol, trustedProxies, tls } = http;
  if (!proxyProtocol && !tls.enabled) return;
  const handshakes = new Handshakes(parts.refusals, {});
  const serve = takeServing(app.server);
  const take = tls.enabled ? await serveSecure(app, { tls, handshakes, serve }, parts) : serve;
  const receive = receiveIncoming(
    proxyProtocol ? { trustedNetworks: trustedProxies } : undefined,
    { ...parts, handshakes, hasHandshake: tls.enabled },
    (socket, address, port) => {
      // Before TLS: through a balancer all others come, too.
      if (moveHttpConnection(socket, address)) return take(socket, address, port);
      handshakes.finish(socket);
      socket.destroy();
    },
  );
  app.server.on('connection', (socket: Socket) => {
    // There may be no room for it.
    if (!socket.destroyed) receive(socket);
  });
  app.addHook('preClose', (done) => {
    handshakes.close();
    done();
  });
}

/** Takes the connections from Node's server. @returns what gives it one */
function takeServing(server: Server): TakeIncoming {
  const [serve] = server.listeners('connection') as ((socket: Socket) => void)[];
  if (serve === undefined) throw new TypeError('this server takes no connections');
  server.off('connection', serve);
  return (socket, address, port) => {
    setPeerAddress(socket, address, port);
    serve.call(server, socket);
    socket.resume();
  };
}

async function serveSecure(
  app: FastifyInstance,
  {
    tls,
    handshakes,
    serve,
  }: { readonly tls: TlsFiles; readonly handshakes: Handshakes; readonly serve: TakeIncoming },
  { ledger, log }: Parts,
): Promise<TakeIncoming> {
  const files = new TlsReload('http', tls, { log, clock: systemClock });
  const { take, reload } = secureIncoming(await files.read(), { handshakes, ledger }, (secured) => {
    const { socket, incoming, address, port } = secured;
    if (!handshakes.finish(incoming)) return;
    replaceHttpConnection(incoming, socket);
    serve(socket, address, port);
  });
  files.watch(reload);
  app.addHook('onClose', async () => files.close());
  return take;
}
