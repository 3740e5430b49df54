import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  connected,
  lasting,
  publishesOf,
  readAcknowledging,
  startBroker,
  textOf,
} from '../../helpers/mqtt-broker-rig.ts';

const alias = (topicAlias: number) => ({ properties: { topicAlias } });

describe('Topic Aliases from a client (section 3.3.2.3.4)', () => {
  it('[MQTT-3.3.2-12] every alias up to the maximum stands for the topic that it was given for', async (t) => {
    const broker = await startBroker(t, { topicAliasMaximum: 5 });
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('#');
    for (let number = 1; number <= 5; number++) publisher.publish(`t/${number}`, 'given', alias(number));
    for (let number = 5; number >= 1; number--) publisher.publish('', `used ${number}`, alias(number));
    const received = publishesOf(await subscriber.all());
    assert.deepEqual(
      received.map((packet) => [packet.topicName, textOf(packet)]),
      [
        ...[1, 2, 3, 4, 5].map((number) => [`t/${number}`, 'given']),
        ...[5, 4, 3, 2, 1].map((number) => [`t/${number}`, `used ${number}`]),
      ],
    );
    for (const { properties } of received) assert.deepEqual(properties, {});
  });

  it('an alias that is given again stands for the new topic', async (t) => {
    const broker = await startBroker(t);
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('#');
    publisher.publish('old', '1', alias(1));
    publisher.publish('new', '2', alias(1));
    publisher.publish('', '3', alias(1));
    publisher.publish('old', '4');
    const topics = publishesOf(await subscriber.all()).map(({ topicName }) => topicName);
    assert.deepEqual(topics, ['old', 'new', 'new', 'old']);
  });

  it('goes to clients of every version, retained and queued, as its topic', async (t) => {
    const broker = await startBroker(t);
    const publisher = await connected(broker);
    const subscribers = [await connected(broker, 3), await connected(broker, 4), await connected(broker, 5)];
    for (const subscriber of subscribers) await subscriber.subscribe('long/topic', { qos: 2 });
    const away = await connected(broker, 4, lasting('away', 4));
    await away.subscribe('long/topic', { qos: 2 });
    away.transport.breakOff();
    const properties = { topicAlias: 1, messageExpiryInterval: 100, contentType: 'x' };
    publisher.publish('long/topic', 'first', { properties });
    for (const qos of [0, 1, 2] as const)
      publisher.publish('', `qos ${qos}`, { qos, properties, retain: true });
    for (const subscriber of subscribers) {
      const received = await readAcknowledging(subscriber);
      assert.deepEqual(received.map(textOf), ['first', 'qos 0', 'qos 1', 'qos 2']);
      const { topicAlias: _, ...rest } = properties;
      for (const packet of received) {
        assert.equal(packet.topicName, 'long/topic');
        assert.deepEqual(packet.properties, subscriber.version === 5 ? rest : {});
      }
    }
    const late = await connected(broker);
    await late.subscribe('long/#');
    const retained = await late.expect('publish');
    assert.deepEqual([retained.topicName, textOf(retained)], ['long/topic', 'qos 2']);
    assert.equal(retained.properties.topicAlias, undefined);
    const back = await connected(broker, 4, lasting('away', 4));
    for (const packet of await readAcknowledging(back)) assert.equal(packet.topicName, 'long/topic');
  });

  it('[MQTT-3.3.2-8] [MQTT-3.3.2-9] alias 0 and one above the maximum end the connection with 0x94', async (t) => {
    const broker = await startBroker(t, { topicAliasMaximum: 5 });
    const subscriber = await connected(broker);
    await subscriber.subscribe('#');
    for (const [topic, number] of [
      ['61', 0],
      ['61', 6],
      ['', 6],
      ['', 65_535],
      ['', 0],
    ] as const) {
      const client = await connected(broker);
      const name = Buffer.from(topic, 'hex');
      client.sendBytes([0x30, 6 + name.length, 0, name.length, ...name, 3, 0x23, number >> 8, number & 255]);
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.TOPIC_ALIAS_INVALID);
      await client.expectClosed();
    }
    await subscriber.expectNothing();
  });

  it('topicAliasMaximum 0 allows none', async (t) => {
    const broker = await startBroker(t, { topicAliasMaximum: 0 });
    const client = await connected(broker);
    client.publish('a', 'x', alias(1));
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.TOPIC_ALIAS_INVALID);
  });

  it('an alias that stands for nothing is a Protocol Error, and so is none without a topic', async (t) => {
    const broker = await startBroker(t);
    for (const bytes of ['30 06 0000 03 230001', '30 03 0000 00']) {
      const client = await connected(broker);
      client.sendBytes(bytes);
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
      await client.expectClosed();
    }
  });

  it('[MQTT-3.3.2-7] aliases end with their connection, though the session goes on', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, lasting('s'));
    client.publish('a', 'x', alias(1));
    client.transport.breakOff();
    const back = await connected(broker, 5, lasting('s'));
    back.publish('', 'x', alias(1));
    assert.equal((await back.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
  });

  it('two clients have aliases of their own', async (t) => {
    const broker = await startBroker(t);
    const [one, two, subscriber] = [
      await connected(broker),
      await connected(broker),
      await connected(broker),
    ];
    await subscriber.subscribe('#');
    one.publish('one', 'x', alias(1));
    two.publish('two', 'x', alias(1));
    one.publish('', 'x', alias(1));
    two.publish('', 'x', alias(1));
    const topics = publishesOf(await subscriber.all()).map(({ topicName }) => topicName);
    assert.deepEqual(topics, ['one', 'two', 'one', 'two']);
  });

  it('an alias given with a QoS 2 message that comes again is still given', async (t) => {
    const broker = await startBroker(t);
    const [client, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('#');
    client.publish('a', '1', { qos: 2, packetId: 1, ...alias(1) });
    client.publish('b', '1', { qos: 2, packetId: 1, dup: true, ...alias(1) });
    client.publish('', '2', alias(1));
    const topics = publishesOf(await subscriber.all()).map(({ topicName }) => topicName);
    assert.deepEqual(topics, ['a', 'b']);
  });

  it('a topic that is refused gets no alias, and a message that is denied keeps its alias', async (t) => {
    const deny = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } as const;
    const hooks = [
      {
        name: 'test',
        authorizePublish: (_: unknown, { payload }: { payload: Uint8Array }) =>
          payload.length > 0 ? ({ allow: true } as const) : deny,
      },
    ];
    const broker = await startBroker(t, { hooks });
    const [client, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('#');
    client.publish('a', '', alias(1));
    client.publish('', 'x', alias(1));
    assert.equal((await subscriber.expect('publish')).topicName, 'a');
  });
});

