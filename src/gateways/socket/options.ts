/** What the socket gateway can be told. Limits end in their unit; `docs/config.md` explains each. */
export type SocketGatewayOptions = {
  readonly host: string;
  readonly tcpPort: number;
  readonly udpPort: number;
  /** Networks from which devices need no credentials. */
  readonly trustedNetworks: readonly string[];
  /** Tokens of framed devices, by device id. */
  readonly deviceTokens: Readonly<Record<string, string>>;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Plain devices: one message. */
  readonly maxMessageBytes: number;
  /** Plain devices: one command; many of them read no more than 2,048 bytes at once, and break at more. */
  readonly maxCommandBytes: number;
  /** Framed devices: one line. */
  readonly maxLineBytes: number;
  readonly maxNestingDepth: number;
  /** From the connection to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
  /** From the first byte of a message to its last. */
  readonly messageTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How long a plain device may take to answer a command, however long its caller waits. */
  readonly answerTimeoutMs: number;
  /** How long a read waits for the next datagram. */
  readonly datagramWaitMs: number;
  readonly framedKeepAliveMs: number;
  /** Framed devices: invocations in flight at once. */
  readonly maxInFlightInvocations: number;
  /** Framed devices: bytes that wait for a device which does not read. */
  readonly maxOutboxBytes: number;
  /** What the system may hold of datagrams that the hub has not read yet. */
  readonly receiveBufferBytes: number;
};

/** Questions about its other connection that one connection may ask. */
export const MAX_CHECKS_PER_CONNECTION = 16;
/** Messages that nobody asked for, before a connection is closed as broken. */
export const MAX_UNASKED_MESSAGES = 16;
/** Reads that wait for one device's next datagram. */
export const MAX_DATAGRAM_WAITERS = 1024;
/** Causes that the log tells once each. */
export const MAX_TOLD_CAUSES = 1000;
/** Addresses whose old device ids are kept for their return. */
export const MAX_REMEMBERED_ADDRESSES = 10_000;
