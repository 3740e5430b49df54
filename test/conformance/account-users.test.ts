import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import {
  comeIn,
  endOf,
  listen,
  passwordLines,
  refusalOf,
  say,
  TestFolder,
  urlOf,
} from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type Answer, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { serveThroughHub } from '../helpers/hub-agent.ts';
import { until } from '../helpers/until.ts';

const ROOT = 'a-token-of-the-configuration';
const ADMIN = { authorization: `Bearer ${ROOT}` };
const PASSWORD = 'correct horse battery';

async function startHub(
  t: TestContext,
  change: (config: MutableConfig) => void = () => {},
): Promise<TestHub> {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    change(config);
  });
  await add(hub, { name: 'ann', roles: ['operator'] });
  return hub;
}

async function add(
  hub: TestHub,
  user: { name: string; roles: string[]; password?: unknown },
): Promise<Answer> {
  return hub.call('POST', '/api/v1/users', { password: PASSWORD, ...user }, ADMIN);
}

const signIn = (
  hub: TestHub,
  { name = 'ann', password = PASSWORD }: { name?: string; password?: string } = {},
  headers: Record<string, string> = {},
): Promise<Answer> => hub.call('POST', '/api/v1/session', { name, password }, headers);

function cookieOf({ headers }: Answer): { cookie: string } {
  const [cookie = ''] = (headers.get('set-cookie') ?? '').split(';');
  return { cookie };
}

const who = async (hub: TestHub, headers: Record<string, string>): Promise<string> => {
  const { status, body } = await hub.call('GET', '/api/v1/session', undefined, headers);
  return status === 200 ? (body as { principal: string }).principal : String(status);
};

describe('a person', () => {
  it('signs in with name and password, is known by a cookie, and signs out', async (t) => {
    const hub = await startHub(t);
    assert.equal(await who(hub, {}), '401');
    const signedIn = await signIn(hub);
    assert.equal(signedIn.status, 200);
    const attributes = (signedIn.headers.get('set-cookie') ?? '').split('; ').slice(1);
    assert.deepEqual(attributes, ['Path=/', 'Max-Age=604800', 'HttpOnly', 'SameSite=Strict']);
    const cookie = cookieOf(signedIn);
    assert.match(cookie.cookie, /^recado_session=[\w-]{43}$/);
    assert.equal(await who(hub, cookie), 'user:ann');
    assert.equal((await hub.call('GET', '/api/v1/devices', undefined, cookie)).status, 200);
    assert.equal((await hub.call('GET', '/api/v1/users', undefined, cookie)).status, 403);
    const signedOut = await hub.call('DELETE', '/api/v1/session', undefined, cookie);
    assert.equal(signedOut.status, 204);
    assert.match(signedOut.headers.get('set-cookie') ?? '', /^recado_session=; Path=\/; Max-Age=0;/);
    assert.equal(await who(hub, cookie), '401');
    assert.ok(!JSON.stringify(hub.logged).includes(PASSWORD));
  });

  it('is told alike whether the name or the password is wrong', async (t) => {
    const hub = await startHub(t);
    const [wrong, unknown] = [
      await signIn(hub, { password: 'x' }),
      await signIn(hub, { name: 'nobody', password: 'x' }),
    ];
    assert.deepEqual([wrong.status, wrong.text], [unknown.status, unknown.text]);
    assert.equal(wrong.status, 401);
    assert.equal(wrong.headers.get('set-cookie'), null);
  });

  it('comes by one spelling of the name and by any case of it', async (t) => {
    const hub = await startHub(t);
    assert.equal((await add(hub, { name: 'João', roles: ['viewer'] })).status, 201);
    for (const name of ['joão', 'JOÃO', 'joa\u0303o'])
      assert.equal(await who(hub, cookieOf(await signIn(hub, { name }))), 'user:João', name);
    for (const name of ['joão', 'ANN', 'ａnn'])
      assert.ok([400, 409].includes((await add(hub, { name, roles: ['admin'] })).status), name);
    for (const name of [
      '',
      'ann\u1160',
      'ann\ufe0f',
      ' ann',
      'a b',
      'token:0123456789ab',
      'a\u0000b',
      'a\u200bb',
      'x'.repeat(65),
      'a/b',
    ])
      assert.equal((await add(hub, { name, roles: ['admin'] })).status, 400, JSON.stringify(name));
    for (const password of ['short', 'x'.repeat(1025), 7])
      assert.equal((await add(hub, { name: 'new', roles: ['viewer'], password })).status, 400);
  });

  it('opens MQTT with the same password, and a name that nobody has proven opens nothing', async (t) => {
    const hub = await startHub(t);
    const url = urlOf(hub.server, 'mqtt');
    const client = await comeIn(t, url, { username: 'Ann', password: PASSWORD });
    await say(client, 'house/lamp', 'on');
    assert.equal(await refusalOf(t, url, { username: 'ann', password: 'x' }), 134);
    assert.equal(await refusalOf(t, url, { username: 'bob', password: PASSWORD }), 134);
    assert.equal(await refusalOf(t, url, { username: 'ann' }), 134);
  });

  it('stands beside the users of a password file', async (t) => {
    const folder = new TestFolder(t);
    const passwordFile = folder.write('users', await passwordLines({ sensor: 'sensor password' }));
    const hub = await startHub(t, (config) => (config.mqtt.passwordFile = passwordFile));
    const url = urlOf(hub.server, 'mqtt');
    for (const [username, password] of [
      ['ann', PASSWORD],
      ['sensor', 'sensor password'],
    ] as const)
      await say(await comeIn(t, url, { username, password }), 'a', 'b');
    assert.equal(await refusalOf(t, url, { username: 'sensor', password: PASSWORD }), 134);
  });

  it('who is removed leaves no session and no last word, also beside a password file', async (t) => {
    const folder = new TestFolder(t);
    const passwordFile = folder.write('users', await passwordLines({ sensor: 'sensor password' }));
    const hub = await startHub(t, (config) => (config.mqtt.passwordFile = passwordFile));
    const url = urlOf(hub.server, 'mqtt');
    const witness = await comeIn(t, url, { username: 'sensor', password: 'sensor password' });
    const messages = await listen(witness, 'house/#');
    const come = { username: 'ann', password: PASSWORD, properties: { sessionExpiryInterval: 1000 } };
    const will = { topic: 'house/lamp', payload: Buffer.from('off'), qos: 1 as const, retain: true };
    const present = await comeIn(t, url, { ...come, clientId: 'present', will });
    const away = await comeIn(t, url, { ...come, clientId: 'away' });
    await listen(away, 'house/#');
    await away.endAsync();
    const ended = endOf(present);
    assert.equal((await hub.call('DELETE', '/api/v1/users/ann', undefined, ADMIN)).status, 204);
    await ended;
    await say(witness, 'house/door', 'open');
    await until('the message', () => messages.length > 0);
    assert.deepEqual(messages, ['house/door open']);
    const ids = [...(hub.server.hub.mqtt?.broker.sessions() ?? [])].map(({ client }) => client.clientId);
    assert.ok(!ids.includes('present') && !ids.includes('away'), ids.join());
  });
});

