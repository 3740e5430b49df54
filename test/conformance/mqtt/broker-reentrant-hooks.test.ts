import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Broker, LocalSubscription } from '../../../src/mqtt/broker/broker.ts';
import type { BrokerHooks } from '../../../src/mqtt/broker/hooks.ts';
import { ALLOW } from '../../../src/mqtt/broker/hooks.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { connected, lasting, startBroker, textsOf } from '../../helpers/mqtt-broker-rig.ts';
import type { WireClient } from '../../helpers/mqtt-wire-client.ts';

function text(payload: Uint8Array): string {
  return Buffer.from(payload).toString();
}

async function subscribed(broker: Broker, clientId: string, ...filters: string[]): Promise<WireClient> {
  const client = await connected(broker, 5, { clientId });
  for (const filter of filters) await client.subscribe(filter, { qos: 1 });
  return client;
}

describe('authorizeReceive that calls the broker', () => {
  it('publishes to another topic: the outer message reaches all subscribers and groups, then and later', async (t) => {
    let isFirst = true;
    const authorizeReceive: BrokerHooks['authorizeReceive'] = (_, topicName) => {
      if (topicName !== 'outer' || !isFirst) return true;
      isFirst = false;
      assert.equal(broker.publish({ topicName: 'inner', payload: 'inner' }), 1);
      return true;
    };
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'audit', authorizeReceive }] });
    const clients = [
      await subscribed(broker, 'a', 'outer'),
      await subscribed(broker, 'b', 'outer'),
      await subscribed(broker, 'c', 'outer'),
    ];
    const member = await subscribed(broker, 'm', '$share/g/outer');
    const audit = await subscribed(broker, 'audit', 'inner');
    for (const payload of ['1', '2']) assert.equal(broker.publish({ topicName: 'outer', payload }), 4);
    for (const client of [...clients, member]) assert.deepEqual(await textsOf(client), ['1', '2']);
    assert.deepEqual(await textsOf(audit), ['inner']);
  });

  it('publishes: each member of a group is asked about the topic of the message that is for it', async (t) => {
    const asked: string[] = [];
    const authorizeReceive: BrokerHooks['authorizeReceive'] = ({ clientId }, topicName) => {
      asked.push(`${clientId} ${topicName}`);
      if (topicName === 'outer' && clientId === 'a') broker.publish({ topicName: 'inner' });
      return clientId !== 'a';
    };
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'audit', authorizeReceive }] });
    await subscribed(broker, 'a', '$share/g/outer');
    const b = await subscribed(broker, 'b', '$share/g/outer');
    const c = await subscribed(broker, 'c', '$share/h/inner');
    assert.equal(broker.publish({ topicName: 'outer', payload: 'outer' }), 1);
    assert.deepEqual(asked, ['a outer', 'c inner', 'b outer']);
    assert.deepEqual([await textsOf(b), await textsOf(c)], [['outer'], ['']]);
  });

  it('publishes to the same group: the member that is there gets it, not one that is away', async (t) => {
    const authorizeReceive: BrokerHooks['authorizeReceive'] = ({ clientId }, topicName) => {
      if (topicName === 'x/outer' && clientId === 'away') broker.publish({ topicName: 'x/inner' });
      return true;
    };
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'audit', authorizeReceive }] });
    const away = await connected(broker, 5, lasting('away'));
    await away.subscribe('$share/g/x/+', { qos: 1 });
    const here = [
      await subscribed(broker, 'b', '$share/g/x/+'),
      await subscribed(broker, 'c', '$share/g/x/+'),
    ];
    away.transport.breakOff();
    assert.equal(broker.publish({ topicName: 'x/outer', payload: 'outer', qos: 1 }), 1);
    const texts = [...(await textsOf(here[0]!)), ...(await textsOf(here[1]!))];
    assert.deepEqual(texts.sort(), ['', 'outer']);
  });

  it('subscribes and unsubscribes: the message goes to those who were there, the next to those who are', async (t) => {
    const got: string[] = [];
    const mine: LocalSubscription[] = [];
    const authorizeReceive: BrokerHooks['authorizeReceive'] = () => {
      mine.pop()?.unsubscribe();
      mine.push(broker.subscribe('t', ({ payload }) => got.push(`new ${text(payload)}`)));
      return true;
    };
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'watch', authorizeReceive }] });
    const first = await subscribed(broker, 'a', 't');
    mine.push(broker.subscribe('t', ({ payload }) => got.push(`old ${text(payload)}`)));
    broker.publish({ topicName: 't', payload: '1' });
    assert.deepEqual(got, []);
    assert.equal(broker.publish({ topicName: 't', payload: '2' }), 2);
    assert.deepEqual(got, ['new 2']);
    assert.deepEqual(await textsOf(first), ['1', '2']);
  });

  it('ends the client that it is asked about, and forgets verdicts: nobody else loses anything', async (t) => {
    const authorizeReceive: BrokerHooks['authorizeReceive'] = ({ clientId }) => {
      broker.forgetReceiveVerdicts();
      if (clientId === 'b') broker.disconnectClient('b', { endSession: true });
      return true;
    };
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'strict', authorizeReceive }] });
    const [a, b, c] = [
      await subscribed(broker, 'a', 't'),
      await subscribed(broker, 'b', 't'),
      await subscribed(broker, 'c', 't'),
    ];
    broker.publish({ topicName: 't', payload: '1' });
    assert.equal(broker.publish({ topicName: 't', payload: '2' }), 2);
    for (const client of [a, c]) assert.deepEqual(await textsOf(client), ['1', '2']);
    assert.deepEqual(
      (await b.all()).map(({ type }) => type),
      ['disconnect'],
    );
    assert.equal(broker.counts.sessions, 2);
  });

  it('publishes to the very topic that it is asked about: all get the outer message', async (t) => {
    let isFirst = true;
    const authorizeReceive: BrokerHooks['authorizeReceive'] = () => {
      if (isFirst) {
        isFirst = false;
        assert.equal(broker.publish({ topicName: 't', payload: 'inner' }), 2);
      }
      return true;
    };
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'echo', authorizeReceive }] });
    const clients = [await subscribed(broker, 'a', 't'), await subscribed(broker, 'b', 't')];
    assert.equal(broker.publish({ topicName: 't', payload: 'outer' }), 2);
    for (const client of clients) assert.deepEqual(await textsOf(client), ['inner', 'outer']);
  });
});

