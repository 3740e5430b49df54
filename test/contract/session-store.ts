import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { PublishProperties } from '../../src/mqtt/codec/publish.ts';
import { QueuedMessage } from '../../src/mqtt/session/queued-message.ts';
import type {
  KeptWill,
  QueuedRecord,
  SessionRecord,
  SessionStore,
} from '../../src/mqtt/session/session-store.ts';
import type { SubscriptionOptions } from '../../src/mqtt/topics/subscription-match.ts';
import type { TopicFilter } from '../../src/mqtt/topics/topic-filter.ts';
import { SharedGroup } from '../../src/mqtt/topics/shared-group.ts';
import { keepMessage, loadAll } from '../helpers/stored-messages.ts';
import { anyStep, Model, partsOf, stateOf, type Step } from './session-store-model.ts';

/** A place for a store, which a broker may leave without a word. */
export type SessionStoreRig = {
  /** A store over what was committed here before; as after a crash when the last one was not closed. */
  open(): Promise<SessionStore>;
  /** Has the next commit fail. */
  failNextCommit?(): void;
  remove(): Promise<void>;
};

const SECOND_MS = 1000;
const NEVER_SECONDS = 0xffff_ffff;

const FILTER: TopicFilter = { shareName: undefined, topicFilter: 'a/+' };
const OPTIONS: SubscriptionOptions = {
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  subscriptionIdentifier: 0,
};

const ALL_PROPERTIES: PublishProperties = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 3600,
  responseTopic: 'répons/e',
  correlationData: Uint8Array.of(0, 255, 128),
  contentType: 'text/plain; charset=utf-8',
  userProperties: [
    ['ключ', 'значение'],
    ['ключ', ''],
  ],
};

const ANY_WILL: KeptWill = { message: keepMessage({ topicName: 'w' }), willDelayInterval: 0 };
const FULL_WILL: KeptWill = {
  message: keepMessage({
    topicName: 'wíll/日本',
    payload: Uint8Array.from({ length: 65_535 }, (_, index) => index),
    qos: 2,
    retain: true,
    properties: ALL_PROPERTIES,
  }),
  willDelayInterval: NEVER_SECONDS,
};

const sessionOf = (clientId: string, fields: Partial<SessionRecord> = {}): SessionRecord => ({
  clientId,
  userName: undefined,
  isOwnerProven: false,
  sessionExpiryInterval: 60,
  disconnectedAtMs: undefined,
  will: undefined,
  ...fields,
});

const queuedOf = (sequence: number, fields: Partial<QueuedRecord> = {}): QueuedRecord => ({
  sequence,
  message: keepMessage({ topicName: `t/${sequence}`, qos: 1 }),
  qos: 1,
  retain: false,
  subscriptionIdentifiers: [],
  group: undefined,
  packetId: 0,
  isReleased: false,
  ...fields,
});

type Claims = {
  readonly openRig: () => Promise<SessionStoreRig>;
  /** Its rigs can have a commit fail. */
  readonly canFail: boolean;
};

