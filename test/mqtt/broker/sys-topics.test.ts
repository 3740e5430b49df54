import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startRig, type BrokerRig } from '../../helpers/mqtt-broker-rig.ts';
import type { ControlPacket } from '../../../src/mqtt/codec/decode-packet.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import type { BrokerOptions } from '../../../src/mqtt/broker/options.ts';

const INTERVAL_MS = 10_000;

function start(t: TestContext, options: BrokerOptions = {}): Promise<BrokerRig> {
  return startRig(t, { sysTopicIntervalMs: INTERVAL_MS, ...options });
}

function valuesOf(packets: readonly ControlPacket[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const packet of packets) {
    assert.equal(packet.type, 'publish');
    if (packet.type !== 'publish') continue;
    assert.equal(values.has(packet.topicName), false, `${packet.topicName} came twice`);
    values.set(packet.topicName, Buffer.from(packet.payload).toString());
  }
  return values;
}

describe('$SYS topics', () => {
  it('are retained from the start, and change with what the broker counts', async (t) => {
    const { clock, connected } = await start(t);
    const client = await connected();
    await client.subscribe('$SYS/#');
    const first = valuesOf(await client.all());
    assert.match(first.get('$SYS/broker/version') ?? '', /^recado \d+\.\d+\.\d+/u);
    assert.equal(first.get('$SYS/broker/clients/connected'), '0');
    assert.ok(first.size >= 15);

    client.publish('nobody', 'x');
    clock.advance(INTERVAL_MS + 250);
    const second = valuesOf(await client.all());
    assert.equal(second.get('$SYS/broker/clients/connected'), '1');
    assert.equal(second.get('$SYS/broker/publish/messages/received'), '1');
    assert.equal(second.get('$SYS/broker/subscriptions/count'), '1');
    assert.ok(Number(second.get('$SYS/broker/uptime')) >= INTERVAL_MS / 1000);
    // What has not changed is not said again.
    for (const same of ['version', 'clients/expired', 'connections/refused'])
      assert.equal(second.has(`$SYS/broker/${same}`), false, same);
  });

  it('are not matched by # and + [MQTT-4.7.2-1]', async (t) => {
    const { connected } = await start(t);
    const client = await connected();
    await client.subscribe('#');
    await client.subscribe('+/broker/version');
    await client.expectNothing();
  });

  it('are for the server alone to publish to', async (t) => {
    const { connected } = await start(t);
    const client = await connected();
    client.publish('$SYS/broker/version', 'mine', { qos: 1, retain: true });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.NOT_AUTHORIZED);
    await client.subscribe('$SYS/broker/version');
    assert.notEqual(valuesOf(await client.all()).get('$SYS/broker/version'), 'mine');
  });

  it('are not there when sysTopicIntervalMs is 0', async (t) => {
    const { broker, clock } = await start(t, { sysTopicIntervalMs: 0 });
    clock.advance(100_000);
    assert.equal(broker.counts.retainedMessages, 0);
  });

  it('stop when the broker closes', async (t) => {
    const { broker, clock } = await start(t);
    const before = broker.counts.retainedMessages;
    await broker.close();
    clock.advance(10 * INTERVAL_MS);
    assert.equal(broker.counts.retainedMessages, before);
    assert.equal(clock.pending, 0);
  });
});
