import { FrameType, type Frame, type FrameParts } from '../wire/frame.ts';
import { BodyQueue } from './body-queue.ts';
import type { FrameLink } from './frame-link.ts';

/** A receiver grants at the latest when this part of its window has been consumed. */
const GRANTS_PER_WINDOW = 4;
/** Less than this part of a chunk is a crumb: crumbs would go on as crumbs. */
const CRUMBS_PER_CHUNK = 4;
/** Questions without an answer until the other side is given up. */
const MAX_UNANSWERED = 4;
/** A flow that is quiet by nature is asked after more and more seldom, down to so many times the first pause. */
const MAX_PROBE_PAUSE = 16;

/** Why a flow is over before its end. */
export type FlowBreak =
  /** The other side wants no more; its words. */
  | { readonly kind: 'cancelled'; readonly reason: string }
  /** The other side says what failed; its JSON, borrowed. */
  | { readonly kind: 'failed'; readonly body: Uint8Array }
  /** Messages were lost on the way. */
  | { readonly kind: 'gap' }
  /** The other side breaks the rules. */
  | { readonly kind: 'nonsense' }
  /** The other side is gone, or does not answer any more. */
  | { readonly kind: 'lost' }
  /** A message could not be given to the broker: the first one, or a later one. */
  | { readonly kind: 'unsent'; readonly isFirst: boolean };

/** Who has a request or its answer flow through: told of what comes, once it is in order. */
export type FlowListener = {
  onHead(frame: Frame): void;
  /**
   * @param body - borrowed; `Flow.consume` is to be called when it has gone on
   * @param isLast - `onEnd` follows at once
   */
  onBody(body: Uint8Array, isLast: boolean): void;
  /** The body is over. */
  onEnd(): void;
  /** It is over before its end. Nothing comes any more, and nothing leaves. */
  onBroken(why: FlowBreak): void;
  /** What was written has left, and `write` takes more. */
  onDrain(): void;
  /** The end of what was written has left. */
  onSent(): void;
};

/** What a side begins with: all of REQUEST or RESPONSE but the body. */
type FlowHead = Pick<FrameParts, 'type' | 'epoch' | 'timeoutMs' | 'creditBytes' | 'head'>;

type LastWord = {
  readonly type: typeof FrameType.CANCEL | typeof FrameType.FAILURE;
  readonly body: Uint8Array;
};

type FlowOptions = {
  readonly request: number;
  /** Bytes that the other side takes before it grants more. */
  readonly creditBytes: number;
  readonly listener: FlowListener;
  readonly nowMs: number;
};

/**
 * One request and its answer on a link, the same on both sides: a head and a body each way. Bodies go no faster than
 * the other side consumes them. Frames are at QoS 0: what is lost is seen by the numbers of those that come, and by
 * asking when none come.
 */
export class Flow {
  readonly request: number;
  readonly link: FrameLink;
  readonly #listener: FlowListener;
  readonly #windowBytes: number;
  readonly #crumbBytes: number;
  #state: 'open' | 'closed' = 'open';
  #progress = 0;
  /** Of what leaves. */
  #head: FlowHead | undefined;
  readonly #queue = new BodyQueue();
  #isEnding = false;
  #hasSentEnd = false;
  #isDrainAwaited = false;
  #isSendingSoon = false;
  #nextToSend = 0;
  #creditBytes: number;
  #outBytes = 0;
  /** Of what comes. */
  #nextToCome = 0;
  #openBytes: number;
  #consumedBytes = 0;
  #hasHead = false;
  #hasEnded = false;
  /** Of asking. */
  #wasHeard = false;
  #quietSinceMs: number;
  #unanswered = 0;
  /** What the link had heard when it was last asked. */
  #heardCount = 0;
  #pause = 1;

