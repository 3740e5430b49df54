import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { AuditEntry, AuditStore } from '../../src/accounts/audit.ts';

const KEEP_ALL = { maxEntries: 1000, since: 0 };

const entry = (at: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  at,
  principal: 'user:joão',
  address: '2001:db8::1',
  action: 'invokeCommand',
  target: 'pump-1/start "now" \u0000',
  status: 200,
  ...more,
});

/** What every store of the audit does. */
export function describeAuditStore(name: string, open: (t: TestContext) => Promise<AuditStore>): void {
  const times = async (store: AuditStore, limit = 100, before?: number): Promise<number[]> =>
    (await store.read({ limit, before })).map(({ at }) => at);

  describe(name, () => {
    it('gives back what was added, the latest first, page by page', async (t) => {
      const store = await open(t);
      assert.deepEqual(await store.read({ limit: 10 }), []);
      const failed = entry(2, { status: 403, code: 'FORBIDDEN' });
      await store.append([entry(1), failed], KEEP_ALL);
      await store.append([entry(3)], KEEP_ALL);
      await store.append([], KEEP_ALL);
      const [last, middle, first] = await store.read({ limit: 10 });
      assert.ok(first !== undefined && middle !== undefined && last !== undefined);
      assert.deepEqual(last, { ...entry(3), number: last.number });
      assert.deepEqual(middle, { ...failed, number: middle.number });
      assert.deepEqual(first, { ...entry(1), number: first.number });
      assert.ok(last.number > middle.number && middle.number > first.number);
      assert.deepEqual(await times(store, 2), [3, 2]);
      assert.deepEqual(await times(store, 2, middle.number), [1]);
    });

    it('forgets the oldest where there are too many', async (t) => {
      const store = await open(t);
      await store.append(
        [1, 2, 3, 4].map((at) => entry(at)),
        { maxEntries: 3, since: 0 },
      );
      assert.deepEqual(await times(store), [4, 3, 2]);
      await store.append([entry(5)], { maxEntries: 2, since: 0 });
      assert.deepEqual(await times(store), [5, 4]);
    });

    it('forgets what is too old', async (t) => {
      const store = await open(t);
      await store.append(
        [1, 2, 3].map((at) => entry(at)),
        KEEP_ALL,
      );
      await store.append([entry(4)], { maxEntries: 1000, since: 3 });
      assert.deepEqual(await times(store), [4, 3]);
    });

    it('never gives a number twice, also when the latest were forgotten', async (t) => {
      const store = await open(t);
      await store.append([entry(1)], KEEP_ALL);
      const [before] = await store.read({ limit: 1 });
      await store.append([entry(2)], { maxEntries: 1, since: 0 });
      await store.append([entry(3)], { maxEntries: 1, since: 0 });
      const [after] = await store.read({ limit: 1 });
      assert.ok(after!.number > before!.number + 1);
    });
  });
}
