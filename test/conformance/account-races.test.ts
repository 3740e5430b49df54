import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { comeIn, refusalOf, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type Answer, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const ROOT = 'a-token-of-the-configuration';
const ADMIN = { authorization: `Bearer ${ROOT}` };
const PERSON = { name: 'ann', password: 'correct horse battery' };

async function open(t: TestContext): Promise<TestHub> {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.http.trustedNetworks = [];
  });
  await hub.server.hub.accounts.users.create({ ...PERSON, roles: ['operator'], scopes: [] });
  return hub;
}

const signIn = (hub: TestHub): Promise<Answer> => hub.call('POST', '/api/v1/session', PERSON);
const cookieOf = ({ headers }: Answer): Record<string, string> => ({
  cookie: (headers.get('set-cookie') ?? '').split(';')[0] ?? '',
});

/** Whether any of those who were signed in is so still. */
async function whoIsIn(hub: TestHub, answers: readonly Answer[]): Promise<number> {
  const asked = answers.map((answer) => hub.call('GET', '/api/v1/session', undefined, cookieOf(answer)));
  return (await Promise.all(asked)).filter(({ status }) => status === 200).length;
}

describe('what happens at the same time', () => {
  const changes: readonly [string, (hub: TestHub) => Promise<Answer>][] = [
    ['is removed', (hub) => hub.call('DELETE', '/api/v1/users/ann', undefined, ADMIN)],
    [
      'is given another password',
      (hub) => hub.call('PATCH', '/api/v1/users/ann', { password: 'another one entirely' }, ADMIN),
    ],
    ['may less', (hub) => hub.call('PATCH', '/api/v1/users/ann', { roles: ['viewer'] }, ADMIN)],
  ];
  for (const [what, change] of changes)
    it(`a user who signs in and ${what} has no session of before`, async (t) => {
      const hub = await open(t);
      const first = await signIn(hub);
      assert.equal(first.status, 200);
      // Some are judged before the change, some after it, and of some the session is being written.
      const under = Array.from({ length: 4 }, () => signIn(hub));
      const changed = await change(hub);
      assert.ok(changed.status < 300);
      const [before, ...rest] = [first, ...(await Promise.all(under))];
      assert.equal(await whoIsIn(hub, [before]), 0);
      const rolesOf = async (answer: Answer): Promise<unknown> =>
        (await hub.call('GET', '/api/v1/session', undefined, cookieOf(answer))).body?.roles;
      // Who came after the change came as who it is now.
      if (what === 'may less')
        for (const answer of rest) assert.notDeepEqual(await rolesOf(answer), ['operator']);
      else assert.equal(await whoIsIn(hub, rest), 0);
    });

  it('a user who is removed while it is changed is gone', async (t) => {
    const hub = await open(t);
    const password = 'another one entirely';
    const changed = hub.server.hub.accounts.users.change('ann', { password });
    // The change has begun then, and its hash is being made.
    await setImmediate();
    const removed = await hub.call('DELETE', '/api/v1/users/ann', undefined, ADMIN);
    assert.equal(removed.status, 204);
    const outcome = await changed;
    assert.equal(outcome.ok ? undefined : outcome.failure.code, 'USER_UNKNOWN');
    assert.equal((await hub.call('POST', '/api/v1/session', { name: 'ann', password })).status, 401);
    assert.equal((await hub.call('GET', '/api/v1/users', undefined, ADMIN)).body.users.length, 0);
  });

  it('a token that is taken back while it is used opens nothing from then on', async (t) => {
    const hub = await open(t);
    const made = await hub.call('POST', '/api/v1/tokens', { name: 'x', roles: ['operator'] }, ADMIN);
    const { token, id } = made.body as { token: string; id: string };
    const headers = { authorization: `Bearer ${token}` };
    const url = urlOf(hub.server, 'mqtt');
    const client = await comeIn(t, url, { username: 'x', password: token });
    const ask = (): Promise<number> =>
      hub.call('GET', '/api/v1/devices', undefined, headers).then(
        ({ status }) => status,
        () => 0,
      );
    const under = Array.from({ length: 20 }, ask);
    const revoked = hub.call('DELETE', `/api/v1/tokens/${id}`, undefined, ADMIN);
    const again = hub.call('DELETE', `/api/v1/tokens/${id}`, undefined, ADMIN);
    const ends = [(await revoked).status, (await again).status].toSorted((a, b) => a - b);
    assert.deepEqual(ends, [204, 404]);
    assert.deepEqual(await Promise.all([ask(), ask()]), [401, 401]);
    assert.equal(await refusalOf(t, url, { username: 'x', password: token }), 134);
    await until('its connection has been ended', () => !client.connected);
    for (const status of await Promise.all(under)) assert.ok([0, 200, 401].includes(status), String(status));
  });

  it('two users of one name are made, and one of them is', async (t) => {
    const hub = await open(t);
    const wish = { ...PERSON, name: 'Bob', roles: ['viewer'] };
    const made = await Promise.all(
      ['Bob', 'bob', 'BOB'].map((name) => hub.call('POST', '/api/v1/users', { ...wish, name }, ADMIN)),
    );
    assert.deepEqual(
      made.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 409, 409],
    );
  });
});
