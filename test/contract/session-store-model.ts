import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type {
  QueuedRecord,
  SessionRecord,
  SessionStore,
  StoredWill,
} from '../../src/mqtt/session/session-store.ts';
import type { StoredMessage, StoredMessageParts } from '../../src/mqtt/session/stored-message.ts';
import type { SubscriptionOptions } from '../../src/mqtt/topics/subscription-match.ts';
import { formatTopicFilter } from '../../src/mqtt/topics/topic-filter.ts';
import { keepMessage, loadAll } from '../helpers/stored-messages.ts';

type QueuedState = Omit<QueuedRecord, 'message'> & { readonly message: StoredMessageParts };

export type SessionState = {
  record: SessionRecord;
  readonly subscriptions: Map<string, SubscriptionOptions>;
  readonly queued: Map<number, QueuedState>;
  readonly received: Set<number>;
};

/** What a store holds, as plain data that can be compared: maps in any order, messages by sequence. */
export class Model {
  readonly sessions = new Map<string, SessionState>();
  readonly retained = new Map<string, StoredMessageParts>();

  session(clientId: string): SessionState {
    const session = this.sessions.get(clientId);
    assert.ok(session !== undefined, `there is no session ${clientId}`);
    return session;
  }

  sessionRecords(): SessionRecord[] {
    return [...this.sessions.values()].map(({ record }) => record);
  }

  copy(): Model {
    const copy = new Model();
    copy.become(this);
    return copy;
  }

  become(other: Model): void {
    this.sessions.clear();
    this.retained.clear();
    for (const [clientId, { record, subscriptions, queued, received }] of other.sessions) {
      this.sessions.set(clientId, {
        record,
        subscriptions: new Map(subscriptions),
        queued: new Map(queued),
        received: new Set(received),
      });
    }
    for (const [topicName, message] of other.retained) this.retained.set(topicName, message);
  }

  /** Changes what the step changes; nothing for a session that is not there. */
  take({ change, clientId }: NoteStep): void {
    const session = this.sessions.get(clientId);
    change(this, session);
  }
}

/** What came back from a store. Fails when its messages are not in order. */
export async function stateOf(store: SessionStore): Promise<Model> {
  const loaded = await loadAll(store);
  const model = new Model();
  for (const { subscriptions, queued, receivedPacketIds, ...record } of loaded.sessions) {
    assert.equal(model.sessions.has(record.clientId), false, 'a session came back twice');
    const sequences = queued.map(({ sequence }) => sequence);
    assert.deepEqual(
      sequences,
      sequences.toSorted((one, other) => one - other),
    );
    model.sessions.set(record.clientId, {
      record,
      subscriptions: new Map(
        subscriptions.map(({ filter, options }) => [formatTopicFilter(filter), options]),
      ),
      queued: new Map(queued.map((each) => [each.sequence, { ...each, message: partsOf(each.message) }])),
      received: new Set(receivedPacketIds),
    });
    assert.equal(new Set(receivedPacketIds).size, receivedPacketIds.length);
  }
  for (const message of loaded.retained) model.retained.set(message.topicName, partsOf(message));
  return model;
}

/** A message as plain data. */
export function partsOf(message: StoredMessage): StoredMessageParts {
  const { topicName, qos, retain, body, largePayload, topicEnd, propertiesEnd } = message;
  const { messageExpiryAt, expiresAtMs } = message;
  return {
    topicName,
    qos,
    retain,
    body,
    largePayload,
    topicEnd,
    propertiesEnd,
    messageExpiryAt,
    expiresAtMs,
  };
}

type NoteStep = {
  readonly do: 'note';
  readonly clientId: string;
  /** What was noted before says whether a message is new, as the broker knows of its own. */
  readonly note: (store: SessionStore, before: Model) => void;
  readonly change: (model: Model, session: SessionState | undefined) => void;
};
/** Something that a broker may do to a store, or that may happen to it. */
export type Step = NoteStep | { readonly do: 'commit' } | { readonly do: 'crash' };

/** Objects as programs make them, for the comparison. */
const PLAIN = { noNullPrototype: true } as const;

/** Names that are easily mixed up where they are put together into one key. */
const anyClientId = fc.constantFrom('a', 'a/b', 'A', 'á', 'b', 'a\u0001b', '$share/g/a');
const anyTopic = fc.constantFrom('a', 'b', 'a/b', 'b/a', '/', '//');
const anyFilter = fc.record(
  { shareName: fc.constantFrom(undefined, 'g', 'a'), topicFilter: anyTopic },
  PLAIN,
);
const anySequence = fc.integer({ min: 1, max: 6 });
const anyPacketId = fc.constantFrom(1, 2, 65_535);

const anyOptions: fc.Arbitrary<SubscriptionOptions> = fc.record(
  {
    qos: fc.constantFrom(0, 1, 2),
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom(0, 1, 2),
    subscriptionIdentifier: fc.constantFrom(0, 1, 268_435_455),
  },
  PLAIN,
);

