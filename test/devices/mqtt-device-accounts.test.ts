import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Role } from '../../src/accounts/permissions.ts';
import type { MqttClient } from 'mqtt';
import { lastLevel, MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

type MadeRole = Exclude<Role, 'let-in'>;

const NOT_AUTHORIZED = 0x87;
const PUMP = { commands: { run: { title: 'Run', kind: 'action' } } };

async function tokenFor(hub: TestHub, role: MadeRole, devices?: string[]): Promise<string> {
  const scopes = devices === undefined ? [] : [{ devices }];
  const made = await hub.server.hub.accounts.tokens.create({ name: role, roles: [role], scopes });
  assert.ok(made.ok);
  return made.value.text;
}

async function comeWith(t: TestContext, hub: TestHub, id: string, token: string): Promise<MqttDeviceClient> {
  const url = `mqtt://127.0.0.1:${hub.mqttPort}`;
  return MqttDeviceClient.connect(t, url, id, { username: 'x', password: token });
}

/** The Reason Code of what the client says there; 0 when it may. */
async function codeOfPublish(client: MqttClient, topicName: string): Promise<number> {
  try {
    const packet = await client.publishAsync(topicName, '1', { qos: 1 });
    return (packet as { reasonCode?: number } | undefined)?.reasonCode ?? 0;
  } catch (error) {
    return (error as { code: number }).code;
  }
}

async function codeOfSubscribe(client: MqttClient, topicFilter: string): Promise<number> {
  try {
    const [granted] = await client.subscribeAsync(topicFilter, { qos: 1 });
    return granted?.qos ?? -1;
  } catch (error) {
    return /not authorized/i.test((error as Error).message) ? NOT_AUTHORIZED : -1;
  }
}

describe('the topics of devices, where there are accounts', () => {
  it('are for the device itself, and nobody else commands it', async (t) => {
    const hub = await startTestHub(t);
    const admin = await tokenFor(hub, 'admin');
    const pump = await comeWith(t, hub, 'pump-1', await tokenFor(hub, 'device', ['pump-1']));
    await pump.come(PUMP);
    const asAdmin = { authorization: `Bearer ${admin}` };
    await until('it is online', async () => {
      const { body } = await hub.call('GET', '/api/v1/devices/pump-1', undefined, asAdmin);
      return body.presence?.status === 'online';
    });
    const asked = hub.call('POST', '/api/v1/devices/pump-1/commands/run', {}, asAdmin);
    const { topicName } = await pump.next('commands/run/');
    await pump.say(`answers/${lastLevel(topicName)}`, '"ran"');
    assert.equal((await asked).body.output, 'ran');
    const { client } = pump;
    const denied = [
      'recado/devices/pump-2/description',
      'recado/devices/pump-1/commands/run/x',
      'recado/devices/pump-1/cancel/x',
      'recado/devices/x',
      'recado/hubs/x',
      'elsewhere',
    ];
    for (const topic of denied) assert.equal(await codeOfPublish(client, topic), NOT_AUTHORIZED, topic);
    const filters: Readonly<Record<string, number>> = {
      'recado/devices/pump-1/commands/#': 1,
      'recado/devices/pump-1/cancel/+': 1,
      'recado/hubs/+': 1,
      'recado/devices/pump-1/telemetry': NOT_AUTHORIZED,
      'recado/devices/pump-1/#': NOT_AUTHORIZED,
      'recado/devices/pump-2/commands/#': NOT_AUTHORIZED,
      'recado/devices/+/commands/#': NOT_AUTHORIZED,
      'recado/#': NOT_AUTHORIZED,
      '#': NOT_AUTHORIZED,
    };
    for (const [filter, code] of Object.entries(filters))
      assert.equal(await codeOfSubscribe(client, filter), code, filter);
    const operator = await comeWith(t, hub, 'x', await tokenFor(hub, 'operator'));
    assert.equal(
      await codeOfPublish(operator.client, 'recado/devices/pump-1/commands/run/x'),
      NOT_AUTHORIZED,
    );
    assert.equal(await codeOfPublish(operator.client, 'recado/devices/pump-1/telemetry'), NOT_AUTHORIZED);
  });

  it('are read by whoever may read the device, and by nobody else', async (t) => {
    const hub = await startTestHub(t);
    const [one, two] = await Promise.all(
      ['pump-1', 'pump-2'].map(async (id) => comeWith(t, hub, id, await tokenFor(hub, 'device', [id]))),
    );
    const all = await comeWith(t, hub, 'x', await tokenFor(hub, 'viewer'));
    const some = await comeWith(t, hub, 'x', await tokenFor(hub, 'viewer', ['pump-1']));
    assert.equal(await codeOfSubscribe(all.client, 'recado/#'), 1);
    assert.equal(await codeOfSubscribe(some.client, 'recado/devices/pump-1/#'), 1);
    assert.equal(await codeOfSubscribe(some.client, 'recado/devices/pump-2/#'), NOT_AUTHORIZED);
    await two!.say('telemetry/flow', '2');
    await one!.say('telemetry/flow', '1');
    const isOf = ({ topicName }: { topicName: string }): boolean => topicName.includes('telemetry');
    await until('both have it', () => some.heard.some(isOf) && all.heard.filter(isOf).length === 2);
    assert.deepEqual(
      some.heard.filter(isOf).map(({ text }) => text),
      ['1'],
    );
  });

  it('book what they make the hub keep to the account', async (t) => {
    const hub = await startTestHub(t);
    const pump = await comeWith(t, hub, 'pump-1', await tokenFor(hub, 'device', ['pump-1']));
    await pump.come(PUMP);
    const device = await until('it is known', () => hub.server.hub.devices.get('pump-1'));
    assert.match(device.party.key, /^token:/);
  });

  it('end with the account', async (t) => {
    const hub = await startTestHub(t);
    await tokenFor(hub, 'admin');
    const made = await hub.server.hub.accounts.tokens.create({
      name: 'pump',
      roles: ['device'],
      scopes: [{ devices: ['pump-1'] }],
    });
    assert.ok(made.ok);
    const pump = await comeWith(t, hub, 'pump-1', made.value.text);
    await pump.come(PUMP);
    const { devices, accounts } = hub.server.hub;
    await until('it is online', () => devices.get('pump-1')?.isOnline === true);
    await accounts.tokens.revoke(made.value.record.id);
    await until('it is offline', () => devices.get('pump-1')?.isOnline === false);
    assert.equal(devices.get('pump-1')?.presence.reason, 'access-lost');
  });
});
