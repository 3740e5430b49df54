import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Broker } from '../../../src/mqtt/broker/broker.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import type { MemoryTransportOptions } from '../../helpers/memory-transport.ts';
import {
  acknowledge,
  connected,
  lasting,
  publishesOf,
  QOS_LEVELS,
  readAcknowledging,
  startBroker,
  startRig,
  textOf,
  textsOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';
import { subscribePacket, type WireClient } from '../../helpers/mqtt-wire-client.ts';

async function member(
  broker: Broker,
  qos: 0 | 1 | 2 = 1,
  fields: Parameters<typeof connected>[2] = {},
  transport: MemoryTransportOptions = {},
): Promise<WireClient> {
  const client = await connected(broker, 5, fields, transport);
  await client.subscribe('$share/g/a', { qos });
  return client;
}

function publishNumbers(broker: Broker, count: number, qos: 0 | 1 | 2 = 0, first = 0): void {
  for (let index = first; index < first + count; index++)
    broker.publish({ topicName: 'a', qos, payload: `${index}` });
}

const numbers = (texts: readonly string[]): number[] => texts.map(Number).toSorted((one, two) => one - two);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('Shared Subscriptions (section 4.8.2)', () => {
  it('each message goes to one member, in turn, of whatever version', async (t) => {
    const broker = await startBroker(t);
    const members = [];
    for (const version of VERSIONS) {
      const client = await connected(broker, version);
      await client.subscribe('$share/g/a/+');
      members.push(client);
    }
    for (let index = 0; index < 30; index++) broker.publish({ topicName: `a/${index}`, payload: `${index}` });
    const shares = [];
    for (const client of members) shares.push(await textsOf(client));
    assert.deepEqual(
      shares.map(({ length }) => length),
      [10, 10, 10],
    );
    assert.deepEqual(numbers(shares.flat()), upTo(30));
    for (const share of shares) assert.deepEqual(share.map(Number), numbers(share));
  });

  it('[MQTT-4.8.2-1] [MQTT-4.8.2-2] names without a character or with wildcards, and none, end the connection', async (t) => {
    const broker = await startBroker(t);
    for (const version of [4, 5] as const) {
      for (const topicFilter of [
        '$share//a',
        '$share/g',
        '$share/g/',
        '$share/+/a',
        '$share/#/a',
        '$share/a+b/c',
      ]) {
        const client = await connected(broker, version);
        client.send(subscribePacket([topicFilter]));
        if (version === 5)
          assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.MALFORMED_PACKET);
        await client.expectClosed();
      }
    }
  });

  it('groups are told apart by name and by filter, and each gets its copy', async (t) => {
    const broker = await startBroker(t);
    const clients = new Map<string, WireClient>();
    for (const filter of ['$share/g/a', '$share/h/a', '$share/g/+', '$share/G/a', 'a']) {
      const client = await connected(broker);
      await client.subscribe(filter);
      clients.set(filter, client);
    }
    assert.equal(broker.publish({ topicName: 'a', payload: 'x' }), 5);
    for (const [filter, client] of clients) assert.deepEqual(await textsOf(client), ['x'], filter);
  });

  it('[MQTT-4.8.2-3] each member gets no more than the QoS it was granted', async (t) => {
    const broker = await startBroker(t);
    const members = [];
    for (const qos of QOS_LEVELS) members.push(await member(broker, qos));
    for (const published of QOS_LEVELS) publishNumbers(broker, 6, published);
    for (const [granted, client] of members.entries()) {
      const received = (await readAcknowledging(client)).map(({ qos }) => `${qos}`);
      assert.deepEqual(
        numbers(received),
        [0, 0, 1, 1, 2, 2].map((qos) => Math.min(qos, granted)),
      );
    }
  });

  it('Subscription Identifiers and Retain As Published are those of the member', async (t) => {
    const broker = await startBroker(t);
    const [one, two] = [await connected(broker), await connected(broker)];
    await one.subscribe('$share/g/a', { subscriptionIdentifier: 1, retainAsPublished: true });
    await two.subscribe('$share/g/a', { subscriptionIdentifier: 2 });
    for (let count = 0; count < 2; count++) broker.publish({ topicName: 'a', retain: true, payload: 'x' });
    const [first, second] = [await one.expect('publish'), await two.expect('publish')];
    assert.deepEqual([first.retain, first.properties.subscriptionIdentifiers], [true, [1]]);
    assert.deepEqual([second.retain, second.properties.subscriptionIdentifiers], [false, [2]]);
  });

  it('a member that subscribes again stays one member; one that unsubscribes gets nothing more', async (t) => {
    const broker = await startBroker(t);
    const [one, two] = [await member(broker), await member(broker)];
    await one.subscribe('$share/g/a', { qos: 0 });
    publishNumbers(broker, 4);
    assert.deepEqual([(await textsOf(one)).length, (await textsOf(two)).length], [2, 2]);
    one.send({ type: 'unsubscribe', packetId: 4, properties: {}, topicFilters: ['$share/g/a'] });
    await one.expect('unsuback');
    publishNumbers(broker, 4);
    assert.equal((await textsOf(two)).length, 4);
    await one.expectNothing();
  });

  it('who publishes may be the member that gets it', async (t) => {
    const broker = await startBroker(t);
    const one = await member(broker);
    one.publish('a', 'own');
    assert.deepEqual(await textsOf(one), ['own']);
  });
});

