import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import { KeptDescription } from '../../src/devices/kept-description.ts';
import { joinPump, PUMP_DESCRIPTION } from '../helpers/lasting-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';

test('people give a device a title and tags, by which it is found; its own title stays to be seen', async (t) => {
  const hub = await startTestHub(t);
  await joinPump(t, hub.tcpPort);
  const client = createClient({ url: hub.url });
  const named = await client.devices.change('pump', { title: 'Cellar pump', tags: ['cellar', 'b', 'b'] });
  assert.deepEqual(
    [named.title, named.tags, named.description?.title],
    ['Cellar pump', ['cellar', 'b'], 'Pump'],
  );
  const found = async (filter: object) =>
    (await client.devices.list(filter)).devices.map((each) => each.deviceId);
  assert.deepEqual(
    [await found({ tag: 'cellar' }), await found({ tag: 'cell' }), await found({ q: 'CELLAR' })],
    [['pump'], [], ['pump']],
  );
  const own = await client.devices.change('pump', { title: null });
  assert.deepEqual([own.title, own.tags], ['Pump', ['cellar', 'b']]);
  for (const patch of [
    { title: '' },
    { tags: [''] },
    { tags: ['two\nlines'] },
    { title: '\u001b]0;x\u0007' },
    { tags: Array(33).fill('x') },
    { colour: 'red' },
    { tags: 'x' },
  ])
    assert.equal((await hub.call('PATCH', '/api/v1/devices/pump', patch)).status, 400, JSON.stringify(patch));
  assert.equal((await hub.call('PATCH', '/api/v1/devices/nobody', {})).status, 404);
});

test('a device that describes itself otherwise has the next version, and the same one has not', async (t) => {
  const hub = await startTestHub(t);
  const version = async () => (await hub.call('GET', '/api/v1/devices/pump')).body.description.version;
  await joinPump(t, hub.tcpPort);
  assert.equal(await version(), 1);
  await joinPump(t, hub.tcpPort);
  assert.equal(await version(), 1);
  await joinPump(t, hub.tcpPort, { ...PUMP_DESCRIPTION, title: 'Other' });
  assert.equal(await version(), 2);
});

test('an id belongs to the gateway that had it first, until its device is forgotten', async (t) => {
  const hub = await startTestHub(t);
  const { devices, ledger } = hub.server.hub;
  const link = { maxInFlight: 1, invoke: () => {}, cancel: () => {}, close: () => {} };
  for (const id of ['pump', 'DE1']) {
    const description = KeptDescription.restore('{"commands":[],"telemetry":[]}', ledger.open('a test'));
    const device = devices.connect(id, { gateway: 'elsewhere', description, link });
    devices.disconnect(device, link, 'disconnected');
  }
  const refused = await WireDevice.connect(t, hub.tcpPort);
  refused.send(`${JSON.stringify({ recado: 2, id: 'pump', description: PUMP_DESCRIPTION })}\n`);
  assert.equal((await refused.nextObject())['error'].code, 'DEVICE_ID_TAKEN');
  const plain = await WireDevice.connect(t, hub.tcpPort);
  assert.equal(await plain.handshake(), 'DE1-2', 'a plain one is given an id that is free');
  assert.equal((await hub.call('DELETE', '/api/v1/devices/pump')).status, 204);
  await joinPump(t, hub.tcpPort);
  assert.equal((await hub.call('GET', '/api/v1/devices/pump')).body.gateway, 'socket');
});
