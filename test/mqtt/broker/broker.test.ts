import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { connected, startBroker } from '../../helpers/mqtt-broker-rig.ts';
import { turnEnd, WireClient } from '../../helpers/mqtt-wire-client.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { Broker } from '../../../src/mqtt/broker/broker.ts';
import type { ApplicationMessage } from '../../../src/mqtt/broker/hooks.ts';

/** A client whose session goes on for so long. */
function connectedTo(broker: Broker, clientId: string, sessionExpiryInterval = 0): Promise<WireClient> {
  return connected(broker, 5, { clientId, cleanStart: false, properties: { sessionExpiryInterval } });
}

/** What came to this program, copied: messages are borrowed. */
function collector(): { seen: string[]; take: (message: ApplicationMessage) => void } {
  const seen: string[] = [];
  return {
    seen,
    take: ({ topicName, payload, qos, retain }) =>
      void seen.push(`${topicName} ${Buffer.from(payload).toString()} ${qos}${retain ? ' retained' : ''}`),
  };
}

describe('Broker.publish', () => {
  it('goes to all who subscribed, with its properties, and says to how many', async (t) => {
    const broker = await startBroker(t);
    const client = await connectedTo(broker, 'one');
    await client.subscribe('a/#', { qos: 2 });
    const { seen, take } = collector();
    broker.subscribe('a/+', take);
    const properties = { contentType: 'text/plain', userProperties: [['k', 'é'] as const] };
    assert.equal(broker.publish({ topicName: 'a/b', payload: 'olá', qos: 2, properties }), 2);
    assert.equal(broker.publish({ topicName: 'b' }), 0);
    const packet = await client.expect('publish');
    assert.deepEqual(
      [packet.topicName, packet.qos, Buffer.from(packet.payload).toString(), packet.properties],
      ['a/b', 2, 'olá', properties],
    );
    assert.deepEqual(seen, ['a/b olá 2']);
  });

  it('lets the program change a large payload as soon as it is published', async (t) => {
    const broker = await startBroker(t);
    const clients = [await connectedTo(broker, 'one'), await connectedTo(broker, 'two', 60)];
    for (const [qos, client] of clients.entries()) await client.subscribe('a', { qos: qos as 0 | 1 });
    const payload = new Uint8Array(100_000).fill(7);
    const sent = Buffer.from(payload);
    assert.equal(broker.publish({ topicName: 'a', payload, qos: 1, retain: true }), 2);
    payload.fill(8);
    const late = await connectedTo(broker, 'late');
    await late.subscribe('a');
    for (const client of [...clients, late])
      assert.ok(sent.equals((await client.expect('publish')).payload), 'changed afterwards');
  });

  it('counts down the Message Expiry Interval of what it keeps, wherever it lies among the properties', async (t) => {
    const clock = new ManualClock();
    const broker = await startBroker(t, { clock });
    const properties = { payloadFormatIndicator: 1, messageExpiryInterval: 60, contentType: 'c' } as const;
    const payload = Buffer.from('x');
    broker.publish({ topicName: 'a', payload, retain: true, properties: { ...properties, topicAlias: 9 } });
    clock.advance(20_000);
    const client = await connectedTo(broker, 'one');
    await client.subscribe('a');
    const packet = await client.expect('publish');
    assert.deepEqual(packet.properties, { ...properties, messageExpiryInterval: 40 });
  });

  it('retains, and clears', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'a', payload: new Uint8Array([0, 255]), retain: true });
    assert.equal(broker.counts.retainedMessages, 1);
    assert.ok(broker.counts.retainedBytes > 0);
    broker.publish({ topicName: 'a', retain: true });
    assert.deepEqual([broker.counts.retainedMessages, broker.counts.retainedBytes], [0, 0]);
  });

  for (const [what, request] of [
    ['no topic', { topicName: '' }],
    ['a wildcard', { topicName: 'a/+' }],
    ['U+0000', { topicName: 'a\0b' }],
    ['a lone surrogate', { topicName: 'a\ud800' }],
    ['too many levels', { topicName: '/'.repeat(64) }],
    ['QoS 3', { topicName: 'a', qos: 3 as never }],
    ['a Topic Alias of 0', { topicName: 'a', properties: { topicAlias: 0 } }],
    ['more than a packet holds', { topicName: 'a', payload: new Uint8Array(268_435_450) }],
    ['a property that cannot be', { topicName: 'a', properties: { messageExpiryInterval: -1 } }],
  ] as const) {
    it(`refuses ${what}`, async (t) => {
      const broker = await startBroker(t);
      assert.throws(() => broker.publish(request), { name: 'BrokerError', code: 'MQTT_MESSAGE_INVALID' });
      assert.equal(broker.publish({ topicName: 'a' }), 0);
    });
  }
});