describe('Topic Aliases to a client', () => {
  it('[MQTT-3.3.2-11] none without a maximum, none at 0, and none above it', async (t) => {
    const broker = await startBroker(t, { topicAliasMaximum: 100 });
    for (const maximum of [undefined, 0, 1, 3]) {
      const properties = maximum === undefined ? {} : { topicAliasMaximum: maximum };
      const client = await connected(broker, 5, { properties });
      await client.subscribe('t/#', { qos: 1 });
      const meant = new Map<number, string>();
      const topics = Array.from({ length: 200 }, (_, index) => `t/${(index * 7) % 5}`);
      for (const [index, topicName] of topics.entries())
        broker.publish({ topicName, qos: index % 2 === 0 ? 0 : 1 });
      const understood = publishesOf(await client.all()).map(({ topicName, properties: { topicAlias } }) => {
        if (topicAlias === undefined) return topicName;
        assert.ok(topicAlias >= 1 && topicAlias <= (maximum ?? 0));
        if (topicName !== '') meant.set(topicAlias, topicName);
        return meant.get(topicAlias);
      });
      assert.deepEqual(understood, topics);
      assert.ok(meant.size <= (maximum ?? 0));
    }
  });

  it('the server’s own topicAliasMaximum bounds them too', async (t) => {
    const broker = await startBroker(t, { topicAliasMaximum: 2 });
    const client = await connected(broker, 5, { properties: { topicAliasMaximum: 65_535 } });
    await client.subscribe('#');
    for (let index = 0; index < 50; index++) broker.publish({ topicName: `t/${index}` });
    for (const { properties } of publishesOf(await client.all())) {
      assert.ok((properties.topicAlias ?? 1) <= 2);
    }
  });

  it('[MQTT-3.3.2-7] after a reconnect the topic is sent again first, also with what is sent again', async (t) => {
    const broker = await startBroker(t);
    const properties = { sessionExpiryInterval: 60, topicAliasMaximum: 5 };
    const client = await connected(broker, 5, { clientId: 's', cleanStart: false, properties });
    await client.subscribe('a', { qos: 1 });
    for (const payload of ['1', '2']) broker.publish({ topicName: 'a', qos: 1, payload });
    assert.deepEqual(
      publishesOf(await client.all()).map(({ topicName }) => topicName),
      ['a', ''],
    );
    client.transport.breakOff();
    broker.publish({ topicName: 'a', qos: 1, payload: '3' });
    const back = await connected(broker, 5, { clientId: 's', cleanStart: false, properties });
    const received = publishesOf(await back.all());
    assert.deepEqual(received.map(textOf), ['1', '2', '3']);
    assert.deepEqual(
      received.map(({ topicName }) => topicName),
      ['a', '', ''],
    );
    back.transport.breakOff();
    const without = await connected(broker, 5, lasting('s'));
    for (const packet of publishesOf(await without.all())) {
      assert.deepEqual([packet.topicName, packet.properties.topicAlias], ['a', undefined]);
    }
  });

  it('a message that is too large for the client leaves no alias behind that it never saw', async (t) => {
    const broker = await startBroker(t);
    const properties = { topicAliasMaximum: 2, maximumPacketSize: 50 };
    const client = await connected(broker, 5, { properties });
    await client.subscribe('#');
    broker.publish({ topicName: 'a', payload: 'x'.repeat(100) });
    broker.publish({ topicName: 'a', payload: 'small' });
    broker.publish({ topicName: 'a', payload: 'smaller' });
    const received = publishesOf(await client.all());
    assert.deepEqual(
      received.map((packet) => [packet.topicName, textOf(packet)]),
      [
        ['a', 'small'],
        ['', 'smaller'],
      ],
    );
  });

  it('retained messages come with aliases as well', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'a', payload: 'kept', retain: true });
    const client = await connected(broker, 5, { properties: { topicAliasMaximum: 2 } });
    await client.subscribe('a');
    const retained = await client.expect('publish');
    assert.deepEqual([retained.topicName, retained.properties.topicAlias], ['a', 1]);
    broker.publish({ topicName: 'a', payload: 'live' });
    const live = await client.expect('publish');
    assert.deepEqual([live.topicName, live.properties.topicAlias], ['', 1]);
  });
});
