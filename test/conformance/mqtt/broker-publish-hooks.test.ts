import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApplicationMessage, BrokerHooks, ClientInfo, Verdict } from '../../../src/mqtt/broker/hooks.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  connected,
  QOS_LEVELS,
  readAcknowledging,
  startBroker,
  textOf,
  textsOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';

const ALLOW: Verdict = { allow: true };
const DENY: Verdict = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED };

describe('authorizePublish', () => {
  it('a denied message goes nowhere; each QoS is answered in the words of its version', async (t) => {
    const broker = await startBroker(t, { hooks: [{ name: 'never', authorizePublish: () => DENY }] });
    const observer = await connected(broker);
    await observer.subscribe('#');
    const answers = {
      3: { 1: '40 02 0009', 2: '50 02 0009' },
      4: { 1: '40 02 0009', 2: '50 02 0009' },
      5: { 1: '40 03 0009 87', 2: '50 03 0009 87' },
    };
    for (const version of VERSIONS) {
      for (const qos of QOS_LEVELS) {
        const client = await connected(broker, version);
        client.publish('a', 'x', { qos, retain: true, packetId: qos === 0 ? 0 : 9 });
        const expected = qos === 0 ? '' : answers[version][qos].replaceAll(' ', '');
        assert.equal((await client.bytes()).toString('hex'), expected, `version ${version}, QoS ${qos}`);
        assert.equal(client.transport.isClosed, false);
      }
    }
    await observer.expectNothing();
    assert.equal(broker.stats.publishDenied, 9);
    assert.equal(broker.counts.retainedMessages, 0);
  });

  it('[v3.1.1 MQTT-3.3.5-2] an earlier client ends the exchange of a denied QoS 2 message as always', async (t) => {
    const broker = await startBroker(t, { hooks: [{ name: 'never', authorizePublish: () => DENY }] });
    const client = await connected(broker, 4);
    client.publish('a', 'x', { qos: 2 });
    await client.expect('pubrec');
    acknowledge(client, 'pubrel', 1);
    await client.expect('pubcomp');
  });

  it('sees the message as it is: resolved topic, flags, payload, properties without Topic Alias', async (t) => {
    const seen: unknown[] = [];
    const see = (client: ClientInfo, message: ApplicationMessage): Verdict => {
      const { topicName, qos, retain, payload, properties } = message;
      seen.push([client.clientId, topicName, qos, retain, Buffer.from(payload).toString(), properties]);
      return ALLOW;
    };
    const broker = await startBroker(t, { hooks: [{ name: 'see', authorizePublish: see }] });
    const client = await connected(broker, 5, { clientId: 's' });
    const properties = { topicAlias: 1, contentType: 'text', messageExpiryInterval: 3 };
    client.publish('tö', 'one', { properties });
    client.publish('', 'two', { qos: 1, retain: true, properties: { topicAlias: 1 } });
    const earlier = await connected(broker, 4, { clientId: 'e' });
    earlier.publish('tö', 'three', { qos: 2 });
    assert.deepEqual(seen, [
      ['s', 'tö', 0, false, 'one', { contentType: 'text', messageExpiryInterval: 3 }],
      ['s', 'tö', 1, true, 'two', {}],
      ['e', 'tö', 2, false, 'three', {}],
    ]);
  });

  it('a failure is a denial with 0x80, and so is a Reason Code that a PUBACK cannot have', async (t) => {
    const hooks: BrokerHooks[] = [
      {
        name: 'odd',
        authorizePublish: (_, { topicName }) => {
          if (topicName === 'throws') throw new Error('broken');
          const reasonCode = topicName === 'success' ? ReasonCode.SUCCESS : ReasonCode.SERVER_BUSY;
          return { allow: false, reasonCode };
        },
      },
    ];
    const broker = await startBroker(t, { hooks });
    const client = await connected(broker);
    for (const topicName of ['throws', 'busy', 'success']) {
      client.publish(topicName, 'x', { qos: 1 });
      assert.equal((await client.expect('puback')).reasonCode, ReasonCode.UNSPECIFIED_ERROR, topicName);
      client.publish(topicName, 'x', { qos: 2 });
      assert.equal((await client.expect('pubrec')).reasonCode, ReasonCode.UNSPECIFIED_ERROR, topicName);
    }
    assert.equal(broker.stats.hookFailures, 2);
  });

  it('the first denial wins; those of the listener are asked before the broker’s', async (t) => {
    const asked: string[] = [];
    const hook = (name: string, verdict: Verdict): BrokerHooks => ({
      name,
      authorizePublish: () => {
        asked.push(name);
        return verdict;
      },
    });
    const broker = await startBroker(t, { hooks: [hook('broker', DENY), hook('not asked', ALLOW)] });
    const acceptor = broker.acceptor({ name: 'listener', hooks: [hook('listener', ALLOW)] });
    const client = await connected(acceptor);
    client.publish('a', 'x', { qos: 1 });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.NOT_AUTHORIZED);
    assert.deepEqual(asked, ['listener', 'broker']);
  });

  it('is not asked for messages of the embedding program, nor for a QoS 2 message that comes again', async (t) => {
    let asked = 0;
    const hooks: BrokerHooks[] = [{ name: 'count', authorizePublish: () => (asked++, ALLOW) }];
    const broker = await startBroker(t, { hooks });
    broker.publish({ topicName: 'a' });
    assert.equal(asked, 0);
    const client = await connected(broker);
    client.publish('a', 'x', { qos: 2 });
    client.publish('a', 'x', { qos: 2, dup: true });
    assert.equal(asked, 1);
  });
});