const anyMessage: fc.Arbitrary<StoredMessage> = fc
  .record({
    topicName: anyTopic,
    payload: fc.uint8Array({ maxLength: 300 }),
    retain: fc.boolean(),
    qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
    properties: fc.record(
      {
        messageExpiryInterval: fc.nat(),
        contentType: fc.string({ maxLength: 10, unit: fc.constantFrom('a', 'ß', '日', '😀') }),
        correlationData: fc.uint8Array({ maxLength: 9 }),
      },
      { requiredKeys: [] },
    ),
  })
  .map((fields) => keepMessage(fields, 1_790_000_000_000));

const anyQueued: fc.Arbitrary<QueuedRecord> = fc.record(
  {
    sequence: anySequence,
    message: anyMessage,
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 }),
    group: fc.constantFrom(undefined, { shareName: 'g', topicFilter: 'a/b' }),
    packetId: fc.constantFrom(0, 1, 65_535),
    isReleased: fc.boolean(),
  },
  PLAIN,
);

const note = (clientId: string, rest: Pick<NoteStep, 'note' | 'change'>): Step => ({
  do: 'note',
  clientId,
  ...rest,
});

const anyWill: fc.Arbitrary<StoredWill> = fc.record(
  {
    message: anyMessage,
    willDelayInterval: fc.nat(),
    dueAtMs: fc.option(fc.nat(), { nil: undefined }),
  },
  PLAIN,
);

const anySessionStep: fc.Arbitrary<Step> = fc
  .tuple(
    anyClientId,
    fc.option(fc.string(), { nil: undefined }),
    fc.boolean(),
    fc.nat(),
    fc.option(fc.nat(), { nil: undefined }),
    fc.option(anyWill, { nil: undefined }),
  )
  .map(([clientId, userName, isOwnerProven, sessionExpiryInterval, disconnectedAtMs, will]) => {
    const record = { clientId, userName, isOwnerProven, sessionExpiryInterval, disconnectedAtMs, will };
    return note(clientId, {
      note: (store) => store.saveSession(record),
      change: (model, session) => {
        if (session === undefined) {
          const rest = { subscriptions: new Map(), queued: new Map(), received: new Set<number>() };
          model.sessions.set(clientId, { record, ...rest });
        } else session.record = record;
      },
    });
  });

const anySubscriptionStep: fc.Arbitrary<Step> = fc
  .tuple(anyClientId, anyFilter, fc.option(anyOptions))
  .map(([clientId, filter, options]) =>
    note(clientId, {
      note: (store) =>
        options === null
          ? store.deleteSubscription(clientId, filter)
          : store.saveSubscription(clientId, filter, options),
      change: (_, session) => {
        if (options === null) session?.subscriptions.delete(formatTopicFilter(filter));
        else session?.subscriptions.set(formatTopicFilter(filter), options);
      },
    }),
  );

const anyQueuedStep: fc.Arbitrary<Step> = fc
  .tuple(anyClientId, anyQueued, fc.boolean())
  .map(([clientId, record, isDone]) =>
    note(clientId, {
      note: (store, before) => {
        const { sequence, packetId, isReleased } = record;
        if (isDone) store.deleteQueued(clientId, sequence);
        else if (before.sessions.get(clientId)?.queued.has(sequence) !== true)
          store.saveQueued(clientId, record);
        else store.updateQueued(clientId, sequence, packetId, isReleased);
      },
      change: (_, session) => {
        const { sequence, packetId, isReleased, message } = record;
        const known = session?.queued.get(sequence);
        if (isDone) session?.queued.delete(sequence);
        else if (known === undefined) session?.queued.set(sequence, { ...record, message: partsOf(message) });
        else session?.queued.set(sequence, { ...known, packetId, isReleased });
      },
    }),
  );

const anyReceivedStep: fc.Arbitrary<Step> = fc
  .tuple(anyClientId, anyPacketId, fc.boolean())
  .map(([clientId, packetId, isReleased]) =>
    note(clientId, {
      note: (store) =>
        isReleased
          ? store.deleteReceivedPacketId(clientId, packetId)
          : store.saveReceivedPacketId(clientId, packetId),
      change: (_, session) => {
        if (isReleased) session?.received.delete(packetId);
        else session?.received.add(packetId);
      },
    }),
  );

const anyRetainedStep: fc.Arbitrary<Step> = fc.tuple(anyMessage, fc.boolean()).map(([message, isCleared]) =>
  note('', {
    note: (store) => (isCleared ? store.deleteRetained(message.topicName) : store.saveRetained(message)),
    change: (model) => {
      if (isCleared) model.retained.delete(message.topicName);
      else model.retained.set(message.topicName, partsOf(message));
    },
  }),
);

const anyDeleteStep: fc.Arbitrary<Step> = anyClientId.map((clientId) =>
  note(clientId, {
    note: (store) => store.deleteSession(clientId),
    change: (model) => void model.sessions.delete(clientId),
  }),
);

export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: anySessionStep, weight: 3 },
  { arbitrary: anySubscriptionStep, weight: 2 },
  { arbitrary: anyQueuedStep, weight: 4 },
  { arbitrary: anyReceivedStep, weight: 2 },
  { arbitrary: anyRetainedStep, weight: 2 },
  { arbitrary: anyDeleteStep, weight: 1 },
  { arbitrary: fc.constant<Step>({ do: 'commit' }), weight: 3 },
  { arbitrary: fc.constant<Step>({ do: 'crash' }), weight: 1 },
);
