import type { Socket } from 'node:net';
import { formatHostPort } from '../../base/address.ts';
import { shareReads, type BytesTaker } from '../../base/shared-reads.ts';
import { DuplexTransport } from './duplex-transport.ts';
import { Handshakes, type HandshakeLimits } from './handshakes.ts';
import { openIncoming, type IncomingOptions } from './incoming.ts';
import { Refusals, type OnRefused, type RefusalCounts } from './refusals.ts';
import { acceptTransport } from './stream.ts';
import type { Listener, Peer, TransportAcceptor } from './transport.ts';

/** The limits count only with `proxyProtocol`: a connection without it is handed over at once. */
export type TcpOptions = IncomingOptions & HandshakeLimits & { readonly onRefused?: OnRefused };

export type TcpListener = Listener & { readonly refusals: RefusalCounts };

/** A transport over an accepted TCP or Unix socket that reads through the buffer all connections share. */
class SocketTransport extends DuplexTransport {
  /** @param accepted - paused; not to be used afterwards */
  constructor(accepted: Socket, peer: Peer) {
    const reader = new SocketReader();
    super(shareReads(accepted, reader), peer);
    reader.transport = this;
  }

  /** Hands bytes on that were read from the socket. */
  take(bytes: Buffer, length: number): void {
    this.receive(bytes, length);
  }

  room(): Buffer | undefined {
    return this.receiver.room();
  }
}

/** What a socket is read by: it is asked for room before there is a transport. */
export class SocketReader implements BytesTaker {
  transport: BytesTaker | undefined = undefined;

  take(bytes: Buffer, length: number): void {
    this.transport?.take(bytes, length);
  }

  room(): Buffer | undefined {
    return this.transport?.room();
  }
}

/** Hands a paused socket to the acceptor. */
export function acceptSocket(acceptor: TransportAcceptor, accepted: Socket, peer: Peer): void {
  const early = accepted.readableLength > 0 ? (accepted.read() as Buffer | null) : null;
  const transport = new SocketTransport(accepted, peer);
  if (acceptTransport(acceptor, transport) && early !== null) transport.take(early, early.length);
}

/**
 * Listens for MQTT over TCP.
 *
 * @throws RecadoError PORT_IN_USE, or LISTEN_FAILED; the system's error is its cause
 */
export async function listenTcp(acceptor: TransportAcceptor, options: TcpOptions): Promise<TcpListener> {
  const refusals = new Refusals(options.onRefused);
  const handshakes = new Handshakes(refusals, options);
  const parts = { refusals, handshakes, hasHandshake: false };
  const { port, close } = await openIncoming(options, parts, (socket, address, port) => {
    acceptSocket(acceptor, socket, { transport: 'tcp', address, port, certificate: undefined });
  });
  return { url: `mqtt://${formatHostPort(options.host, port)}`, port, refusals: refusals.counts, close };
}
