import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Broker } from '../../../src/mqtt/broker/broker.ts';
import { MAX_PUBLISH_DEPTH } from '../../../src/mqtt/broker/engine.ts';
import type { BrokerHooks } from '../../../src/mqtt/broker/hooks.ts';
import type { PublishProperties } from '../../../src/mqtt/codec/publish.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  bytesOf,
  connected,
  lasting,
  publishesOf,
  readAcknowledging,
  startBroker,
  textsOf,
} from '../../helpers/mqtt-broker-rig.ts';
import { turnEnd, subscribePacket } from '../../helpers/mqtt-wire-client.ts';

const PAYLOAD = Buffer.alloc(1000);

/** Sessions whose clients are away, each with a subscription of QoS 1. */
async function awaySessions(broker: Broker, count: number, topicFilter: string): Promise<void> {
  for (let index = 0; index < count; index++) {
    const client = await connected(broker, 5, lasting(`away ${index}`));
    await client.subscribe(topicFilter, { qos: 1 });
    client.transport.breakOff();
  }
}

describe('maxTotalQueuedBytes', () => {
  it('bounds what waits in all sessions together; the newest is dropped, and told', async (t) => {
    const dropped: string[] = [];
    const onDropped: BrokerHooks['onDropped'] = (_, clientId, why) =>
      void dropped.push(`${clientId}: ${why}`);
    const options = { maxTotalQueuedBytes: 5000, hooks: [{ name: 'test', onDropped }] };
    const broker = await startBroker(t, options);
    await awaySessions(broker, 6, 't');
    broker.publish({ topicName: 't', payload: PAYLOAD, qos: 1 });
    assert.equal(broker.stats.dropped['queue-full'], 2);
    assert.equal(dropped.length, 2);
    assert.ok(dropped.every((text) => text.endsWith(': queue-full')));
    const { queuedBytes } = broker.counts;
    assert.ok(queuedBytes > 4000 && queuedBytes <= 5000, `${queuedBytes} bytes`);
    let received = 0;
    for (let index = 0; index < 6; index++) {
      const back = await connected(broker, 5, lasting(`away ${index}`));
      received += (await readAcknowledging(back)).length;
    }
    assert.equal(received, 4);
    assert.equal(broker.counts.queuedBytes, 0);
  });

  it('is free again when sessions end, also where their messages go to others', async (t) => {
    const broker = await startBroker(t);
    await awaySessions(broker, 3, 't');
    await awaySessions(broker, 3, '$share/g/s');
    for (let count = 0; count < 10; count++) {
      broker.publish({ topicName: 't', payload: PAYLOAD, qos: 1 });
      broker.publish({ topicName: 's', payload: PAYLOAD, qos: 1 });
    }
    assert.ok(broker.counts.queuedBytes > 20_000);
    for (let index = 0; index < 3; index++) {
      assert.ok(broker.counts.queuedBytes > 10_000);
      broker.disconnectClient(`away ${index}`, { endSession: true });
    }
    assert.equal(broker.counts.queuedBytes, 0);
    assert.equal(broker.stats.dropped['queue-full'], 0);
  });

  it('is free again for messages that are in flight, sent again and acknowledged', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('t', { qos: 1 });
    for (let count = 0; count < 5; count++) broker.publish({ topicName: 't', payload: PAYLOAD, qos: 1 });
    assert.equal((await client.all()).length, 5);
    for (let round = 0; round < 3; round++) {
      const again = await connected(broker, 5, {
        ...lasting('s'),
        properties: { receiveMaximum: 2, sessionExpiryInterval: 9 },
      });
      assert.equal((await again.all()).length, 2);
      assert.ok(broker.counts.queuedBytes > 3000);
    }
    await readAcknowledging(await connected(broker, 5, lasting('s')));
    assert.equal(broker.counts.queuedBytes, 0);
  });

  it('stays exact when an observer of a drop ends the session that the message was for', async (t) => {
    const onDropped = (_topicName: string, clientId: string): void =>
      void broker.disconnectClient(clientId, { endSession: true });
    const broker: Broker = await startBroker(t, {
      maxQueuedMessages: 1,
      hooks: [{ name: 'strict', onDropped }],
    });
    await awaySessions(broker, 1, 't');
    broker.publish({ topicName: 't', qos: 1, properties: { messageExpiryInterval: 0 } });
    await turnEnd();
    broker.publish({ topicName: 't', qos: 1 });
    assert.deepEqual([broker.counts.sessions, broker.counts.queuedBytes], [0, 0]);
  });
});