  constructor(link: FrameLink, { request, creditBytes, listener, nowMs }: FlowOptions) {
    this.link = link;
    this.request = request;
    this.#listener = listener;
    this.#creditBytes = creditBytes;
    const { initialCreditBytes, chunkBytes } = link.limits;
    this.#windowBytes = initialCreditBytes;
    this.#openBytes = initialCreditBytes;
    this.#crumbBytes = Math.min(chunkBytes / CRUMBS_PER_CHUNK, creditBytes / GRANTS_PER_WINDOW);
    this.#quietSinceMs = nowMs;
    link.add(this);
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Changes whenever something of a body has moved, or another frame has come. */
  get progress(): number {
    return this.#progress;
  }

  /** The other side does not take what was written. */
  get isHeldUp(): boolean {
    return this.#queue.bytes > 0;
  }

  /** Sends a head, with what is written in the same turn; at once when the end is there. */
  begin(head: FlowHead): void {
    this.#head = head;
    this.#pumpSoon();
  }

  /**
   * Sends bytes of the body, in their turn.
   *
   * @param bytes - stay as they are until they are sent
   * @returns false when no more should be written until `onDrain`
   */
  write(bytes: Uint8Array): boolean {
    if (!this.isOpen) return true;
    this.#queue.lend(bytes);
    return this.#pumpWritten();
  }

  /** As `write`; and nobody else needs the bytes, now or later: their memory is given back when they are sent. */
  give(bytes: Uint8Array): boolean {
    if (!this.isOpen) return true;
    this.#queue.give(bytes);
    return this.#pumpWritten();
  }

  /** The body is over. */
  end(): void {
    this.#isEnding = true;
    this.#isDrainAwaited = false;
    this.pump();
  }

  /** Sends what can be sent now. */
  pump(): void {
    this.#isSendingSoon = false;
    while (this.isOpen && this.#hasSomething() && this.#isWorthSending()) {
      if (!this.link.hasRoom) {
        this.link.waitForRoom(this);
        return;
      }
      this.#sendNext();
    }
    if (!this.#isDrainAwaited || this.#queue.bytes > 0 || !this.isOpen) return;
    this.#isDrainAwaited = false;
    this.#listener.onDrain();
  }

  /** What came has gone on: the other side may send as much again. */
  consume(bytes: number): void {
    this.#consumedBytes += bytes;
    this.#progress++;
    if (!this.isOpen || this.#hasEnded) return;
    if (this.#consumedBytes < Math.max(1, Math.floor(this.#windowBytes / GRANTS_PER_WINDOW))) return;
    const creditBytes = this.#consumedBytes;
    this.#consumedBytes = 0;
    this.#openBytes += creditBytes;
    this.#send({ type: FrameType.CREDIT, creditBytes });
  }

  /** A frame of this request. */
  receive(frame: Frame): void {
    this.#wasHeard = true;
    const { type } = frame;
    if (type === FrameType.CANCEL) {
      this.#break({ kind: 'cancelled', reason: Buffer.from(frame.body).toString() });
    } else if (type === FrameType.FAILURE) {
      this.#break({ kind: 'failed', body: frame.body });
    } else if (type >= FrameType.PROBE) {
      if (frame.sequence !== this.#nextToCome) this.#break({ kind: 'gap' });
      else if (type === FrameType.PROBE) this.#sendState(FrameType.STATE);
    } else {
      this.#pause = 1;
      this.#receiveNumbered(frame);
    }
  }

  /** Asks the other side whether it has this request, and all that was sent. */
  probe(): void {
    this.#unanswered++;
    this.#heardCount = this.link.heardCount;
    this.#sendState(FrameType.PROBE);
  }

  /** Looks whether there is something to ask. To be called now and then. */
  look(nowMs: number): void {
    if (!this.isOpen) return;
    if (this.#wasHeard) {
      this.#wasHeard = false;
      this.#unanswered = 0;
      this.#quietSinceMs = nowMs;
      return;
    }
    const pauses = this.#unanswered > 0 ? 1 : this.#pause;
    if (nowMs - this.#quietSinceMs < this.link.limits.probeAfterMs * pauses) return;
    // While anything else comes, the answer may be behind it.
    if (this.#unanswered >= MAX_UNANSWERED && this.link.heardCount === this.#heardCount) {
      this.link.isSilent = true;
      this.lose();
      return;
    }
    if (this.#unanswered === 0) this.#pause = Math.min(this.#pause * 2, MAX_PROBE_PAUSE);
    this.#quietSinceMs = nowMs;
    this.probe();
  }

  /** The other side is gone. */
  lose(): void {
    this.#break({ kind: 'lost' });
  }

  /** Ends it, with a last word where the other side is owed one. */
  close(word?: LastWord): void {
    if (!this.isOpen) return;
    this.#state = 'closed';
    if (word !== undefined) this.link.send({ type: word.type, request: this.request, body: word.body });
    this.#queue.clear();
    this.link.remove(this);
  }

  /** @returns false when no more should be written until `onDrain` */
  #pumpWritten(): boolean {
    if (this.#queue.bytes >= this.link.limits.chunkBytes) this.pump();
    else this.#pumpSoon();
    this.#isDrainAwaited = this.#queue.bytes >= Math.min(this.#creditBytes, this.link.limits.chunkBytes);
    return !this.#isDrainAwaited;
  }

  #receiveNumbered(frame: Frame): void {
    const { type, sequence, isLast, body } = frame;
    if (sequence !== this.#nextToCome) {
      // What was there already is a repetition; what is ahead shows that something was lost.
      if ((this.#nextToCome - sequence) >>> 0 >= 0x8000_0000) this.#break({ kind: 'gap' });
      return;
    }
    this.#nextToCome = (sequence + 1) >>> 0;
    this.#progress++;
    if (type === FrameType.CREDIT) {
      this.#grant(frame.creditBytes);
      return;
    }
    const isFirst = type !== FrameType.DATA;
    if (isFirst === this.#hasHead || this.#hasEnded || body.length > this.#openBytes) {
      this.#break({ kind: 'nonsense' });
      return;
    }
    this.#hasHead = true;
    this.#hasEnded = isLast;
    this.#openBytes -= body.length;
    if (isFirst) this.#listener.onHead(frame);
    if (body.length > 0 && this.isOpen) this.#listener.onBody(body, isLast);
    if (isLast && this.isOpen) this.#listener.onEnd();
  }

  #grant(creditBytes: number): void {
    if (creditBytes > this.#outBytes) {
      this.#break({ kind: 'nonsense' });
      return;
    }
    this.#outBytes -= creditBytes;
    this.#creditBytes += creditBytes;
    this.pump();
  }

  #hasSomething(): boolean {
    return this.#head !== undefined || this.#queue.bytes > 0 || (this.#isEnding && !this.#hasSentEnd);
  }

  /** More credit is certain to come. */
  #isWorthSending(): boolean {
    if (this.#head !== undefined || this.#queue.bytes === 0) return true;
    const wantedBytes = Math.min(this.#queue.bytes, this.link.limits.chunkBytes);
    return this.#creditBytes >= Math.min(wantedBytes, this.#crumbBytes) && this.#creditBytes > 0;
  }

  #sendNext(): void {
    const before = this.#queue.bytes;
    const body = this.#queue.take(Math.min(this.#creditBytes, this.link.limits.chunkBytes));
    const bytes = before - this.#queue.bytes;
    this.#creditBytes -= bytes;
    this.#outBytes += bytes;
    const isLast = this.#isEnding && this.#queue.bytes === 0;
    this.#hasSentEnd = isLast;
    const head = this.#head;
    this.#head = undefined;
    this.#send(head === undefined ? { type: FrameType.DATA, isLast, body } : { ...head, isLast, body });
    this.#queue.free(body);
    if (isLast && this.isOpen) this.#listener.onSent();
  }

  #send(parts: Omit<FrameParts, 'request' | 'sequence'>): void {
    const sequence = this.#nextToSend;
    this.#nextToSend = (sequence + 1) >>> 0;
    this.#progress++;
    if (this.link.send({ ...parts, request: this.request, sequence })) return;
    this.#break({ kind: 'unsent', isFirst: sequence === 0 });
  }

  #sendState(type: typeof FrameType.PROBE | typeof FrameType.STATE): void {
    // One that is lost is asked for again.
    this.link.send({ type, request: this.request, sequence: this.#nextToSend });
  }

  #pumpSoon(): void {
    if (this.#isSendingSoon) return;
    this.#isSendingSoon = true;
    this.link.sendSoon(this);
  }

  /** The listener may say a last word. */
  #break(why: FlowBreak): void {
    if (!this.isOpen) return;
    this.#listener.onBroken(why);
    this.close();
  }
}
