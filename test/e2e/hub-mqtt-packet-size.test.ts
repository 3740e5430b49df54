import assert from 'node:assert/strict';
import { it } from 'node:test';
import { comeIn, endOf, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const PACKET_TOO_LARGE = 0x95;
const MAXIMUM_PACKET_SIZE = 4_000_000;

it('a PUBLISH may be as large over WebSocket as over TCP, and beyond that ends alike', async (t) => {
  const hub = await startTestHub(t, ({ mqtt }) => void (mqtt.maximumPacketSize = MAXIMUM_PACKET_SIZE));
  for (const name of ['mqtt', 'mqtt-websocket']) {
    const client = await comeIn(t, urlOf(hub.server, name), { clientId: name });
    const received: number[] = [];
    client.on('message', (_topic, payload) => void received.push(payload.length));
    await client.subscribeAsync('large', { qos: 1 });
    const most = MAXIMUM_PACKET_SIZE - 100;
    await client.publishAsync('large', Buffer.alloc(most), { qos: 1 });
    await until('it comes back', () => received.length > 0);
    assert.deepEqual(received, [most], name);
    const end = endOf(client);
    client.publish('large', Buffer.alloc(MAXIMUM_PACKET_SIZE), { qos: 1 });
    assert.equal(await end, PACKET_TOO_LARGE, name);
  }
  const told = hub.logged.filter(({ text }) => text.startsWith('a client was sent away'));
  assert.equal(told.length, 2);
  assert.equal(told[0]!.text, told[1]!.text);
});
