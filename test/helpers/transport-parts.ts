import type { Slice } from '../../src/mqtt/transport/slice.ts';
import { Written, type Transport, type TransportReceiver } from '../../src/mqtt/transport/transport.ts';

/** `writeSlices` of a transport of the tests, slice by slice. */
export function writeEach(
  transport: Pick<Transport, 'write'>,
  slices: readonly Slice[],
  start: number,
  end: number,
): Written {
  let written: Written = Written.TAKEN;
  for (const slice of slices.slice(start, end)) written = transport.write(slice.bytes);
  return written;
}

/** Hands bytes to a receiver as a socket does that grants its wishes: into the room that it has given. */
export class RoomReader {
  #room: Buffer | undefined;

  hand(receiver: TransportReceiver, bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      const room = this.#room;
      const taken = room === undefined ? bytes.subarray(at) : room.subarray(0, bytes.length - at);
      if (room !== undefined) bytes.copy(room, 0, at, at + taken.length);
      receiver.onBytes(taken, taken.length);
      this.#room = receiver.room();
      at += taken.length;
    }
  }
}
