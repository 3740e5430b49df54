import type { Duplex } from 'node:stream';
import { DuplexTransport } from './duplex-transport.ts';
import type { Peer, TransportAcceptor, TransportReceiver } from './transport.ts';

const NO_PEER: Peer = { transport: 'stream', address: '', port: 0, certificate: undefined };

/**
 * A transport over any byte stream. It reads on `readable` events, which always come from the event loop: a stream
 * may emit `data` from within a write to its other end, and with that from within a call to this transport.
 */
class StreamTransport extends DuplexTransport {
  #isReadDue = false;

  override begin(receiver: TransportReceiver): void {
    this.duplex.on('readable', this.#read);
    super.begin(receiver);
  }

  override pause(): void {
    this.isPaused = true;
  }

  /** What has arrived is read soon, and not from within this call. */
  override readOn(): void {
    if (this.#isReadDue) return;
    this.#isReadDue = true;
    process.nextTick(this.#readDue);
  }

  readonly #readDue = (): void => {
    this.#isReadDue = false;
    this.#read();
  };

  readonly #read = (): void => {
    while (!this.isPaused) {
      const bytes = this.duplex.read() as Buffer | null;
      if (bytes === null) return;
      this.receive(bytes, bytes.length);
      this.receiver.room();
    }
  };
}

/**
 * Serves one connection that an embedding program has made itself, over any stream of bytes that emits `close`.
 *
 * @returns false when it was refused, or was over already: the stream has been destroyed then
 * @throws TypeError when the stream gives strings or objects
 */
export function acceptStream(acceptor: TransportAcceptor, duplex: Duplex, peer: Peer = NO_PEER): boolean {
  if (duplex.readableObjectMode || duplex.writableObjectMode || duplex.readableEncoding !== null)
    throw new TypeError('A transport needs a stream of bytes: without object mode and without an encoding.');
  if (duplex.destroyed) return false;
  return acceptTransport(acceptor, new StreamTransport(duplex, peer));
}

/** @returns false when it was refused */
export function acceptTransport(acceptor: TransportAcceptor, transport: DuplexTransport): boolean {
  const receiver = acceptor.accept(transport);
  if (receiver === undefined) transport.destroy();
  else transport.begin(receiver);
  return receiver !== undefined;
}
