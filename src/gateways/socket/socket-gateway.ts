import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TRUSTED_NETWORK } from '../../accounts/principal.ts';
import { formatHostPort } from '../../base/address.ts';
import { systemClock, type Clock, type Timer } from '../../base/clock.ts';
import { ConnectionPlaces } from '../../base/connection-places.ts';
import { listenError } from '../../base/listen-error.ts';
import { CONNECTION_BYTES, KeptKind } from '../../base/kept-kinds.ts';
import type { Ledger, Party } from '../../base/ledger.ts';
import { LogBudget } from '../../base/log-budget.ts';
import type { Logger } from '../../base/logger.ts';
import { Networks } from '../../base/networks.ts';
import { shareReads } from '../../base/shared-reads.ts';
import { TellOnce } from '../../base/tell-once.ts';
import { Turn } from '../../base/turn.ts';
import type { DeviceRegistry } from '../../devices/device-registry.ts';
import type { Gateway, ListeningAddress } from '../gateway.ts';
import { SocketConnection, tellUntrusted } from './socket-connection.ts';
import { SocketCounters } from './counters.ts';
import { DeviceDirectory } from './directory/device-directory.ts';
import { MAX_TOLD_CAUSES, type SocketGatewayOptions } from './options.ts';
import type { SessionContext } from './session/device-session.ts';
import { TelemetryReceiver } from './telemetry-receiver.ts';

const TICK_MS = 100;
const BACKLOG_CONNECTIONS = 4096;

/** Devices over raw TCP and UDP sockets: plain (version 1) and framed (version 2) on the same port. */
export class SocketGateway implements Gateway {
  readonly name = 'socket';
  readonly counters = new SocketCounters() as SocketCounters & Record<string, number>;
  readonly #context: SessionContext;
  readonly #trusted: Networks;
  readonly #receiver: TelemetryReceiver;
  readonly #connections = new Set<SocketConnection>();
  readonly #places = new ConnectionPlaces<SocketConnection>();
  #server: Server | undefined;
  #ticker: Timer | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(
    options: SocketGatewayOptions,
    parts: { ledger: Ledger; registry: DeviceRegistry; log: Logger; clock?: Clock },
  ) {
    const { clock = systemClock, log } = parts;
    this.#context = {
      options,
      ledger: parts.ledger,
      registry: parts.registry,
      directory: new DeviceDirectory(),
      counters: this.counters,
      clock,
      turn: new Turn(),
      log,
      logBudget: new LogBudget(clock, log),
      tellOnce: new TellOnce(log, MAX_TOLD_CAUSES),
    };
    this.#trusted = new Networks(options.trustedNetworks);
    this.#receiver = new TelemetryReceiver(this.#context);
    parts.ledger.onReclaim((party, kind) => {
      if (kind !== undefined && kind !== KeptKind.CONNECTION && kind !== KeptKind.DESCRIPTION) return;
      for (const connection of this.#connections)
        if (connection.peer.party === party) connection.end('protocol-error');
    });
  }

  async start(): Promise<readonly ListeningAddress[]> {
    const { host, tcpPort, udpPort } = this.#context.options;
    const hostKey = 'gateways.socket.host';
    const tcp = await this.#listen().catch((error: unknown) => {
      const keys = { portFlag: '--tcp-port', portKey: 'gateways.socket.tcpPort', hostKey };
      throw listenError(error, { kind: 'TCP', host, port: tcpPort, ...keys });
    });
    const udp = await this.#receiver.start().catch(async (error: unknown) => {
      await this.stop();
      const keys = { portFlag: '--udp-port', portKey: 'gateways.socket.udpPort', hostKey };
      throw listenError(error, { kind: 'UDP', host, port: udpPort, ...keys });
    });
    return [
      { name: 'socket-tcp', address: `tcp://${formatHostPort(host, tcp.port)}` },
      { name: 'socket-udp', address: `udp://${formatHostPort(host, udp.port)}` },
    ];
  }

  async stop(): Promise<void> {
    this.#stopTicker();
    this.#server?.close();
    this.#server = undefined;
    const empty = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const connection of this.#connections) connection.stop();
    await this.#receiver.stop();
    if (this.#connections.size > 0) await empty;
    this.#context.logBudget.close();
  }

  async #listen(): Promise<{ port: number }> {
    const { host, tcpPort } = this.#context.options;
    const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port: tcpPort, backlog: BACKLOG_CONNECTIONS }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) =>
      this.#context.log.error({ err: error }, 'the TCP listener reported an error'),
    );
    return { port: (server.address() as AddressInfo).port };
  }

  #accept(accepted: Socket): void {
    const socket = shareReads(accepted, {
      take: (bytes, length) => connection.onBytes(bytes.subarray(0, length)),
      room: () => undefined,
    });
    const connection = new SocketConnection(socket, this.#context, (address) => this.#trusted.has(address));
    // Without a listener, a reset by the peer would end the process.
    let failed = false;
    socket.on('error', () => (failed = true));
    if (!this.#admit(connection)) {
      connection.peer.party.close();
      socket.destroy();
      return;
    }
    this.#connections.add(connection);
    this.#ticker ??= this.#context.clock.setTicker(TICK_MS, () => this.#tick());
    this.counters.connectionsAccepted++;
    this.counters.connectionsOpen++;
    this.#places.take(connection);
    socket.once('close', () => {
      this.#forget(connection);
      connection.end(failed ? 'connection-failed' : 'disconnected');
    });
    socket.resume();
  }

  #forget(connection: SocketConnection): void {
    this.#connections.delete(connection);
    this.#places.leave(connection);
    this.counters.connectionsOpen--;
    connection.peer.party.release(KeptKind.CONNECTION, CONNECTION_BYTES);
    connection.peer.party.close();
    if (this.#connections.size > 0) return;
    this.#stopTicker();
    this.#onEmpty?.();
  }

  #admit(connection: SocketConnection): boolean {
    const { counters } = this;
    const { options } = this.#context;
    const { party, principal, address } = connection.peer;
    if (this.#places.takenBy(party) >= options.maxConnectionsPerAddress) {
      counters.connectionsRefusedPerAddress++;
      return false;
    }
    if (principal !== TRUSTED_NETWORK && Object.keys(options.deviceTokens).length === 0) {
      counters.connectionsRefusedUntrusted++;
      tellUntrusted(this.#context, address);
      return false;
    }
    if (!party.admit(KeptKind.CONNECTION, CONNECTION_BYTES)) {
      counters.connectionsRefusedLimit++;
      return false;
    }
    if (this.#places.taken < options.maxConnections || this.#makeRoom(party)) return true;
    party.release(KeptKind.CONNECTION, CONNECTION_BYTES);
    counters.connectionsRefusedLimit++;
    return false;
  }

  /** False where nobody has more than the newcomer's address. */
  #makeRoom(newcomer: Party): boolean {
    const connection = this.#places.findYielding(newcomer);
    if (connection === undefined) return false;
    this.#places.leave(connection);
    this.counters.connectionsYielded++;
    connection.end('protocol-error');
    return true;
  }

  /** One tick for all connections instead of timers for each; none while there are no connections. */
  #tick(): void {
    const now = this.#context.clock.monotonic();
    for (const connection of this.#connections) connection.tick(now);
  }

  #stopTicker(): void {
    this.#ticker?.clear();
    this.#ticker = undefined;
  }
}