describe('maxControlPacketBytes', () => {
  it('ends a connection whose SUBSCRIBE or acknowledgement is larger, and counts', async (t) => {
    const broker = await startBroker(t, { maxControlPacketBytes: 100 });
    const outside = broker.acceptor({ name: 'outside', maxControlPacketBytes: 64 });
    for (const [acceptor, fits] of [
      [broker, 95],
      [outside, 59],
    ] as const) {
      const client = await connected(acceptor);
      const topicFilter = 'f'.repeat(fits - 6);
      assert.equal((await client.subscribe(topicFilter)).reasonCodes.length, 1);
      client.publish('t', PAYLOAD);
      await client.subscribe('t');
      client.publish('t', PAYLOAD);
      assert.equal((await client.expect('publish')).payload.length, 1000);
      client.send(subscribePacket(['f'.repeat(fits + 1)]));
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
    }
    const other = await connected(broker);
    const userProperties = [['k', 'v'.repeat(100)] as const];
    other.send({
      type: 'puback',
      packetId: 1,
      reasonCode: ReasonCode.SUCCESS,
      properties: { userProperties },
    });
    assert.equal((await other.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
    assert.equal(broker.stats.controlPacketsTooLarge, 3);
  });
});

describe('the properties of a PUBLISH', () => {
  const withProperties = (count: number): { properties: PublishProperties } => ({
    properties: { userProperties: Array.from({ length: count }, () => ['', ''] as const) },
  });

  it('may have as many bytes as another packet, and no more', async (t) => {
    const broker = await startBroker(t, { maxControlPacketBytes: 100 });
    const client = await connected(broker);
    await client.subscribe('t');
    client.publish('t', PAYLOAD, withProperties(20));
    assert.equal((await client.expect('publish')).properties.userProperties?.length, 20);
    client.publish('t', PAYLOAD, withProperties(21));
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
  });

  it('count as work: of many that come at once a turn reads a few', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const packet = {
      type: 'publish',
      dup: false,
      qos: 0,
      retain: false,
      packetId: 0,
      topicName: 't',
    } as const;
    const one = bytesOf(5, { ...packet, payload: Buffer.of(), ...withProperties(20_000) });
    client.sendBytes(Buffer.concat(Array.from({ length: 40 }, () => one)));
    assert.ok(broker.stats.publishReceived < 20, `${broker.stats.publishReceived} were read at once`);
    await client.all();
    assert.equal(broker.stats.publishReceived, 40);
  });
});

describe('a subscriber or hook of this program that publishes to itself', () => {
  it('is refused where it is too deep, and counted as a failure of it', async (t) => {
    const broker = await startBroker(t);
    let calls = 0;
    const errors: unknown[] = [];
    broker.subscribe('t', () => {
      calls++;
      try {
        broker.publish({ topicName: 't' });
      } catch (error) {
        errors.push(error);
        throw error;
      }
    });
    const client = await connected(broker);
    broker.publish({ topicName: 't' });
    assert.equal(calls, MAX_PUBLISH_DEPTH);
    assert.deepEqual([broker.stats.hookFailures, broker.stats.publishLoops], [1, 1]);
    const [{ name, code }] = errors as [{ name: string; code: string }];
    assert.deepEqual([name, code], ['BrokerError', 'MQTT_PUBLISH_LOOP']);
    client.publish('t');
    client.send({ type: 'pingreq' });
    await client.expect('pingresp');
    assert.equal(calls, 2 * MAX_PUBLISH_DEPTH);
  });

  it('is refused once for all where there are several, which would go on for years', async (t) => {
    const broker: Broker = await startBroker(t, {
      hooks: [{ name: 'echo', onPublished: () => void broker.publish({ topicName: 't' }) }],
    });
    let calls = 0;
    for (let count = 0; count < 3; count++) {
      broker.subscribe('t', () => {
        calls++;
        broker.publish({ topicName: 't' });
      });
    }
    broker.publish({ topicName: 't' });
    assert.ok(calls <= 3 * MAX_PUBLISH_DEPTH, `${calls} calls`);
    assert.ok(broker.stats.publishLoops > 0);
    const { publishLoops } = broker.stats;
    broker.publish({ topicName: 'other' });
    assert.ok(broker.stats.publishLoops > publishLoops, 'the loop of the hook begins anew');
  });

  it('may answer thirty-one deep', async (t) => {
    const broker = await startBroker(t);
    let last = 0;
    broker.subscribe('+', ({ topicName }) => {
      last = Number(topicName);
      if (last < MAX_PUBLISH_DEPTH) broker.publish({ topicName: `${last + 1}` });
    });
    broker.publish({ topicName: '1' });
    assert.deepEqual([last, broker.stats.hookFailures], [MAX_PUBLISH_DEPTH, 0]);
  });
});

describe('Shared Subscriptions with many members that are away', () => {
  it('a message goes to the member that is there; the rest is asked once, not for each message', async (t) => {
    let asked = 0;
    const authorizeReceive = (): boolean => ++asked > 0;
    const broker = await startBroker(t, { hooks: [{ name: 'count', authorizeReceive }] });
    await awaySessions(broker, 300, '$share/g/t');
    const here = await connected(broker);
    await here.subscribe('$share/g/t');
    for (let count = 0; count < 100; count++) broker.publish({ topicName: 't', payload: `${count}` });
    assert.equal((await textsOf(here)).length, 100);
    assert.ok(asked < 301 + 200, `asked ${asked} times`);
  });

  it('one that is back has its turn again', async (t) => {
    const broker = await startBroker(t);
    await awaySessions(broker, 100, '$share/g/t');
    broker.publish({ topicName: 't', qos: 1 });
    const back = [];
    for (const index of [50, 99]) back.push(await connected(broker, 5, lasting(`away ${index}`)));
    for (let count = 0; count < 10; count++) broker.publish({ topicName: 't', payload: `${count}`, qos: 1 });
    const received = await Promise.all(back.map(async (client) => publishesOf(await client.all()).length));
    assert.deepEqual(received, [5, 5]);
  });

  it('what waited for one whose session ends goes on to the next, looking at few', async (t) => {
    let asked = 0;
    const authorizeReceive = (): boolean => ++asked > 0;
    const broker = await startBroker(t, { hooks: [{ name: 'count', authorizeReceive }] });
    await awaySessions(broker, 1, '$share/g/t');
    for (let count = 0; count < 500; count++) broker.publish({ topicName: 't', qos: 1, payload: `${count}` });
    for (let index = 1; index < 300; index++) {
      const client = await connected(broker, 5, lasting(`other ${index}`));
      await client.subscribe('$share/g/t', { qos: 1 });
      client.transport.breakOff();
    }
    asked = 0;
    broker.disconnectClient('away 0', { endSession: true });
    assert.ok(asked <= 299 + 2 * 500, `asked ${asked} times`);
    let queued = 0;
    for (const { queuedCount } of broker.sessions()) queued += queuedCount;
    assert.equal(queued, 500);
  });
});

describe('a listener without authorizeReceive, after one with it', () => {
  it('gets what the other denied', async (t) => {
    const broker = await startBroker(t);
    const deny = { name: 'deny', authorizeReceive: () => false };
    const strict = broker.acceptor({ name: 'strict', hooks: [deny] });
    const client = await connected(strict, 5, lasting('s'));
    await client.subscribe('t', { qos: 1 });
    broker.publish({ topicName: 't', payload: 'denied', qos: 1 });
    assert.deepEqual(await textsOf(client), []);
    const back = await connected(broker, 5, lasting('s'));
    broker.publish({ topicName: 't', payload: 'allowed', qos: 1 });
    assert.deepEqual(await textsOf(back), ['allowed']);
    acknowledge(back, 'puback', 1);
    const again = await connected(strict, 5, lasting('s'));
    broker.publish({ topicName: 't', payload: 'denied again', qos: 1 });
    assert.deepEqual(await textsOf(again), []);
  });
});
