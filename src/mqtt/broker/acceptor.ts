import { ConnectionPlaces } from '../../base/connection-places.ts';
import { CONNECTION_BYTES, KeptKind } from '../../base/kept-kinds.ts';
import type { Party } from '../../base/ledger.ts';
import { addressParty } from '../../base/networks.ts';
import { sayFull } from '../../base/open-files.ts';
import type { Transport, TransportAcceptor, TransportReceiver } from '../transport/transport.ts';
import { compileHooks, type CompiledHooks } from './compiled-hooks.ts';
import { Connection, type ConnectionHandlers, type ListenerRules } from './connection/connection.ts';
import { end, endForFault } from './connection/end-connection.ts';
import type { OutboxRules } from './connection/outbox.ts';
import { dispatch } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { resolveListenerOptions, type ConnectionOptions, type ListenerOptions } from './options.ts';
import { sendQueued } from './send-queued.ts';

/** Between two lines in the log about connections that are refused for the same reason. */
const TELL_EVERY_MS = 10_000;

/** A listener's own rules, and how many connections it has. */
export class Acceptor implements TransportAcceptor, ListenerRules {
  readonly name: string;
  readonly options: ConnectionOptions;
  readonly hooks: CompiledHooks;
  /** For the outboxes of its connections. */
  readonly outboxRules: OutboxRules;
  readonly #engine: Engine;
  /** Of all listeners. */
  readonly #connections: Set<Connection>;
  readonly #handlers: ConnectionHandlers;
  readonly #places = new ConnectionPlaces<Connection>();
  readonly #toldAtMs = new Map<string, number>();
  /** Connects that may come at once; one second's worth at most. */
  #credit: number;
  #creditAtMs: number;

  constructor(engine: Engine, connections: Set<Connection>, options: ListenerOptions) {
    this.#engine = engine;
    this.#connections = connections;
    this.#handlers = {
      onPacket: dispatch,
      onFault: endForFault,
      onRoom: ({ session }) => {
        if (session !== undefined) sendQueued(engine, session);
      },
      onEnd: end,
      onClosed: (connection) => this.#forget(connection),
    };
    this.name = options.name;
    this.options = resolveListenerOptions(options, engine.options);
    const { writers, stats } = engine;
    const { maxOutboxBytes: maxBytes } = this.options;
    this.outboxRules = { writers, stats, maxBytes, lingerMs: () => engine.lingerMs };
    this.hooks =
      options.hooks === undefined ? engine.hooks : compileHooks([...options.hooks, ...engine.ownHooks]);
    this.#credit = this.options.maxConnectsPerSecond;
    this.#creditAtMs = engine.clock.monotonic();
  }

  accept(transport: Transport): TransportReceiver | undefined {
    const address = addressParty(transport.peer.address);
    const party = this.#engine.ledger.open(address);
    const refusal = this.#findRefusal(address, party);
    if (refusal !== undefined) {
      party.close();
      this.#engine.stats.connectionsRefused++;
      this.#tellRefusal(refusal, transport.peer.address);
      transport.destroy();
      return undefined;
    }
    this.#engine.stats.connectionsAccepted++;
    const parts = { handlers: this.#handlers, party };
    const connection = new Connection(this.#engine, this, transport, parts);
    this.#connections.add(connection);
    this.#engine.connectionCount++;
    this.#places.take(address, connection);
    return connection;
  }

  /** A connection that was accepted is over. */
  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.#engine.connectionCount--;
    this.#places.leave(connection);
    connection.releaseBooking();
  }

  #findRefusal(address: string, party: Party): string | undefined {
    const { maxConnections, maxConnectionsPerAddress, maxConnectsPerSecond } = this.options;
    if (address !== '' && this.#places.takenBy(address) >= maxConnectionsPerAddress) {
      return `maxConnectionsPerAddress is ${maxConnectionsPerAddress}`;
    }
    const nowMs = this.#engine.clock.monotonic();
    const earned = ((nowMs - this.#creditAtMs) * maxConnectsPerSecond) / 1000;
    this.#credit = Math.min(maxConnectsPerSecond, this.#credit + earned);
    this.#creditAtMs = nowMs;
    if (this.#credit < 1) return `maxConnectsPerSecond is ${maxConnectsPerSecond}`;
    this.#credit--;
    if (!party.admit(KeptKind.CONNECTION, CONNECTION_BYTES))
      return 'its address has its share of all connections';
    if (this.#places.taken < maxConnections || this.#makeRoom(address)) return undefined;
    party.release(KeptKind.CONNECTION, CONNECTION_BYTES);
    return sayFull('maxConnections', maxConnections);
  }

  /** False where nobody has more than the newcomer's address. */
  #makeRoom(newcomer: string): boolean {
    const connection = this.#places.findYielding(newcomer);
    if (connection === undefined) return false;
    this.#places.leave(connection);
    this.#engine.stats.connectionsYielded++;
    connection.yieldRoom();
    return true;
  }

  #tellRefusal(refusal: string, address: string): void {
    const nowMs = this.#engine.clock.monotonic();
    if (nowMs - (this.#toldAtMs.get(refusal) ?? -TELL_EVERY_MS) < TELL_EVERY_MS) return;
    this.#toldAtMs.set(refusal, nowMs);
    this.#engine.log.warn(
      { listener: this.name, address },
      `connections to ${this.name} are refused: ${refusal}`,
    );
  }
}
