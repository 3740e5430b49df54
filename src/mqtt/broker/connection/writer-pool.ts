import { PacketWriter } from '../../codec/writer.ts';

const SMALL_BYTES = 256;
/** A writer that has grown beyond this goes to connections that have much to send. */
const MAX_SMALL_BYTES = 1024;
/** What lies free of each kind is at most this: small ones answer a few thousand clients in one turn. */
const MAX_FREE_BYTES = 1_048_576;

/** Writers for connections that have something to send: an idle connection has none. */
export class WriterPool {
  readonly #small = new FreeWriters();
  readonly #large = new FreeWriters();
  readonly #nowhere = new PacketWriter(SMALL_BYTES);

  /** For what is said over a connection that has ended: nobody reads it. */
  get nowhere(): PacketWriter {
    this.#nowhere.reset();
    return this.#nowhere;
  }

  /** @param expectedBytes - about what will be written: most send in one turn as much as in the turn before */
  take(expectedBytes: number): PacketWriter {
    const free = expectedBytes > MAX_SMALL_BYTES ? this.#large : this.#small;
    return free.take() ?? new PacketWriter(SMALL_BYTES);
  }

  /** @param writer - not to be used any more by whoever took it */
  give(writer: PacketWriter): void {
    writer.reset();
    if (writer.buffer.length > MAX_SMALL_BYTES) this.#large.give(writer);
    else this.#small.give(writer);
  }
}

class FreeWriters {
  readonly #writers: PacketWriter[] = [];
  #bytes = 0;

  take(): PacketWriter | undefined {
    const writer = this.#writers.pop();
    if (writer !== undefined) this.#bytes -= writer.buffer.length;
    return writer;
  }

  give(writer: PacketWriter): void {
    const { length } = writer.buffer;
    if (this.#bytes + length > MAX_FREE_BYTES) return;
    this.#writers.push(writer);
    this.#bytes += length;
  }
}
