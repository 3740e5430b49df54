import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { lasting, startRig, type BrokerRig } from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, turnEnd, subscribePacket } from '../../helpers/mqtt-wire-client.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { compileHooks } from '../../../src/mqtt/broker/compiled-hooks.ts';
import {
  ALLOW,
  type BrokerHooks,
  type ConnectVerdict,
  type Verdict,
} from '../../../src/mqtt/broker/hooks.ts';

const DENY: Verdict = { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED };
const HOOK_TIMEOUT_MS = 5000;

function startWith(t: TestContext, ...hooks: BrokerHooks[]): Promise<BrokerRig> {
  return startRig(t, { hooks, hookTimeoutMs: HOOK_TIMEOUT_MS });
}

/** Has what several hooks decide, in this order, and who was asked. */
function deciders<V>(verdicts: readonly V[]): { asked: number[]; each: (() => V)[] } {
  const asked: number[] = [];
  const each = verdicts.map((verdict, index) => () => {
    asked.push(index);
    return verdict;
  });
  return { asked, each };
}

const later = <V>(verdict: V): Promise<V> => Promise.resolve(verdict);
const fails = (): never => {
  throw new Error('a fault of the hook');
};

describe('hooks that decide', () => {
  for (const [what, verdicts] of [
    ['at once', [ALLOW, DENY, ALLOW]],
    ['later', [later(ALLOW), later(DENY), later(ALLOW)]],
    ['now and then', [ALLOW, later(DENY), ALLOW]],
  ] as const) {
    it(`a CONNECT ${what}: the first denial wins, and the rest is not asked`, async (t) => {
      const { asked, each } = deciders<Verdict | Promise<Verdict>>(verdicts);
      const hooks = each.map((authenticate, index) => ({ name: `${index}`, authenticate }));
      const { broker, open } = await startWith(t, ...hooks);
      const client = open();
      const { reasonCode } = await client.connect();
      assert.equal(reasonCode, ReasonCode.NOT_AUTHORIZED);
      await client.expectClosed();
      assert.deepEqual(asked, [0, 1]);
      assert.equal(broker.stats.connectsRefused, 1);
    });

    it(`a subscription ${what}: the first denial wins, and the rest is not asked`, async (t) => {
      const { asked, each } = deciders<Verdict | Promise<Verdict>>(verdicts);
      const hooks = each.map((authorizeSubscribe, index) => ({ name: `${index}`, authorizeSubscribe }));
      const { broker, connected } = await startWith(t, ...hooks);
      const client = await connected();
      assert.deepEqual((await client.subscribe('a')).reasonCodes, [ReasonCode.NOT_AUTHORIZED]);
      assert.deepEqual(asked, [0, 1]);
      assert.deepEqual([broker.stats.subscribeDenied, broker.counts.subscriptions], [1, 0]);
    });
  }

  it('a PUBLISH: the first denial wins, and nobody receives it', async (t) => {
    const { asked, each } = deciders<Verdict>([ALLOW, DENY, ALLOW]);
    const hooks = each.map((authorizePublish, index) => ({ name: `${index}`, authorizePublish }));
    const { broker, connected } = await startWith(t, ...hooks);
    const client = await connected();
    await client.subscribe('#', { qos: 2 });
    client.publish('a', 'x', { qos: 1, retain: true });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.NOT_AUTHORIZED);
    await client.expectNothing();
    assert.deepEqual(asked, [0, 1]);
    assert.deepEqual([broker.stats.publishDenied, broker.counts.retainedMessages], [1, 0]);
  });

  it('name the user; the last word counts', async (t) => {
    const seen: (string | undefined)[] = [];
    const { connected } = await startWith(
      t,
      { name: '1', authenticate: () => ({ allow: true, userName: 'first' }) },
      { name: '2', authenticate: () => later<ConnectVerdict>({ allow: true, userName: 'second' }) },
      { name: '3', authenticate: () => ALLOW },
      { name: '4', onConnected: ({ userName }) => void seen.push(userName) },
    );
    await connected();
    assert.deepEqual(seen, ['second']);
  });

  it('and fail have denied, and it is told', async (t) => {
    let isConnecting = true;
    const failsLater = (): Promise<Verdict> => Promise.reject(new Error('a fault of the hook'));
    const { broker, lines, open, connected } = await startWith(t, {
      name: 'broken',
      authenticate: () => (isConnecting ? failsLater() : ALLOW),
      authorizeSubscribe: (_, topicFilter) => (topicFilter === 'later' ? failsLater() : fails()),
      authorizePublish: fails,
    });
    assert.equal((await open().connect()).reasonCode, ReasonCode.UNSPECIFIED_ERROR);
    isConnecting = false;
    const client = await connected();
    assert.deepEqual((await client.subscribe('now')).reasonCodes, [ReasonCode.UNSPECIFIED_ERROR]);
    assert.deepEqual((await client.subscribe('later')).reasonCodes, [ReasonCode.UNSPECIFIED_ERROR]);
    client.publish('a', 'x', { qos: 2 });
    assert.equal((await client.expect('pubrec')).reasonCode, ReasonCode.UNSPECIFIED_ERROR);
    assert.equal(broker.stats.hookFailures, 4);
    assert.equal(lines.filter(({ level, text }) => level === 'error' && text.includes('broken')).length, 4);
  });

  it('and take longer than hookTimeoutMs have denied', async (t) => {
    const never = new Promise<Verdict>(() => {});
    let isConnecting = true;
    const { broker, clock, open, connected } = await startWith(t, {
      name: 'slow',
      authenticate: () => (isConnecting ? never : ALLOW),
      authorizeSubscribe: () => never,
    });
    const refused = open();
    refused.send(connectPacket(5));
    await refused.expectNothing();
    clock.advance(HOOK_TIMEOUT_MS - 1);
    await refused.expectNothing();
    clock.advance(1);
    assert.equal((await refused.expect('connack')).reasonCode, ReasonCode.SERVER_UNAVAILABLE);
    isConnecting = false;
    const client = await connected();
    client.send(subscribePacket(['a']));
    client.send({ type: 'pingreq' });
    await client.expectNothing(); // Packets are answered in their order.
    clock.advance(HOOK_TIMEOUT_MS);
    assert.deepEqual((await client.expect('suback')).reasonCodes, [ReasonCode.UNSPECIFIED_ERROR]);
    await client.expect('pingresp');
    assert.equal(broker.stats.hookTimeouts, 2);
  });

  it('with a Reason Code that the answer cannot have deny with one that it can', async (t) => {
    const unfit: Verdict = { allow: false, reasonCode: ReasonCode.TOPIC_ALIAS_INVALID };
    let isConnecting = true;
    const { open, connected } = await startWith(t, {
      name: 'odd',
      authenticate: () => (isConnecting ? unfit : ALLOW),
      authorizeSubscribe: () => unfit,
      authorizePublish: () => unfit,
    });
    assert.equal((await open().connect()).reasonCode, ReasonCode.NOT_AUTHORIZED);
    isConnecting = false;
    const client = await connected();
    assert.deepEqual((await client.subscribe('a')).reasonCodes, [ReasonCode.NOT_AUTHORIZED]);
    client.publish('a', 'x', { qos: 1 });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.UNSPECIFIED_ERROR);
  });

  it('what a client receives are asked once for each topic, until they shall be asked anew', async (t) => {
    const asked: string[] = [];
    let mayReceive = false;
    const { broker, connected } = await startWith(t, {
      name: 'receive',
      authorizeReceive: ({ clientId }, topicName) => {
        asked.push(`${clientId} ${topicName}`);
        return mayReceive;
      },
    });
    const client = await connected({ clientId: 'one' });
    await client.subscribe('#');
    for (let count = 0; count < 3; count++) broker.publish({ topicName: 'a', payload: 'x' });
    await client.expectNothing();
    assert.deepEqual(asked, ['one a']);
    mayReceive = true;
    broker.forgetReceiveVerdicts();
    broker.publish({ topicName: 'a', payload: 'y' });
    await client.expect('publish');
    assert.equal(asked.length, 2);
  });
});

