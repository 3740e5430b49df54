import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startRig, type BrokerRig } from '../../helpers/mqtt-broker-rig.ts';
import type { ControlPacket } from '../../../src/mqtt/codec/decode-packet.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import type { BrokerOptions } from '../../../src/mqtt/broker/options.ts';

const INTERVAL_MS = 10_000;

/** What the exporters of sapcc, RizkyRajitha and others read. */
const OF_EXPORTERS = [
  ...['bytes', 'messages', 'publish/messages', 'publish/bytes'].flatMap((of) => [
    `${of}/received`,
    `${of}/sent`,
  ]),
  ...['connected', 'disconnected', 'total', 'maximum', 'expired'].map((name) => `clients/${name}`),
  ...['messages/received', 'messages/sent', 'publish/received', 'publish/sent', 'publish/dropped']
    .concat(['bytes/received', 'bytes/sent', 'sockets', 'connections'])
    .flatMap((name) => [1, 5, 15].map((minutes) => `load/${name}/${minutes}min`)),
  'clients/active',
  'clients/inactive',
  'heap/current',
  'heap/maximum',
  'shared_subscriptions/count',
  'publish/messages/dropped',
  'messages/stored',
  'store/messages/count',
  'store/messages/bytes',
  'retained messages/count',
  'subscriptions/count',
  'uptime',
  'version',
];

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
    const { broker, clock, connected, open } = await start(t);
    const client = await connected();
    await client.subscribe('$SYS/#');
    const first = valuesOf(await client.all());
    assert.match(first.get('$SYS/broker/version') ?? '', /^recado \d+\.\d+\.\d+/u);
    assert.equal(first.get('$SYS/broker/clients/connected'), '0');
    for (const topic of OF_EXPORTERS) assert.ok(first.has(`$SYS/broker/${topic}`), topic);
    // Older exporters end at a name of which no metric can be made, or a second one of the same name.
    const metrics = [...first.keys()].map((topic) => topic.slice('$SYS/'.length).replaceAll(/[/ ]/gu, '_'));
    for (const name of metrics) assert.match(name, /^[a-z][a-z0-9_]*$/u);
    assert.equal(new Set(metrics).size, metrics.length);
    for (const [topic, value] of first)
      if (topic !== '$SYS/broker/version') assert.match(value, /^\d+(\.\d+)?( seconds)?$/u, topic);

    const { packetsReceived, publishSent, othersSent } = broker.stats;
    client.publish('nobody', 'four');
    await client.subscribe('$share/g/shared');
    // It has no CONNACK: it is a connection, and no client.
    open();
    clock.advance(INTERVAL_MS + 250);
    const second = valuesOf(await client.all());
    assert.equal(second.get('$SYS/broker/clients/connected'), '1');
    assert.equal(second.get('$SYS/broker/publish/messages/received'), '1');
    assert.equal(second.get('$SYS/broker/subscriptions/count'), '2');
    assert.equal(second.get('$SYS/broker/shared_subscriptions/count'), '1');
    assert.equal(second.get('$SYS/broker/publish/bytes/received'), '4');
    assert.equal(second.get('$SYS/broker/clients/maximum'), '1');
    assert.equal(second.get('$SYS/broker/connections/count'), '2');
    assert.equal(second.get('$SYS/broker/messages/received'), `${packetsReceived + 2}`);
    assert.ok(Number(second.get('$SYS/broker/messages/sent')) >= publishSent + othersSent);
    assert.match(second.get('$SYS/broker/uptime') ?? '', /^1\d seconds$/u);
    // What has not changed is not said again.
    for (const same of ['version', 'clients/expired', 'connections/refused'])
      assert.equal(second.has(`$SYS/broker/${same}`), false, same);
  });

  it('tell connections that made room apart from those that were refused', async (t) => {
    const { clock, connected, open } = await start(t, { maxConnections: 4 });
    const watcher = await connected();
    for (let count = 0; count < 3; count++) open(5, { address: '10.0.0.2' });
    open(5, { address: '10.0.0.3' });
    open(5, { address: '10.0.0.3' });
    clock.advance(INTERVAL_MS + 250);
    await watcher.subscribe('$SYS/broker/connections/+');
    const values = valuesOf(await watcher.all());
    assert.equal(values.get('$SYS/broker/connections/yielded'), '1');
    assert.equal(values.get('$SYS/broker/connections/refused'), '1');
  });

  it('tell no client that has gone, and the most that there were', async (t) => {
    const { broker, clock, connected } = await start(t);
    const watcher = await connected();
    const others = [await connected(), await connected()];
    for (const other of others) other.transport.breakOff();
    clock.advance(INTERVAL_MS + 250);
    await watcher.subscribe('$SYS/broker/clients/+');
    const values = valuesOf(await watcher.all());
    assert.equal(values.get('$SYS/broker/clients/connected'), '1');
    assert.equal(values.get('$SYS/broker/clients/maximum'), '3');
    assert.equal(broker.counts.clients, 1);
  });

  it('tell how much comes in a minute, of the last one, five and fifteen', async (t) => {
    const { clock, connected } = await start(t);
    const client = await connected();
    for (let count = 0; count < 60; count++) {
      for (let times = 0; times < 10; times++) client.publish('a', '');
      await client.expectNothing();
      clock.advance(INTERVAL_MS);
    }
    await client.subscribe('$SYS/broker/load/publish/received/+');
    const values = valuesOf(await client.all());
    const loads = [1, 5, 15].map((minutes) =>
      Number(values.get(`$SYS/broker/load/publish/received/${minutes}min`)),
    );
    assert.ok(loads[0]! > loads[1]! && loads[1]! > loads[2]! && loads[2]! > 0, loads.join());
    // Sixty come in a minute.
    assert.ok(Math.abs(loads[0]! - 60) < 1, loads.join());
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
