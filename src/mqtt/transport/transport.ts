import type { Ledger } from '../../base/ledger.ts';
import type { Slice } from './slice.ts';

/** What became of bytes that were given to a transport. */
export const Written = {
  /** The system has them: their buffer may be used again. */
  TAKEN: 0,
  /** The transport keeps the buffer for a while: it must not be written to any more. */
  KEPT: 1,
  /** Kept, and as much is waiting as should wait: `onDrained` tells when it has gone. */
  BLOCKED: 2,
} as const;
export type Written = (typeof Written)[keyof typeof Written];

/** What a TLS handshake proved of a client that showed a certificate which a trusted authority signed. */
export type ClientCertificate = {
  readonly commonName: string | undefined;
  /** As OpenSSL prints them, for instance `DNS:sensor-7, IP Address:10.0.0.7`. */
  readonly subjectAltName: string | undefined;
  /** SHA-256 in hexadecimal with colons. */
  readonly fingerprint: string;
};

/** Who is at the other end of a network connection. */
export type Peer = {
  readonly transport: 'tcp' | 'tls' | 'websocket' | 'websocket-tls' | 'unix' | 'stream';
  /** Without port; as the PROXY protocol said when the listener trusts it. Empty when there is none. */
  readonly address: string;
  /** 0 when there is none. */
  readonly port: number;
  /** A proxy that is not believed passed the connection on: the address is the proxy's, and proves nothing. */
  readonly isForwarded?: boolean;
  /** Undefined without TLS, and when the client showed none that could be verified. */
  readonly certificate: ClientCertificate | undefined;
};

/** What a transport calls; the broker's connection is one. Never called from within a call to the transport. */
export type TransportReceiver = {
  /** The first `length` bytes arrived. Borrowed: they may be overwritten as soon as this returns, unless they lie in `room`. */
  onBytes(bytes: Buffer, length: number): void;
  /** Asked after each `onBytes`: where the next bytes are best put; undefined for anywhere. A wish, which few can grant. */
  room(): Buffer | undefined;
  /** What was `Written.KEPT` has not gone a turn later. For who counts what waits. */
  onKept?(): void;
  /** After `onKept`, or `Written.BLOCKED`: everything that waited has gone. */
  onDrained(): void;
  /** Once, when the connection is over, whoever ended it and however. Nothing is called after it. */
  onClosed(error: Error | undefined): void;
};

/** The server's end of one network connection: bytes both ways, in order. */
export type Transport = {
  readonly peer: Peer;
  /** Bytes that were written and have not gone. */
  readonly bufferedBytes: number;
  /** Changes whenever the system takes some of them, also in the middle of one write; 0 when none is left. */
  readonly unsentMark: number;
  /** Sends bytes after those that were written before. After `end` or `destroy` they are thrown away. */
  write(bytes: Buffer): Written;
  /** The same for slices from `start` to before `end`, with one call of the system where it can be. */
  writeSlices(slices: readonly Slice[], start: number, end: number): Written;
  /** Stops the arrival of bytes; a few that are on their way may still come. */
  pause(): void;
  resume(): void;
  /**
   * Sends what was written, then closes; closes without it when that takes longer than `lingerMs`.
   *
   * @param onSent - is called when the system has all of it; not when the connection is over before
   */
  end(lingerMs: number, onSent?: () => void): void;
  /** Closes at once. */
  destroy(): void;
};

/** What a listener hands its connections to. A broker is one; so is each `broker.acceptor(…)` with its own rules. */
export type TransportAcceptor = {
  /** Where TLS books what it keeps; without one, nowhere. */
  readonly ledger?: Ledger;
  /** @returns undefined when the connection is refused: the transport has been destroyed then */
  accept(transport: Transport): TransportReceiver | undefined;
};

/** A listener that is open. */
export type Listener = {
  /** For logs and people: `mqtt://127.0.0.1:1883`. */
  readonly url: string;
  /** The port that is really open, also where 0 was asked for; 0 for a Unix socket. */
  readonly port: number;
  /** Takes no more connections. Those that are there are the acceptor's to end. */
  close(): Promise<void>;
};
