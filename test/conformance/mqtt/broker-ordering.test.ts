import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { ALLOW } from '../../../src/mqtt/index.ts';
import {
  acknowledge,
  connected,
  lasting,
  publishesOf,
  QOS_LEVELS,
  readAcknowledging,
  startBroker,
  textOf,
  textsOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, subscribePacket, WireClient } from '../../helpers/mqtt-wire-client.ts';

const DENIED = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reasonString: 'not here' } as const;

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

describe('Message ordering (section 4.6)', () => {
  for (const version of VERSIONS) {
    for (const qos of QOS_LEVELS) {
      it(`[MQTT-4.6.0-5] [MQTT-4.6.0-6] version ${version}, QoS ${qos}: as they were published`, async (t) => {
        const broker = await startBroker(t);
        const [publisher, subscriber] = [await connected(broker, version), await connected(broker, version)];
        await subscriber.subscribe('a/+', { qos: 2 });
        numbers(800).forEach((text, index) =>
          publisher.publish(`a/${index % 3}`, text, { qos, packetId: qos === 0 ? 0 : index + 1 }),
        );
        assert.deepEqual((await readAcknowledging(subscriber)).map(textOf), numbers(800));
      });
    }
  }

  for (const [what, topicFilter, bytes] of [
    ['small', 'a', 1],
    ['large', 'a', 100_000],
    ['small, shared', '$share/g/a', 1],
  ] as const) {
    it(`a client has its PUBREC before it gets back what it published itself: ${what}`, async (t) => {
      const broker = await startBroker(t);
      for (const version of [4, 5] as const) {
        const client = new WireClient(broker, version);
        // All in one turn: nothing has gone to the client before.
        client.send(connectPacket(version, { clientId: 'a' }));
        client.send(subscribePacket([topicFilter], { qos: 2 }));
        client.publish('a', new Uint8Array(bytes), { qos: 2 });
        const types = (await client.all()).map(({ type }) => type);
        assert.deepEqual(types, ['connack', 'suback', 'pubrec', 'publish']);
        client.publish('a', new Uint8Array(bytes), { qos: 2, packetId: 2 });
        const next = (await client.all()).map(({ type }) => type);
        assert.deepEqual(next, ['pubrec', 'publish']);
        client.disconnect();
      }
    });
  }

  it('[MQTT-4.6.0-5] also when a client takes one at a time', async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connected(broker, 5, { properties: { receiveMaximum: 1 } });
    await subscriber.subscribe('a', { qos: 2 });
    numbers(60).forEach((payload, index) =>
      broker.publish({ topicName: 'a', payload, qos: index % 2 === 0 ? 1 : 2 }),
    );
    assert.deepEqual((await readAcknowledging(subscriber)).map(textOf), numbers(60));
  });

  it('[MQTT-4.6.0-5] also across the time that a client is away, and while its messages are being sent', async (t) => {
    const broker = await startBroker(t, { maxInflightMessages: 4 });
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    const publish = (from: number, to: number): void => {
      for (let payload = from; payload < to; payload++)
        broker.publish({ topicName: 'a', qos: 1, payload: `${payload}` });
    };
    publish(0, 10);
    for (const packet of publishesOf(await client.all())) acknowledge(client, 'puback', packet.packetId);
    client.transport.breakOff();
    publish(10, 20);
    const back = await connected(broker, 5, lasting('s'));
    publish(20, 30);
    const received = await readAcknowledging(back);
    assert.deepEqual(received.map(textOf), numbers(30).slice(4));
  });

  it('[MQTT-4.6.0-5] QoS 0 messages that waited come before those that are published later', async (t) => {
    const broker = await startBroker(t, { queueQos0: true });
    const session = { ...lasting('s'), properties: { sessionExpiryInterval: 60, receiveMaximum: 1 } };
    const client = await connected(broker, 5, session);
    await client.subscribe('a', { qos: 1 });
    client.transport.breakOff();
    for (const [qos, payload] of [
      [1, 'a'],
      [1, 'b'],
      [0, '0'],
    ] as const)
      broker.publish({ topicName: 'a', qos, payload });
    const back = await connected(broker, 5, session);
    broker.publish({ topicName: 'a', payload: '1' });
    broker.publish({ topicName: 'a', payload: '2' });
    const received = (await readAcknowledging(back)).filter(({ qos }) => qos === 0);
    assert.deepEqual(received.map(textOf), ['0', '1', '2']);
  });

  it('[MQTT-4.6.0-5] also for a client that stops reading and goes on', async (t) => {
    const broker = await startBroker(t);
    for (const qos of QOS_LEVELS) {
      const subscriber = await connected(broker, 5, {}, { maxUnreadBytes: 2000 });
      await subscriber.subscribe(`a/${qos}`, { qos });
      const filler = 'x'.repeat(1000);
      for (const text of numbers(300)) {
        broker.publish({ topicName: `a/${qos}`, payload: `${text} ${filler}`, qos });
        if (Number(text) % 70 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const received = (await readAcknowledging(subscriber)).map((packet) => textOf(packet).split(' ')[0]);
      assert.deepEqual(received, numbers(300));
    }
  });

  it('large and small messages keep their order', async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connected(broker, 5, {}, { maxUnreadBytes: 4_000_000 });
    await subscriber.subscribe('a', { qos: 1 });
    const sizes = [1, 20_000, 5, 70_000, 16_384, 3, 3, 100_000, 9, 16_000];
    for (const [index, size] of sizes.entries())
      broker.publish({ topicName: 'a', qos: index % 2 === 0 ? 0 : 1, payload: Buffer.alloc(size, index) });
    const received = publishesOf(await subscriber.all());
    assert.deepEqual(
      received.map(({ payload }) => [payload.length, payload[0]]),
      sizes.map((size, index) => [size, index]),
    );
  });

  it('[MQTT-4.6.0-2] acknowledgements keep their order, and go before the messages of their turn', async (t) => {
    const broker = await startBroker(t, {
      hooks: [
        { name: 'denies', authorizePublish: (_, { topicName }) => (topicName === 'denied' ? DENIED : ALLOW) },
      ],
    });
    const client = await connected(broker);
    await client.subscribe('a', { qos: 1 });
    client.publish('a', '1', { qos: 1, packetId: 10 });
    client.publish('denied', '2', { qos: 1, packetId: 11 });
    client.publish('a', '3', { qos: 2, packetId: 12 });
    client.publish('a', '4', { qos: 1, packetId: 13 });
    client.send({ type: 'pingreq' });
    const packets = await client.all();
    assert.deepEqual(
      packets.map((packet) =>
        'packetId' in packet && packet.type !== 'publish' ? packet.packetId : packet.type,
      ),
      [10, 11, 12, 13, 'publish', 'publish', 'publish', 'pingresp'],
    );
    assert.equal(
      publishesOf(packets)
        .map(({ payload }) => Buffer.from(payload).toString())
        .join(''),
      '134',
    );
  });

  it('[MQTT-3.2.0-1] no acknowledgement goes before the CONNACK', async (t) => {
    const broker = await startBroker(t);
    const client = new WireClient(broker);
    client.send(connectPacket(5));
    client.publish('a', '1', { qos: 1, packetId: 10 });
    client.publish('a', '2', { qos: 2, packetId: 11 });
    const types = (await client.all()).map(({ type }) => type);
    assert.deepEqual(types, ['connack', 'puback', 'pubrec']);
  });

  it('messages of two publishers keep the order of each', async (t) => {
    const broker = await startBroker(t);
    const [one, two, subscriber] = [
      await connected(broker),
      await connected(broker, 4),
      await connected(broker),
    ];
    await subscriber.subscribe('a');
    for (const text of numbers(100)) {
      one.publish('a', `one ${text}`);
      two.publish('a', `two ${text}`);
    }
    const texts = await textsOf(subscriber);
    for (const name of ['one', 'two']) {
      const own = texts.filter((text) => text.startsWith(name)).map((text) => text.split(' ')[1]);
      assert.deepEqual(own, numbers(100));
    }
  });
});
