/** What attribution needs to know of a plain connection. */
export type DatagramSource = {
  /** The port of its TCP connection. */
  readonly tcpPort: number;
  /** It described a command that is answered from datagrams. */
  readonly sendsDatagrams: boolean;
};

/**
 * How long a port must have been the only unknown one before it counts as somebody's: three datagrams of devices that
 * send every 0.8 s. A device whose connection broke without its notice sends on in that time, so it would be heard.
 */
export const LEARN_PORT_MS = 2500;
/** Ports of one address that are watched at once. */
const MAX_WATCHED_PORTS = 64;

type Watched = { readonly since: number; lastSeen: number };

/**
 * Datagrams carry no id. This tells, for one address, which of its devices a datagram is from, and says that it
 * cannot be told rather than guess.
 */
export class Attribution<S extends DatagramSource> {
  /** When each came; monotonic ms. */
  readonly #sources = new Map<S, number>();
  readonly #senders = new Set<S>();
  readonly #byTcpPort = new Map<number, S>();
  readonly #byLearnedPort = new Map<number, S>();
  readonly #learnedPortOf = new Map<S, number>();
  /** Ports that are nobody's yet, while they are heard. */
  readonly #watched = new Map<number, Watched>();
  /** Ports of devices that left: until somebody comes, nobody here sends from them. */
  readonly #leftPorts = new Set<number>();

  get size(): number {
    return this.#sources.size;
  }

  sources(): IterableIterator<S> {
    return this.#sources.keys();
  }

  join(source: S, now: number): void {
    this.#sources.set(source, now);
    this.#byTcpPort.set(source.tcpPort, source);
    if (source.sendsDatagrams) this.#senders.add(source);
    this.#leftPorts.clear();
  }

  leave(source: S): void {
    this.#sources.delete(source);
    this.#senders.delete(source);
    if (this.#byTcpPort.get(source.tcpPort) === source) {
      this.#byTcpPort.delete(source.tcpPort);
      this.#leftPorts.add(source.tcpPort);
    }
    const port = this.#learnedPortOf.get(source);
    if (port === undefined) return;
    this.#learnedPortOf.delete(source);
    this.#byLearnedPort.delete(port);
    this.#leftPorts.add(port);
  }

  /** The device that sent from `port`; undefined when that cannot be told. `now` is monotonic ms. */
  find(port: number, now: number): S | undefined {
    const certain = this.#byTcpPort.get(port) ?? this.#byLearnedPort.get(port);
    if (certain !== undefined) return certain;
    if (this.#leftPorts.has(port)) return undefined;
    this.#watch(port, now);
    if (this.#sources.size === 1) return first(this.#sources.keys());
    if (this.#senders.size === 1) return first(this.#senders);
    return this.#byLearnedPort.get(port);
  }

  /** Learns a port when it has long been the only unknown one, and one device has long been the only one without. */
  #watch(port: number, now: number): void {
    for (const [other, seen] of this.#watched) {
      if (now - seen.lastSeen > LEARN_PORT_MS) this.#watched.delete(other);
    }
    const watched = this.#watched.get(port);
    if (watched === undefined) {
      if (this.#watched.size < MAX_WATCHED_PORTS) this.#watched.set(port, { since: now, lastSeen: now });
      return;
    }
    watched.lastSeen = now;
    if (this.#watched.size > 1 || now - watched.since < LEARN_PORT_MS) return;
    const source = this.#onlySenderWithoutPort(now);
    if (source === undefined) return;
    this.#watched.delete(port);
    this.#learnedPortOf.set(source, port);
    this.#byLearnedPort.set(port, source);
  }

  #onlySenderWithoutPort(now: number): S | undefined {
    if (this.#senders.size - this.#learnedPortOf.size !== 1) return undefined;
    for (const sender of this.#senders) {
      if (this.#learnedPortOf.has(sender)) continue;
      return now - (this.#sources.get(sender) ?? now) < LEARN_PORT_MS ? undefined : sender;
    }
    return undefined;
  }
}

function first<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item;
  return undefined;
}
