import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Accounts } from '../../src/accounts/accounts.ts';
import type { AccountRecord, AccountStore } from '../../src/accounts/account-store.ts';
import { digestSecret } from '../../src/accounts/token-text.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { hashPassword } from '../../src/mqtt/access/password-hash.ts';

it('who had signed in with the password before is not signed in after a crash', async () => {
  const now = Date.now();
  const hash = await hashPassword(Buffer.from('correct horse battery'));
  const signIn = (secret: string, passwordAt: number): AccountRecord => {
    const key = digestSecret(secret);
    // Their own times say nothing: somebody may have set the clock.
    const value = { digest: key, userName: 'ann', passwordAt, createdAt: now, lastUsedAt: now };
    return { kind: 'sign-in', key, value };
  };
  const [before, after] = ['b'.repeat(43), 'a'.repeat(43)];
  const times = { createdAt: now - 3000, passwordAt: now - 2000 };
  const user = { name: 'ann', hash, roles: ['admin'], scopes: [], ...times } as const;
  const store: AccountStore = {
    load: () =>
      Promise.resolve([
        signIn(before, now - 3000),
        signIn(after, now - 2000),
        { kind: 'user', key: 'ann', value: user },
      ]),
    write: () => Promise.resolve(),
  };
  const accounts = new Accounts({ store, log: silentLogger });
  await accounts.start();
  assert.equal(accounts.signIns.verify(before), undefined);
  assert.equal(accounts.signIns.verify(after)?.id, 'user:ann');
  await accounts.stop();
});
