import type { Socket } from 'node:net';
import type { Accounts } from '../../accounts/accounts.ts';
import { may } from '../../accounts/permissions.ts';
import { ANONYMOUS, TRUSTED_NETWORK } from '../../accounts/principal.ts';
import { TrustedNetworks } from '../../accounts/trusted-networks.ts';
import { formatHostPort } from '../../base/address.ts';
import { systemClock, type Clock, type Timer } from '../../base/clock.ts';
import { ConnectionPlaces } from '../../base/connection-places.ts';
import { listenError } from '../../base/listen-error.ts';
import { CONNECTION_BYTES, KeptKind } from '../../base/kept-kinds.ts';
import type { Ledger } from '../../base/ledger.ts';
import { LogBudget } from '../../base/log-budget.ts';
import type { Logger } from '../../base/logger.ts';
import { sayFull } from '../../base/open-files.ts';
import { shareReads } from '../../base/shared-reads.ts';
import { PlainSecrets } from '../../base/plain-secrets.ts';
import { TellOnce } from '../../base/tell-once.ts';
import { Turn } from '../../base/turn.ts';
import type { DeviceRegistry } from '../../devices/device-registry.ts';
import { Handshakes } from '../../mqtt/transport/handshakes.ts';
import { openIncoming } from '../../mqtt/transport/incoming.ts';
import { RefusalLog } from '../../mqtt/transport/refusal-log.ts';
import { Refusals } from '../../mqtt/transport/refusals.ts';
import { openSecureIncoming } from '../../mqtt/transport/secure-incoming.ts';
import type { TlsMaterial } from '../../mqtt/transport/tls-material.ts';
import type { Gateway, ListeningAddress } from '../gateway.ts';
import { SocketConnection, tellUntrusted } from './socket-connection.ts';
import { SocketCounters } from './counters.ts';
import { DeviceDirectory } from './directory/device-directory.ts';
import { MAX_TOLD_CAUSES, type SocketGatewayOptions } from './options.ts';
import type { SessionContext } from './session/device-session.ts';
import { TelemetryReceiver } from './telemetry-receiver.ts';

type GatewayParts = {
  readonly ledger: Ledger;
  readonly registry: DeviceRegistry;
  readonly accounts: Accounts;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Where the options say that there is TLS. */
  readonly tls?: TlsSource | undefined;
};

const TICK_MS = 100;
const PLAIN_DEVICES = { listener: 'the port of devices', remedy: 'let devices come by gateways.socket.tls' };

type OpenServer = { close(): Promise<void> };

/** The certificate of the TLS listener, and where it comes from when it changes. */
type TlsSource = {
  /** @throws {RecadoError} `CONFIG_INVALID` */
  read(): Promise<TlsMaterial>;
  watch(use: (material: TlsMaterial) => void): void;
  close(): void;
};

