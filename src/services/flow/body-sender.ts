import { definedMembers } from '../../base/defined-members.ts';
import type { ByteSource } from './byte-source.ts';
import type { CreditGate } from './credit.ts';
import type { FrameChannel } from './frame-channel.ts';
import { FrameType } from '../wire/frame.ts';

/**
 * Frames of one body that the broker has not acknowledged: more of them wait in the source, where small pieces become
 * larger ones.
 */
const MAX_UNACKNOWLEDGED_FRAMES = 8;

type BodySenderOptions = {
  readonly source: ByteSource;
  readonly channel: FrameChannel;
  readonly gate: CreditGate;
  readonly chunkBytes: number;
  /** Bytes have left, or the last frame has. */
  readonly onProgress: (bytes: number) => void;
};

/** Sends a head and the body behind it, no faster than the other side consumes it. */
export class BodySender {
  readonly #options: BodySenderOptions;
  #state: 'new' | 'sending' | 'over' = 'new';

  constructor(options: BodySenderOptions) {
    this.#options = options;
  }

  /** The last frame has left. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** It is the source that has nothing, not the other side that takes nothing. */
  get waitsForSource(): boolean {
    const { source, gate } = this.#options;
    return !source.isOver && source.availableBytes === 0 && gate.allowedBytes > 0;
  }

  /** Sends the head, with as much of the body as is there. */
  begin(type: typeof FrameType.REQUEST | typeof FrameType.RESPONSE, head: Uint8Array): void {
    this.#state = 'sending';
    this.#sendNext(type, head);
    this.pump();
  }

  /** Sends what can be sent now. */
  readonly pump = (): void => {
    const { source, gate, channel, chunkBytes } = this.#options;
    while (this.#state === 'sending' && channel.unacknowledged < MAX_UNACKNOWLEDGED_FRAMES) {
      if (!source.isOver && source.availableBytes === 0) {
        source.take(0);
        if (!source.isOver && source.availableBytes === 0) return;
      }
      if (!source.isOver && !gate.isWorthSending(Math.min(source.availableBytes, chunkBytes), chunkBytes)) {
        if (gate.isHeldByLink) gate.link.wait(this.pump);
        return;
      }
      this.#sendNext(FrameType.DATA, undefined);
    }
  };

  /** @returns false when the other side grants more than it can have consumed */
  grant(bytes: number): boolean {
    const isGood = this.#options.gate.grant(bytes);
    if (isGood) this.pump();
    return isGood;
  }

  /** The request is over: nothing is sent any more, and others may use its part of the link. */
  stop(): void {
    this.#state = 'over';
    const { gate } = this.#options;
    gate.link.forget(this.pump);
    gate.release();
  }

  #sendNext(type: FrameType, head: Uint8Array | undefined): void {
    const { source, gate, channel, chunkBytes, onProgress } = this.#options;
    const body = source.take(Math.min(gate.allowedBytes, chunkBytes));
    const bytes = body?.length ?? 0;
    gate.take(bytes);
    const isLast = source.isOver;
    channel.send({
      type,
      isLast,
      ...definedMembers({ head, body }),
    });
    if (isLast) this.#state = 'over';
    onProgress(bytes);
  }
}