describe('other hooks that call the broker', () => {
  it('authorizePublish and onPublished publish: each message is whole, in the order of the calls', async (t) => {
    const hook: BrokerHooks = {
      name: 'audit',
      authorizePublish: (_, { topicName, payload }) => {
        broker.publish({ topicName: `before/${topicName}`, payload });
        return ALLOW;
      },
      onPublished: ({ topicName, payload, qos, properties }, from) => {
        if (from === undefined) return;
        broker.publish({ topicName: `after/${topicName}`, payload: 'other' });
        const told = `${text(payload)} ${qos} ${properties.contentType}`;
        broker.publish({ topicName: `after/${topicName}`, payload: told });
      },
    };
    const broker: Broker = await startBroker(t, { hooks: [hook] });
    const watcher = await subscribed(broker, 'w', '#');
    const client = await connected(broker);
    client.publish('t', 'x', { qos: 1, properties: { contentType: 'text' } });
    await client.expect('puback');
    assert.deepEqual(await textsOf(watcher), ['x', 'x', 'other', 'x 1 text']);
  });

  it('authorizePublish ends the client that publishes: its message still goes to all', async (t) => {
    const authorizePublish: BrokerHooks['authorizePublish'] = ({ clientId }) => {
      broker.disconnectClient(clientId, { endSession: true });
      return ALLOW;
    };
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'once', authorizePublish }] });
    const watcher = await subscribed(broker, 'w', 't', '$share/g/t');
    const client = await connected(broker, 5, lasting('p'));
    await client.subscribe('t');
    client.publish('t', 'last', { qos: 1 });
    assert.deepEqual(
      (await client.all()).map(({ type }) => type),
      ['disconnect'],
    );
    assert.deepEqual(await textsOf(watcher), ['last', 'last']);
  });

  it('onDropped publishes to the session that lost a message: it comes after the one that made room', async (t) => {
    const clock = new ManualClock();
    const onDropped: BrokerHooks['onDropped'] = (topicName, _, why) => {
      if (topicName === 't') broker.publish({ topicName: 'told', payload: why, qos: 1 });
    };
    const hooks = [{ name: 'watch', onDropped }];
    const broker: Broker = await startBroker(t, { hooks, clock, maxQueuedMessages: 2 });
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('#', { qos: 1 });
    client.transport.breakOff();
    const properties = { messageExpiryInterval: 1 };
    for (const payload of ['1', '2']) broker.publish({ topicName: 't', payload, qos: 1, properties });
    clock.advance(2000);
    broker.publish({ topicName: 't', payload: '3', qos: 1 });
    const back = await connected(broker, 5, lasting('s'));
    assert.deepEqual(await textsOf(back), ['3', 'expired']);
    assert.deepEqual(broker.stats.dropped.expired, 2);
    assert.deepEqual(broker.stats.dropped['queue-full'], 1);
  });
});

describe('a subscriber of this program that calls the broker', () => {
  it('publishes, subscribes and unsubscribes while a message goes round', async (t) => {
    const broker = await startBroker(t);
    const got: string[] = [];
    const others: LocalSubscription[] = [];
    others.push(broker.subscribe('t', () => got.push('the other, which was unsubscribed')));
    const own = broker.subscribe('t', ({ payload }) => {
      got.push(`own ${text(payload)}`);
      own.unsubscribe();
      others.pop()?.unsubscribe();
      broker.subscribe('t', (message) => got.push(`late ${text(message.payload)}`), {
        retained: false,
      });
      broker.publish({ topicName: 't', payload: 'inner' });
      got.push(`own still ${text(payload)}`);
    });
    const client = await subscribed(broker, 'a', 't', '$share/g/t');
    broker.publish({ topicName: 't', payload: 'outer' });
    assert.deepEqual(got, ['own outer', 'late inner', 'own still outer']);
    assert.deepEqual((await textsOf(client)).sort(), ['inner', 'inner', 'outer', 'outer']);
  });

  it('ends clients to whom the message was still to go', async (t) => {
    const broker = await startBroker(t);
    const ended = await subscribed(broker, 'a', 't');
    const kept = await connected(broker, 5, lasting('k'));
    await kept.subscribe('t', { qos: 1 });
    const stays = await subscribed(broker, 's', 't');
    broker.subscribe('t', () => {
      broker.disconnectClient('a', { endSession: true });
      broker.disconnectClient('k');
    });
    broker.publish({ topicName: 't', payload: 'x', qos: 1 });
    assert.deepEqual(
      (await ended.all()).map(({ type }) => type),
      ['disconnect'],
    );
    assert.deepEqual(await textsOf(stays), ['x']);
    const back = await connected(broker, 5, lasting('k'));
    assert.deepEqual(await textsOf(back), ['x']);
  });
});
