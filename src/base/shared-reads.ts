import { Socket } from 'node:net';

/** As much as one read takes; what the system holds beyond it comes with the next. */
export const SHARED_READ_BYTES = 65_536;

const shared = Buffer.allocUnsafeSlow(SHARED_READ_BYTES);

/** Who takes what arrives. */
export type BytesTaker = {
  /**
   * The first `length` bytes arrived: a view of them, made for each read, would be most of what a message leaves to the
   * collector. Borrowed: the next read of any connection overwrites them, unless they lie in `room`.
   */
  take(bytes: Buffer, length: number): void;
  /** Where the next bytes of this connection are to go, asked after each `take`; undefined when it does not matter. */
  room(): Buffer | undefined;
};

type WithHandle = { _handle?: unknown };

/**
 * Reads an accepted connection through one buffer that all connections share. A stream's `data` event allocates
 * 64 KiB for each read and cuts it down again, which costs more than everything else that is done with a small
 * message. `net.Socket` can be told to read into a given buffer (`onread`), but `net.Server` cannot, so the
 * connection's handle moves into a socket that was.
 *
 * @param accepted - from a server with `pauseOnConnect: true`; not to be used afterwards
 * @returns the socket to use instead. Where a handle cannot be moved, as that of TLS, `accepted` itself, read by `data`
 *   events.
 */
export function shareReads(accepted: Socket, taker: BytesTaker): Socket {
  const handle = (accepted as WithHandle)._handle;
  if (handle === undefined || handle === null || 'encrypted' in accepted) {
    accepted.on('data', (bytes: Buffer) => {
      taker.take(bytes, bytes.length);
      // Nothing is read into it, but this is where the taker lets go of what it does not need any more.
      taker.room();
    });
    return accepted;
  }
  (accepted as WithHandle)._handle = null;
  const options = {
    handle,
    onread: {
      buffer: (): Buffer => taker.room() ?? shared,
      callback: (count: number, buffer: Uint8Array): boolean => {
        taker.take(buffer as Buffer, count);
        return true;
      },
    },
  };
  return new Socket(options as object);
}
