import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Broker } from '../../../src/mqtt/broker/broker.ts';
import { ALLOW } from '../../../src/mqtt/broker/hooks.ts';
import { DEFAULT_BROKER_OPTIONS } from '../../../src/mqtt/broker/options.ts';
import { encodePacket } from '../../../src/mqtt/codec/encode-packet.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { PacketWriter } from '../../../src/mqtt/codec/writer.ts';
import {
  connected,
  publishesOf,
  startBroker,
  startRig,
  textOf,
  textsOf,
} from '../../helpers/mqtt-broker-rig.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { turnEnd, subscribePacket } from '../../helpers/mqtt-wire-client.ts';

const MAX_UINT_32 = 0xffff_ffff;
const MAX_SHOWN_BYTES = DEFAULT_BROKER_OPTIONS.maxControlPacketBytes;
const PINGREQ = [0xc0, 0];

describe('clients that ask for too much', () => {
  it('retained messages for one filter again and again are sent once, not once for each', async (t) => {
    const broker = await startBroker(t);
    for (let topic = 0; topic < 300; topic++)
      broker.publish({ topicName: `t/${topic}`, payload: 'x', retain: true });
    const client = await connected(broker);
    client.send(subscribePacket(Array.from({ length: 100 }, () => '#')));
    await client.expect('suback');
    const topics = publishesOf(await client.all()).map(({ topicName }) => topicName);
    assert.equal(new Set(topics).size, 300);
    assert.ok(topics.length < 3000, `${topics.length} messages came`);
  });

  it('a SUBSCRIBE with more bytes than its decoding is worth ends the connection', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    client.send(subscribePacket(Array.from({ length: MAX_SHOWN_BYTES / 4 }, () => 'a')));
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('so does an acknowledgement that is nothing but User Properties', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const userProperties = Array.from({ length: MAX_SHOWN_BYTES / 4 }, () => ['', ''] as [string, string]);
    client.send({
      type: 'puback',
      packetId: 1,
      reasonCode: ReasonCode.SUCCESS,
      properties: { userProperties },
    });
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
  });

  it('retained messages of many levels count for the places they take', async (t) => {
    const broker = await startBroker(t, { maxRetainedBytes: 100_000 });
    const deep = (first: number): string => [first, ...Array.from({ length: 63 }, () => 'x')].join('/');
    const retainMany = (): void => {
      for (let topic = 0; topic < 100; topic++)
        broker.publish({ topicName: deep(topic), payload: 'x', retain: true });
    };
    assert.throws(retainMany, { code: 'MQTT_RETAINED_FULL' });
    assert.ok(broker.counts.retainedMessages < 20, `${broker.counts.retainedMessages} are retained`);
    for (let topic = 0; topic < 100; topic++)
      broker.publish({ topicName: deep(topic), payload: '', retain: true });
    assert.equal(broker.counts.retainedBytes, 0);
  });
});

