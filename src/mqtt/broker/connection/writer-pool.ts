import { PacketWriter } from '../../codec/writer.ts';

const MAX_FREE_WRITERS = 64;
const FIRST_BYTES = 1024;

/** Writers for connections that have something to send: an idle connection has none. */
export class WriterPool {
  readonly #free: PacketWriter[] = [];
  readonly #nowhere = new PacketWriter(FIRST_BYTES);

  /** For what is said over a connection that has ended: nobody reads it. */
  get nowhere(): PacketWriter {
    this.#nowhere.reset();
    return this.#nowhere;
  }

  take(): PacketWriter {
    return this.#free.pop() ?? new PacketWriter(FIRST_BYTES);
  }

  /** @param writer - not to be used any more by whoever took it */
  give(writer: PacketWriter): void {
    if (this.#free.length >= MAX_FREE_WRITERS) return;
    writer.reset();
    this.#free.push(writer);
  }
}