describe('onPublished', () => {
  it('tells of what was accepted, of clients and of the program, and not of what was denied', async (t) => {
    const seen: unknown[] = [];
    const hooks: BrokerHooks[] = [
      {
        name: 'see',
        authorizePublish: (_, { topicName }) => (topicName === 'no' ? DENY : ALLOW),
        onPublished: ({ topicName, payload }, from) =>
          void seen.push([topicName, Buffer.from(payload).toString(), from?.clientId]),
      },
    ];
    const broker = await startBroker(t, { hooks });
    const client = await connected(broker, 5, { clientId: 's' });
    client.publish('a', '1');
    client.publish('no', '2');
    client.publish('a', '3', { qos: 2 });
    client.publish('a', '3', { qos: 2, dup: true });
    broker.publish({ topicName: 'b', payload: '4' });
    assert.deepEqual(seen, [
      ['a', '1', 's'],
      ['a', '3', 's'],
      ['b', '4', undefined],
    ]);
  });

  it('one that publishes, and so on within that: every message goes where it should, unharmed', async (t) => {
    const seen: string[] = [];
    const hooks: BrokerHooks[] = [
      {
        name: 'chain',
        onPublished: (message) => {
          const depth = message.topicName.split('/').length;
          const before = Buffer.from(message.payload).toString();
          if (depth < 6) {
            const payload = `${before}${depth}`;
            broker.publish({ topicName: `${message.topicName}/x`, payload, qos: 1, retain: true });
          }
          // What this hook was given must still be what it was.
          seen.push(`${message.topicName.length} ${Buffer.from(message.payload).toString() === before}`);
        },
      },
    ];
    const broker = await startBroker(t, { hooks });
    const subscribers = [await connected(broker, 4), await connected(broker, 5)];
    for (const subscriber of subscribers) await subscriber.subscribe('#', { qos: 2 });
    const publisher = await connected(broker);
    publisher.publish('a', 'start', { qos: 2, properties: { contentType: 'text' } });
    await publisher.expect('pubrec');
    for (const subscriber of subscribers) {
      const received = await readAcknowledging(subscriber);
      assert.deepEqual(
        received.map((packet) => [packet.topicName, textOf(packet), packet.qos]),
        [
          ['a', 'start', 2],
          ['a/x', 'start1', 1],
          ['a/x/x', 'start12', 1],
          ['a/x/x/x', 'start123', 1],
          ['a/x/x/x/x', 'start1234', 1],
          ['a/x/x/x/x/x', 'start12345', 1],
        ],
      );
    }
    assert.deepEqual(seen, ['11 true', '9 true', '7 true', '5 true', '3 true', '1 true']);
    assert.equal(broker.counts.retainedMessages, 5);
  });

  it('one that fails changes nothing, and is counted', async (t) => {
    const hooks: BrokerHooks[] = [
      {
        name: 'broken',
        onPublished: () => {
          throw new Error('broken');
        },
      },
    ];
    const broker = await startBroker(t, { hooks });
    const client = await connected(broker);
    await client.subscribe('a');
    client.publish('a', 'x', { qos: 1 });
    assert.deepEqual(
      (await client.all()).map(({ type }) => type),
      ['puback', 'publish'],
    );
    assert.equal(broker.stats.hookFailures, 1);
  });

  it('one that ends the connection of the publisher, or of a subscriber, harms nobody else', async (t) => {
    const hooks: BrokerHooks[] = [
      {
        name: 'ends',
        onPublished: () => {
          broker.disconnectClient('publisher', { endSession: true });
          broker.disconnectClient('subscriber', { endSession: true });
        },
      },
    ];
    const broker = await startBroker(t, { hooks });
    const publisher = await connected(broker, 5, { clientId: 'publisher' });
    const subscriber = await connected(broker, 5, { clientId: 'subscriber' });
    const other = await connected(broker);
    for (const client of [subscriber, other]) await client.subscribe('a', { qos: 2 });
    publisher.sendBytes('34 07 0001 61 0001 00 78  34 07 0001 61 0002 00 79');
    assert.deepEqual((await readAcknowledging(other)).map(textOf), ['x']);
    assert.equal(broker.stats.hookFailures, 0);
    for (const client of [publisher, subscriber]) {
      const last = (await client.all()).at(-1);
      assert.equal(last?.type, 'disconnect');
      await client.expectClosed();
    }
    other.publish('a', 'z');
    assert.deepEqual(await textsOf(other), ['z']);
  });
});
