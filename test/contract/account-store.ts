import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { AccountRecord, AccountStore, TokenRecord } from '../../src/accounts/account-store.ts';

/** A place for a store, which may be left without a word. */
export type AccountStoreRig = {
  /** A store over what was written here before. */
  open(): Promise<AccountStore>;
  /** Has the next write fail; absent where none can. */
  failNextWrite?(): void;
};

const TOKEN: TokenRecord = {
  id: '0123456789ab',
  name: 'Ärger "mit" \u0000 ´日本',
  digest: 'c2VjcmV0',
  roles: ['operator', 'device'],
  scopes: [{ verbs: ['read'], devices: ['pump-*'] }, { services: ['billing'] }],
  createdAt: 1_764_500_000_000,
  expiresAt: 9_007_199_254_740_991,
};

const token = (id: string, more: Partial<TokenRecord> = {}): AccountRecord => ({
  kind: 'token',
  key: id,
  value: { ...TOKEN, id, ...more },
});

/** What every store of accounts does. */
export function describeAccountStore(
  name: string,
  openRig: (t: TestContext) => Promise<AccountStoreRig>,
): void {
  const loadSorted = async (store: AccountStore): Promise<readonly AccountRecord[]> =>
    [...(await store.load())].sort((a, b) => (`${a.kind} ${a.key}` < `${b.kind} ${b.key}` ? -1 : 1));

  describe(name, () => {
    it('is empty at first', async (t) => {
      const rig = await openRig(t);
      assert.deepEqual(await (await rig.open()).load(), []);
    });

    it('gives back what was written, to the store that comes after it as well', async (t) => {
      const rig = await openRig(t);
      const records: AccountRecord[] = [
        {
          kind: 'sign-in',
          key: 'a digest',
          value: { digest: 'a digest', userName: 'joão', passwordAt: 3, createdAt: 1, lastUsedAt: 2 },
        },
        token('a'),
        token('b', { lastUsedAt: 5 }),
        {
          kind: 'user',
          key: 'joão',
          value: { name: 'João', hash: '$argon2id$x', roles: [], scopes: [], createdAt: 1, passwordAt: 3 },
        },
      ];
      await (await rig.open()).write(records.map((put) => ({ put })));
      assert.deepEqual(await loadSorted(await rig.open()), records);
    });

    it('keeps one record for a key, of each kind: the last', async (t) => {
      const store = await (await openRig(t)).open();
      await store.write([{ put: token('a') }, { put: token('a', { name: 'later' }) }]);
      await store.write([{ put: { kind: 'sign-in', key: 'a', value: SIGN_IN } }]);
      await store.write([{ put: token('a', { name: 'last' }) }]);
      assert.deepEqual(await loadSorted(store), [
        { kind: 'sign-in', key: 'a', value: SIGN_IN },
        token('a', { name: 'last' }),
      ]);
    });

    it('takes out what is to be removed, in the order of the changes', async (t) => {
      const store = await (await openRig(t)).open();
      await store.write([{ put: token('a') }, { put: token('b') }]);
      await store.write([
        { remove: { kind: 'token', key: 'a' } },
        { remove: { kind: 'token', key: 'never there' } },
        { remove: { kind: 'sign-in', key: 'b' } },
        { put: token('c') },
        { remove: { kind: 'token', key: 'c' } },
      ]);
      await store.write([]);
      assert.deepEqual(await loadSorted(store), [token('b')]);
    });

    it('keeps nothing of a write that fails', async (t) => {
      const rig = await openRig(t);
      if (rig.failNextWrite === undefined) return t.skip('no write of it fails');
      const store = await rig.open();
      await store.write([{ put: token('a') }]);
      rig.failNextWrite();
      await assert.rejects(store.write([{ put: token('b') }, { remove: { kind: 'token', key: 'a' } }]));
      assert.deepEqual(await loadSorted(await rig.open()), [token('a')]);
    });

    it('is not changed by what becomes of the objects that it was given, or gave', async (t) => {
      const store = await (await openRig(t)).open();
      const record = structuredClone(token('a'));
      await store.write([{ put: record }]);
      (record.value as { name: string }).name = 'changed';
      const [loaded] = await store.load();
      assert.deepEqual(loaded, token('a'));
      Object.assign(loaded?.value ?? {}, { name: 'changed' });
      assert.deepEqual(await store.load(), [token('a')]);
    });
  });
}

const SIGN_IN = { digest: 'a', userName: 'ann', passwordAt: 1, createdAt: 1, lastUsedAt: 1 };
