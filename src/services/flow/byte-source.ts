import type { Readable } from 'node:stream';

/** Where the bytes of a body come from. */
export type ByteSource = {
  /** What can be taken at once. */
  readonly availableBytes: number;
  /** Everything was taken, and nothing will come. */
  readonly isOver: boolean;
  /** At most so many bytes; undefined when there are none now. */
  take(maxBytes: number): Buffer | undefined;
};

export const EMPTY_SOURCE: ByteSource = { availableBytes: 0, isOver: true, take: () => undefined };

type StreamEvents = {
  /** Bytes have come, or the end has. */
  readonly onChange: () => void;
  /** The stream ended before its end. */
  readonly onBroken: (error: Error | undefined) => void;
};

/** The bytes of a stream, taken when somebody wants them: as long as nobody does, the stream is not read. */
export class StreamSource implements ByteSource {
  readonly #stream: Readable & { readonly complete?: boolean };
  readonly #events: StreamEvents;
  #isEnded = false;
  #isDetached = false;

  /** @param stream - an `IncomingMessage` says earlier than others that it is over, by `complete` */
  constructor(stream: Readable, events: StreamEvents) {
    this.#stream = stream;
    this.#events = events;
    stream.on('readable', this.#onReadable);
    stream.on('end', this.#onEnd);
    stream.on('error', this.#onError);
    stream.on('close', this.#onClose);
  }

  get availableBytes(): number {
    return this.#stream.readableLength;
  }

  get isOver(): boolean {
    return this.#stream.readableLength === 0 && (this.#isEnded || this.#stream.complete === true);
  }

  take(maxBytes: number): Buffer | undefined {
    const length = Math.min(maxBytes, this.#stream.readableLength);
    // Reading nothing has the stream look for more, or tell its end.
    const chunk = this.#stream.read(length) as Buffer | null;
    if (chunk !== null && this.#stream.readableLength === 0) this.#stream.read(0);
    return chunk ?? undefined;
  }

  /** Reads no more for anybody; what still comes is thrown away. */
  detach(): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    this.#stream.off('readable', this.#onReadable);
    this.#stream.off('end', this.#onEnd);
    this.#stream.off('close', this.#onClose);
    this.#stream.resume();
  }

  readonly #onReadable = (): void => this.#events.onChange();

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    this.#events.onChange();
  };

  /** Stays when all others are gone: an error that nobody hears ends the process. */
  readonly #onError = (error: Error): void => {
    if (!this.#isDetached) this.#events.onBroken(error);
  };

  readonly #onClose = (): void => {
    if (!this.#isEnded && !this.isOver) this.#events.onBroken(undefined);
  };
}