describe('one turn of the event loop', () => {
  it('reads no more than it has time for; the rest comes in the next ones, complete and in order', async (t) => {
    const broker = await startBroker(t, { maxOutboxBytes: 64 * 1024 * 1024 });
    const subscribers = await Promise.all(Array.from({ length: 20 }, () => connected(broker)));
    for (const subscriber of subscribers) await subscriber.subscribe('t');
    const publisher = await connected(broker);
    const writer = new PacketWriter();
    const count = 6000;
    for (let index = 0; index < count; index++) {
      const payload = Buffer.from(String(index));
      const fields = {
        dup: false,
        qos: 0,
        retain: false,
        topicName: 't',
        packetId: 0,
        properties: {},
      } as const;
      encodePacket(writer, { type: 'publish', ...fields, payload }, 5);
    }
    publisher.sendBytes(writer.take());
    assert.ok(broker.stats.publishReceived < count, 'all was read at once');
    assert.ok(publisher.transport.isPaused);
    const payloads: string[] = [];
    while (payloads.length < count) {
      payloads.push(textOf(await subscribers[0]!.expect('publish')));
    }
    assert.deepEqual(
      payloads,
      Array.from({ length: count }, (_, index) => String(index)),
    );
    assert.equal(publisher.transport.isPaused, false);
  });

  it('flushes so many connections, and the others in the next ones, each in its order', async (t) => {
    const broker = await startBroker(t);
    const subscribers = await Promise.all(Array.from({ length: 600 }, () => connected(broker)));
    for (const subscriber of subscribers) await subscriber.subscribe('t');
    broker.publish({ topicName: 't', payload: '0' });
    await turnEnd();
    const flushed = subscribers.filter(({ transport }) => transport.bufferedBytes > 0).length;
    assert.ok(flushed > 0 && flushed < 600, `${flushed} were flushed`);
    for (let count = 1; count < 10; count++) {
      broker.publish({ topicName: 't', payload: `${count}` });
      await turnEnd();
    }
    const expected = Array.from({ length: 10 }, (_, count) => `${count}`);
    for (const subscriber of subscribers) {
      assert.deepEqual(await textsOf(subscriber), expected);
    }
  });

  it('has nobody wait for a message to many but who has published it', async (t) => {
    const broker = await startBroker(t);
    const subscribers = await Promise.all(Array.from({ length: 600 }, () => connected(broker)));
    for (const subscriber of subscribers) await subscriber.subscribe('t');
    const [publisher, other] = [await connected(broker), await connected(broker)];
    const flushed = (): number => subscribers.filter(({ transport }) => transport.bufferedBytes > 0).length;
    publisher.publish('t', 'to many');
    publisher.send({ type: 'pingreq' });
    other.send({ type: 'pingreq' });
    await turnEnd();
    assert.ok(flushed() < 600 && publisher.transport.bufferedBytes === 0, `${flushed()} were flushed`);
    assert.deepEqual(await other.bytes(), Buffer.from([0xd0, 0]));
    await publisher.expect('pingresp');
    assert.equal(flushed(), 600);
  });

  it('ends so many sessions whose time is over, and the others in the next ones', async (t) => {
    const { broker, clock, connected } = await startRig(t);
    for (let index = 0; index < 1000; index++) {
      const client = await connected({ clientId: `c${index}`, properties: { sessionExpiryInterval: 10 } });
      client.transport.breakOff();
    }
    clock.advance(10_250);
    assert.ok(broker.counts.sessions > 0, 'all ended at once');
    while (broker.counts.sessions > 0) await turnEnd();
    assert.equal(broker.stats.sessionsExpired, 1000);
  });

  it('a connection that cannot be written to does not keep the others from being flushed', async (t) => {
    const broker = await startBroker(t);
    const broken = await connected(broker);
    await broken.subscribe('t');
    const whole = await connected(broker);
    await whole.subscribe('t');
    broken.transport.write = () => {
      throw new Error('broken');
    };
    broker.publish({ topicName: 't', payload: 'one' });
    assert.equal(textOf(await whole.expect('publish')), 'one');
    broker.publish({ topicName: 't', payload: 'two' });
    assert.equal(textOf(await whole.expect('publish')), 'two');
    assert.equal(broker.counts.connections, 1);
  });
});

describe('what must not go wrong', () => {
  it('the longest Message Expiry Interval, and a wall clock that is set back', async (t) => {
    const clock = new ManualClock();
    let isSetBack = false;
    const wall = {
      now: () => clock.now() - (isSetBack ? 5000 : 0),
      monotonic: () => clock.monotonic(),
      setTimer: clock.setTimer.bind(clock),
      setTicker: clock.setTicker.bind(clock),
    };
    const broker = await startBroker(t, { clock: wall });
    const properties = { messageExpiryInterval: MAX_UINT_32 };
    broker.publish({ topicName: 't', payload: 'x', retain: true, properties });
    isSetBack = true;
    const client = await connected(broker);
    await client.subscribe('t');
    assert.equal((await client.expect('publish')).properties.messageExpiryInterval, MAX_UINT_32);
  });

  it('a client that never reads is not read, also when a hook has decided meanwhile', async (t) => {
    const authorizeSubscribe = () => Promise.resolve(ALLOW);
    const broker = await startBroker(t, {
      maxOutboxBytes: 1024,
      hooks: [{ name: 'late', authorizeSubscribe }],
    });
    const client = await connected(broker, 5, {}, { maxUnreadBytes: 1 });
    const pings = Array.from({ length: 40_000 }, () => PINGREQ).flat();
    const received = () => broker.stats.bytesReceived;
    for (let round = 0; round < 20; round++) {
      client.sendBytes(pings);
      client.send(subscribePacket(['t']));
      for (let turn = 0; turn < 4; turn++) await turnEnd();
    }
    assert.ok(client.transport.isPaused);
    assert.ok(received() < 5 * pings.length, `${received()} bytes were read`);
  });

  it('a session that an observer ends while it subscribes leaves no subscription behind', async (t) => {
    const broker: Broker = await startBroker(t, {
      hooks: [
        {
          name: 'strict',
          onSubscribed: (client) => broker.disconnectClient(client.clientId, { endSession: true }),
        },
      ],
    });
    const client = await connected(broker);
    client.send(subscribePacket(['a', 'b', 'c']));
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.ADMINISTRATIVE_ACTION);
    assert.equal(broker.counts.subscriptions, 0);
    assert.equal(broker.counts.sessions, 0);
  });
});
