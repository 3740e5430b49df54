import type { DropReason } from '../../src/mqtt/broker/hooks.ts';
import type { QoS } from '../../src/mqtt/codec/control-packet.ts';

/** One PUBLISH as a client sent it once. Its text is its payload without the padding, and nobody else's. */
export type ModelMessage = {
  readonly text: string;
  readonly topicName: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly publisher: string;
  /** In which order messages were taken. */
  sequence: number;
  readonly payload: string;
  /** Seconds; undefined when it never expires. */
  readonly expiryInterval: number | undefined;
  readonly hasProperties: boolean;
  expiresAtMs: number;
  /** The event that took its place as the retained message; -1 when it never was, infinite while it is. */
  retainedUntil: number;
};

export type ModelSubscription = {
  readonly filter: string;
  readonly shareName: string | undefined;
  readonly topicFilter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  /** 0 when there is none. */
  readonly identifier: number;
};

/** A message that a session is to get. */
export type Obligation = {
  /** Of this copy of the message in its session. */
  readonly key: string;
  readonly message: ModelMessage;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Rising; undefined where the client could not be told. */
  readonly identifiers: readonly number[] | undefined;
  readonly sizeBytes: number;
  isRequired: boolean;
  /** The broker says that it was. */
  dropped: DropReason | undefined;
  /** The client has had it. */
  isReceived: boolean;
  /** 0 until the client has had it. */
  packetId: number;
};

/** The retained messages that a new subscription is to get. */
export type RetainedWalk = {
  readonly key: string;
  readonly topicFilter: string;
  readonly qos: QoS;
  readonly identifier: number;
  readonly startEvent: number;
  /** By topic: whether it must come. */
  readonly topics: Map<string, boolean>;
  readonly done: Set<string>;
};

export type GroupHolder = {
  /** Of its copy. */
  readonly key: string;
  readonly clientId: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly identifiers: readonly number[] | undefined;
  readonly packetId: number;
};

/** A message that one member of a Shared Subscription is to get. */
export type GroupDelivery = {
  readonly key: string;
  readonly filter: string;
  readonly message: ModelMessage;
  /** All who have been members since. */
  readonly members: { readonly clientId: string; readonly subscription: ModelSubscription }[];
  isRequired: boolean;
  /** A session ended that may have had it unacknowledged. */
  mayRepeat: boolean;
  /** Who has had it. */
  readonly holders: GroupHolder[];
};

export type SessionWill = { readonly message: ModelMessage; readonly delaySeconds: number };

/** A session as the standard describes it (MQTT 5.0 section 4.1), in lists. */
export class ModelSession {
  readonly clientId: string;
  readonly isLocal: boolean;
  /** Of all sessions that have been. */
  readonly serial: number;
  expirySeconds = 0;
  isConnected = false;
  /** Of its present connection, or of the one that it had when the broker crashed. */
  will: SessionWill | undefined;
  /** When its client left; undefined while it is there, and when it was there as the broker crashed. */
  awaySinceMs: number | undefined;
  expiresAtMs = Number.POSITIVE_INFINITY;
  subscriptions = new Map<string, ModelSubscription>();
  owed: Obligation[] = [];
  walks: RetainedWalk[] = [];
  /** QoS 2 messages that came in and were not released. */
  receivedIds = new Set<number>();
  /** Of messages that were dropped since all was at rest: which one it was is not always known. */
  droppedTopics = new Set<string>();

  constructor(clientId: string, serial: number, isLocal = false) {
    this.clientId = clientId;
    this.serial = serial;
    this.isLocal = isLocal;
  }

  copy(): ModelSession {
    const copy = new ModelSession(this.clientId, this.serial, this.isLocal);
    copy.expirySeconds = this.expirySeconds;
    copy.isConnected = this.isConnected;
    copy.will = this.will;
    copy.awaySinceMs = this.awaySinceMs;
    copy.expiresAtMs = this.expiresAtMs;
    copy.subscriptions = new Map(this.subscriptions);
    copy.owed = this.owed.map((obligation) => ({ ...obligation }));
    copy.walks = this.walks.map((walk) => ({
      ...walk,
      topics: new Map(walk.topics),
      done: new Set(walk.done),
    }));
    copy.receivedIds = new Set(this.receivedIds);
    return copy;
  }
}

/** Not this one was dropped, as was thought, but another one of its topic. */
export function moveDrop(session: ModelSession, obligation: Obligation, nowMs: number): void {
  const { dropped, message } = obligation;
  obligation.dropped = undefined;
  const other = session.owed.find(
    (one) =>
      one.isRequired &&
      one !== obligation &&
      one.message.topicName === message.topicName &&
      (one.qos === 0 || !isOfQos0(dropped)) &&
      (dropped !== 'expired' || one.message.expiresAtMs <= nowMs),
  );
  if (other === undefined) return;
  other.isRequired = false;
  other.dropped = dropped;
}

/** What is of QoS 1 or 2 waits in its session instead. */
function isOfQos0(why: DropReason | undefined): boolean {
  return why === 'outbox-full' || why === 'offline';
}
