import type { SubscriptionOptions } from '../topics/subscription-match.ts';
import type { TopicFilter } from '../topics/topic-filter.ts';
import type { StoredMessage } from './stored-message.ts';

/** What is known of a session apart from its subscriptions and messages. */
export type SessionRecord = {
  readonly clientId: string;
  /** Whose it is: another user does not get it. */
  readonly userName: string | undefined;
  /** Seconds; 0xFFFFFFFF is never. */
  readonly sessionExpiryInterval: number;
  /** When the client went away, in wall-clock ms; undefined while it is connected. */
  readonly disconnectedAtMs: number | undefined;
};

/** A message that waits for a client, or for its acknowledgement. */
export type QueuedRecord = {
  /** Given by the session, rising: the order in which messages are sent. */
  readonly sequence: number;
  readonly message: StoredMessage;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
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
 * Where sessions that outlive their connection, and retained messages, outlive the broker. Owned by the broker, which
 * calls it from one turn of the event loop after the other and never twice at a time.
 *
 * The calls that change something only note it; `commit` makes everything noted so far last, at once. The broker
 * calls it once at the end of a turn, and holds back every acknowledgement that promises what was noted in that turn
 * until it is done: PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK and CONNACK. So a store writes once for
 * many messages, and nothing that was acknowledged is lost.
 *
 * A store in which noted changes last already returns undefined from `commit`, and nothing waits.
 */
export type SessionStore = {
  /** Everything that was committed. Called once, before anything else. */
  load(): Promise<{
    readonly sessions: readonly StoredSession[];
    readonly retained: readonly StoredMessage[];
  }>;

  saveSession(session: SessionRecord): void;
  /** With its subscriptions, messages and Packet Identifiers. */
  deleteSession(clientId: string): void;
  saveSubscription(clientId: string, filter: TopicFilter, options: SubscriptionOptions): void;
  deleteSubscription(clientId: string, filter: TopicFilter): void;
  /** New, or known by its sequence and changed: it was sent, or released. */
  saveQueued(clientId: string, queued: QueuedRecord): void;
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
