import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LocalSubscription } from '../../../src/mqtt/broker/broker.ts';
import type { ApplicationMessage } from '../../../src/mqtt/broker/hooks.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { connected, startBroker, textsOf } from '../../helpers/mqtt-broker-rig.ts';
import { turnEnd } from '../../helpers/mqtt-wire-client.ts';

const textOf = ({ payload }: ApplicationMessage): string => Buffer.from(payload).toString();

describe('broker.subscribe', () => {
  it('gets messages of clients and of the program as they were published, whatever their QoS', async (t) => {
    const broker = await startBroker(t);
    const seen: unknown[] = [];
    broker.subscribe('a/+', (message) => {
      const { topicName, qos, retain, properties } = message;
      seen.push([topicName, qos, retain, textOf(message), properties]);
    });
    const client = await connected(broker);
    client.publish('a/1', 'one', { properties: { contentType: 'text', topicAlias: 1 } });
    client.publish('', 'two', { qos: 2, retain: true, properties: { topicAlias: 1 } });
    (await connected(broker, 4)).publish('a/2', 'three', { qos: 1 });
    assert.equal(broker.publish({ topicName: 'a/3', payload: 'four' }), 1);
    client.publish('b', 'elsewhere');
    assert.deepEqual(seen, [
      ['a/1', 0, false, 'one', { contentType: 'text' }],
      ['a/1', 2, true, 'two', {}],
      ['a/2', 1, false, 'three', {}],
      ['a/3', 0, false, 'four', {}],
    ]);
  });

  it('counts as a subscriber: no 0x10', async (t) => {
    const broker = await startBroker(t);
    broker.subscribe('a', () => {});
    const client = await connected(broker);
    client.publish('a', 'x', { qos: 1 });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.SUCCESS);
  });

  it('gets what is retained at first, or does not want it', async (t) => {
    const broker = await startBroker(t);
    for (let index = 0; index < 2000; index++)
      broker.publish({ topicName: `a/${index}`, payload: 'x', retain: true });
    const [seen, unseen] = [new Set<string>(), new Set<string>()];
    broker.subscribe('a/#', ({ topicName, retain }) => void seen.add(`${topicName} ${retain}`));
    broker.subscribe('a/#', ({ topicName }) => void unseen.add(topicName), { retained: false });
    for (let count = 0; count < 20 && seen.size < 2000; count++) await turnEnd();
    assert.equal(seen.size, 2000);
    assert.ok(seen.has('a/1999 true'));
    assert.equal(unseen.size, 0);
  });

  it('gets nothing after unsubscribe, which may be said twice', async (t) => {
    const broker = await startBroker(t);
    const seen: string[] = [];
    const [one, two] = ['one', 'two'].map((name) => broker.subscribe('a', () => void seen.push(name)));
    broker.publish({ topicName: 'a' });
    one!.unsubscribe();
    one!.unsubscribe();
    assert.equal(broker.publish({ topicName: 'a' }), 1);
    two!.unsubscribe();
    assert.equal(broker.publish({ topicName: 'a' }), 0);
    assert.deepEqual(seen.toSorted(), ['one', 'two', 'two']);
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('may unsubscribe itself, and others, from within the call', async (t) => {
    const broker = await startBroker(t);
    const seen: string[] = [];
    const subscriptions: LocalSubscription[] = [];
    for (const name of ['one', 'two', 'three']) {
      const receive = (): void => {
        seen.push(name);
        for (const subscription of subscriptions) subscription.unsubscribe();
      };
      subscriptions.push(broker.subscribe('a', receive));
    }
    const client = await connected(broker);
    await client.subscribe('a');
    broker.publish({ topicName: 'a', payload: '1' });
    broker.publish({ topicName: 'a', payload: '2' });
    assert.equal(seen.length, 1);
    assert.deepEqual(await textsOf(client), ['1', '2']);
  });

  it('may unsubscribe among its retained messages, and gets no more of them', async (t) => {
    const broker = await startBroker(t);
    for (let index = 0; index < 1000; index++)
      broker.publish({ topicName: `a/${index}`, payload: 'x', retain: true });
    let count = 0;
    let subscription: LocalSubscription | undefined;
    // The first of them may come before `subscribe` returns.
    subscription = broker.subscribe('a/#', () => {
      if (subscription === undefined) return;
      count++;
      subscription.unsubscribe();
    });
    for (let turn = 0; turn < 20; turn++) await turnEnd();
    assert.equal(count, 1);
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('may publish, subscribe and end connections from within the call', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, { clientId: 's' });
    await client.subscribe('#');
    const seen: string[] = [];
    broker.subscribe('a', (message) => {
      const before = textOf(message);
      broker.publish({ topicName: 'b', payload: 'nested' });
      broker.subscribe('late', (late) => void seen.push(textOf(late)));
      broker.publish({ topicName: 'late', payload: 'within' });
      broker.disconnectClient('s');
      seen.push(textOf(message));
      assert.equal(textOf(message), before);
    });
    const publisher = await connected(broker);
    publisher.publish('a', 'outer', { qos: 1 });
    await publisher.expect('puback');
    assert.deepEqual(seen, ['within', 'outer']);
    assert.equal(broker.stats.hookFailures, 0);
  });

  it('one that fails harms nobody else, and is counted', async (t) => {
    const broker = await startBroker(t);
    const seen: string[] = [];
    broker.subscribe('a', () => {
      throw new Error('broken');
    });
    broker.subscribe('a', (message) => void seen.push(textOf(message)));
    broker.publish({ topicName: 'a', payload: 'x' });
    assert.deepEqual(seen, ['x']);
    assert.equal(broker.stats.hookFailures, 1);
  });

  it('takes its turn in a Shared Subscription', async (t) => {
    const broker = await startBroker(t);
    const seen: string[] = [];
    broker.subscribe('$share/g/a', (message) => void seen.push(textOf(message)));
    const client = await connected(broker);
    await client.subscribe('$share/g/a');
    for (const payload of ['1', '2', '3', '4']) broker.publish({ topicName: 'a', payload });
    assert.deepEqual([seen.length, (await textsOf(client)).length], [2, 2]);
  });

  it('does not need authorizeReceive, and hooks that decide are not asked', async (t) => {
    const no = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } as const;
    const hooks = [{ name: 'no', authorizeSubscribe: () => no, authorizeReceive: () => false }];
    const broker = await startBroker(t, { hooks });
    let count = 0;
    broker.subscribe('a', () => void count++);
    broker.publish({ topicName: 'a' });
    assert.equal(count, 1);
  });

  it('is no session: a client may have any Client Identifier and keeps its session', async (t) => {
    const broker = await startBroker(t);
    const subscription = broker.subscribe('a', () => {});
    const client = await connected(broker, 5, { clientId: '(this program 1)' });
    await client.subscribe('b');
    subscription.unsubscribe();
    assert.deepEqual(
      [...broker.sessions()].map(({ client: { clientId } }) => clientId),
      ['(this program 1)'],
    );
    const next = await connected(broker, 5, { clientId: '(this program 1)' });
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.SESSION_TAKEN_OVER);
    assert.equal(broker.counts.subscriptions, 0);
    await next.expectNothing();
  });

  it('what is no filter, and what is no message, is refused with a stable code', async (t) => {
    const broker = await startBroker(t);
    for (const topicFilter of ['', 'a#', '$share/g', 'a\0b'])
      assert.throws(() => broker.subscribe(topicFilter, () => {}), { code: 'MQTT_MESSAGE_INVALID' });
    for (const topicName of ['', 'a/+', 'a\0b', '\ud800', 'x'.repeat(65_536)])
      assert.throws(() => broker.publish({ topicName }), { code: 'MQTT_MESSAGE_INVALID' });
    const properties = { responseTopic: 'a/+' };
    assert.throws(() => broker.publish({ topicName: 'a', properties }), { code: 'MQTT_MESSAGE_INVALID' });
    await broker.close();
    assert.throws(() => broker.publish({ topicName: 'a' }), { code: 'MQTT_BROKER_CLOSED' });
    assert.throws(() => broker.subscribe('a', () => {}), { code: 'MQTT_BROKER_CLOSED' });
  });
});
