import type { PooledBlock } from '../../base/blocks.ts';

/** Bytes that are to be sent from where they lie. Those of a block keep it until they have gone. */
export class Slice {
  readonly buffer: Buffer;
  readonly start: number;
  end: number;
  readonly block: PooledBlock | undefined;

  /** @param block - that `buffer` is of; undefined when nobody writes to `buffer` any more */
  constructor(buffer: Buffer, start: number, end: number, block: PooledBlock | undefined) {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.block = block;
  }

  get length(): number {
    return this.end - this.start;
  }

  get bytes(): Buffer {
    return this.buffer.subarray(this.start, this.end);
  }
}
