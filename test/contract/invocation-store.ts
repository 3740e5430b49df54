import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InvocationRecord } from '../../src/devices/invocation-record.ts';
import type { InvocationStore } from '../../src/devices/invocation-store.ts';

export type InvocationStoreRig = {
  /** The store, opened anew: what was not committed is gone, where anything is left at all. */
  open(): Promise<InvocationStore>;
  /** Makes the next commit fail; undefined where commits cannot. */
  failNextCommit?(): void;
  remove(): Promise<void>;
};

/** What a store of invocations must do. `open` of the rig gives the same one again where it lives in memory only. */
export function describeInvocationStore(name: string, openRig: () => Promise<InvocationStoreRig>): void {
  describe(name, () => {
    it('gives back what was committed, the last word of each, by id', async (t) => {
      const rig = await openRig();
      t.after(() => rig.remove());
      const store = await rig.open();
      assert.deepEqual(await loadAll(store), []);
      for (const id of ['b', 'a', 'c']) store.saveInvocation(record(id, 'queued'));
      await store.commit();
      store.saveInvocation(record('a', 'running'));
      store.saveInvocation(record('a', 'completed', '{"level":"ç\\u0000"}'));
      store.deleteInvocation('c');
      await store.commit();
      assert.deepEqual(await loadAll(await rig.open()), [
        record('a', 'completed', '{"level":"ç\\u0000"}'),
        record('b', 'queued'),
      ]);
    });

    it('has more than goes in one piece, and long ones', async (t) => {
      const rig = await openRig();
      t.after(() => rig.remove());
      const store = await rig.open();
      const records = Array.from({ length: 500 }, (_, index) =>
        record(`id${String(index).padStart(4, '0')}`, 'completed', JSON.stringify('x'.repeat(index * 10))),
      );
      for (const each of records) store.saveInvocation(each);
      await store.commit();
      assert.deepEqual(await loadAll(await rig.open()), records);
    });

    it('commits for all who ask at once, each what it had noted', async (t) => {
      const rig = await openRig();
      t.after(() => rig.remove());
      const store = await rig.open();
      const ids = Array.from({ length: 20 }, (_, index) => `id${String(index).padStart(2, '0')}`);
      await Promise.all(
        ids.map(async (id) => {
          store.saveInvocation(record(id, 'queued'));
          await store.commit();
        }),
      );
      assert.deepEqual(
        (await loadAll(await rig.open())).map(({ id }) => id),
        ids,
      );
    });

    it('keeps nothing of a commit that failed, and all of it with the next one', async (t) => {
      const rig = await openRig();
      t.after(() => rig.remove());
      const store = await rig.open();
      if (rig.failNextCommit === undefined) return t.skip('its commits cannot fail');
      store.saveInvocation(record('a', 'queued'));
      await store.commit();
      rig.failNextCommit();
      store.saveInvocation(record('a', 'completed'));
      store.saveInvocation(record('b', 'queued'));
      await assert.rejects(async () => store.commit());
      store.saveInvocation(record('b', 'running'));
      await store.commit();
      assert.deepEqual(await loadAll(await rig.open()), [record('a', 'completed'), record('b', 'running')]);
    });
  });
}

async function loadAll(store: InvocationStore): Promise<InvocationRecord[]> {
  const records: InvocationRecord[] = [];
  for await (const piece of store.load()) records.push(...piece);
  return records;
}

/** As it comes back: what is undefined is not there. */
function record(id: string, state: InvocationRecord['state'], outputText?: string): InvocationRecord {
  const made: InvocationRecord = {
    id,
    deviceId: 'pump',
    command: { name: 'start' },
    state,
    acceptedAt: 1,
    sentAt: 0,
    deliveredAt: 0,
    answeredAt: 0,
    endedAt: 0,
    lateAnsweredAt: 0,
    phase: 'accepted',
    safeToRetry: true,
    principal: 'network',
    failure: undefined,
    code: undefined,
    outputText,
    lasting: {
      caller: '127.0.0.1',
      timeoutMs: 1000,
      isRepeatable: false,
      queueForMs: 60_000,
      key: undefined,
      digest: undefined,
      queued: undefined,
    },
  };
  return JSON.parse(JSON.stringify(made)) as InvocationRecord;
}
