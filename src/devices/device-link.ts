import type { Invocation } from './invocation.ts';
import type { PresenceReason } from './presence.ts';

/** The way to one connected device. A gateway makes one for each connection; the model calls it. */
export type DeviceLink = {
  /** How many exchanges the wire can tell apart at once: 1 where answers carry no id. */
  readonly maxInFlight: number;
  /** Nothing tells whether the device is really there: so it may be forgotten while it is taken to be. */
  readonly isPresumed?: boolean;
  /**
   * Sends a command. The link then calls `markSent`, perhaps `markDelivered`, and ends with `answer` or `fail`.
   * It must end every invocation it was given, also when the connection closes.
   */
  invoke(invocation: Invocation): void;
  /**
   * The caller no longer waits. A link that can tell answers apart tells the device and calls `release` at once;
   * one that cannot keeps the exchange until the answer came or the connection ended.
   */
  cancel(invocation: Invocation): void;
  /** Ends the connection, with the reason that the device is told where its protocol has words for it. */
  close(reason: PresenceReason): void;
};
