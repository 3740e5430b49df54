import { MAX_FRAME_NUMBER } from '../wire/frame.ts';

/** A receiver grants at the latest when this part of its window has been consumed. */
const GRANTS_PER_WINDOW = 4;
/** Less than this part of a chunk is a crumb. */
const SMALLEST_PART = 4;

/** How much of a window may be consumed before it must be granted again. */
function grantBytes(windowBytes: number): number {
  return Math.max(1, Math.floor(windowBytes / GRANTS_PER_WINDOW));
}

/**
 * What all senders on the way to one receiver may have out together, beyond a part of its own for each: the broker in
 * between keeps only so much for a client that is slow.
 */
export class LinkBudget {
  #freeBytes: number;
  readonly #waiting = new Set<() => void>();

  constructor(maxBytes: number) {
    this.#freeBytes = maxBytes;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  take(bytes: number): void {
    this.#freeBytes -= bytes;
  }

  give(bytes: number): void {
    this.#freeBytes += bytes;
    // Each is called once and waits again if it is still short; a Set keeps them in their turn.
    for (const wake of Array.from(this.#waiting)) {
      if (this.#freeBytes <= 0) return;
      this.#waiting.delete(wake);
      wake();
    }
  }

  /** Calls once when there is something again. */
  wait(wake: () => void): void {
    this.#waiting.add(wake);
  }

  forget(wake: () => void): void {
    this.#waiting.delete(wake);
  }
}

/** The sender's side of the flow control of one body. */
export class CreditGate {
  readonly link: LinkBudget;
  /** May be out whatever the others on the link have: so much is granted again without more being sent. */
  readonly #ownBytes: number;
  #creditBytes: number;
  #outBytes = 0;

  constructor(creditBytes: number, link: LinkBudget) {
    this.#creditBytes = creditBytes;
    this.#ownBytes = grantBytes(creditBytes);
    this.link = link;
  }

  /** How many bytes may be sent now. */
  get allowedBytes(): number {
    const own = Math.max(0, this.#ownBytes - this.#outBytes);
    return Math.min(this.#creditBytes, own + Math.max(0, this.link.freeBytes));
  }

  /** The receiver would take more; it is the link that is full. */
  get isHeldByLink(): boolean {
    return this.allowedBytes < this.#creditBytes;
  }

  /**
   * Whether it pays to send now, or is better to wait for more credit, which is certain to come: crumbs would go on as
   * crumbs.
   *
   * @param wantedBytes - what there is to send
   */
  isWorthSending(wantedBytes: number, chunkBytes: number): boolean {
    const { allowedBytes } = this;
    if (allowedBytes === 0) return false;
    if (allowedBytes >= wantedBytes || this.isHeldByLink) return true;
    return allowedBytes >= Math.min(chunkBytes / SMALLEST_PART, this.#ownBytes);
  }

  take(bytes: number): void {
    this.#creditBytes -= bytes;
    this.#setOut(this.#outBytes + bytes);
  }

  /** @returns false when more is granted than was sent: the receiver counts wrongly */
  grant(bytes: number): boolean {
    if (bytes > this.#outBytes || this.#creditBytes + bytes > MAX_FRAME_NUMBER) return false;
    this.#creditBytes += bytes;
    this.#setOut(this.#outBytes - bytes);
    return true;
  }

  /** The request is over: the link is free of it. */
  release(): void {
    this.#creditBytes = 0;
    this.#setOut(0);
  }

  #setOut(outBytes: number): void {
    const before = Math.max(0, this.#outBytes - this.#ownBytes);
    const after = Math.max(0, outBytes - this.#ownBytes);
    this.#outBytes = outBytes;
    if (after > before) this.link.take(after - before);
    else if (after < before) this.link.give(before - after);
  }
}

/** The receiver's side of it. */
export class CreditLedger {
  readonly #grantBytes: number;
  /** What the sender may still send. */
  #openBytes: number;
  #consumedBytes = 0;

  constructor(windowBytes: number) {
    this.#openBytes = windowBytes;
    this.#grantBytes = grantBytes(windowBytes);
  }

  /** @returns false when the sender had no credit for it */
  receive(bytes: number): boolean {
    if (bytes > this.#openBytes) return false;
    this.#openBytes -= bytes;
    return true;
  }

  /** @returns what is to be granted now; 0 while it is too little to say */
  consume(bytes: number): number {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes < this.#grantBytes) return 0;
    const granted = this.#consumedBytes;
    this.#openBytes += granted;
    this.#consumedBytes = 0;
    return granted;
  }
}