describe('hooks that observe', () => {
  it('see what happens, in its order', async (t) => {
    const seen: string[] = [];
    const { broker, open } = await startWith(t, {
      name: 'observer',
      onConnected: ({ clientId }) => void seen.push(`connected ${clientId}`),
      onSubscribed: ({ clientId }, topicFilter, qos) =>
        void seen.push(`subscribed ${clientId} ${topicFilter} ${qos}`),
      onUnsubscribed: ({ clientId }, topicFilter) =>
        void seen.push(`unsubscribed ${clientId} ${topicFilter}`),
      onPublished: (message, from) =>
        void seen.push(`published ${message.topicName} ${from?.clientId ?? 'self'}`),
      onDropped: (topicName, clientId, why) => void seen.push(`dropped ${topicName} ${clientId} ${why}`),
      onDisconnected: ({ clientId }, { by }) => void seen.push(`disconnected ${clientId} ${by}`),
    });
    const client = open();
    await client.connect({ clientId: 'one', properties: { sessionExpiryInterval: 100 } });
    await client.subscribe('$share/g/a', { qos: 1 });
    await client.subscribe('b', { qos: 2 });
    client.send({ type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['$share/g/a', 'never'] });
    await client.expect('unsuback');
    client.publish('nobody');
    client.disconnect();
    await turnEnd();
    broker.publish({ topicName: 'b', payload: 'x' });
    assert.deepEqual(seen, [
      'connected one',
      'subscribed one $share/g/a 1',
      'subscribed one b 2',
      'unsubscribed one $share/g/a',
      'published nobody one',
      'disconnected one client',
      'dropped b one offline',
      'published b self',
    ]);
  });

  it('and fail change nothing, and keep no other from seeing it', async (t) => {
    const seen: string[] = [];
    const { broker, connected } = await startWith(
      t,
      { name: 'broken', onConnected: fails, onPublished: fails, onSubscribed: fails, onDisconnected: fails },
      {
        name: 'good',
        onConnected: () => void seen.push('connected'),
        onPublished: () => void seen.push('published'),
      },
    );
    const client = await connected();
    await client.subscribe('a');
    client.publish('a', 'x');
    await client.expect('publish');
    client.disconnect();
    await client.expectClosed();
    assert.deepEqual(seen, ['connected', 'published']);
    assert.equal(broker.stats.hookFailures, 4);
  });

  it('may publish from within: each message stays what it is', async (t) => {
    const seen: string[] = [];
    const { broker, connected } = await startWith(t, {
      name: 'echo',
      onPublished: (message) => {
        const depth = message.topicName.length;
        if (depth < 4) broker.publish({ topicName: `${message.topicName}a`, payload: `${depth}`, qos: 1 });
        seen.push(`${message.topicName} ${Buffer.from(message.payload).toString()}`);
      },
    });
    const client = await connected();
    await client.subscribe('#', { qos: 1 });
    broker.publish({ topicName: 'a', payload: '0' });
    assert.deepEqual(seen, ['aaaa 3', 'aaa 2', 'aa 1', 'a 0']);
    const packets = await client.all();
    assert.deepEqual(
      packets.map((packet) => (packet.type === 'publish' ? packet.topicName : packet.type)),
      ['a', 'aa', 'aaa', 'aaaa'],
    );
  });
});