/** Devices over raw TCP and UDP sockets: plain (version 1) and framed (version 2) on the same port. */
export class SocketGateway implements Gateway {
  readonly name = 'socket';
  readonly counters = new SocketCounters() as SocketCounters & Record<string, number>;
  readonly #context: SessionContext;
  readonly #accounts: Accounts;
  readonly #trusted: TrustedNetworks;
  /** Whether the configuration has tokens of devices. */
  readonly #hasTokens: boolean;
  readonly #receiver: TelemetryReceiver;
  readonly #refusals: Refusals;
  readonly #tls: TlsSource | undefined;
  readonly #connections = new Set<SocketConnection>();
  readonly #places = new ConnectionPlaces<SocketConnection>();
  #forgetAccounts: () => void = () => undefined;
  #server: OpenServer | undefined;
  #secureServer: OpenServer | undefined;
  #ticker: Timer | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: SocketGatewayOptions, parts: GatewayParts) {
    const { clock = systemClock, log } = parts;
    this.#context = {
      options,
      ledger: parts.ledger,
      registry: parts.registry,
      accounts: parts.accounts,
      directory: new DeviceDirectory(),
      counters: this.counters,
      clock,
      turn: new Turn(),
      log,
      logBudget: new LogBudget(clock, log),
      tellOnce: new TellOnce(log, MAX_TOLD_CAUSES),
      secrets: new PlainSecrets(log, PLAIN_DEVICES),
    };
    this.#accounts = parts.accounts;
    this.#trusted = new TrustedNetworks(options.trustedNetworks, () => parts.accounts.tokens.hasDevices);
    this.#hasTokens = Object.keys(options.deviceTokens).length > 0;
    this.#receiver = new TelemetryReceiver(this.#context);
    this.#tls = parts.tls;
    const tell = new RefusalLog(parts.log).of(this.name);
    this.#refusals = new Refusals((...refusal) => {
      this.counters.connectionsRefusedEarly++;
      tell(...refusal);
    });
  }

  async start(): Promise<readonly ListeningAddress[]> {
    this.#forgetAccounts = this.#accounts.onChange(() => this.#endStale());
    const { host, udpPort, tls } = this.#context.options;
    const tcp = await this.#listen();
    const udp = await this.#receiver.start().catch(async (error: unknown) => {
      await this.stop();
      const keys = { portKey: 'gateways.socket.udpPort', hostKey: 'gateways.socket.host' };
      throw listenError(error, { kind: 'UDP', host, port: udpPort, portFlag: '--udp-port', ...keys });
    });
    const listening = [
      { name: 'socket-tcp', address: `tcp://${formatHostPort(host, tcp.port)}` },
      { name: 'socket-udp', address: `udp://${formatHostPort(host, udp.port)}` },
    ];
    if (!tls.enabled) return listening;
    const secure = await this.#listenSecure().catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
    return [...listening, { name: 'socket-tls', address: `tls://${formatHostPort(tls.host, secure.port)}` }];
  }

  async stop(): Promise<void> {
    this.#forgetAccounts();
    this.#stopTicker();
    await this.#server?.close();
    this.#server = undefined;
    this.#tls?.close();
    await this.#secureServer?.close();
    this.#secureServer = undefined;
    const empty = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const connection of this.#connections) connection.stop();
    await this.#receiver.stop();
    if (this.#connections.size > 0) await empty;
    this.#context.logBudget.close();
  }

  async #listen(): Promise<{ port: number }> {
    const { host, tcpPort: port } = this.#context.options;
    const parts = { refusals: this.#refusals, handshakes: new Handshakes(this.#refusals, {}) };
    const options = { host, port, ...this.#proxyProtocol };
    const take = this.#accept.bind(this);
    const server = await openIncoming(options, { ...parts, hasHandshake: false }, take).catch((error) => {
      const keys = { portKey: 'gateways.socket.tcpPort', hostKey: 'gateways.socket.host' };
      throw listenError(error, { kind: 'TCP', host, port, portFlag: '--tcp-port', ...keys });
    });
    this.#server = server;
    return server;
  }

  async #listenSecure(): Promise<{ port: number }> {
    const { host, port } = this.#context.options.tls;
    const source = this.#tls;
    if (source === undefined) throw new TypeError('a listener with TLS needs a certificate');
    const handshakes = new Handshakes(this.#refusals, {});
    const options = { host, port, ...this.#proxyProtocol, ...(await source.read()) };
    const parts = { refusals: this.#refusals, handshakes, ledger: this.#context.ledger };
    const server = await openSecureIncoming(options, parts, (secured) => {
      if (handshakes.finish(secured.incoming)) this.#accept(secured.socket, secured.address, secured.port);
    }).catch((error) => {
      const keys = { portKey: 'gateways.socket.tls.port', hostKey: 'gateways.socket.tls.host' };
      const portFlag = 'RECADO_GATEWAYS_SOCKET_TLS_PORT';
      throw listenError(error, { kind: 'TCP', host, port, portFlag, ...keys });
    });
    source.watch(server.reload);
    this.#secureServer = server;
    return server;
  }

  get #proxyProtocol(): { proxyProtocol?: { readonly trustedNetworks: readonly string[] } } {
    const { proxyProtocolNetworks: trustedNetworks } = this.#context.options;
    return trustedNetworks.length === 0 ? {} : { proxyProtocol: { trustedNetworks } };
  }

  #accept(accepted: Socket, address: string, port: number): void {
    // What came behind a header of the PROXY protocol.
    const early = accepted.readableLength > 0 ? (accepted.read() as Buffer | null) : null;
    const socket = shareReads(accepted, {
      take: (bytes, length) => connection.onBytes(bytes.subarray(0, length)),
      room: () => undefined,
    });
    const principal = this.#trusted.has(address) ? TRUSTED_NETWORK : ANONYMOUS;
    // Load balancers know what they speak with devices.
    const isPlain = !('encrypted' in accepted) && this.#context.options.proxyProtocolNetworks.length === 0;
    const connection = new SocketConnection({ socket, address, port, isPlain, principal }, this.#context);
    // Without a listener, a reset by the peer would end the process.
    let failed = false;
    socket.on('error', () => (failed = true));
    if (!this.#admit(connection)) {
      connection.peer.party.close();
      socket.destroy();
      return;
    }
    connection.admitted();
    this.#connections.add(connection);
    this.#ticker ??= this.#context.clock.setTicker(TICK_MS, () => this.#tick());
    this.counters.connectionsAccepted++;
    this.counters.connectionsOpen++;
    this.#places.take(connection.addressParty, connection);
    socket.once('close', () => {
      this.#forget(connection);
      connection.end(failed ? 'connection-failed' : 'disconnected');
    });
    if (early !== null) connection.onBytes(early);
    socket.resume();
  }

  #forget(connection: SocketConnection): void {
    this.#connections.delete(connection);
    this.#places.leave(connection);
    this.counters.connectionsOpen--;
    connection.releaseBooking();
    if (this.#connections.size > 0) return;
    this.#stopTicker();
    this.#onEmpty?.();
  }

  #admit(connection: SocketConnection): boolean {
    const { counters } = this;
    const { options } = this.#context;
    const { addressParty } = connection;
    const { party, principal, address } = connection.peer;
    if (address !== '' && this.#places.takenBy(addressParty) >= options.maxConnectionsPerAddress) {
      counters.connectionsRefusedPerAddress++;
      const why = `gateways.socket.maxConnectionsPerAddress is ${options.maxConnectionsPerAddress}`;
      this.#tellRefused(addressParty, address, why);
      return false;
    }
    if (principal !== TRUSTED_NETWORK && !this.#hasTokens && this.#accounts.tokens.size === 0) {
      counters.connectionsRefusedUntrusted++;
      tellUntrusted(this.#context, address);
      return false;
    }
    if (!party.admit(KeptKind.CONNECTION, CONNECTION_BYTES)) {
      counters.connectionsRefusedLimit++;
      this.#tellRefused(addressParty, address, 'its address has its share of all connections');
      return false;
    }
    if (this.#places.taken < options.maxConnections || this.#makeRoom(addressParty)) return true;
    party.release(KeptKind.CONNECTION, CONNECTION_BYTES);
    counters.connectionsRefusedLimit++;
    this.#tellRefused('', address, sayFull('gateways.socket.maxConnections', options.maxConnections));
    return false;
  }

  /** Once for each cause. */
  #tellRefused(cause: string, address: string, why: string): void {
    const text = `connections of devices are refused, as one from ${address} was: ${why}`;
    this.#context.tellOnce.warn(`refused ${cause}`, '', text, { address });
  }

  /** Ends the connections of those who would not be let in now as they were. */
  #endStale(): void {
    for (const connection of this.#connections) {
      const { principal, peer, deviceId } = connection;
      const isTrusted = principal !== TRUSTED_NETWORK || this.#trusted.has(peer.address);
      const mayStay = deviceId === '' || may(principal, 'connect', this.#context.registry.targetOf(deviceId));
      if (!isTrusted || !mayStay || this.#accounts.hasEnded(principal)) connection.end('access-lost');
    }
  }

  /** False where nobody has more than the newcomer's address. */
  #makeRoom(newcomer: string): boolean {
    const connection = this.#places.findYielding(newcomer);
    if (connection === undefined) return false;
    this.#places.leave(connection);
    this.counters.connectionsYielded++;
    connection.yieldRoom();
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
