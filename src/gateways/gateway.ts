/** An address that the hub listens on, for people and for programs that start it with port 0. */
export type ListeningAddress = {
  /** What speaks there: `http`, `socket-tcp`, `socket-udp`. */
  readonly name: string;
  /** A URL: `tcp://127.0.0.1:5050`. */
  readonly address: string;
};

/** Speaks one southbound protocol, and reports its devices to the registry it was made with. */
export type Gateway = {
  /** Stands in the `gateway` member of its devices: `socket`. */
  readonly name: string;
  /** Begins to listen. Throws `PORT_IN_USE` or `LISTEN_FAILED`, and then holds nothing open. */
  start(): Promise<readonly ListeningAddress[]>;
  /** Ends all connections, telling devices where their protocol has words for it. */
  stop(): Promise<void>;
  /** Plain numbers that only grow, by name; and gauges. Read when somebody asks for metrics. */
  readonly counters: Readonly<Record<string, number>>;
};
