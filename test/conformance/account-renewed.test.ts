import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startTestHub, type Answer, type TestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';
import { until } from '../helpers/until.ts';

const ADMIN = { authorization: 'Bearer a-token-of-the-configuration' };
const PASSWORD = 'correct horse battery';

const LAMP = {
  recado: 2,
  id: 'lamp',
  token: 'whatever-a-trusted-network-needs-none',
  description: { commands: { blink: { kind: 'action' } } },
};

async function connectLamp(t: TestContext, hub: TestHub): Promise<WireDevice> {
  const lamp = await WireDevice.connect(t, hub.tcpPort);
  lamp.send(`${JSON.stringify(LAMP)}\n`);
  await until('an answer to the hello', () => lamp.text.includes('\n'));
  return lamp;
}

/** A user of this name, signed in. */
async function comeAsAnn(hub: TestHub): Promise<Record<string, string>> {
  const user = { name: 'ann', password: PASSWORD, roles: ['operator'] };
  assert.equal((await hub.call('POST', '/api/v1/users', user, ADMIN)).status, 201);
  const { headers } = await hub.call('POST', '/api/v1/session', { name: 'ann', password: PASSWORD });
  return { cookie: (headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

const blink = (hub: TestHub, headers: Record<string, string>): Promise<Answer> =>
  hub.call(
    'POST',
    '/api/v1/devices/lamp/commands/blink',
    { queueForMs: 60_000 },
    { 'Idempotency-Key': 'once', ...headers },
  );

const idOf = ({ body }: Answer): string => (body as { invocation: { id: string } }).invocation.id;

test('a user made anew under the name of one who is gone has neither its keys nor its waiting commands', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = ['a-token-of-the-configuration'];
  });
  (await connectLamp(t, hub)).socket.destroy();
  await until('the lamp is offline', () => hub.server.hub.devices.get('lamp')?.isOnline === false);
  const before = await comeAsAnn(hub);
  const first = await blink(hub, before);
  assert.equal(first.status, 202);
  assert.equal(idOf(await blink(hub, before)), idOf(first), 'the key stands for it');

  assert.equal((await hub.call('DELETE', '/api/v1/users/ann', undefined, ADMIN)).status, 204);
  const after = await comeAsAnn(hub);
  const second = await blink(hub, after);
  assert.equal(second.status, 202);
  assert.equal(second.headers.get('idempotency-replayed'), null);
  assert.notEqual(idOf(second), idOf(first), 'the key of somebody else');
  assert.equal(idOf(await blink(hub, after)), idOf(second), 'a key of its own');

  const lamp = await connectLamp(t, hub);
  await until('the second command', () => lamp.text.includes(idOf(second)));
  assert.ok(!lamp.text.includes(idOf(first)), 'what somebody else asked for is not done');
  const { body } = await hub.call('GET', `/api/v1/invocations/${idOf(first)}`, undefined, ADMIN);
  assert.equal((body as { state: string }).state, 'cancelled');
});
