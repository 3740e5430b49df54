import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SubscriptionOptions } from '../../src/mqtt/topics/subscription-match.ts';
import {
  ANY_WILL,
  FILTER,
  FULL_WILL,
  NEVER_SECONDS,
  OPTIONS,
  queuedOf,
  sessionOf,
  type HeldStore,
} from './session-store-rig.ts';

/** What a store keeps of sessions and their subscriptions. */
export function describeStoredSessions(held: HeldStore): void {
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
        held.store.saveSession(record);
        assert.deepEqual((await held.cameBack()).sessionRecords(), [record]);
      });
    }

    it('has a Will, another one, and none', async () => {
      for (const will of [
        { ...FULL_WILL, dueAtMs: undefined },
        { ...FULL_WILL, dueAtMs: 1_790_000_000_123 },
        { ...ANY_WILL, dueAtMs: undefined },
        undefined,
      ]) {
        held.store.saveSession(sessionOf('a', { will }));
        assert.deepEqual((await held.cameBack()).sessionRecords(), [sessionOf('a', { will })]);
      }
    });

    it('is changed by the next record, and keeps what it has', async () => {
      held.store.saveSession(sessionOf('a', { userName: 'one' }));
      held.store.saveSubscription('a', FILTER, OPTIONS);
      held.store.saveQueued('a', queuedOf(1));
      held.store.saveReceivedPacketId('a', 9);
      await held.store.commit();
      const changed = sessionOf('a', { sessionExpiryInterval: 1, disconnectedAtMs: 5 });
      held.store.saveSession(changed);
      const { subscriptions, queued, received } = (await held.cameBack()).session('a');
      assert.deepEqual([subscriptions.size, queued.size, received.size], [1, 1, 1]);
      assert.deepEqual((await held.reopen()).sessionRecords(), [changed]);
    });

    it('is deleted with all that it has, and begins anew under the same id', async () => {
      for (const clientId of ['a', 'b']) {
        held.store.saveSession(sessionOf(clientId));
        held.store.saveSubscription(clientId, FILTER, OPTIONS);
        held.store.saveQueued(clientId, queuedOf(1));
        held.store.saveReceivedPacketId(clientId, 9);
      }
      await held.store.commit();
      held.store.deleteSession('a');
      held.store.saveSession(sessionOf('a'));
      held.store.deleteSession('b');
      await held.store.commit();
      held.store.saveSession(sessionOf('b'));
      const state = await held.cameBack();
      for (const clientId of ['a', 'b']) {
        const { subscriptions, queued, received } = state.session(clientId);
        assert.deepEqual([subscriptions.size, queued.size, received.size], [0, 0, 0]);
      }
    });

    it('that is not there takes nothing, and cannot be deleted twice', async () => {
      held.store.saveSession(sessionOf('a'));
      held.store.deleteSession('a');
      held.store.deleteSession('a');
      held.store.saveSubscription('a', FILTER, OPTIONS);
      held.store.deleteSubscription('a', FILTER);
      held.store.saveQueued('a', queuedOf(1));
      held.store.updateQueued('a', 1, 1, false);
      held.store.deleteQueued('a', 1);
      held.store.saveReceivedPacketId('a', 1);
      held.store.deleteReceivedPacketId('a', 1);
      await held.store.commit();
      held.store.saveSession(sessionOf('a'));
      assert.deepEqual((await held.cameBack()).session('a').subscriptions.size, 0);
    });
  });

  it('subscriptions come back with all their options', async () => {
    held.store.saveSession(sessionOf('a'));
    const saved = new Map<string, SubscriptionOptions>();
    for (const qos of [0, 1, 2] as const)
      for (const retainHandling of [0, 1, 2] as const)
        for (const noLocal of [false, true])
          for (const retainAsPublished of [false, true]) {
            const subscriptionIdentifier = qos === 0 ? 0 : 268_435_455 - retainHandling;
            const options = { qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier };
            const topicFilter = `${qos}/${retainHandling}/${noLocal}/${retainAsPublished}/#`;
            held.store.saveSubscription('a', { shareName: undefined, topicFilter }, options);
            saved.set(topicFilter, options);
          }
    assert.deepEqual((await held.cameBack()).session('a').subscriptions, saved);
  });

  it('a filter of a Shared Subscription is another than the same one alone', async () => {
    const shared = { ...FILTER, shareName: 'group é' };
    held.store.saveSession(sessionOf('a'));
    held.store.saveSubscription('a', FILTER, OPTIONS);
    held.store.saveSubscription('a', shared, { ...OPTIONS, qos: 2 });
    held.store.saveSubscription('a', FILTER, { ...OPTIONS, qos: 0 });
    const expected = new Map([
      ['a/+', { ...OPTIONS, qos: 0 }],
      ['$share/group é/a/+', { ...OPTIONS, qos: 2 }],
    ]);
    assert.deepEqual((await held.cameBack()).session('a').subscriptions, expected);
    held.store.deleteSubscription('a', FILTER);
    assert.deepEqual([...(await held.cameBack()).session('a').subscriptions.keys()], ['$share/group é/a/+']);
  });
}
