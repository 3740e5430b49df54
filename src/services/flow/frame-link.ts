import { decodeFrame, encodeFrame, FrameType, isOfBody, type Frame, type FrameParts } from '../wire/frame.ts';
import { FlowTable } from './flow-table.ts';

/** What has come is told at the latest when it is so much: a part of the least that may be on the way. */
const REPORT_BYTES = 131_072;
const MIN_LINK_BYTES = 2 * REPORT_BYTES;
const FIRST_SCRATCH_BYTES = 4096;

/** What a link needs to know. */
export type LinkLimits = {
  /** Bytes of frames on the way to the other side that it has not told of: a broker keeps only so much at QoS 0. */
  readonly maxLinkBytes: number;
  /** Of a body, in one frame. */
  readonly chunkBytes: number;
  /** The credit of the other side for each body: sent before this side's consumer has taken any of it. */
  readonly initialCreditBytes: number;
  /** How long a flow may be silent before the other side is asked. */
  readonly probeAfterMs: number;
};

/** A request on a link, as far as the link cares. */
type LinkedFlow = {
  readonly request: number;
  receive(frame: Frame): void;
  /** Sends what can be sent now. */
  pump(): void;
  probe(): void;
  lose(): void;
};

type LinkParts = {
  readonly limits: LinkLimits;
  /** At QoS 0; false when it was not taken. The bytes are used again when it returns. */
  readonly publish: (frame: Buffer) => boolean;
  /** A frame of no flow that is open here. */
  readonly onUnknown: (frame: Frame) => void;
  readonly onMalformed: () => void;
};

/**
 * All frames between a hub and one agent of a service, as one of the two sees them. What is on the way is bounded, so
 * that a broker has no reason to drop any; what it drops all the same is seen by the flows.
 */
export class FrameLink {
  readonly limits: LinkLimits;
  /** The other side did not answer when it was asked about a request, and nothing has come since. */
  isSilent = false;
  /** Frames that have come. */
  heardCount = 0;
  readonly #parts: LinkParts;
  readonly #flows = new FlowTable<LinkedFlow>();
  /** Flows that have something to send when there is room. */
  readonly #blocked = new Set<LinkedFlow>();
  /** Flows that have something to send when everything that has arrived was read. */
  #ready: LinkedFlow[] = [];
  #sentBytes = 0;
  #acknowledgedBytes = 0;
  #receivedBytes = 0;
  #reportedBytes = 0;
  #scratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH_BYTES);

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.limits = parts.limits;
  }

  /** Requests that are open. */
  get size(): number {
    return this.#flows.size;
  }

  get hasRoom(): boolean {
    // What the other side counts may be ahead for a moment, when one of the two has begun anew.
    const outBytes = (this.#sentBytes - this.#acknowledgedBytes) | 0;
    return outBytes < Math.max(this.limits.maxLinkBytes, MIN_LINK_BYTES);
  }

  add(flow: LinkedFlow): void {
    this.#flows.set(flow);
  }

  has(request: number): boolean {
    return this.#flows.get(request) !== undefined;
  }

  remove(flow: LinkedFlow): void {
    this.#flows.delete(flow);
    this.#blocked.delete(flow);
  }

  /** Has the flow go on when there is room again. */
  waitForRoom(flow: LinkedFlow): void {
    this.#blocked.add(flow);
  }

  /** Has the flow send at the end of this turn: small pieces that come together go together. */
  sendSoon(flow: LinkedFlow): void {
    if (this.#ready.push(flow) > 1) return;
    setImmediate(() => {
      const ready = this.#ready;
      this.#ready = [];
      for (const each of ready) each.pump();
    });
  }

  /** @returns false when it could not be sent: it is lost */
  send(parts: FrameParts): boolean {
    this.#reportedBytes = this.#receivedBytes;
    const frame = encodeFrame(
      { ...parts, sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes },
      this.#allocate,
    );
    if (isOfBody(parts.type)) this.#sentBytes = (this.#sentBytes + frame.length) >>> 0;
    return this.#parts.publish(frame);
  }

  /** A message of the other side; it is read before this returns. */
  receive(message: Uint8Array): void {
    const frame = decodeFrame(message);
    if (typeof frame === 'string') {
      this.#parts.onMalformed();
      return;
    }
    if (isOfBody(frame.type)) this.#receivedBytes = (this.#receivedBytes + message.length) >>> 0;
    // What was lost on the way is not on the way any more.
    else if (frame.type >= FrameType.PROBE) this.#receivedBytes = frame.sentBytes;
    this.#acknowledgedBytes = frame.receivedBytes;
    this.isSilent = false;
    this.heardCount++;
    // Before anything that this frame sets off: whoever waited for room goes first, in the order of its number.
    if (this.#blocked.size > 0) this.#wake();
    const flow = this.#flows.get(frame.request);
    if (flow !== undefined) flow.receive(frame);
    else if (frame.request !== 0) this.#parts.onUnknown(frame);
    if ((this.#receivedBytes - this.#reportedBytes) >>> 0 >= REPORT_BYTES)
      this.send({ type: FrameType.STATE, request: 0 });
  }

  /** Asks the other side about every request: one of the two was away. */
  probe(): void {
    for (const flow of this.#flows.all()) flow.probe();
  }

  /** The other side is gone, and with it what it had. */
  lose(): void {
    for (const flow of this.#flows.all()) flow.lose();
  }

  /** Those that find no room wait again, behind the others. */
  #wake(): void {
    for (const flow of Array.from(this.#blocked)) {
      if (!this.hasRoom) return;
      this.#blocked.delete(flow);
      flow.pump();
    }
  }

  readonly #allocate = (bytes: number): Buffer => {
    if (bytes > this.#scratch.length)
      this.#scratch = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)));
    return this.#scratch.subarray(0, bytes);
  };
}
