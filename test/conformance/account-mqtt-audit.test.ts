import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { createClient, type Client } from '../../src/client/index.ts';
import { comeIn, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';

const ROOT = 'a-token-of-the-configuration';

async function open(t: TestContext): Promise<{ hub: TestHub; admin: Client; url: string }> {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.accounts.commandTopics = ['house/+/set'];
  });
  return { hub, admin: createClient({ url: hub.url, token: ROOT }), url: urlOf(hub.server, 'mqtt') };
}

/** `action target status`, by the time. */
async function readAudit({ audit }: Client): Promise<string[]> {
  const { entries } = await audit.list();
  return entries
    .toReversed()
    .filter(({ action }) => action !== 'createToken')
    .map(({ action, target, status }) => `${action} ${target} ${status}`);
}

it('what clients change, command and are refused over MQTT stands in the audit, and not each message', async (t) => {
  const { admin, url } = await open(t);
  const scopes = [{ topics: ['house/#', 'state/#'] }];
  const { token, id } = await admin.tokens.create({ name: 'x', roles: ['operator'], scopes });
  const client = await comeIn(t, url, { username: 'x', password: token });
  for (let times = 0; times < 3; times++) {
    await client.publishAsync('house/temperature', '21', { qos: 1 });
    await client.publishAsync('state/lamp', 'on', { qos: 1, retain: true });
    await client.publishAsync('house/lamp/set', 'on', { qos: 1 });
    await assert.rejects(client.publishAsync('garden/gate', 'open', { qos: 1 }));
    await assert.rejects(client.subscribeAsync('#'));
  }
  await client.publishAsync('state/lamp', '', { qos: 1, retain: true });
  assert.deepEqual(await readAudit(admin), [
    'retainMqtt state/lamp 200',
    'publishMqtt house/lamp/set 200',
    'publishMqtt garden/gate 403',
    'subscribeMqtt # 403',
    'publishMqtt house/lamp/set 200',
    'publishMqtt house/lamp/set 200',
    'clearRetainedMqtt state/lamp 200',
  ]);
  const [last] = (await admin.audit.list({ limit: 1 })).entries;
  assert.deepEqual([last?.principal, last?.address, last?.code], [`token:${id}`, '127.0.0.1', null]);
});

it('metrics tell how many accounts there are, who tried to come in, and what the audit has', async (t) => {
  const { hub, admin, url } = await open(t);
  await admin.users.create({ name: 'ann', password: 'correct horse battery', roles: ['viewer'] });
  await admin.tokens.create({ name: 'x', roles: ['viewer'] });
  const signIn = (password: string) => hub.call('POST', '/api/v1/session', { name: 'ann', password });
  for (let times = 0; times < 6; times++) await signIn('wrong');
  await comeIn(t, url, { username: 'y', password: 'wrong' }).catch(() => undefined);
  await admin.audit.list();
  const { text } = await hub.call('GET', '/metrics', undefined, { authorization: `Bearer ${ROOT}` });
  const figures = Object.fromEntries(
    [...text.matchAll(/^recado_(accounts|audit)_(\S+) (\d+)$/gm)].map(([, group, name, value]) => [
      `${group} ${name}`,
      Number(value),
    ]),
  );
  assert.deepEqual(figures, {
    'accounts users': 1,
    'accounts tokens': 1,
    'accounts signed_in': 0,
    'accounts passwords_tried_total{result="right"}': 0,
    'accounts passwords_tried_total{result="wrong"}': 6,
    'accounts passwords_tried_total{result="locked"}': 1,
    'accounts passwords_tried_total{result="busy"}': 0,
    'audit entries_written_total': 9,
    'audit entries_lost_total': 0,
  });
});
