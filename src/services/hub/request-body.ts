import type { ByteSource } from '../flow/byte-source.ts';

/**
 * The body of a request that may have to be sent again to another agent: what was taken is kept, until it is more than
 * `maxKeptBytes`.
 */
export class RequestBody implements ByteSource {
  readonly #source: ByteSource;
  readonly #maxKeptBytes: number;
  #kept: Buffer[] | undefined = [];
  #keptBytes = 0;
  /** Kept pieces that are to be given again. */
  #again: Buffer[] = [];

  constructor(source: ByteSource, maxKeptBytes: number) {
    this.#source = source;
    this.#maxKeptBytes = maxKeptBytes;
  }

  get availableBytes(): number {
    return this.#again[0]?.length ?? this.#source.availableBytes;
  }

  get isOver(): boolean {
    return this.#again.length === 0 && this.#source.isOver;
  }

  take(maxBytes: number): Buffer | undefined {
    const again = this.#again[0];
    if (again === undefined) {
      const chunk = this.#source.take(maxBytes);
      if (chunk !== undefined) this.#keep(chunk);
      return chunk;
    }
    if (again.length <= maxBytes) this.#again.shift();
    else this.#again[0] = again.subarray(maxBytes);
    return again.subarray(0, maxBytes);
  }

  /** Begins again from the first byte; false when that is not at hand any more. */
  rewind(): boolean {
    if (this.#kept === undefined) return false;
    this.#again = [...this.#kept];
    return true;
  }

  /** The answer has begun: nothing will be sent again. */
  forget(): void {
    this.#kept = undefined;
  }

  #keep(chunk: Buffer): void {
    if (this.#kept === undefined) return;
    this.#keptBytes += chunk.length;
    if (this.#keptBytes > this.#maxKeptBytes) this.#kept = undefined;
    else this.#kept.push(chunk);
  }
}