describe('Members of a Shared Subscription that do not take messages', () => {
  it('one that does not read is passed over', async (t) => {
    const broker = await startBroker(t);
    const [reader, sleeper] = [await member(broker), await member(broker, 1, {}, { maxUnreadBytes: 500 })];
    const filler = 'x'.repeat(70_000);
    for (let index = 0; index < 4; index++) broker.publish({ topicName: 'a', payload: filler });
    assert.equal((await textsOf(reader)).length, 2);
    publishNumbers(broker, 20, 1);
    assert.deepEqual(numbers((await readAcknowledging(reader)).map(textOf)), upTo(20));
    assert.equal((await textsOf(sleeper)).length, 2);
  });

  it('one that does not acknowledge gets no more than it may hold and one that waits', async (t) => {
    const broker = await startBroker(t);
    const slow = await member(broker, 1, { properties: { receiveMaximum: 2 } });
    const quick = await member(broker);
    publishNumbers(broker, 30, 1);
    const quickTexts = (await readAcknowledging(quick)).map(textOf);
    assert.equal(quickTexts.length, 27);
    assert.equal((await textsOf(slow)).length, 2);
  });

  it('one that is away is passed over while another is there', async (t) => {
    const broker = await startBroker(t);
    const [away, there] = [await member(broker, 1, lasting('away')), await member(broker)];
    away.transport.breakOff();
    for (const qos of QOS_LEVELS) publishNumbers(broker, 3, qos);
    assert.equal((await readAcknowledging(there)).length, 9);
    const back = await connected(broker, 5, lasting('away'));
    await back.expectNothing();
  });

  it('when all are away a message waits for one of them', async (t) => {
    const broker = await startBroker(t);
    for (const name of ['one', 'two']) (await member(broker, 1, lasting(name))).transport.breakOff();
    publishNumbers(broker, 10, 1);
    assert.deepEqual(
      [...broker.sessions()].map(({ queuedCount }) => queuedCount),
      [5, 5],
    );
    const texts = [];
    for (const name of ['one', 'two'])
      texts.push(...(await textsOf(await connected(broker, 5, lasting(name)))));
    assert.deepEqual(numbers(texts), upTo(10));
  });

  it('what waits for one that leaves goes to the others, and is not sent twice', async (t) => {
    const broker = await startBroker(t);
    const leaving = await member(broker, 1, {
      ...lasting('leaving'),
      properties: { receiveMaximum: 1, sessionExpiryInterval: 60 },
    });
    publishNumbers(broker, 5, 1);
    const other = await member(broker);
    await other.expectNothing();
    leaving.transport.breakOff();
    assert.deepEqual(numbers((await readAcknowledging(other)).map(textOf)), [1, 2, 3, 4]);
    const back = await connected(broker, 5, lasting('leaving'));
    const again = await readAcknowledging(back);
    assert.deepEqual(
      again.map((packet) => [textOf(packet), packet.dup]),
      [['0', true]],
    );
  });

  it('QoS 1 that was sent and not acknowledged goes to another when the session ends', async (t) => {
    const { broker, clock } = await startRig(t);
    const dying = await member(broker, 2, lasting('dying'));
    publishNumbers(broker, 3, 1);
    const packets = publishesOf(await dying.all());
    acknowledge(dying, 'puback', packets[1]!.packetId);
    const other = await member(broker, 1);
    dying.transport.breakOff();
    await other.expectNothing();
    clock.advance(1_000_000 + 1000);
    const received = await readAcknowledging(other);
    assert.deepEqual(
      received.map((packet) => [textOf(packet), packet.dup]),
      [
        ['0', false],
        ['2', false],
      ],
    );
  });

  it('also when the session ends with the connection, at once', async (t) => {
    const broker = await startBroker(t);
    const [dying, other] = [await member(broker), await member(broker)];
    publishNumbers(broker, 10, 1);
    assert.equal(publishesOf(await dying.all()).length, 5);
    dying.transport.breakOff();
    assert.deepEqual(numbers((await readAcknowledging(other)).map(textOf)), upTo(10));
  });

  it('[MQTT-4.8.2-4] QoS 2 is completed with the member that it was sent to, when it comes back', async (t) => {
    const broker = await startBroker(t);
    const client = await member(broker, 2, lasting('s'));
    publishNumbers(broker, 2, 2);
    const [first, second] = publishesOf(await client.all());
    acknowledge(client, 'pubrec', first!.packetId);
    await client.expect('pubrel');
    const other = await member(broker, 2);
    client.transport.breakOff();
    await other.expectNothing();
    const back = await connected(broker, 5, lasting('s'));
    assert.equal((await back.expect('pubrel')).packetId, first!.packetId);
    const again = await back.expect('publish');
    assert.deepEqual([again.packetId, again.dup, textOf(again)], [second!.packetId, true, '1']);
  });

  it('[MQTT-4.8.2-5] QoS 2 that was sent goes to nobody else when the session ends; what waited does', async (t) => {
    const broker = await startBroker(t);
    const dying = await member(broker, 2, { properties: { receiveMaximum: 2 } });
    publishNumbers(broker, 4, 2);
    const [first] = publishesOf(await dying.all());
    acknowledge(dying, 'pubrec', first!.packetId);
    await dying.expect('pubrel');
    const other = await member(broker, 2);
    dying.transport.breakOff();
    assert.deepEqual((await readAcknowledging(other)).map(textOf), ['2', '3']);
  });

  it('[MQTT-4.8.2-6] a message that a member refuses goes to nobody else', async (t) => {
    const broker = await startBroker(t);
    const [refusing, other] = [await member(broker, 2), await member(broker, 2)];
    for (const [qos, type] of [
      [1, 'puback'],
      [2, 'pubrec'],
    ] as const) {
      publishNumbers(broker, 2, qos);
      const { packetId } = await refusing.expect('publish');
      acknowledge(refusing, type, packetId, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR);
      await refusing.expectNothing();
      assert.equal((await readAcknowledging(other)).length, 1);
    }
    refusing.transport.breakOff();
    await other.expectNothing();
  });

  it('the last member dies: the messages are gone with it, and nothing fails', async (t) => {
    const broker = await startBroker(t);
    const only = await member(broker, 2, { properties: { receiveMaximum: 1 } });
    publishNumbers(broker, 5, 2);
    only.transport.breakOff();
    assert.equal(broker.counts.subscriptions, 0);
    const next = await member(broker, 2);
    await next.expectNothing();
  });

  it('a member ended by the administrator loses nothing for the others', async (t) => {
    const broker = await startBroker(t);
    const [ended, other] = [await member(broker, 1, lasting('ended')), await member(broker)];
    publishNumbers(broker, 6, 1);
    broker.disconnectClient('ended', { endSession: true });
    assert.deepEqual(numbers((await readAcknowledging(other)).map(textOf)), upTo(6));
    assert.equal(publishesOf(await ended.all()).length, 3);
  });

  it('sharedSubscriptionAvailable off: 0x9E, and 0x80 before MQTT 5.0', async (t) => {
    const broker = await startBroker(t, { sharedSubscriptionAvailable: false });
    const client = await connected(broker);
    assert.deepEqual((await client.subscribe('$share/g/a')).reasonCodes, [0x9e]);
    const earlier = await connected(broker, 4);
    assert.deepEqual((await earlier.subscribe('$share/g/a')).reasonCodes, [0x80]);
    assert.equal(broker.counts.subscriptions, 0);
  });
});
