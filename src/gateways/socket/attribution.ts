/** What attribution needs to know of a plain connection. */
export type DatagramSource = {
  /** The port of its TCP connection. */
  readonly tcpPort: number;
  /** It described a command that is answered from datagrams. */
  readonly sendsDatagrams: boolean;
};

/**
 * Datagrams carry no id. This tells, for one address, which of its devices a datagram is from, and says that it
 * cannot be told rather than guess.
 */
export class Attribution<S extends DatagramSource> {
  readonly #sources = new Set<S>();
  readonly #byTcpPort = new Map<number, S>();
  readonly #byLearnedPort = new Map<number, S>();
  readonly #learnedPortOf = new Map<S, number>();
  /** Ports of devices that left: until somebody comes, nobody here sends from them. */
  readonly #leftPorts = new Set<number>();
  readonly #senders = new Set<S>();
  /** Set when an unattributable datagram of this address was logged. */
  toldOnce = false;

  get size(): number {
    return this.#sources.size;
  }

  sources(): IterableIterator<S> {
    return this.#sources.values();
  }

  join(source: S): void {
    this.#sources.add(source);
    this.#byTcpPort.set(source.tcpPort, source);
    if (source.sendsDatagrams) this.#senders.add(source);
    this.#leftPorts.clear();
  }

  leave(source: S): void {
    this.#sources.delete(source);
    this.#senders.delete(source);
    if (this.#byTcpPort.get(source.tcpPort) === source) this.#byTcpPort.delete(source.tcpPort);
    const port = this.#learnedPortOf.get(source);
    if (port === undefined) return;
    this.#learnedPortOf.delete(source);
    this.#byLearnedPort.delete(port);
    this.#leftPorts.add(port);
  }

  /** The device that sent from `port`; undefined when that cannot be told. */
  find(port: number): S | undefined {
    const known = this.#byLearnedPort.get(port);
    if (known !== undefined) return known;
    const source = this.#byTcpPort.get(port) ?? (this.#leftPorts.has(port) ? undefined : this.#only());
    if (source !== undefined) this.#learn(source, port);
    return source;
  }

  /** The one device that it can be: alone here, or the only one that sends, or the only sender without a known port. */
  #only(): S | undefined {
    if (this.#sources.size === 1) return first(this.#sources);
    if (this.#senders.size === 1) return first(this.#senders);
    if (this.#senders.size - this.#learnedPortOf.size > 1) return undefined;
    let found: S | undefined;
    for (const sender of this.#senders) {
      if (this.#learnedPortOf.has(sender)) continue;
      if (found !== undefined) return undefined;
      found = sender;
    }
    return found;
  }

  #learn(source: S, port: number): void {
    const before = this.#learnedPortOf.get(source);
    if (before !== undefined) this.#byLearnedPort.delete(before);
    this.#learnedPortOf.set(source, port);
    this.#byLearnedPort.set(port, source);
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  for (const item of set) return item;
  return undefined;
}
