import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Broker } from '../../../src/mqtt/broker/broker.ts';
import type { BrokerHooks, ClientInfo, Verdict } from '../../../src/mqtt/broker/hooks.ts';
import type { BrokerOptions } from '../../../src/mqtt/broker/options.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { connected, lasting, startBroker, textsOf } from '../../helpers/mqtt-broker-rig.ts';
import { subscribePacket, type WireClient } from '../../helpers/mqtt-wire-client.ts';

const ALLOW: Verdict = { allow: true };
const DENY: Verdict = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED };

function withHook(
  t: TestContext,
  hook: Omit<BrokerHooks, 'name'>,
  options: BrokerOptions = {},
): Promise<Broker> {
  return startBroker(t, { ...options, hooks: [{ name: 'test', ...hook }] });
}

function subscribeTo(client: WireClient, ...topicFilters: string[]): void {
  client.send(subscribePacket(topicFilters, { qos: 1, packetId: 5 }));
}

describe('authorizeSubscribe', () => {
  it('[MQTT-3.8.4-7] a denial is the Reason Code of its filter', async (t) => {
    const seen: string[] = [];
    const broker = await withHook(t, {
      authorizeSubscribe: (_, topicFilter) => {
        seen.push(topicFilter);
        if (topicFilter === 'secret') return DENY;
        return topicFilter === 'full' ? { allow: false, reasonCode: ReasonCode.QUOTA_EXCEEDED } : ALLOW;
      },
    });
    const client = await connected(broker);
    subscribeTo(client, 'a', 'secret', '$share/g/full', 'a/'.repeat(64), 'b');
    const { reasonCodes } = await client.expect('suback');
    assert.deepEqual(reasonCodes, [
      1,
      ReasonCode.NOT_AUTHORIZED,
      ReasonCode.QUOTA_EXCEEDED,
      ReasonCode.TOPIC_FILTER_INVALID,
      1,
    ]);
    assert.deepEqual(seen, ['a', 'secret', 'full', 'b']);
    assert.equal(broker.stats.subscribeDenied, 2);
    for (const topicName of ['a', 'secret', 'full', 'b']) broker.publish({ topicName, payload: topicName });
    assert.deepEqual(await textsOf(client), ['a', 'b']);
  });

  it('[v3.1.1 MQTT-3.8.4-5] earlier clients get 0x80', async (t) => {
    const broker = await withHook(t, { authorizeSubscribe: () => DENY });
    const client = await connected(broker, 4);
    subscribeTo(client, 'a');
    assert.deepEqual(await client.bytes(), Buffer.from([0x90, 3, 0, 5, 0x80]));
  });

  it('answers now and answers later may mix; the SUBACK waits for all, and packets after it wait for it', async (t) => {
    const answers = new Map<string, (verdict: Verdict) => void>();
    const broker = await withHook(t, {
      authorizeSubscribe: (_, topicFilter) => {
        if (!topicFilter.startsWith('later')) return topicFilter === 'no' ? DENY : ALLOW;
        return new Promise((resolve) => answers.set(topicFilter, resolve));
      },
    });
    const [client, observer] = [await connected(broker), await connected(broker)];
    await observer.subscribe('seen');
    subscribeTo(client, 'now', 'later/1', 'no', 'later/2');
    client.publish('seen', 'after the SUBSCRIBE');
    client.send({ type: 'pingreq' });
    await client.expectNothing();
    await observer.expectNothing();
    answers.get('later/2')!(DENY);
    await client.expectNothing();
    answers.get('later/1')!(ALLOW);
    const { reasonCodes } = await client.expect('suback');
    assert.deepEqual(reasonCodes, [1, 1, ReasonCode.NOT_AUTHORIZED, ReasonCode.NOT_AUTHORIZED]);
    await client.expect('pingresp');
    assert.deepEqual(await textsOf(observer), ['after the SUBSCRIBE']);
    client.send({ type: 'pingreq' });
    await client.expect('pingresp');
  });

  it('messages still come to a client whose SUBSCRIBE is being decided', async (t) => {
    let decide: (verdict: Verdict) => void = () => {};
    const broker = await withHook(t, {
      authorizeSubscribe: (_, topicFilter) =>
        topicFilter === 'slow' ? new Promise((resolve) => (decide = resolve)) : ALLOW,
    });
    const client = await connected(broker);
    await client.subscribe('a');
    subscribeTo(client, 'slow');
    broker.publish({ topicName: 'a', payload: 'meanwhile' });
    assert.deepEqual(await textsOf(client), ['meanwhile']);
    decide(ALLOW);
    await client.expect('suback');
  });

  it('a connection that ends while it is being decided subscribes nothing', async (t) => {
    let decide: (verdict: Verdict) => void = () => {};
    const broker = await withHook(t, {
      authorizeSubscribe: () => new Promise((resolve) => (decide = resolve)),
    });
    const client = await connected(broker, 5, lasting('s'));
    subscribeTo(client, 'a');
    client.transport.breakOff();
    decide(ALLOW);
    const back = await connected(broker, 5, lasting('s'));
    await back.expectNothing();
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('a failure is a denial with 0x80, thrown or rejected, and counted', async (t) => {
    const broker = await withHook(t, {
      authorizeSubscribe: (_, topicFilter) => {
        if (topicFilter === 'throws') throw new Error('broken');
        return Promise.reject(new Error('broken later'));
      },
    });
    const client = await connected(broker);
    subscribeTo(client, 'throws', 'rejects');
    assert.deepEqual((await client.expect('suback')).reasonCodes, [0x80, 0x80]);
    assert.equal(broker.stats.hookFailures, 2);
  });

  it('no answer within hookTimeoutMs is a denial with 0x80, and counted', async (t) => {
    const clock = new ManualClock();
    const broker = await withHook(
      t,
      { authorizeSubscribe: () => new Promise(() => {}) },
      { clock, hookTimeoutMs: 300 },
    );
    const client = await connected(broker);
    subscribeTo(client, 'a');
    clock.advance(299);
    await client.expectNothing();
    clock.advance(1);
    assert.deepEqual((await client.expect('suback')).reasonCodes, [0x80]);
    assert.equal(broker.stats.hookTimeouts, 1);
  });

  it('[MQTT-3.9.3-2] a Reason Code that a SUBACK cannot have becomes 0x87', async (t) => {
    const broker = await withHook(t, {
      authorizeSubscribe: (_, topicFilter) => ({
        allow: false,
        reasonCode: topicFilter === 'a' ? ReasonCode.SERVER_BUSY : ReasonCode.SUCCESS,
      }),
    });
    const client = await connected(broker);
    subscribeTo(client, 'a', 'b');
    assert.deepEqual((await client.expect('suback')).reasonCodes, [0x87, 0x87]);
  });

  it('several hooks: the first denial wins, and those after it are not asked', async (t) => {
    const asked: string[] = [];
    const hook = (name: string, verdict: Verdict | Promise<Verdict>): BrokerHooks => ({
      name,
      authorizeSubscribe: () => {
        asked.push(name);
        return verdict;
      },
    });
    const busy: Verdict = { allow: false, reasonCode: ReasonCode.QUOTA_EXCEEDED };
    const hooks = [hook('1', ALLOW), hook('2', Promise.resolve(ALLOW)), hook('3', busy), hook('4', DENY)];
    const broker = await startBroker(t, { hooks });
    const client = await connected(broker);
    subscribeTo(client, 'a');
    assert.deepEqual((await client.expect('suback')).reasonCodes, [ReasonCode.QUOTA_EXCEEDED]);
    assert.deepEqual(asked, ['1', '2', '3']);
  });
});

describe('onSubscribed and onUnsubscribed', () => {
  it('tell of what was granted and of what was there, with the filter as it was written', async (t) => {
    const seen: unknown[] = [];
    const broker = await withHook(t, {
      authorizeSubscribe: (_, topicFilter) => (topicFilter === 'no' ? DENY : ALLOW),
      onSubscribed: ({ clientId }, topicFilter, qos) => seen.push([clientId, topicFilter, qos]),
      onUnsubscribed: ({ clientId }, topicFilter) => seen.push([clientId, topicFilter]),
    });
    const client = await connected(broker, 5, { clientId: 's' });
    subscribeTo(client, 'a', 'no', '$share/g/b');
    await client.expect('suback');
    const topicFilters = ['$share/g/b', 'never'];
    client.send({ type: 'unsubscribe', packetId: 6, properties: {}, topicFilters });
    await client.expect('unsuback');
    assert.deepEqual(seen, [
      ['s', 'a', 1],
      ['s', '$share/g/b', 1],
      ['s', '$share/g/b'],
    ]);
  });

  it('one that fails changes nothing, and is counted', async (t) => {
    const broker = await withHook(t, {
      onSubscribed: () => {
        throw new Error('broken');
      },
    });
    const client = await connected(broker);
    subscribeTo(client, 'a');
    assert.deepEqual((await client.expect('suback')).reasonCodes, [1]);
    assert.equal(broker.stats.hookFailures, 1);
  });
});

describe('authorizeReceive', () => {
  it('keeps topics from a client that its filters match: live, retained, queued and shared', async (t) => {
    const broker = await withHook(t, { authorizeReceive: (_, topicName) => !topicName.includes('secret') });
    broker.publish({ topicName: 'secret/kept', retain: true, payload: 'no' });
    broker.publish({ topicName: 'open/kept', retain: true, payload: 'retained' });
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('#', { qos: 1 });
    assert.deepEqual(await textsOf(client), ['retained']);
    await client.subscribe('$share/g/#', { qos: 1 });
    broker.publish({ topicName: 'secret', payload: 'no' });
    broker.publish({ topicName: 'open', payload: 'live' });
    assert.deepEqual(await textsOf(client), ['live', 'live']);
    client.transport.breakOff();
    broker.publish({ topicName: 'secret', payload: 'no', qos: 1 });
    broker.publish({ topicName: 'open', payload: 'queued', qos: 1 });
    const back = await connected(broker, 5, lasting('s'));
    assert.deepEqual(await textsOf(back), ['queued', 'queued']);
  });

  it('a Shared Subscription finds a member that may', async (t) => {
    const broker = await withHook(t, { authorizeReceive: ({ clientId }) => clientId === 'may' });
    const [may, mayNot] = [
      await connected(broker, 5, { clientId: 'may' }),
      await connected(broker, 5, { clientId: 'may-not' }),
    ];
    for (const client of [mayNot, may]) await client.subscribe('$share/g/a');
    for (const payload of ['1', '2', '3']) assert.equal(broker.publish({ topicName: 'a', payload }), 1);
    assert.deepEqual(await textsOf(may), ['1', '2', '3']);
    await mayNot.expectNothing();
    may.transport.breakOff();
    assert.equal(broker.publish({ topicName: 'a' }), 0);
  });

  it('is asked once for a topic, until forgetReceiveVerdicts', async (t) => {
    let asked = 0;
    let isAllowed = true;
    const broker = await withHook(t, {
      authorizeReceive: () => {
        asked++;
        return isAllowed;
      },
    });
    const client = await connected(broker);
    await client.subscribe('a');
    for (const payload of ['1', '2', '3']) broker.publish({ topicName: 'a', payload });
    assert.equal(asked, 1);
    isAllowed = false;
    broker.publish({ topicName: 'a', payload: '4' });
    broker.forgetReceiveVerdicts();
    assert.equal(broker.publish({ topicName: 'a', payload: 'no' }), 0);
    assert.deepEqual(await textsOf(client), ['1', '2', '3', '4']);
  });

  it('is asked once for one message, in however many shared groups a client is', async (t) => {
    let asked = 0;
    const authorizeReceive = ({ clientId }: ClientInfo): boolean => {
      asked++;
      return clientId === 'may';
    };
    const broker = await withHook(t, { authorizeReceive });
    const filters = Array.from({ length: 40 }, (_, index) => `$share/g${index}/a`);
    const may = await connected(broker, 5, { clientId: 'may' });
    const mayNot = await connected(broker, 5, { clientId: 'may-not' });
    for (const client of [may, mayNot]) subscribeTo(client, ...filters);
    broker.publish({ topicName: 'a', payload: 'x' });
    assert.equal((await textsOf(may)).length, 40);
    assert.deepEqual(await textsOf(mayNot), []);
    assert.ok(asked <= 2, `asked ${asked} times`);
    broker.publish({ topicName: 'a', payload: 'y' });
    assert.equal((await textsOf(may)).length, 40);
  });

  it('is asked anew when a client comes back, maybe as somebody with other rights', async (t) => {
    const allowed = new Set<string>();
    const broker = await withHook(t, { authorizeReceive: ({ listener }) => allowed.has(listener) });
    const [inside, outside] = [broker.acceptor({ name: 'inside' }), broker.acceptor({ name: 'outside' })];
    allowed.add('inside');
    const client = await connected(inside, 5, lasting('s'));
    await client.subscribe('a');
    broker.publish({ topicName: 'a', payload: 'yes' });
    assert.deepEqual(await textsOf(client), ['yes']);
    client.transport.breakOff();
    const back = await connected(outside, 5, lasting('s'));
    broker.publish({ topicName: 'a', payload: 'no' });
    await back.expectNothing();
  });

  it('one that fails is a denial, and counted', async (t) => {
    const broker = await withHook(t, {
      authorizeReceive: () => {
        throw new Error('broken');
      },
    });
    const client = await connected(broker);
    await client.subscribe('a');
    assert.equal(broker.publish({ topicName: 'a' }), 0);
    await client.expectNothing();
    assert.equal(broker.stats.hookFailures, 1);
  });
});