describe('Broker.subscribe', () => {
  it('gets what clients publish, as they published it', async (t) => {
    const broker = await startBroker(t);
    const { seen, take } = collector();
    broker.subscribe('a/#', take);
    const client = await connectedTo(broker, 'one');
    client.publish('a/b', 'x', { qos: 1, retain: true });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.SUCCESS);
    assert.deepEqual(seen, ['a/b x 1 retained']);
  });

  it('gets what is retained first, unless it does not want it', async (t) => {
    const broker = await startBroker(t);
    for (const topicName of ['a/1', 'a/2', 'b/1']) broker.publish({ topicName, payload: 'x', retain: true });
    const [wanting, other] = [collector(), collector()];
    broker.subscribe('a/#', wanting.take);
    broker.subscribe('a/#', other.take, { retained: false });
    await turnEnd();
    assert.deepEqual(wanting.seen.toSorted(), ['a/1 x 0 retained', 'a/2 x 0 retained']);
    assert.deepEqual(other.seen, []);
  });

  it('ends with unsubscribe, as often as it is said', async (t) => {
    const broker = await startBroker(t);
    const [first, second] = [collector(), collector()];
    const subscription = broker.subscribe('a', first.take);
    broker.subscribe('a', second.take);
    subscription.unsubscribe();
    subscription.unsubscribe();
    assert.equal(broker.publish({ topicName: 'a', payload: 'x' }), 1);
    assert.deepEqual([first.seen.length, second.seen.length, broker.counts.subscriptions], [0, 1, 1]);
  });

  it('shares with clients', async (t) => {
    const broker = await startBroker(t);
    const { seen, take } = collector();
    broker.subscribe('$share/g/a', take);
    const client = await connectedTo(broker, 'one');
    await client.subscribe('$share/g/a');
    for (let count = 0; count < 10; count++)
      assert.equal(broker.publish({ topicName: 'a', payload: 'x' }), 1);
    assert.equal((await client.all()).length + seen.length, 10);
    assert.ok(seen.length > 0 && seen.length < 10);
  });

  it('a receiver that throws keeps nobody else from the message', async (t) => {
    const broker = await startBroker(t);
    const { seen, take } = collector();
    broker.subscribe('a', () => {
      throw new Error('a fault of the receiver');
    });
    broker.subscribe('a', take);
    assert.equal(broker.publish({ topicName: 'a', payload: 'x' }), 2);
    assert.deepEqual([seen.length, broker.stats.hookFailures], [1, 1]);
  });

  it('refuses what is not a Topic Filter', async (t) => {
    const broker = await startBroker(t);
    for (const topicFilter of ['', 'a/#/b', 'a+', '$share/g', '$share/+/a'])
      assert.throws(() => broker.subscribe(topicFilter, () => {}), { code: 'MQTT_MESSAGE_INVALID' });
  });
});

describe('what a broker tells of itself', () => {
  it('are its sessions, connected and away', async (t) => {
    const broker = await startBroker(t);
    const client = await connectedTo(broker, 'one', 100);
    await client.subscribe('a', { qos: 1 });
    broker.publish({ topicName: 'a', qos: 1 });
    await connectedTo(broker, 'other');
    client.transport.breakOff();
    broker.publish({ topicName: 'a', qos: 1 });
    const shown = [...broker.sessions()].map(({ number, client: { clientId }, ...rest }) => ({
      number,
      clientId,
      ...rest,
    }));
    assert.deepEqual(shown, [
      {
        number: 1,
        clientId: 'one',
        isConnected: false,
        expiryInterval: 100,
        subscriptionCount: 1,
        queuedCount: 1,
        inflightCount: 1,
      },
      {
        number: 2,
        clientId: 'other',
        isConnected: true,
        expiryInterval: 0,
        subscriptionCount: 0,
        queuedCount: 0,
        inflightCount: 0,
      },
    ]);
    const { connections, sessions, subscriptions } = broker.counts;
    assert.deepEqual([connections, sessions, subscriptions], [1, 2, 1]);
  });

  it('two in one process share nothing', async (t) => {
    const [one, other] = [await startBroker(t), await startBroker(t)];
    const client = await connectedTo(one, 'same');
    await connectedTo(other, 'same');
    await client.subscribe('#');
    other.publish({ topicName: 'a', retain: true, payload: 'x' });
    await client.expectNothing();
    assert.equal(client.transport.isClosed, false);
  });
});

describe('Broker.disconnectClient', () => {
  it('tells the client, and leaves its session', async (t) => {
    const broker = await startBroker(t);
    const client = await connectedTo(broker, 'one', 100);
    assert.equal(broker.disconnectClient('one'), true);
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.ADMINISTRATIVE_ACTION);
    await client.expectClosed();
    assert.equal(broker.counts.sessions, 1);
    assert.equal(broker.disconnectClient('one', { endSession: true }), true);
    assert.equal(broker.counts.sessions, 0);
    assert.equal(broker.disconnectClient('one'), false);
  });
});

describe('Broker.close', () => {
  it('tells the clients, and takes no more', async (t) => {
    const broker = await startBroker(t);
    const client = await connectedTo(broker, 'one');
    const silent = new WireClient(broker);
    await broker.close();
    await broker.close();
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.SERVER_SHUTTING_DOWN);
    await client.expectClosed();
    await silent.expectClosed();
    for (const call of [() => broker.publish({ topicName: 'a' }), () => broker.subscribe('a', () => {})])
      assert.throws(call, { code: 'MQTT_BROKER_CLOSED' });
    await assert.rejects(broker.start(), { code: 'MQTT_BROKER_CLOSED' });
  });

  it('leaves no timer behind', async () => {
    const clock = new ManualClock();
    const broker = new Broker({ clock });
    await broker.start();
    await broker.start();
    const client = new WireClient(broker);
    await client.connect({ keepAlive: 10, properties: { sessionExpiryInterval: 100 } });
    assert.equal(clock.pending, 1); // One ticker for everything.
    await broker.close();
    assert.equal(clock.pending, 0);
  });
});
