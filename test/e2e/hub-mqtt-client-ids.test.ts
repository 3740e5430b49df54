import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectMqtt } from '../../src/mqtt/index.ts';
import { comeIn, listen, passwordLines, refusalOf, TestFolder, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const CLIENT_IDENTIFIER_NOT_VALID = 0x85;
const IDENTIFIER_REJECTED = 2;

describe('client ids at a hub', () => {
  it('belong to whoever comes where nothing proves names: a device may get a user name later', async (t) => {
    const hub = await startTestHub(t);
    const url = urlOf(hub.server, 'mqtt');
    const device = { clientId: 'device', clean: false, protocolVersion: 4 } as const;
    const before = await comeIn(t, url, device);
    await listen(before, 'to/device');
    await before.endAsync();
    const sender = await comeIn(t, url);
    await sender.publishAsync('to/device', 'kept', { qos: 1 });
    const messages: string[] = [];
    const after = await connectMqtt(url, {
      clientId: 'device',
      cleanStart: false,
      user: 'ann',
      protocolVersion: 4,
      onMessage: ({ payload }) => void messages.push(payload.toString()),
    });
    t.after(() => after.close());
    await until('what was kept comes', () => messages.includes('kept'));
  });

  it('are bound to users by rules', async (t) => {
    const folder = new TestFolder(t);
    const passwordFile = folder.write('users', await passwordLines({ ann: 'a', bob: 'b' }));
    const rules = 'user ann\ntopic #\nclientid ann-*\nuser bob\ntopic #\n';
    const aclFile = folder.write('rules', rules);
    const hub = await startTestHub(t, ({ mqtt }) => {
      Object.assign(mqtt, { passwordFile, aclFile, trustedNetworks: [] });
    });
    const url = urlOf(hub.server, 'mqtt');
    const [ann, bob] = [
      { username: 'ann', password: 'a' },
      { username: 'bob', password: 'b' },
    ];
    assert.equal(await refusalOf(t, url, { ...ann, clientId: 'ann-1' }), 0);
    assert.equal(await refusalOf(t, url, { ...bob, clientId: 'bob-1' }), 0);
    assert.equal(await refusalOf(t, url, { ...ann, clientId: 'bob-2' }), CLIENT_IDENTIFIER_NOT_VALID);
    assert.equal(await refusalOf(t, url, { ...bob, clientId: 'ann-2' }), CLIENT_IDENTIFIER_NOT_VALID);
    const old = { ...bob, clientId: 'ann-2', protocolVersion: 4 } as const;
    assert.equal(await refusalOf(t, url, old), IDENTIFIER_REJECTED);
    // Rules are read again.
    folder.write('rules', `${rules}clientid ann-2\n`);
    await until(
      'bob may come as ann-2',
      async () => (await refusalOf(t, url, { ...bob, clientId: 'ann-2' })) === 0,
    );
  });
});
