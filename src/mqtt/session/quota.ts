import type { PacketIdSet } from './packet-id-set.ts';

/** How much may be on its way at a time over one connection, both ways (section 4.9). */
export type QuotaLimits = {
  /** QoS 1 and 2 messages to the client: its Receive Maximum, or less. */
  readonly sendMaximum: number;
  /** QoS 2 messages from it: our Receive Maximum; infinite for versions that are not told of one. */
  readonly receiveMaximum: number;
};

const NO_LIMITS: QuotaLimits = { sendMaximum: 0, receiveMaximum: Number.POSITIVE_INFINITY };

/** Compares what is in flight with its limits: the only place that does. Each connection begins it anew. */
export class Quota {
  #limits = NO_LIMITS;
  /** QoS 2 messages of an earlier connection that are not released: the Receive Maximum counts anew. */
  #receivedBefore = 0;
  /** Messages of an earlier connection that were sent again and are not acknowledged. */
  #resentCount = 0;

  /** The client has connected. */
  begin(limits: QuotaLimits, received: PacketIdSet | undefined): void {
    this.#limits = limits;
    this.#receivedBefore = received?.size ?? 0;
    this.#resentCount = 0;
  }

  /** Whether one more message of QoS 1 or 2 may be sent. */
  maySend(inflight: { readonly count: number } | undefined): boolean {
    return (inflight === undefined ? 0 : inflight.count) < this.#limits.sendMaximum;
  }

  /** Whether one more message of an earlier connection may be sent again. */
  mayResend(): boolean {
    return this.#resentCount < this.#limits.sendMaximum;
  }

  countResent(): void {
    this.#resentCount++;
  }

  /** One that was sent again is acknowledged, or could not be sent. */
  uncountResent(): void {
    this.#resentCount--;
  }

  /**
   * Whether the client may send this message: QoS 1 is acknowledged as soon as it is read, so what counts are the QoS 2
   * messages that were not released.
   */
  mayReceive(received: PacketIdSet | undefined, qos: number, packetId: number): boolean {
    if (received === undefined || received.size < this.#limits.receiveMaximum + this.#receivedBefore)
      return true;
    return qos === 2 && received.has(packetId);
  }
}
