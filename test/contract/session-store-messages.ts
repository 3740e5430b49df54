import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { QueuedMessage } from '../../src/mqtt/session/queued-message.ts';
import { SharedGroup } from '../../src/mqtt/topics/shared-group.ts';
import { keepMessage, loadAll } from '../helpers/stored-messages.ts';
import { partsOf } from './session-store-model.ts';
import { ALL_PROPERTIES, NEVER_SECONDS, queuedOf, sessionOf, type HeldStore } from './session-store-rig.ts';

/** What a store keeps of messages: queued, received and retained. */
export function describeStoredMessages(held: HeldStore): void {
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
        held.store.saveSession(sessionOf('a'));
        held.store.saveQueued('a', queuedOf(1, { message }));
        held.store.saveRetained(message);
        const state = await held.cameBack();
        assert.deepEqual(state.session('a').queued.get(1)?.message, partsOf(message));
        assert.deepEqual(state.retained.get(message.topicName), partsOf(message));
      });
    }

    it('comes back in the order of its sequence, however it was noted', async () => {
      held.store.saveSession(sessionOf('a'));
      const sequences = [7, 2 ** 40, 3, 11, 2 ** 31, 2, 10, 2 ** 32];
      for (const sequence of sequences) {
        held.store.saveQueued('a', queuedOf(sequence));
        await held.store.commit();
      }
      const loaded = await loadAll(await held.rig.open());
      const found = loaded.sessions[0]?.queued.map(({ sequence }) => sequence);
      assert.deepEqual(
        found,
        sequences.toSorted((one, other) => one - other),
      );
    });

    it('is changed under its sequence: sent, released, done', async () => {
      const record = queuedOf(5, { qos: 2, subscriptionIdentifiers: [1, 268_435_455, 1], retain: true });
      held.store.saveSession(sessionOf('a'));
      held.store.saveQueued('a', record);
      for (const [packetId, isReleased] of [
        [0, false],
        [65_535, false],
        [65_535, true],
      ] as const) {
        held.store.updateQueued('a', 5, packetId, isReleased);
        const found = (await held.cameBack()).session('a').queued;
        const expected = { ...record, packetId, isReleased, message: partsOf(record.message) };
        assert.deepEqual([...found.values()], [expected]);
      }
      held.store.deleteQueued('a', 5);
      assert.equal((await held.cameBack()).session('a').queued.size, 0);
    });

    it('is changed in the commit that it is noted in, also when it is done in the same', async () => {
      held.store.saveSession(sessionOf('a'));
      held.store.saveQueued('a', queuedOf(1, { qos: 2 }));
      held.store.updateQueued('a', 1, 9, false);
      held.store.updateQueued('a', 1, 9, true);
      held.store.saveQueued('a', queuedOf(2));
      held.store.updateQueued('a', 2, 10, false);
      held.store.deleteQueued('a', 2);
      const { queued } = (await held.cameBack()).session('a');
      assert.deepEqual(
        [...queued.values()].map(({ sequence, packetId, isReleased }) => [sequence, packetId, isReleased]),
        [[1, 9, true]],
      );
    });

    it('that is not there cannot be changed', async () => {
      held.store.saveSession(sessionOf('a'));
      held.store.saveQueued('a', queuedOf(1));
      held.store.deleteQueued('a', 1);
      await held.store.commit();
      for (const [clientId, sequence] of [
        ['a', 1],
        ['a', 2],
        ['b', 1],
      ] as const)
        held.store.updateQueued(clientId, sequence, 7, true);
      const state = await held.cameBack();
      assert.deepEqual([...state.sessions.keys(), state.session('a').queued.size], ['a', 0]);
    });

    it('keeps the Shared Subscription that it came by', async () => {
      const group = { shareName: 'gruppe é', topicFilter: 'a/+/#' };
      held.store.saveSession(sessionOf('a'));
      // As the broker gives it: with more than the store is to know.
      const shared = new SharedGroup<string>(group);
      const message = keepMessage({ qos: 1 });
      held.store.saveQueued('a', queuedOf(1, { message, group: shared }));
      held.store.saveQueued('a', queuedOf(2, { message }));
      held.store.updateQueued('a', 1, 5, false);
      const { queued } = (await held.cameBack()).session('a');
      assert.deepEqual([queued.get(1)?.group, queued.get(2)?.group], [group, undefined]);
    });

    it('is noted as it is at that moment, and goes on living', async () => {
      held.store.saveSession(sessionOf('a'));
      const queued = new QueuedMessage(keepMessage({ qos: 2 }), 2, false, [4], 1, undefined);
      held.store.saveQueued('a', queued);
      queued.packetId = 77;
      queued.isReleased = true;
      const found = (await held.cameBack()).session('a').queued.get(1);
      assert.deepEqual([found?.packetId, found?.isReleased], [0, false]);
    });

    it('goes to many sessions, and stays with those that are left', async () => {
      const message = keepMessage({ payload: randomBytes(1000), qos: 1 });
      const clientIds = Array.from({ length: 50 }, (_, index) => `client ${index}`);
      for (const clientId of clientIds) {
        held.store.saveSession(sessionOf(clientId));
        held.store.saveQueued(clientId, queuedOf(1, { message }));
      }
      held.store.saveRetained(message);
      await held.store.commit();
      for (const clientId of clientIds.slice(1)) held.store.deleteQueued(clientId, 1);
      held.store.deleteRetained(message.topicName);
      await held.store.commit();
      const state = await held.reopen();
      assert.deepEqual(state.session('client 0').queued.get(1)?.message, partsOf(message));
      assert.equal(state.session('client 1').queued.size, 0);
      assert.equal(state.retained.size, 0);
    });

    it('goes to another session after it came back, and after the first one is done with it', async () => {
      const message = keepMessage({ payload: randomBytes(1000), qos: 1 });
      held.store.saveSession(sessionOf('a'));
      held.store.saveSession(sessionOf('b'));
      held.store.saveQueued('a', queuedOf(1, { message }));
      await held.store.commit();
      held.store = await held.rig.open();
      const loaded = (await loadAll(held.store)).sessions.flatMap(({ queued }) => queued);
      held.store.deleteSession('a');
      held.store.saveQueued('b', queuedOf(1, { message: loaded[0]!.message }));
      assert.deepEqual((await held.cameBack()).session('b').queued.get(1)?.message, partsOf(message));
      held.store.deleteQueued('b', 1);
      await held.store.commit();
      // The same object once more, although nobody had its body any longer.
      held.store.saveQueued('b', queuedOf(2, { message: loaded[0]!.message }));
      assert.deepEqual((await held.cameBack()).session('b').queued.get(2)?.message, partsOf(message));
    });
  });

  it('received Packet Identifiers come back, each once', async () => {
    held.store.saveSession(sessionOf('a'));
    for (const packetId of [65_535, 1, 256, 1]) held.store.saveReceivedPacketId('a', packetId);
    assert.deepEqual((await held.cameBack()).session('a').received, new Set([1, 256, 65_535]));
    held.store.deleteReceivedPacketId('a', 1);
    held.store.deleteReceivedPacketId('a', 2);
    assert.deepEqual((await held.cameBack()).session('a').received, new Set([256, 65_535]));
  });

  it('is read again when reading it was given up', async () => {
    for (let index = 0; index < 3000; index++) {
      held.store.saveSession(sessionOf(`${index}`));
      held.store.saveRetained(keepMessage({ topicName: `${index}` }));
    }
    await held.store.commit();
    held.store = await held.rig.open();
    const { sessions, retained } = held.store.load();
    for await (const piece of retained) if (piece.length > 0) break;
    for await (const piece of sessions) if (piece.length > 0) break;
    await held.store.close();
    const state = await held.reopen();
    assert.deepEqual([state.sessions.size, state.retained.size], [3000, 3000]);
  });

  it('one message is retained for a topic: the last', async () => {
    held.store.saveRetained(keepMessage({ topicName: 'a', payload: Buffer.from('old') }));
    held.store.saveRetained(keepMessage({ topicName: 'A', payload: Buffer.from('other') }));
    await held.store.commit();
    const last = keepMessage({ topicName: 'a', payload: Buffer.from('new'), qos: 2 });
    held.store.saveRetained(last);
    assert.deepEqual((await held.cameBack()).retained.get('a'), partsOf(last));
    held.store.deleteRetained('a');
    held.store.deleteRetained('b');
    assert.deepEqual([...(await held.cameBack()).retained.keys()], ['A']);
  });
}
