import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { keepMessage, loadAll } from '../helpers/stored-messages.ts';
import { describeStoredMessages } from './session-store-messages.ts';
import { anyStep, Model, stateOf, type Step } from './session-store-model.ts';
import {
  FILTER,
  HeldStore,
  OPTIONS,
  queuedOf,
  SECOND_MS,
  sessionOf,
  type SessionStoreRig,
} from './session-store-rig.ts';
import { describeStoredSessions } from './session-store-sessions.ts';

type Claims = {
  readonly openRig: () => Promise<SessionStoreRig>;
  /** Its rigs can have a commit fail. */
  readonly canFail: boolean;
  /** Of notes at random: 150 by default. */
  readonly runs?: number;
};

/** Every kind of `SessionStore` runs this suite. */
export function describeSessionStore(name: string, { openRig, canFail, runs = 150 }: Claims): void {
  describe(name, () => {
    const held = new HeldStore(openRig);

    it('is empty at first', async () => {
      assert.deepEqual(await held.reopen(), new Model());
    });

    describeStoredSessions(held);
    describeStoredMessages(held);

    describe('a commit', () => {
      it('has everything or nothing of what was noted, whatever it is', async () => {
        held.store.saveSession(sessionOf('a'));
        held.store.saveRetained(keepMessage({ topicName: 'kept' }));
        await held.store.commit();
        held.store.saveSession(sessionOf('b'));
        held.store.saveSubscription('a', FILTER, OPTIONS);
        held.store.saveQueued('a', queuedOf(1));
        held.store.saveReceivedPacketId('a', 1);
        held.store.deleteRetained('kept');
        held.store.saveRetained(keepMessage({ topicName: 'new' }));
        const state = await held.reopen();
        const { subscriptions, queued, received } = state.session('a');
        assert.deepEqual([subscriptions.size, queued.size, received.size], [0, 0, 0]);
        assert.deepEqual([...state.sessions.keys(), ...state.retained.keys()], ['a', 'kept']);
      });

      it('leaves what is noted while it goes on to the next one', async () => {
        held.store.saveSession(sessionOf('a'));
        const done = held.store.commit();
        held.store.saveSession(sessionOf('b'));
        held.store.deleteSession('a');
        await done;
        assert.deepEqual([...(await held.reopen()).sessions.keys()], ['a']);
      });

      it('without anything to write is done too', async () => {
        await held.store.commit();
        held.store.saveSession(sessionOf('a'));
        await held.store.commit();
        await held.store.commit();
        assert.deepEqual([...(await held.reopen()).sessions.keys()], ['a']);
      });
    });

    describe('a commit that fails', { skip: canFail ? false : 'commits of this store cannot fail' }, () => {
      it('has written nothing, and the next one writes it in its place', async () => {
        held.store.saveSession(sessionOf('a'));
        await held.store.commit();
        held.store.saveSubscription('a', FILTER, OPTIONS);
        held.store.saveQueued('a', queuedOf(1));
        held.rig.failNextCommit!();
        await assert.rejects(async () => held.store.commit());
        held.store.deleteQueued('a', 1);
        held.store.saveReceivedPacketId('a', 1);
        const { subscriptions, queued, received } = (await held.cameBack()).session('a');
        assert.deepEqual([subscriptions.size, queued.size, received.size], [1, 0, 1]);
      });

      it('leaves nothing behind for who comes after a crash', async () => {
        held.store.saveSession(sessionOf('a'));
        held.rig.failNextCommit!();
        await assert.rejects(async () => held.store.commit());
        await held.reopen();
        assert.deepEqual([...(await held.cameBack()).sessions.keys()], []);
      });
    });

    it('what many commits have left comes back', async () => {
      held.store.saveSession(sessionOf('a'));
      for (let sequence = 1; sequence <= 2000; sequence++) {
        held.store.saveQueued('a', queuedOf(sequence));
        if (sequence > 10) held.store.deleteQueued('a', sequence - 10);
        held.store.saveRetained(
          keepMessage({ topicName: `t/${sequence % 7}`, payload: Buffer.from(`${sequence}`) }),
        );
        await held.store.commit();
      }
      const state = await held.reopen();
      assert.deepEqual(
        [...state.session('a').queued.keys()],
        Array.from({ length: 10 }, (_, index) => 1991 + index),
      );
      assert.equal(state.retained.size, 7);
    });

    it('what was committed is there after a close', async () => {
      held.store.saveSession(sessionOf('a', { disconnectedAtMs: 30 * SECOND_MS }));
      await held.store.commit();
      await held.store.close();
      assert.deepEqual((await held.reopen()).sessionRecords(), [
        sessionOf('a', { disconnectedAtMs: 30_000 }),
      ]);
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
        { numRuns: runs },
      );
    });
  });
}