describe('compileHooks', () => {
  it('has of two methods of one name the first, and keeps the order of the rest', () => {
    const begin = () => ({
      next: () => ({ step: 'failure', reasonCode: ReasonCode.NOT_AUTHORIZED }) as const,
    });
    const [first, second, third] = ['A', 'A', 'B'].map((name) => ({ name, begin }));
    const hooks = compileHooks([
      { name: '1', authenticationMethods: [first!] },
      { name: '2', authenticationMethods: [second!, third!], onConnected: () => {} },
      { name: '3', onConnected: () => {} },
    ]);
    assert.equal(hooks.authenticationMethods.get('A'), first);
    assert.equal(hooks.authenticationMethods.get('B'), third);
    assert.deepEqual(
      hooks.onConnected.map(({ name }) => name),
      ['2', '3'],
    );
    assert.deepEqual(hooks.authorizePublish, []);
  });
});

it('authorizeReceive is asked as docs/mqtt.md says', async (t) => {
  const asked: string[] = [];
  const { broker, connected } = await startRig(t, {
    maxCachedTopics: 3,
    hooks: [
      {
        name: 'readers',
        authorizeReceive: ({ clientId }, topicName) => {
          asked.push(`${clientId} ${topicName}`);
          return true;
        },
      },
    ],
  });
  const after = async (step: () => unknown): Promise<string> => {
    asked.length = 0;
    await step();
    await turnEnd();
    return asked.toSorted().join();
  };
  const publish = (topicName: string, retain = false): unknown =>
    broker.publish({ topicName, payload: 'x', retain });
  const a = await connected(lasting('a'));
  await after(() => a.send(subscribePacket(['t/#'])));
  assert.equal(await after(() => publish('t/1')), 'a t/1', 'the first message');
  assert.equal(await after(() => publish('t/1')), '', 'and no other');
  const b = await connected({ clientId: 'b' });
  await after(() => b.send(subscribePacket(['t/1'])));
  assert.equal(await after(() => publish('t/1')), 'b t/1', 'a new subscriber, and nobody else');
  assert.equal(await after(() => a.send(subscribePacket(['t/#'], { qos: 1 }))), '');
  assert.equal(await after(() => publish('t/1')), '', 'other options of the same client');
  for (let index = 2; index < 10; index++) publish(`t/${index}`);
  assert.equal(await after(() => publish('t/1')), 'a t/1,b t/1', 'a topic that was forgotten');
  broker.forgetReceiveVerdicts();
  assert.equal(await after(() => publish('t/1')), 'a t/1,b t/1', 'after forgetReceiveVerdicts');
  publish('t/1', true);
  for (const time of ['once', 'again'])
    assert.equal(await after(() => b.send(subscribePacket(['t/1']))), 'b t/1', `a retained message, ${time}`);
  a.transport.breakOff();
  await connected(lasting('a'));
  assert.equal(await after(() => publish('t/1')), 'a t/1', 'a client that came back');
  await after(() => b.send(subscribePacket(['$share/g/s'])));
  for (const time of ['once', 'again'])
    assert.equal(await after(() => publish('s')), 'b s', `a Shared Subscription, ${time}`);
});
