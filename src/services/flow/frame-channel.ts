import type { PublishReceipt } from '../../bus/bus.ts';
import type { FramePool } from './frame-pool.ts';
import { encodeFrame, type FrameParts } from '../wire/frame.ts';

/** Publishes a frame to the other side. */
export type PublishFrame = (frame: Buffer) => Promise<PublishReceipt>;

type ChannelParts = ChannelEvents & {
  readonly request: number;
  readonly publish: PublishFrame;
  readonly pool: FramePool;
};

type ChannelEvents = {
  /** The broker has a frame: `unacknowledged` is less by one. */
  readonly onAcknowledged: () => void;
  /** Undefined: the broker says that nobody is there (0x10 No matching subscribers). */
  readonly onUndelivered: (error: Error | undefined) => void;
};

/** The frames of one request: numbers those that leave, and looks after the numbers of those that come. */
export class FrameChannel {
  readonly request: number;
  /** Frames that the broker does not have for certain. */
  unacknowledged = 0;
  readonly #publish: PublishFrame;
  readonly #pool: FramePool;
  readonly #events: ChannelEvents;
  #nextToSend = 0;
  #nextToCome = 0;
  #isClosed = false;

  constructor(parts: ChannelParts) {
    this.request = parts.request;
    this.#publish = parts.publish;
    this.#pool = parts.pool;
    this.#events = parts;
  }

  send(parts: Omit<FrameParts, 'request' | 'sequence'>): void {
    if (this.#isClosed) return;
    const sequence = this.#nextToSend;
    this.#nextToSend = (sequence + 1) >>> 0;
    this.unacknowledged++;
    const pool = this.#pool;
    const frame = encodeFrame({ ...parts, request: this.request, sequence }, (bytes) => pool.take(bytes));
    this.#publish(frame).then(
      (receipt) => {
        // The broker has it; of one that was given up, something may still be read.
        pool.give(frame);
        this.#onPublished(receipt);
      },
      (error: unknown) => this.#tellUndelivered(error as Error),
    );
  }

  /** A message may come twice, and may be lost: the first is to be ignored, the second ends the request. */
  take(sequence: number): 'next' | 'repeat' | 'gap' {
    if (sequence === this.#nextToCome) {
      this.#nextToCome = (sequence + 1) >>> 0;
      return 'next';
    }
    return (this.#nextToCome - sequence) >>> 0 < 0x8000_0000 ? 'repeat' : 'gap';
  }

  /** Nothing is sent or told any more. */
  close(): void {
    this.#isClosed = true;
  }

  #onPublished({ matched }: PublishReceipt): void {
    this.unacknowledged--;
    if (this.#isClosed) return;
    if (matched === false) this.#tellUndelivered(undefined);
    else this.#events.onAcknowledged();
  }

  #tellUndelivered(error: Error | undefined): void {
    if (!this.#isClosed) this.#events.onUndelivered(error);
  }
}
