import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import type { Socket } from 'node:net';
import type { Accounts } from '../accounts/accounts.ts';
import type { Logger } from '../base/logger.ts';
import { shareOpenFiles } from '../base/open-files.ts';
import { Shutdown } from '../base/shutdown.ts';
import { refuseOpenListeners } from '../config/open-listener.ts';
import type { ListeningAddress } from '../gateways/gateway.ts';
import type { Config } from '../hub/config/config-schema.ts';
import { findOpenListeners } from '../hub/config/open-listeners.ts';
import { createHub } from '../hub/create-hub.ts';
import type { Hub } from '../hub/hub.ts';
import { RefusalLog } from '../mqtt/transport/refusal-log.ts';
import { Refusals } from '../mqtt/transport/refusals.ts';
import { ServiceHosts } from '../services/hub/service-hosts.ts';
import { buildApp } from './build-app.ts';
import { HttpAdmission } from './http-admission.ts';
import { limitHttpConnections } from './http-connections.ts';
import { listenHttp } from './listen-http.ts';
import { listenForOwner } from './owner-socket.ts';
import { serveServiceUpgrades } from './upgrades.ts';

/** A hub that listens. */
export type RunningServer = {
  readonly hub: Hub;
  readonly listening: readonly ListeningAddress[];
  /** Closes in order: MQTT clients and callers first, then devices. True when all closed within `shutdownTimeoutMs`. */
  close(): Promise<boolean>;
};

/**
 * Starts a hub with its HTTP API in this process.
 *
 * @throws {RecadoError} `LISTENER_UNSAFE` when strangers could come in; `PORT_IN_USE` or `LISTEN_FAILED`. Nothing
 *   is left open then.
 */
export async function startServer(config: Config, parts: { log: Logger }): Promise<RunningServer> {
  const { log } = parts;
  const names = { program: 'the hub', remedy: '--insecure', insecure: config.insecure };
  const open = findOpenListeners(config);
  // Where accounts last, who may come in can be said later.
  const isClosed = open.length > 0 && !config.insecure && !config.inMemory;
  if (!isClosed) refuseOpenListeners(open, names, log);
  const shutdown = new Shutdown(log);
  const hub = createHub(config, { log });
  if (isClosed) hub.accounts.wantProof();
  const hosts = new ServiceHosts(config.services.hosts);
  const app = await buildApp({ hub, config, hosts, log });
  try {
    await hub.start();
    const { listening } = hub;
    shutdown.add('gateways', () => hub.stop());
    const admission = new HttpAdmission({ ...config.http, insecure: config.insecure, log });
    const isForService = serveServiceUpgrades(app, hosts);
    const webSocketPath = hub.mqtt?.attachWebSocket({
      server: app.server,
      isElsewhere: isForService,
      isKnownHost: (host) => admission.isKnownHost(host),
      trustedProxies: config.http.trustedProxies,
    });
    const refusals = new Refusals(new RefusalLog(log).of('http'));
    const connections = limitHttpConnections(app, {
      ...config.http,
      maxConnections: Math.min(config.http.maxConnections, shareOpenFiles().http),
      ledger: hub.ledger,
      refusals,
    });
    app.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      if (isForService(request)) connections.passOn(socket);
      else connections.forget(socket);
    });
    const url = await listenHttp(app, config.http, { refusals, ledger: hub.ledger, log });
    if (isClosed) offerFirstAdmin(hub.accounts, { url, hostNames: config.http.hostNames }, log);
    hub.refusals.set('http', refusals.counts);
    listening.push({ name: 'http', address: url });
    if (webSocketPath !== undefined) {
      const address = `${url.replace('http', 'ws')}${webSocketPath}`;
      listening.push({ name: 'mqtt-websocket', address });
    }
    shutdown.add('http', () => app.close());
    if (hub.stores !== undefined) {
      const close = await listenForOwner(app, hub.stores.folder.path, log);
      shutdown.add('control socket', async () => close());
    }
    // Before HTTP, which waits for its callers.
    shutdown.add('invocations', async () => hub.stopInvocations());
    // Before HTTP, whose port is not closed while WebSockets are open.
    const { mqtt } = hub;
    if (mqtt !== undefined) shutdown.add('mqtt', () => mqtt.stop());
    // First of all: requests that run need the broker and the callers' connections.
    const { services } = hub;
    if (services !== undefined) shutdown.add('services', () => services.stop());
    return { hub, listening, close: () => shutdown.close(config.shutdownTimeoutMs) };
  } catch (error) {
    await shutdown.close(config.shutdownTimeoutMs);
    await app.close();
    hub.stores?.folder.abandon();
    throw error;
  }
}

/** Nobody may come in, as long as nobody is known: the one secret that the log ever has is the way to change that. */
function offerFirstAdmin(
  accounts: Accounts,
  { url, hostNames }: { url: string; hostNames: readonly string[] },
  log: Logger,
): void {
  if (!accounts.isEmpty) return;
  const { protocol, hostname: host, port } = new URL(url);
  const name = ['0.0.0.0', '[::]'].includes(host) ? (hostNames[0] ?? hostname()) : host;
  const link = `${protocol}//${name}:${port}/setup/${accounts.firstAdmin.open()}`;
  log.warn(
    {},
    `other machines reach this hub, and nothing says who may come in, so nobody may: make the first admin at ${link} ` +
      '(once, within an hour), or with `recado user add NAME --role admin`',
  );
}