describe('a session', () => {
  it('is a new one at each sign-in: what was known before is worth nothing', async (t) => {
    const hub = await startHub(t);
    const planted = { cookie: `recado_session=${'A'.repeat(43)}` };
    const first = cookieOf(await signIn(hub, {}, planted));
    assert.notEqual(first.cookie, planted.cookie);
    assert.equal(await who(hub, planted), '401');
    const second = cookieOf(await signIn(hub, {}, first));
    assert.notEqual(second.cookie, first.cookie);
    assert.equal(await who(hub, first), '401');
    assert.equal(await who(hub, second), 'user:ann');
  });

  it('is of no use to the pages of others', async (t) => {
    const hub = await startHub(t);
    const cookie = cookieOf(await signIn(hub));
    const { host } = new URL(hub.url);
    for (const foreign of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: `http://${host.replace(/\d+$/, '1')}` },
      { referer: 'http://evil.example/page' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-origin, cross-site' },
      { 'sec-fetch-site': 'same-site', origin: `http://${host}` },
    ]) {
      const headers = { ...cookie, ...foreign } as Record<string, string>;
      assert.equal(await who(hub, headers), '403', JSON.stringify(foreign));
      assert.equal((await signIn(hub, {}, headers)).status, 403);
      assert.equal((await hub.call('DELETE', '/api/v1/session', undefined, headers)).status, 403);
    }
    assert.equal(await who(hub, { ...cookie, origin: hub.url, 'sec-fetch-site': 'same-origin' }), 'user:ann');
  });

  it('is one cookie: a second one of the name could be that of somebody else', async (t) => {
    const hub = await startHub(t);
    const { cookie } = cookieOf(await signIn(hub));
    assert.equal(await who(hub, { cookie: `a=b; ${cookie}` }), 'user:ann');
    assert.equal(await who(hub, { cookie: `recado_session=${'A'.repeat(43)}; ${cookie}` }), '401');
    for (const odd of ['recado_session', 'recado_session=', `recado_session=${'A'.repeat(8000)}`])
      assert.equal(await who(hub, { cookie: odd }), '401', odd.slice(0, 30));
  });

  it('is for HTTPS alone where a proxy that is believed speaks it', async (t) => {
    const hub = await startHub(t, (config) => (config.http.trustedProxies = ['127.0.0.1']));
    const forwarded = { 'x-forwarded-for': '192.0.2.9', 'x-forwarded-proto': 'https' };
    assert.match((await signIn(hub, {}, forwarded)).headers.get('set-cookie') ?? '', /; Secure$/);
    assert.doesNotMatch((await signIn(hub)).headers.get('set-cookie') ?? '', /Secure/);
  });

  it('ends, with all that is open, when its user is changed or removed', async (t) => {
    const hub = await startHub(t, ({ mqtt }) => (mqtt.trustedNetworks = ['127.0.0.1']));
    await serveThroughHub(t, hub, 'slow', (_request, response) => void response.write('begun'));
    const url = urlOf(hub.server, 'mqtt');
    await add(hub, { name: 'eve', roles: ['admin'] });
    const changes = [
      () => hub.call('PATCH', '/api/v1/users/ann', { roles: ['viewer'] }, ADMIN),
      () => hub.call('PATCH', '/api/v1/users/ANN', { password: 'another password' }, ADMIN),
      () => hub.call('DELETE', '/api/v1/users/ann', undefined, ADMIN),
    ];
    let password = PASSWORD;
    for (const change of changes) {
      const cookie = cookieOf(await signIn(hub, { password }));
      const mqtt = await comeIn(t, url, { username: 'ann', password });
      const streamEnd = await openStream(t, hub, cookie);
      const ended = Promise.all([endOf(mqtt), ...streamEnd]);
      assert.ok([200, 204].includes((await change()).status));
      await ended;
      assert.equal(await who(hub, cookie), '401');
      if (change === changes[1]) password = 'another password';
      if (change === changes[1]) assert.equal((await signIn(hub)).status, 401);
    }
    assert.equal((await signIn(hub, { password })).status, 401);
    assert.equal(await refusalOf(t, url, { username: 'ann', password }), 134);
  });

  it('changes its own password with the old one, and nothing else', async (t) => {
    const hub = await startHub(t);
    const cookie = cookieOf(await signIn(hub));
    const patch = async (name: string, body: object): Promise<number> =>
      (await hub.call('PATCH', `/api/v1/users/${name}`, body, cookie)).status;
    await add(hub, { name: 'bob', roles: ['viewer'] });
    const password = 'a new password';
    assert.equal(await patch('ann', { password }), 401);
    assert.equal(await patch('ann', { password, currentPassword: 'x' }), 401);
    assert.equal(await patch('ann', { password, currentPassword: PASSWORD, roles: ['admin'] }), 403);
    assert.equal(await patch('ann', { roles: ['admin'] }), 403);
    assert.equal(await patch('bob', { password, currentPassword: PASSWORD }), 403);
    assert.equal(await patch('nobody', { password, currentPassword: PASSWORD }), 403);
    assert.equal(await patch('ann', { password, currentPassword: PASSWORD }), 200);
    assert.equal(await who(hub, cookie), '401');
    assert.equal((await signIn(hub, { password })).status, 200);
  });
});

