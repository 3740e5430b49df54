import type { Clock } from '../../base/clock.ts';
import type { QueuedMessage } from '../session/queued-message.ts';
import type { SessionStore, StoredWill } from '../session/session-store.ts';
import type { StoredMessage } from '../session/stored-message.ts';
import type { SubscriptionOptions } from '../topics/subscription-match.ts';
import type { TopicFilter } from '../topics/topic-filter.ts';
import type { ClientSession } from './client-session.ts';
import type { CommitGroup } from './commit-group.ts';

/** What a note costs besides the bytes of its texts, about: the fields of a record, and its place. */
const NOTE_BYTES = 128;

/**
 * Notes in the store what is to outlive the broker, for the next commit. Of a session that ends with its connection,
 * or with the broker, nothing is noted.
 */
export class StoreNotes {
  readonly #store: SessionStore | undefined;
  readonly #commits: CommitGroup;
  readonly #clock: Clock;

  constructor(store: SessionStore | undefined, commits: CommitGroup, clock: Clock) {
    this.#store = store;
    this.#commits = commits;
    this.#clock = clock;
  }

  /**
   * Notes the session itself: it is new, its client came or left, its Will was published, or it is to live longer or
   * shorter.
   */
  noteSession(session: ClientSession): void {
    const { clientId, connection, disconnectedAtMs } = session;
    const will = this.#storedWillOf(session);
    const bytes = NOTE_BYTES + (will === undefined ? 0 : will.message.sizeBytes);
    this.#storeFor(session, bytes)?.saveSession({
      clientId,
      userName: session.client.userName,
      isOwnerProven: session.isOwnerProven,
      sessionExpiryInterval: session.expiryInterval,
      disconnectedAtMs: connection === undefined ? disconnectedAtMs : undefined,
      will,
    });
  }

  /** A message waits for the client, or is sent to it: with its body, once. False when nothing of it is noted. */
  noteQueued(session: ClientSession, queued: QueuedMessage): boolean {
    const store = this.#storeFor(session);
    if (store === undefined) return false;
    this.#commits.noteBody(queued.message);
    store.saveQueued(session.clientId, queued);
    return true;
  }

  /** A message that was noted has been sent, or released. */
  noteProgress(session: ClientSession, queued: QueuedMessage): void {
    const { sequence, packetId, isReleased } = queued;
    this.#storeFor(session)?.updateQueued(session.clientId, sequence, packetId, isReleased);
  }

  /** A message is done with. */
  forgetQueued(session: ClientSession, queued: QueuedMessage): void {
    this.#storeFor(session)?.deleteQueued(session.clientId, queued.sequence);
  }

  /** A QoS 2 message came in and is not released. False when nothing of it is noted. */
  noteReceived(session: ClientSession, packetId: number): boolean {
    const store = this.#storeFor(session);
    store?.saveReceivedPacketId(session.clientId, packetId);
    return store !== undefined;
  }

  forgetReceived(session: ClientSession, packetId: number): void {
    this.#storeFor(session)?.deleteReceivedPacketId(session.clientId, packetId);
  }

  noteSubscription(session: ClientSession, filter: TopicFilter, options: SubscriptionOptions): void {
    this.#storeFor(session)?.saveSubscription(session.clientId, filter, options);
  }

  forgetSubscription(session: ClientSession, filter: TopicFilter): void {
    this.#storeFor(session)?.deleteSubscription(session.clientId, filter);
  }

  /** Forgets a session with all that it has; also one that ends with its connection may have lived longer before. */
  forgetSession(session: ClientSession): void {
    if (this.#store === undefined || session.local !== undefined) return;
    this.#store.deleteSession(session.clientId);
    this.#note(session, NOTE_BYTES);
  }

  /** Forgets a session that came from the store, and had expired. */
  forgetStoredSession(clientId: string): void {
    this.#store?.deleteSession(clientId);
    this.#note(undefined, NOTE_BYTES);
  }

  /** A message is retained in place of its topic's last one. False when there is no store. */
  noteRetained(message: StoredMessage): boolean {
    if (this.#store === undefined) return false;
    this.#store.saveRetained(message);
    this.#note(undefined, NOTE_BYTES);
    this.#commits.noteBody(message);
    return true;
  }

  /** A topic's retained message was removed, or has expired. False when there is no store. */
  forgetRetained(topicName: string): boolean {
    if (this.#store === undefined) return false;
    this.#store.deleteRetained(topicName);
    this.#note(undefined, NOTE_BYTES);
    return true;
  }

  /** Where to note something of a session; undefined when nothing of it is noted. */
  #storeFor(session: ClientSession, bytes = NOTE_BYTES): SessionStore | undefined {
    if (this.#store === undefined || !session.outlivesConnection) return undefined;
    this.#note(session, bytes);
    return this.#store;
  }

  #note(session: ClientSession | undefined, bytes: number): void {
    this.#commits.note(bytes);
    if (session?.connection !== undefined) this.#commits.holdBack(session.connection);
  }

  #storedWillOf({ connection, will }: ClientSession): StoredWill | undefined {
    if (connection?.will !== undefined) return { ...connection.will, dueAtMs: undefined };
    if (will === undefined) return undefined;
    const { message, willDelayInterval, dueMs } = will;
    const dueAtMs = Math.round(this.#clock.now() + dueMs - this.#clock.monotonic());
    return { message, willDelayInterval, dueAtMs };
  }
}
