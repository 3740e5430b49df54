import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { it } from 'node:test';
import { comeIn, refusalOf, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const ROOT = 'a-token-of-the-configuration';
const ADMIN = { authorization: `Bearer ${ROOT}` };
const PASSWORD = 'correct horse battery';
const LAMP = { recado: 2, id: 'lamp', description: { commands: { blink: { kind: 'action' } } } };

/** `action target status code` by the time, the principal before. */
async function readAudit(hub: TestHub): Promise<string[]> {
  const { body, status } = await hub.call('GET', '/api/v1/audit', undefined, ADMIN);
  assert.equal(status, 200);
  const { entries } = body as {
    entries: { principal: string; action: string; target: string; status: number; code: string | null }[];
  };
  return entries
    .toReversed()
    .map((each) =>
      [each.principal.replace(/token:.*/, 'token'), each.action, each.target, each.status, each.code ?? '']
        .join(' ')
        .trim(),
    );
}

it('every command and every change stands in the audit, with who and what came of it', async (t) => {
  const hub = await startTestHub(t, (config) => (config.http.tokens = [ROOT]));
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(`${JSON.stringify(LAMP)}\n`);
  await until('the hello is answered', () => device.text.includes('"ok":true'));
  const blink = '/api/v1/devices/lamp/commands/blink';
  const ann = { name: 'ann', password: PASSWORD, roles: ['viewer'] };
  const call = (method: string, path: string, body?: object, headers: Record<string, string> = ADMIN) =>
    hub.call(method, path, body, headers);

  await call('POST', blink, { timeoutMs: 20 });
  await call('POST', '/api/v1/users', ann);
  await call('POST', '/api/v1/users', ann);
  await call('POST', '/api/v1/session', { name: 'ann', password: 'wrong' }, {});
  await call('POST', '/api/v1/session', { name: 'hunter2', password: 'wrong' }, {});
  const signedIn = await call('POST', '/api/v1/session', { name: 'ann', password: PASSWORD }, {});
  const cookie = { cookie: (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
  await call('POST', blink, { timeoutMs: 20 }, cookie);
  await call('GET', '/devices/lamp/commands/1', undefined, cookie);
  await call('GET', '/api/v1/devices', undefined, cookie);
  await call('DELETE', '/api/v1/devices/lamp');
  await call('POST', blink, { timeoutMs: 20 });
  await call('POST', '/api/v1/nothing', {});
  await call('DELETE', '/api/v1/session', undefined, cookie);

  const entries = await readAudit(hub);
  assert.deepEqual(entries, [
    'token createUser ann 201',
    'token createUser ann 409 USER_EXISTS',
    'stranger signIn ann 401 UNAUTHENTICATED',
    'stranger signIn  401 UNAUTHENTICATED',
    'user:ann signIn ann 200',
    'user:ann invokeCommand lamp/blink 403 FORBIDDEN',
    'user:ann invokeCommand lamp/1 403 FORBIDDEN',
    'token forgetDevice lamp 409 DEVICE_ONLINE',
    'token invokeCommand lamp/blink 504 ANSWER_TIMEOUT',
    'user:ann signOut  204',
  ]);
  const { text } = await hub.call('GET', '/api/v1/audit?limit=1000', undefined, ADMIN);
  for (const secret of [PASSWORD, 'wrong', 'hunter2', ROOT]) assert.ok(!text.includes(secret));
  const page = await hub.call('GET', '/api/v1/audit?limit=3', undefined, ADMIN);
  const { nextCursor } = page.body as { nextCursor: number };
  const next = await hub.call('GET', `/api/v1/audit?limit=1&cursor=${nextCursor}`, undefined, ADMIN);
  assert.match(next.text, /"action":"invokeCommand","target":"lamp\/1"/);
  assert.equal((await call('GET', '/api/v1/audit', undefined, cookie)).status, 401);
});

it('who sends a command and leaves stands in it too', async (t) => {
  const hub = await startTestHub(t, (config) => (config.http.tokens = [ROOT]));
  await hub.server.hub.accounts.tokens.create({ name: 'x', roles: ['viewer'], scopes: [] });
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(`${JSON.stringify(LAMP)}\n`);
  await until('the hello is answered', () => device.text.includes('"ok":true'));
  const { port } = new URL(hub.url);
  const socket = connect(Number(port), '127.0.0.1');
  const post = `POST /api/v1/devices/lamp/commands/blink HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ROOT}\r\nContent-Length: 0\r\n\r\n`;
  socket.write(post + post);
  await until('the device has the commands', () => device.text.split('"cmd"').length > 2);
  socket.destroy();
  await until('both stand in it', async () => (await readAudit(hub)).length === 2);
  assert.deepEqual(await readAudit(hub), [
    'token invokeCommand lamp/blink 499',
    'token invokeCommand lamp/blink 499',
  ]);
});

it('who is not let in over MQTT stands in it, by a name that somebody has or by none', async (t) => {
  const hub = await startTestHub(t, (config) => (config.http.tokens = [ROOT]));
  const { accounts } = hub.server.hub;
  await accounts.users.create({ name: 'ann', password: PASSWORD, roles: ['viewer'], scopes: [] });
  const made = await accounts.tokens.create({ name: 'x', roles: ['viewer'], scopes: [] });
  assert.ok(made.ok);
  const { text: token } = made.value;
  const url = urlOf(hub.server, 'mqtt');
  const otherSecret = `${token.slice(0, 17)}${'x'.repeat(43)}`;
  const tries = [
    { username: 'ann', password: 'wrong' },
    { username: 'hunter2', password: 'wrong' },
    { username: 'anybody', password: otherSecret },
    { username: 'anybody', password: `rcd_000000000000_${'x'.repeat(43)}` },
  ];
  for (const come of tries) assert.equal(await refusalOf(t, url, come), 134);
  await comeIn(t, url, { username: 'ann', password: PASSWORD });
  const entries = await readAudit(hub);
  assert.deepEqual(entries, [
    'stranger connectMqtt ann 401 UNAUTHENTICATED',
    'stranger connectMqtt  401 UNAUTHENTICATED',
    `stranger connectMqtt token:${token.slice(4, 16)} 401 UNAUTHENTICATED`,
    'stranger connectMqtt  401 UNAUTHENTICATED',
  ]);
  const { text } = await hub.call('GET', '/api/v1/audit', undefined, ADMIN);
  for (const secret of ['wrong', 'hunter2', otherSecret.slice(17)]) assert.ok(!text.includes(secret));
});

it('a hub without accounts keeps none', async (t) => {
  const hub = await startTestHub(t);
  await hub.call('DELETE', '/api/v1/devices/nobody');
  assert.deepEqual(await hub.server.hub.accounts.audit.read({ limit: 10 }), []);
});
