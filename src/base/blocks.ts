/** The smallest block. Less than this is copied into a buffer of its own size. */
const MIN_BLOCK_BYTES = 131_072;
/** The largest block that is kept for another use. */
const MAX_POOLED_BYTES = 1_048_576;
/** What lies free is at most this: a burst of large messages needs no more at a time. */
const MAX_FREE_BYTES = 4_194_304;

/**
 * Memory that bytes arrive in and are written from, so that a large message is never copied on its way. It is counted
 * by who still needs what lies in it, and used again when nobody does: memory that is made anew for each message costs
 * the system's zeroed pages and the collector's time, more than all else that is done with it.
 */
export class PooledBlock {
  readonly buffer: Buffer;
  #users = 1;
  readonly #pool: BlockPool;
  /** For a callback: `release` as a function of its own. */
  readonly onWritten = (): void => this.release();

  constructor(pool: BlockPool, bytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.#pool = pool;
  }

  /** Somebody besides its owner needs what lies in it: nothing there may be overwritten. */
  get isShared(): boolean {
    return this.#users > 1;
  }

  /** One more needs what lies in it, and calls `release`. */
  hold(): void {
    this.#users++;
  }

  /** One who took or held it needs it no more. */
  release(): void {
    this.#users--;
    if (this.#users === 0) this.#pool.giveBack(this);
  }

  /** @internal It was taken again. */
  begin(): this {
    this.#users = 1;
    return this;
  }
}

/** Blocks of powers of two, made when they are first needed. */
export class BlockPool {
  /** Free ones, the smallest size first. */
  readonly #free: PooledBlock[][] = [];
  #freeBytes = 0;

  /** Of the blocks that lie free. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** A block for `minBytes` or more; the one who takes it releases it. */
  take(minBytes: number): PooledBlock {
    const size = sizeOf(minBytes);
    const block = this.#free[size]?.pop();
    if (block === undefined) return new PooledBlock(this, MIN_BLOCK_BYTES * 2 ** size);
    this.#freeBytes -= block.buffer.length;
    return block.begin();
  }

  /** @internal */
  giveBack(block: PooledBlock): void {
    const { length } = block.buffer;
    if (length > MAX_POOLED_BYTES || this.#freeBytes + length > MAX_FREE_BYTES) return;
    (this.#free[sizeOf(length)] ??= []).push(block);
    this.#freeBytes += length;
  }

  /** Lets go of one free block of each size: called from time to time, it leaves nothing of a burst that is over. */
  trim(): void {
    for (const blocks of this.#free) {
      const block = blocks?.pop();
      if (block !== undefined) this.#freeBytes -= block.buffer.length;
    }
  }
}

/** 0 for the smallest size, 1 for twice that, and so on. */
function sizeOf(bytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(bytes / MIN_BLOCK_BYTES)));
}
