import { formatTopicFilter, type TopicFilter } from '../topics/topic-filter.ts';
import type { SubscriptionOptions } from '../topics/subscription-match.ts';
import type {
  QueuedRecord,
  SessionRecord,
  SessionStore,
  StoredSession,
  StoredState,
} from './session-store.ts';
import type { StoredMessage } from './stored-message.ts';

/** Retained messages that are given at a time. */
const PIECE_MESSAGES = 1024;

type Kept = {
  record: SessionRecord;
  readonly subscriptions: Map<string, { filter: TopicFilter; options: SubscriptionOptions }>;
  readonly queued: Map<number, QueuedRecord>;
  readonly received: Set<number>;
};

export type MemoryStoreOptions = {
  /** What each commit waits for; without it a commit is done at once. */
  readonly beforeCommit?: () => Promise<void>;
};

/**
 * Keeps sessions and retained messages for as long as this object lives: a broker that takes the place of another
 * one in the same process goes on where that one was. What was noted and not committed is not there for it, as if
 * the first had crashed.
 */
export class MemorySessionStore implements SessionStore {
  readonly #beforeCommit: (() => Promise<void>) | undefined;
  readonly #sessions = new Map<string, Kept>();
  readonly #retained = new Map<string, StoredMessage>();
  #noted: (() => void)[] = [];
  /** Rises with each `load`: a commit of a broker that is gone is not done any more. */
  #generation = 0;

  constructor({ beforeCommit }: MemoryStoreOptions = {}) {
    this.#beforeCommit = beforeCommit;
  }

  load(): StoredState {
    this.#noted = [];
    this.#generation++;
    return { sessions: this.#loadSessions(), retained: this.#loadRetained() };
  }

  saveSession(session: SessionRecord): void {
    const record = { ...session };
    this.#noted.push(() => {
      const kept = this.#sessions.get(record.clientId);
      if (kept !== undefined) kept.record = record;
      else
        this.#sessions.set(record.clientId, {
          record,
          subscriptions: new Map(),
          queued: new Map(),
          received: new Set(),
        });
    });
  }

  deleteSession(clientId: string): void {
    this.#noted.push(() => this.#sessions.delete(clientId));
  }

  saveSubscription(clientId: string, filter: TopicFilter, options: SubscriptionOptions): void {
    const subscription = { filter: { ...filter }, options: { ...options } };
    this.#note(clientId, ({ subscriptions }) => subscriptions.set(formatTopicFilter(filter), subscription));
  }

  deleteSubscription(clientId: string, filter: TopicFilter): void {
    this.#note(clientId, ({ subscriptions }) => subscriptions.delete(formatTopicFilter(filter)));
  }

  saveQueued(clientId: string, queued: QueuedRecord): void {
    const { sequence, message, qos, retain, subscriptionIdentifiers, packetId, isReleased } = queued;
    // Not the group itself: it belongs to a broker, and holds its sessions.
    const group = queued.group && {
      shareName: queued.group.shareName,
      topicFilter: queued.group.topicFilter,
    };
    const record = { sequence, message, qos, retain, subscriptionIdentifiers, group, packetId, isReleased };
    this.#note(clientId, (kept) => kept.queued.set(sequence, record));
  }

  updateQueued(clientId: string, sequence: number, packetId: number, isReleased: boolean): void {
    this.#note(clientId, ({ queued }) => {
      const record = queued.get(sequence);
      if (record !== undefined) queued.set(sequence, { ...record, packetId, isReleased });
    });
  }

  deleteQueued(clientId: string, sequence: number): void {
    this.#note(clientId, ({ queued }) => queued.delete(sequence));
  }

  saveReceivedPacketId(clientId: string, packetId: number): void {
    this.#note(clientId, ({ received }) => received.add(packetId));
  }

  deleteReceivedPacketId(clientId: string, packetId: number): void {
    this.#note(clientId, ({ received }) => received.delete(packetId));
  }

  saveRetained(message: StoredMessage): void {
    this.#noted.push(() => this.#retained.set(message.topicName, message));
  }

  deleteRetained(topicName: string): void {
    this.#noted.push(() => this.#retained.delete(topicName));
  }

  commit(): Promise<void> | undefined {
    const noted = this.#noted;
    this.#noted = [];
    const apply = (): void => {
      for (const change of noted) change();
    };
    if (this.#beforeCommit === undefined) {
      apply();
      return undefined;
    }
    const generation = this.#generation;
    return this.#beforeCommit().then(
      () => {
        if (generation === this.#generation) apply();
      },
      (error: unknown) => {
        if (generation === this.#generation) this.#noted = [...noted, ...this.#noted];
        throw error;
      },
    );
  }

  async close(): Promise<void> {}

  async *#loadSessions(): AsyncGenerator<readonly StoredSession[]> {
    for (const { record, subscriptions, queued, received } of this.#sessions.values()) {
      const session = {
        ...record,
        subscriptions: [...subscriptions.values()],
        queued: [...queued.values()].toSorted((one, other) => one.sequence - other.sequence),
        receivedPacketIds: [...received],
      };
      yield [session];
    }
  }

  async *#loadRetained(): AsyncGenerator<readonly StoredMessage[]> {
    let piece: StoredMessage[] = [];
    for (const message of this.#retained.values()) {
      piece.push(message);
      if (piece.length < PIECE_MESSAGES) continue;
      yield piece;
      piece = [];
    }
    if (piece.length > 0) yield piece;
  }

  /** Changes something of a session; nothing when there is none, for it may have been deleted meanwhile. */
  #note(clientId: string, change: (kept: Kept) => unknown): void {
    this.#noted.push(() => {
      const kept = this.#sessions.get(clientId);
      if (kept !== undefined) change(kept);
    });
  }
}
