import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { WebhookRecord, WebhookStore } from '../../src/devices/webhook-store.ts';

/** A place for a store, which may be left without a word. */
type WebhookStoreRig = {
  /** A store over what was written here before. */
  open(): Promise<WebhookStore>;
  /** Has the next write fail; absent where none can. */
  failNextWrite?(): void;
};

const FULL: WebhookRecord = {
  id: 'full',
  url: 'https://app.example/recado?key=ü',
  title: 'Ärger "mit" \u0000 日本',
  events: { device: 'pump,lamp', kind: 'presence' },
  secret: 'c2VjcmV0',
  status: 'dead',
  createdBy: 'token:x',
  createdAt: 1_764_500_000_000,
  deliveredAt: 1_764_500_000_001,
  place: '0123456789ab-42',
  failure: { time: 1_764_500_000_002, attempts: 7, status: 500, detail: 'it answered 500' },
};
const PLAIN: WebhookRecord = {
  id: 'plain',
  url: 'http://127.0.0.1/',
  events: {},
  secret: 'c2VjcmV0',
  status: 'active',
  createdBy: 'network',
  createdAt: 1,
};

/** What every store of webhooks does. */
export function describeWebhookStore(
  name: string,
  openRig: (t: TestContext) => Promise<WebhookStoreRig>,
): void {
  const loadSorted = async (store: WebhookStore): Promise<readonly WebhookRecord[]> =>
    [...(await store.load())].sort((a, b) => (a.id < b.id ? -1 : 1));

  describe(name, () => {
    it('is empty at first', async (t) => {
      assert.deepEqual(await (await (await openRig(t)).open()).load(), []);
    });

    it('gives back what was written, to the store that comes after it as well', async (t) => {
      const rig = await openRig(t);
      const store = await rig.open();
      await Promise.all([store.write({ put: FULL }), store.write({ put: PLAIN })]);
      assert.deepEqual(await loadSorted(await rig.open()), [FULL, PLAIN]);
    });

    it('has the last word about each, in the order in which they were said', async (t) => {
      const rig = await openRig(t);
      const store = await rig.open();
      const changed = { ...PLAIN, status: 'paused' as const, place: 'a-1' };
      await Promise.all([
        store.write({ put: PLAIN }),
        store.write({ put: FULL }),
        store.write({ put: changed }),
        store.write({ remove: FULL.id }),
        store.write({ remove: 'nobody' }),
      ]);
      assert.deepEqual(await loadSorted(await rig.open()), [changed]);
    });

    it('rejects what it cannot keep, and has what was before', async (t) => {
      const rig = await openRig(t);
      const store = await rig.open();
      await store.write({ put: PLAIN });
      if (rig.failNextWrite === undefined) return t.skip('none of its writes can fail');
      rig.failNextWrite();
      await assert.rejects(store.write({ remove: PLAIN.id }));
      assert.deepEqual(await loadSorted(await rig.open()), [PLAIN]);
    });
  });
}
