import type { DropReason } from './hooks.ts';

/** What the broker has counted since it was made. Plain numbers: adding one is all that a message pays. */
export class BrokerStats {
  connectionsAccepted = 0;
  connectionsRefused = 0;
  /** Closed for a newcomer, because their address had most. */
  connectionsYielded = 0;
  connectsReceived = 0;
  /** CONNECTs that were refused, with a CONNACK unless they were malformed before MQTT 5.0. */
  connectsRefused = 0;
  connectionsTakenOver = 0;
  /** CONNECTs that were refused because their Client Identifier belongs to another user (`clientIdTakeover`). */
  takeoversRefused = 0;
  /** No packet came within one and a half times the Keep Alive. */
  keepAliveTimeouts = 0;
  connectTimeouts = 0;
  /** Connections ended for a malformed packet or a protocol error. */
  protocolErrors = 0;
  /** Of these: packets other than CONNECT and PUBLISH that were larger than `maxControlPacketBytes`. */
  controlPacketsTooLarge = 0;
  bytesReceived = 0;
  bytesSent = 0;
  /** Of all types. */
  packetsReceived = 0;
  /** Those that are no PUBLISH. */
  othersSent = 0;
  publishReceived = 0;
  publishSent = 0;
  /** Of their payloads. */
  publishBytesReceived = 0;
  publishBytesSent = 0;
  publishDenied = 0;
  subscribeDenied = 0;
  retainRefused = 0;
  willsPublished = 0;
  hookFailures = 0;
  /** `Broker.publish` was refused: it was called from within itself again and again. */
  publishLoops = 0;
  hookTimeouts = 0;
  storeFailures = 0;
  /** CONNECTs and PUBLISHes that were refused because the store has fallen behind, or fails. */
  storeRefusals = 0;
  /** A client published more than the store had written (`maxUncommittedBytes`), and was not read any further. */
  publishersPaused = 0;
  /** Bytes, as far as anybody looked. */
  heapMaximum = 0;
  sessionsExpired = 0;
  /** There was no room for another session, and their clients had been away longest. */
  sessionsYielded = 0;
  /** A client that did not read its acknowledgements was itself not read any further. */
  readsPaused = 0;
  readonly dropped: Record<DropReason, number> = {
    'outbox-full': 0,
    'queue-full': 0,
    offline: 0,
    expired: 0,
    'packet-too-large': 0,
  };
}

/** Of all types. */
export function packetsSentOf({ publishSent, othersSent }: BrokerStats): number {
  return publishSent + othersSent;
}
