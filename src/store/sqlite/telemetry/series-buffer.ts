const FIRST_READINGS = 8;
const NONE = new Float64Array(0);

const READING_BYTES = 16;

/** What the buffers of a file take together. */
export type BufferRoom = { bytes: number };

/** The readings of one series that no chunk has yet. */
export class SeriesBuffer {
  /** Of the series in its file. */
  readonly id: number;
  count = 0;
  readonly #room: BufferRoom;
  #times = NONE;
  #values = NONE;
  #isSorted = true;

  constructor(id: number, room: BufferRoom) {
    this.id = id;
    this.#room = room;
  }

  get times(): Float64Array {
    return this.#times.subarray(0, this.count);
  }

  get values(): Float64Array {
    return this.#values.subarray(0, this.count);
  }

  add(time: number, value: number): void {
    if (this.count === this.#times.length) this.#grow();
    if (this.count > 0 && time < this.#times[this.count - 1]!) this.#isSorted = false;
    this.#times[this.count] = time;
    this.#values[this.count++] = value;
  }

  /** By their times; those of the same time stay in the order in which they came. */
  sort(): void {
    if (this.#isSorted) return;
    const order = Array.from({ length: this.count }, (_, index) => index);
    order.sort((a, b) => this.#times[a]! - this.#times[b]!);
    this.#times.set(order.map((index) => this.#times[index]!));
    this.#values.set(order.map((index) => this.#values[index]!));
    this.#isSorted = true;
  }

  /** Gives its room back: many series have had much at some time, and few have much at once. */
  clear(): void {
    this.count = 0;
    this.#room.bytes -= this.#times.length * READING_BYTES;
    this.#times = NONE;
    this.#values = NONE;
    this.#isSorted = true;
  }

  #grow(): void {
    const room = Math.max(this.#times.length * 2, FIRST_READINGS);
    this.#room.bytes += (room - this.#times.length) * READING_BYTES;
    const grown = (from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(room);
      to.set(from);
      return to;
    };
    this.#times = grown(this.#times);
    this.#values = grown(this.#values);
  }
}
