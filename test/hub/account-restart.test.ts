import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';

const PASSWORD = 'correct horse battery';

async function openFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recado-accounts-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** A hub over a folder; the configuration itself has no secret. */
function startOver(t: TestContext, dataDir: string): Promise<TestHub> {
  return startTestHub(t, (config) => {
    config.inMemory = false;
    config.dataDir = dataDir;
  });
}

it('accounts, and who is signed in, outlive the hub; what was taken back stays so', async (t) => {
  const folder = await openFolder(t);
  const first = await startOver(t, folder);
  const { accounts } = first.server.hub;
  await accounts.users.create({ name: 'ann', password: PASSWORD, roles: ['admin'], scopes: [] });
  const rights = { roles: ['viewer'], scopes: [{ devices: ['pump-*'] }] } as const;
  const [kept, revoked] = [
    await accounts.tokens.create({ name: 'kept', ...rights }),
    await accounts.tokens.create({ name: 'revoked', ...rights }),
  ];
  assert.ok(kept.ok && revoked.ok);
  await accounts.tokens.revoke(revoked.value.record.id);
  const signedIn = await first.call('POST', '/api/v1/session', { name: 'ann', password: PASSWORD });
  const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';');
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
  assert.equal((await first.call('GET', '/api/v1/session', undefined, bearer(kept.value.text))).status, 200);
  await first.server.close();

  const second = await startOver(t, folder);
  const ask = async (headers: Record<string, string>) =>
    (await second.call('GET', '/api/v1/session', undefined, headers)).text;
  assert.match(await ask({ cookie }), /"principal":"user:ann".*"provenBy":"session"/);
  assert.match(await ask(bearer(kept.value.text)), /"scopes":\[\{"devices":\["pump-\*"\]\}\]/);
  assert.match(await ask(bearer(revoked.value.text)), /UNAUTHENTICATED/);
  assert.match(await ask({}), /UNAUTHENTICATED/);
  const [token] = second.server.hub.accounts.tokens.list();
  assert.ok(token?.lastUsedAt !== undefined);
});

it('a hub that cannot read its accounts lets nobody in for want of one', async (t) => {
  const folder = await openFolder(t);
  await writeFile(join(folder, 'hub.db'), Buffer.alloc(8192, 'this is no database '));
  const hub = await startOver(t, folder);
  assert.equal((await hub.call('GET', '/api/v1/devices')).status, 401);
  assert.equal((await hub.call('GET', '/healthz')).status, 200);
  assert.ok(hub.logged.some(({ text }) => text.includes('accounts cannot be read')));
});