describe('who guesses', () => {
  it('has to wait, also with the right password; who comes from elsewhere has not', async (t) => {
    const hub = await startHub(t, (config) => (config.http.trustedProxies = ['127.0.0.1']));
    const from = (address: string) => ({ 'x-forwarded-for': address });
    for (let tries = 0; tries < 5; tries++)
      assert.equal((await signIn(hub, { password: 'x' }, from('192.0.2.66'))).status, 401);
    const refused = await signIn(hub, {}, from('192.0.2.66'));
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    assert.equal((await signIn(hub, {}, from('192.0.2.7'))).status, 200);
    for (let tries = 0; tries < 5; tries++)
      assert.equal((await signIn(hub, { name: 'nobody', password: 'x' }, from('192.0.2.67'))).status, 401);
    assert.equal((await signIn(hub, { name: 'nobody' }, from('192.0.2.67'))).status, 429);
  });

  it('is slowed down over MQTT by the same count', async (t) => {
    const hub = await startHub(t);
    const url = urlOf(hub.server, 'mqtt');
    for (let tries = 0; tries < 5; tries++)
      assert.equal(await refusalOf(t, url, { username: 'ann', password: 'x' }), 134);
    assert.equal(await refusalOf(t, url, { username: 'ann', password: PASSWORD }), 137);
    assert.equal((await signIn(hub)).status, 429);
  });
});

/** @returns its end */
async function openStream(
  t: TestContext,
  hub: TestHub,
  headers: { cookie: string },
): Promise<Promise<void>[]> {
  const asked = request(`${hub.url}/services/slow/`, { headers });
  asked.on('error', () => {}).end();
  t.after(() => asked.destroy());
  const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  await once(response, 'data');
  response.on('error', () => {});
  return [new Promise<void>((resolve) => void response.once('close', resolve))];
}
