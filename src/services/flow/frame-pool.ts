/** Frames below this are cheap enough to be made and forgotten. */
const MIN_POOLED_BYTES = 8192;

/**
 * Buffers for large frames, used again and again: at a hundred megabytes a second, those that are only made
 * and forgotten would be most of the memory of the process.
 */
export class FramePool {
  readonly #slotBytes: number;
  readonly #maxSlots: number;
  readonly #free: ArrayBuffer[] = [];

  /** @param slotBytes - what every pooled frame fits in; larger ones are made and forgotten */
  constructor({ slotBytes, maxSlots }: { readonly slotBytes: number; readonly maxSlots: number }) {
    this.#slotBytes = slotBytes;
    this.#maxSlots = maxSlots;
  }

  /** A buffer of so many bytes, with anything in it. */
  take(bytes: number): Buffer {
    if (bytes < MIN_POOLED_BYTES || bytes > this.#slotBytes) return Buffer.allocUnsafe(bytes);
    const free = this.#free.pop() ?? new ArrayBuffer(this.#slotBytes);
    return Buffer.from(free, 0, bytes);
  }

  /** Nobody reads or writes the buffer any more. */
  give(buffer: Buffer): void {
    const { buffer: memory } = buffer;
    // Small ones are parts of what Node shares among many.
    if (memory.byteLength !== this.#slotBytes || buffer.length < MIN_POOLED_BYTES) return;
    if (memory instanceof ArrayBuffer && this.#free.length < this.#maxSlots) this.#free.push(memory);
  }
}

const MAX_SLOTS = 32;
/** What a frame has beside a piece of a body: its own head, and that of a request or an answer in most cases. */
const HEAD_ROOM_BYTES = 4096;

export function framePoolFor({ chunkBytes }: { readonly chunkBytes: number }): FramePool {
  return new FramePool({ slotBytes: chunkBytes + HEAD_ROOM_BYTES, maxSlots: MAX_SLOTS });
}
