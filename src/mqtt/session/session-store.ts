import type { SubscriptionOptions } from '../topics/subscription-match.ts';
import type { TopicFilter } from '../topics/topic-filter.ts';
import type { StoredMessage } from './stored-message.ts';

/** A Will Message that is not published yet: session state too (section 4.1). */
export type KeptWill = {
  /** Its `expiresAtMs` counts from its publication on (section 3.1.3.2.4). */
  readonly message: StoredMessage;
  /** Seconds. */
  readonly willDelayInterval: number;
};

export type StoredWill = KeptWill & {
  /**
   * When it is to be published, in wall-clock ms; undefined while its client is connected. A session that comes back
   * so has lost its connection with the broker: its Will's delay begins then.
   */
  readonly dueAtMs: number | undefined;
};

/** What is known of a session apart from its subscriptions and messages. */
export type SessionRecord = {
  readonly clientId: string;
  /** Whose it is: another user does not get it. */
  readonly userName: string | undefined;
  /** Whether a hook proved that: who only says the name does not get it. */
  readonly isOwnerProven: boolean;
  /** Seconds; 0xFFFFFFFF is never. */
  readonly sessionExpiryInterval: number;
  /** When the client went away, in wall-clock ms; undefined while it is connected. */
  readonly disconnectedAtMs: number | undefined;
  readonly will: StoredWill | undefined;
};

/** The Shared Subscription that a message came by. */
export type SharedFilter = { readonly shareName: string; readonly topicFilter: string };

/** A message that waits for a client, or for its acknowledgement. */
export type QueuedRecord = {
  /** Given by the session, rising: the order in which messages are sent. */
  readonly sequence: number;
  /**
   * One object is given for all sessions that the message goes to, and for the retained message of its topic; also
   * later, when another session gets it in place of this one, and after it came from `load`. It never changes. So a
   * store that knows which objects it has written (a `WeakMap` of them, say) writes each body once.
   */
  readonly message: StoredMessage;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
  /** Another member may get the message when this session ends (section 4.8.2); undefined for ordinary ones. */
  readonly group: SharedFilter | undefined;
  /** 0 until it was sent. */
  readonly packetId: number;
  /** PUBREC came: PUBREL is what is to be sent again. */
  readonly isReleased: boolean;
};

/** A session as it comes back. */
export type StoredSession = SessionRecord & {
  readonly subscriptions: readonly { readonly filter: TopicFilter; readonly options: SubscriptionOptions }[];
  /** In the order of their sequence. */
  readonly queued: readonly QueuedRecord[];
  /** Packet Identifiers of QoS 2 messages that were received and not released (section 4.3.3). */
  readonly receivedPacketIds: readonly number[];
};

/**
 * Everything that was committed, in pieces as large as the store likes: a million messages need not be in memory as
 * rows and as objects at the same time. Each part is read once, one after the other, in any order.
 */
export type StoredState = {
  readonly sessions: AsyncIterable<readonly StoredSession[]>;
  readonly retained: AsyncIterable<readonly StoredMessage[]>;
};

/**
 * Where sessions that outlive their connection, and retained messages, outlive the broker. Owned by the broker, which
 * calls it from one turn of the event loop after the other and never twice at a time.
 *
 * The calls that change something only note it; `commit` makes everything noted so far last, at once. The broker
 * calls it once at the end of a turn, and holds back every acknowledgement that promises what was noted in that turn
 * until it is done: PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK and CONNACK. So a store writes once for
 * many messages, and nothing that was acknowledged is lost.
 *
 * What is noted and not committed is bounded by the broker (`maxUncommittedBytes`), not by the store.
 *
 * A store in which noted changes last already returns undefined from `commit`, and nothing waits.
 */
export type SessionStore = {
  /**
   * Called once, before anything else; nothing else is called until both parts were read to their end, or given up
   * (`return` of their iterators) because the broker does not start.
   */
  load(): StoredState;

  /** New, or known and changed. */
  saveSession(session: SessionRecord): void;
  /** With its subscriptions, messages and Packet Identifiers. */
  deleteSession(clientId: string): void;
  saveSubscription(clientId: string, filter: TopicFilter, options: SubscriptionOptions): void;
  deleteSubscription(clientId: string, filter: TopicFilter): void;
  /** A new message, whose sequence this session has never had. The record goes on living: what changes is told. */
  saveQueued(clientId: string, queued: QueuedRecord): void;
  /** A message that was saved has been sent, or released. */
  updateQueued(clientId: string, sequence: number, packetId: number, isReleased: boolean): void;
  deleteQueued(clientId: string, sequence: number): void;
  saveReceivedPacketId(clientId: string, packetId: number): void;
  deleteReceivedPacketId(clientId: string, packetId: number): void;
  /** In place of the topic's last one. */
  saveRetained(message: StoredMessage): void;
  deleteRetained(topicName: string): void;

  /**
   * Makes lasting what was noted since the last commit.
   *
   * @returns undefined when nothing has to wait; else a promise. When it rejects, or this throws, the broker ends the
   *   connections whose acknowledgements waited, and they send again. Nothing of it has been made lasting then, and it
   *   stays noted: the next commit makes it lasting too, before what was noted since.
   */
  commit(): Promise<void> | undefined;
  close(): Promise<void>;
};