/** Every kind of `SessionStore` runs this suite. */
export function describeSessionStore(name: string, { openRig, canFail }: Claims): void {
  describe(name, () => {
    let rig: SessionStoreRig;
    let store: SessionStore;

    /** A store as a broker gets it when the one before has ended without a word. */
    const reopen = async (): Promise<Model> => {
      store = await rig.open();
      return stateOf(store);
    };
    /** Everything noted so far is lasting, and comes back. */
    const cameBack = async (): Promise<Model> => {
      await store.commit();
      return reopen();
    };

    beforeEach(async () => {
      rig = await openRig();
      store = await rig.open();
      await loadAll(store);
    });
    afterEach(async () => {
      await store.close();
      await rig.remove();
    });

    it('is empty at first', async () => {
      assert.deepEqual(await reopen(), new Model());
    });

    describe('a session', () => {
      for (const record of [
        sessionOf('never', { sessionExpiryInterval: NEVER_SECONDS }),
        sessionOf('user', { userName: 'Jürgen', isOwnerProven: true }),
        sessionOf('empty user name', { userName: '' }),
        sessionOf('away', { disconnectedAtMs: 1_790_000_000_123 }),
        sessionOf('away since the beginning of time', { disconnectedAtMs: 0 }),
        sessionOf('with a Will', { will: { ...ANY_WILL, dueAtMs: undefined } }),
        sessionOf('with a Will that waits', {
          disconnectedAtMs: 5,
          will: { ...FULL_WILL, dueAtMs: 6 },
        }),
        sessionOf(`sensor/#+$ '"\\%_ 日本 😀 ${'long'.repeat(5000)}`),
      ]) {
        it(`comes back as it was: ${record.clientId.slice(0, 40)}`, async () => {
          store.saveSession(record);
          assert.deepEqual((await cameBack()).sessionRecords(), [record]);
        });
      }

      it('has a Will, another one, and none', async () => {
        for (const will of [
          { ...FULL_WILL, dueAtMs: undefined },
          { ...FULL_WILL, dueAtMs: 1_790_000_000_123 },
          { ...ANY_WILL, dueAtMs: undefined },
          undefined,
        ]) {
          store.saveSession(sessionOf('a', { will }));
          assert.deepEqual((await cameBack()).sessionRecords(), [sessionOf('a', { will })]);
        }
      });

      it('is changed by the next record, and keeps what it has', async () => {
        store.saveSession(sessionOf('a', { userName: 'one' }));
        store.saveSubscription('a', FILTER, OPTIONS);
        store.saveQueued('a', queuedOf(1));
        store.saveReceivedPacketId('a', 9);
        await store.commit();
        const changed = sessionOf('a', { sessionExpiryInterval: 1, disconnectedAtMs: 5 });
        store.saveSession(changed);
        const { subscriptions, queued, received } = (await cameBack()).session('a');
        assert.deepEqual([subscriptions.size, queued.size, received.size], [1, 1, 1]);
        assert.deepEqual((await reopen()).sessionRecords(), [changed]);
      });

      it('is deleted with all that it has, and begins anew under the same id', async () => {
        for (const clientId of ['a', 'b']) {
          store.saveSession(sessionOf(clientId));
          store.saveSubscription(clientId, FILTER, OPTIONS);
          store.saveQueued(clientId, queuedOf(1));
          store.saveReceivedPacketId(clientId, 9);
        }
        await store.commit();
        store.deleteSession('a');
        store.saveSession(sessionOf('a'));
        store.deleteSession('b');
        await store.commit();
        store.saveSession(sessionOf('b'));
        const state = await cameBack();
        for (const clientId of ['a', 'b']) {
          const { subscriptions, queued, received } = state.session(clientId);
          assert.deepEqual([subscriptions.size, queued.size, received.size], [0, 0, 0]);
        }
      });

      it('that is not there takes nothing, and cannot be deleted twice', async () => {
        store.saveSession(sessionOf('a'));
        store.deleteSession('a');
        store.deleteSession('a');
        store.saveSubscription('a', FILTER, OPTIONS);
        store.deleteSubscription('a', FILTER);
        store.saveQueued('a', queuedOf(1));
        store.updateQueued('a', 1, 1, false);
        store.deleteQueued('a', 1);
        store.saveReceivedPacketId('a', 1);
        store.deleteReceivedPacketId('a', 1);
        await store.commit();
        store.saveSession(sessionOf('a'));
        assert.deepEqual((await cameBack()).session('a').subscriptions.size, 0);
      });
    });

    it('subscriptions come back with all their options', async () => {
      store.saveSession(sessionOf('a'));
      const saved = new Map<string, SubscriptionOptions>();
      for (const qos of [0, 1, 2] as const)
        for (const retainHandling of [0, 1, 2] as const)
          for (const noLocal of [false, true])
            for (const retainAsPublished of [false, true]) {
              const subscriptionIdentifier = qos === 0 ? 0 : 268_435_455 - retainHandling;
              const options = { qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier };
              const topicFilter = `${qos}/${retainHandling}/${noLocal}/${retainAsPublished}/#`;
              store.saveSubscription('a', { shareName: undefined, topicFilter }, options);
              saved.set(topicFilter, options);
            }
      assert.deepEqual((await cameBack()).session('a').subscriptions, saved);
    });

    it('a filter of a Shared Subscription is another than the same one alone', async () => {
      const shared = { ...FILTER, shareName: 'group é' };
      store.saveSession(sessionOf('a'));
      store.saveSubscription('a', FILTER, OPTIONS);
      store.saveSubscription('a', shared, { ...OPTIONS, qos: 2 });
      store.saveSubscription('a', FILTER, { ...OPTIONS, qos: 0 });
      const expected = new Map([
        ['a/+', { ...OPTIONS, qos: 0 }],
        ['$share/group é/a/+', { ...OPTIONS, qos: 2 }],
      ]);
      assert.deepEqual((await cameBack()).session('a').subscriptions, expected);
      store.deleteSubscription('a', FILTER);
      assert.deepEqual([...(await cameBack()).session('a').subscriptions.keys()], ['$share/group é/a/+']);
    });

    describe('a message', () => {
      const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, index) => index);
      for (const [what, fields] of [
        ['without anything', {}],
        ['with all properties', { properties: ALL_PROPERTIES }],
        ['with every byte', { payload: EVERY_BYTE, topicName: 'tópico/日本/😀' }],
        ['of a mebibyte', { payload: randomBytes(1024 * 1024) }],
        ['that never expires', { properties: { messageExpiryInterval: NEVER_SECONDS } }],
        ['that expires at once', { properties: { messageExpiryInterval: 0 } }],
        ['that was published to be retained', { retain: true, qos: 2 }],
      ] as const) {
        it(`${what} comes back as it was, queued and retained`, async () => {
          const message = keepMessage(fields, 1_790_000_000_000);
          store.saveSession(sessionOf('a'));
          store.saveQueued('a', queuedOf(1, { message }));
          store.saveRetained(message);
          const state = await cameBack();
          assert.deepEqual(state.session('a').queued.get(1)?.message, partsOf(message));
          assert.deepEqual(state.retained.get(message.topicName), partsOf(message));
        });
      }

      it('comes back in the order of its sequence, however it was noted', async () => {
        store.saveSession(sessionOf('a'));
        const sequences = [7, 2 ** 40, 3, 11, 2 ** 31, 2, 10, 2 ** 32];
        for (const sequence of sequences) {
          store.saveQueued('a', queuedOf(sequence));
          await store.commit();
        }
        const loaded = await loadAll(await rig.open());
        const found = loaded.sessions[0]?.queued.map(({ sequence }) => sequence);
        assert.deepEqual(
          found,
          sequences.toSorted((one, other) => one - other),
        );
      });

      it('is changed under its sequence: sent, released, done', async () => {
        const record = queuedOf(5, { qos: 2, subscriptionIdentifiers: [1, 268_435_455, 1], retain: true });
        store.saveSession(sessionOf('a'));
        store.saveQueued('a', record);
        for (const [packetId, isReleased] of [
          [0, false],
          [65_535, false],
          [65_535, true],
        ] as const) {
          store.updateQueued('a', 5, packetId, isReleased);
          const found = (await cameBack()).session('a').queued;
          const expected = { ...record, packetId, isReleased, message: partsOf(record.message) };
          assert.deepEqual([...found.values()], [expected]);
        }
        store.deleteQueued('a', 5);
        assert.equal((await cameBack()).session('a').queued.size, 0);
      });

      it('is changed in the commit that it is noted in, also when it is done in the same', async () => {
        store.saveSession(sessionOf('a'));
        store.saveQueued('a', queuedOf(1, { qos: 2 }));
        store.updateQueued('a', 1, 9, false);
        store.updateQueued('a', 1, 9, true);
        store.saveQueued('a', queuedOf(2));
        store.updateQueued('a', 2, 10, false);
        store.deleteQueued('a', 2);
        const { queued } = (await cameBack()).session('a');
        assert.deepEqual(
          [...queued.values()].map(({ sequence, packetId, isReleased }) => [sequence, packetId, isReleased]),
          [[1, 9, true]],
        );
      });

      it('that is not there cannot be changed', async () => {
        store.saveSession(sessionOf('a'));
        store.saveQueued('a', queuedOf(1));
        store.deleteQueued('a', 1);
        await store.commit();
        for (const [clientId, sequence] of [
          ['a', 1],
          ['a', 2],
          ['b', 1],
        ] as const)
          store.updateQueued(clientId, sequence, 7, true);
        const state = await cameBack();
        assert.deepEqual([...state.sessions.keys(), state.session('a').queued.size], ['a', 0]);
      });

      it('keeps the Shared Subscription that it came by', async () => {
        const group = { shareName: 'gruppe é', topicFilter: 'a/+/#' };
        store.saveSession(sessionOf('a'));
        // As the broker gives it: with more than the store is to know.
        const shared = new SharedGroup<string>(group);
        const message = keepMessage({ qos: 1 });
        store.saveQueued('a', queuedOf(1, { message, group: shared }));
        store.saveQueued('a', queuedOf(2, { message }));
        store.updateQueued('a', 1, 5, false);
        const { queued } = (await cameBack()).session('a');
        assert.deepEqual([queued.get(1)?.group, queued.get(2)?.group], [group, undefined]);
      });

      it('is noted as it is at that moment, and goes on living', async () => {
        store.saveSession(sessionOf('a'));
        const queued = new QueuedMessage(keepMessage({ qos: 2 }), 2, false, [4], 1, undefined);
        store.saveQueued('a', queued);
        queued.packetId = 77;
        queued.isReleased = true;
        const found = (await cameBack()).session('a').queued.get(1);
        assert.deepEqual([found?.packetId, found?.isReleased], [0, false]);
      });

      it('goes to many sessions, and stays with those that are left', async () => {
        const message = keepMessage({ payload: randomBytes(1000), qos: 1 });
        const clientIds = Array.from({ length: 50 }, (_, index) => `client ${index}`);
        for (const clientId of clientIds) {
          store.saveSession(sessionOf(clientId));
          store.saveQueued(clientId, queuedOf(1, { message }));
        }
        store.saveRetained(message);
        await store.commit();
        for (const clientId of clientIds.slice(1)) store.deleteQueued(clientId, 1);
        store.deleteRetained(message.topicName);
        await store.commit();
        const state = await reopen();
        assert.deepEqual(state.session('client 0').queued.get(1)?.message, partsOf(message));
        assert.equal(state.session('client 1').queued.size, 0);
        assert.equal(state.retained.size, 0);
      });

      it('goes to another session after it came back, and after the first one is done with it', async () => {
        const message = keepMessage({ payload: randomBytes(1000), qos: 1 });
        store.saveSession(sessionOf('a'));
        store.saveSession(sessionOf('b'));
        store.saveQueued('a', queuedOf(1, { message }));
        await store.commit();
        store = await rig.open();
        const loaded = (await loadAll(store)).sessions.flatMap(({ queued }) => queued);
        store.deleteSession('a');
        store.saveQueued('b', queuedOf(1, { message: loaded[0]!.message }));
        assert.deepEqual((await cameBack()).session('b').queued.get(1)?.message, partsOf(message));
        store.deleteQueued('b', 1);
        await store.commit();
        // The same object once more, although nobody had its body any longer.
        store.saveQueued('b', queuedOf(2, { message: loaded[0]!.message }));
        assert.deepEqual((await cameBack()).session('b').queued.get(2)?.message, partsOf(message));
      });
    });

    it('received Packet Identifiers come back, each once', async () => {
      store.saveSession(sessionOf('a'));
      for (const packetId of [65_535, 1, 256, 1]) store.saveReceivedPacketId('a', packetId);
      assert.deepEqual((await cameBack()).session('a').received, new Set([1, 256, 65_535]));
      store.deleteReceivedPacketId('a', 1);
      store.deleteReceivedPacketId('a', 2);
      assert.deepEqual((await cameBack()).session('a').received, new Set([256, 65_535]));
    });

    it('is read again when reading it was given up', async () => {
      for (let index = 0; index < 3000; index++) {
        store.saveSession(sessionOf(`${index}`));
        store.saveRetained(keepMessage({ topicName: `${index}` }));
      }
      await store.commit();
      store = await rig.open();
      const { sessions, retained } = store.load();
      for await (const piece of retained) if (piece.length > 0) break;
      for await (const piece of sessions) if (piece.length > 0) break;
      await store.close();
      const state = await reopen();
      assert.deepEqual([state.sessions.size, state.retained.size], [3000, 3000]);
    });

    it('one message is retained for a topic: the last', async () => {
      store.saveRetained(keepMessage({ topicName: 'a', payload: Buffer.from('old') }));
      store.saveRetained(keepMessage({ topicName: 'A', payload: Buffer.from('other') }));
      await store.commit();
      const last = keepMessage({ topicName: 'a', payload: Buffer.from('new'), qos: 2 });
      store.saveRetained(last);
      assert.deepEqual((await cameBack()).retained.get('a'), partsOf(last));
      store.deleteRetained('a');
      store.deleteRetained('b');
      assert.deepEqual([...(await cameBack()).retained.keys()], ['A']);
    });

    describe('a commit', () => {
      it('has everything or nothing of what was noted, whatever it is', async () => {
        store.saveSession(sessionOf('a'));
        store.saveRetained(keepMessage({ topicName: 'kept' }));
        await store.commit();
        store.saveSession(sessionOf('b'));
        store.saveSubscription('a', FILTER, OPTIONS);
        store.saveQueued('a', queuedOf(1));
        store.saveReceivedPacketId('a', 1);
        store.deleteRetained('kept');
        store.saveRetained(keepMessage({ topicName: 'new' }));
        const state = await reopen();
        const { subscriptions, queued, received } = state.session('a');
        assert.deepEqual([subscriptions.size, queued.size, received.size], [0, 0, 0]);
        assert.deepEqual([...state.sessions.keys(), ...state.retained.keys()], ['a', 'kept']);
      });

      it('leaves what is noted while it goes on to the next one', async () => {
        store.saveSession(sessionOf('a'));
        const done = store.commit();
        store.saveSession(sessionOf('b'));
        store.deleteSession('a');
        await done;
        assert.deepEqual([...(await reopen()).sessions.keys()], ['a']);
      });

      it('without anything to write is done too', async () => {
        await store.commit();
        store.saveSession(sessionOf('a'));
        await store.commit();
        await store.commit();
        assert.deepEqual([...(await reopen()).sessions.keys()], ['a']);
      });
    });

    describe('a commit that fails', { skip: canFail ? false : 'commits of this store cannot fail' }, () => {
      it('has written nothing, and the next one writes it in its place', async () => {
        store.saveSession(sessionOf('a'));
        await store.commit();
        store.saveSubscription('a', FILTER, OPTIONS);
        store.saveQueued('a', queuedOf(1));
        rig.failNextCommit!();
        await assert.rejects(async () => store.commit());
        store.deleteQueued('a', 1);
        store.saveReceivedPacketId('a', 1);
        const { subscriptions, queued, received } = (await cameBack()).session('a');
        assert.deepEqual([subscriptions.size, queued.size, received.size], [1, 0, 1]);
      });

      it('leaves nothing behind for who comes after a crash', async () => {
        store.saveSession(sessionOf('a'));
        rig.failNextCommit!();
        await assert.rejects(async () => store.commit());
        await reopen();
        assert.deepEqual([...(await cameBack()).sessions.keys()], []);
      });
    });

    it('what many commits have left comes back', async () => {
      store.saveSession(sessionOf('a'));
      for (let sequence = 1; sequence <= 2000; sequence++) {
        store.saveQueued('a', queuedOf(sequence));
        if (sequence > 10) store.deleteQueued('a', sequence - 10);
        store.saveRetained(
          keepMessage({ topicName: `t/${sequence % 7}`, payload: Buffer.from(`${sequence}`) }),
        );
        await store.commit();
      }
      const state = await reopen();
      assert.deepEqual(
        [...state.session('a').queued.keys()],
        Array.from({ length: 10 }, (_, index) => 1991 + index),
      );
      assert.equal(state.retained.size, 7);
    });

    it('what was committed is there after a close', async () => {
      store.saveSession(sessionOf('a', { disconnectedAtMs: 30 * SECOND_MS }));
      await store.commit();
      await store.close();
      assert.deepEqual((await reopen()).sessionRecords(), [sessionOf('a', { disconnectedAtMs: 30_000 })]);
    });

    it('any notes come back as far as they were committed', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { maxLength: 60 }), async (steps: Step[]) => {
          const own = await openRig();
          try {
            let opened = await own.open();
            await loadAll(opened);
            const noted = new Model();
            let committed = new Model();
            for (const step of steps) {
              if (step.do === 'commit') {
                await opened.commit();
                committed = noted.copy();
              } else if (step.do === 'crash') {
                opened = await own.open();
                assert.deepEqual(await stateOf(opened), committed);
                noted.become(committed);
              } else {
                step.note(opened, noted);
                noted.take(step);
              }
            }
            opened = await own.open();
            assert.deepEqual(await stateOf(opened), committed);
            await opened.close();
          } finally {
            await own.remove();
          }
        }),
        { numRuns: 150 },
      );
    });
  });
}
