import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { CONNECTION_BYTES, KeptKind } from '../../../src/base/kept-kinds.ts';
import { Ledger } from '../../../src/base/ledger.ts';
import type { Broker } from '../../../src/mqtt/broker/broker.ts';
import { ALLOW, type Verdict } from '../../../src/mqtt/broker/hooks.ts';
import type { BrokerOptions } from '../../../src/mqtt/broker/options.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { acknowledge, connected, lasting, publishesOf, startBroker } from '../../helpers/mqtt-broker-rig.ts';
import { turnEnd, WireClient } from '../../helpers/mqtt-wire-client.ts';

const MIB = 1024 * 1024;

type Limits = Partial<Record<KeptKind, number>>;

/** A broker whose parties are user names where clients give one, else addresses. */
async function start(
  t: TestContext,
  limits: Limits,
  options: BrokerOptions = {},
): Promise<{ broker: Broker; ledger: Ledger }> {
  const ledger = new Ledger({ limits });
  const partyOf: BrokerOptions['partyOf'] = ({ userName, peer }) => userName ?? peer.address;
  return { broker: await startBroker(t, { ledger, partyOf, ...options }), ledger };
}

const kept = (ledger: Ledger, kind: KeptKind): [bytes: number, count: number] => {
  const { bytes, count } = ledger.totals()[kind]!;
  return [bytes, count];
};

/** Clients of several addresses, until the kind is as full as they can make it; those that are left. */
async function fillBy(
  broker: Broker,
  ledger: Ledger,
  kind: KeptKind,
  hold: (client: WireClient, bytes: number) => void,
): Promise<WireClient[]> {
  const held: WireClient[] = [];
  for (let count = 0; count < 6; count++) {
    for (const bytes of [100_000, 10_000, 1000, 200]) {
      for (let isFull = false; !isFull;) {
        const client = await connected(
          broker,
          5,
          { clientId: `h${held.length}` },
          { address: `10.0.0.${count}` },
        );
        hold(client, bytes);
        await turnEnd();
        isFull = client.transport.hasEnded;
        held.push(client);
      }
    }
  }
  const { bytes, limitBytes } = ledger.totals()[kind]!;
  assert.ok(bytes > 0.7 * limitBytes, `${bytes} of ${limitBytes} are held`);
  return held;
}

describe('what clients make the broker keep is booked', () => {
  it('everything that a client had is given back when it and its session are gone', async (t) => {
    const { broker, ledger } = await start(t, {});
    broker.publish({ topicName: 't/1' }); // a topic that is known stays known
    const before = ledger.totals();
    const client = await connected(broker, 5, lasting('a'));
    await client.subscribe('t/#', { qos: 2 });
    await client.subscribe('u', { qos: 1 });
    const other = await connected(broker, 5, lasting('b'));
    for (let packetId = 1; packetId <= 5; packetId++) {
      other.publish('t/1', 'x'.repeat(1000), { qos: 1, packetId, retain: true });
    }
    await other.all();
    assert.equal(kept(ledger, KeptKind.SESSION)[1], 2);
    assert.equal(kept(ledger, KeptKind.SUBSCRIPTION)[1], 2);
    assert.equal(kept(ledger, KeptKind.INFLIGHT)[1], 5);
    assert.equal(kept(ledger, KeptKind.RETAINED)[1], 1);
    assert.deepEqual(kept(ledger, KeptKind.CONNECTION), [2 * CONNECTION_BYTES, 2]);
    client.transport.breakOff();
    other.publish('t/1', 'y'.repeat(1000), { qos: 1, packetId: 9 });
    await other.all();
    assert.equal(kept(ledger, KeptKind.QUEUED)[1], 1);
    assert.ok(kept(ledger, KeptKind.QUEUED)[0] > 1000);
    assert.ok(kept(ledger, KeptKind.INFLIGHT)[0] > 5000);

    const again = await connected(broker, 5, { clientId: 'a', cleanStart: true });
    again.disconnect();
    other.publish('t/1', '', { qos: 1, packetId: 10, retain: true });
    await other.all();
    other.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await other.all();
    assert.deepEqual(ledger.totals(), before);
  });

  it('a Will is booked with its connection, and as the retained message that it becomes', async (t) => {
    const { broker, ledger } = await start(t, {});
    const willMessage = {
      topicName: 'gone',
      payload: Buffer.alloc(500),
      qos: 0,
      retain: true,
      properties: {},
    } as const;
    const client = await connected(broker, 5, { clientId: 'a', userName: 'alone', willMessage });
    assert.ok(kept(ledger, KeptKind.WILL)[0] > 500);
    client.transport.breakOff();
    await client.all();
    assert.deepEqual(kept(ledger, KeptKind.WILL), [0, 0]);
    assert.equal(kept(ledger, KeptKind.SESSION)[1], 0);
    assert.equal(kept(ledger, KeptKind.RETAINED)[1], 1);
    assert.ok(ledger.open('alone').bytes > 500, 'it is booked to whose Will it was');
    broker.publish({ topicName: 'gone', retain: true });
    assert.deepEqual(kept(ledger, KeptKind.RETAINED), [0, 0]);
  });

  it('a CONNECT is booked while it is decided, and beyond a share it is refused', async (t) => {
    const answers: (() => void)[] = [];
    const decide = (): Promise<Verdict> => new Promise((resolve) => answers.push(() => resolve(ALLOW)));
    const hooks = [{ name: 'slow', authenticate: decide }];
    const { broker, ledger } = await start(t, { [KeptKind.CONNECT]: 40_000 }, { hooks });
    const clients = Array.from({ length: 12 }, () => new WireClient(broker, 5, { address: '10.0.0.1' }));
    const connacks = clients.map((client, index) =>
      client.connect({ clientId: `${index}` }).catch(() => undefined),
    );
    await Promise.all(connacks.slice(9));
    assert.equal(kept(ledger, KeptKind.CONNECT)[1], 9);
    assert.ok(clients.slice(9).every(({ transport }) => transport.hasEnded));
    for (const answer of answers) answer();
    await clients[0]!.all();
    assert.deepEqual(kept(ledger, KeptKind.CONNECT), [0, 0]);
  });

  it('Topic Aliases have a sum: beyond a share their client is sent away, and gives them back', async (t) => {
    const { broker, ledger } = await start(t, { [KeptKind.TOPIC_ALIAS]: 40_000 });
    const client = await connected(broker, 5, {});
    const give = (topicAlias: number, topicName: string): void =>
      client.publish(topicName, 'x', { properties: { topicAlias } });
    give(1, 'a'.repeat(1000));
    give(1, 'b'.repeat(2000));
    await client.expectNothing();
    assert.deepEqual(kept(ledger, KeptKind.TOPIC_ALIAS), [6512, 1], 'one takes the place of the other');
    for (let alias = 2; alias <= 4; alias++) give(alias, `${alias}`.repeat(2000));
    const { reasonCode } = await client.expect('disconnect');
    assert.equal(reasonCode, ReasonCode.QUOTA_EXCEEDED);
    await client.expectClosed();
    assert.deepEqual(kept(ledger, KeptKind.TOPIC_ALIAS), [0, 0]);
  });

  it('Topic Aliases that are given count in that sum: without room a message is sent with its topic', async (t) => {
    const { broker, ledger } = await start(t, { [KeptKind.TOPIC_ALIAS]: 16_000 });
    const client = await connected(broker, 5, { properties: { topicAliasMaximum: 30 } });
    await client.subscribe('#');
    const topics = Array.from({ length: 4 }, (_, index) => `${index}`.repeat(1000));
    for (const topicName of [...topics, ...topics]) broker.publish({ topicName });
    const received = publishesOf(await client.all());
    assert.deepEqual(
      received.map(({ topicName, properties }) => [topicName === '', properties.topicAlias]),
      [1, 2, undefined, undefined, 1, 2, undefined, undefined].map((alias, index) => [
        index >= 4 && alias !== undefined,
        alias,
      ]),
    );
    assert.deepEqual(kept(ledger, KeptKind.TOPIC_ALIAS), [7024, 2]);
    client.transport.breakOff();
    await client.all();
    assert.deepEqual(kept(ledger, KeptKind.TOPIC_ALIAS), [0, 0]);
  });

  it('packets that are not whole have a sum, and give it back', async (t) => {
    const { broker, ledger } = await start(t, { [KeptKind.PARTIAL]: MIB });
    const part = Buffer.concat([Buffer.from([0x30, 0x80, 0x80, 0x20]), Buffer.alloc(100_000)]);
    const clients: WireClient[] = [];
    for (let count = 0; count < 10; count++) {
      const client = await connected(broker, 5, { clientId: `${count}` });
      client.sendBytes(part);
      clients.push(client);
    }
    assert.ok(clients.some(({ transport }) => transport.hasEnded));
    assert.ok(clients.some(({ transport }) => !transport.hasEnded));
    const [bytes] = kept(ledger, KeptKind.PARTIAL);
    assert.ok(bytes >= 200_000 && bytes <= MIB / 2, `${bytes} bytes are held`);
    for (const client of clients) client.transport.breakOff();
    await clients[0]!.all();
    assert.deepEqual(kept(ledger, KeptKind.PARTIAL), [0, 0]);
  });

  it('what all others hold in parts of packets keeps no packet of a newcomer out', async (t) => {
    const { broker, ledger } = await start(t, { [KeptKind.PARTIAL]: MIB });
    const held = await fillBy(broker, ledger, KeptKind.PARTIAL, (client, bytes) =>
      client.sendBytes(Buffer.concat([Buffer.from([0x30, 0x80, 0x80, 0x20]), Buffer.alloc(bytes)])),
    );
    const newcomer = await connected(broker, 5, { clientId: 'new' }, { address: '10.0.1.1' });
    const head = Buffer.from([0x32, 0xa8, 0x9c, 0x01, 0, 3, 0x61, 0x2f, 0x62, 0, 1, 0]);
    newcomer.sendBytes(Buffer.concat([head, Buffer.alloc(15_000)]));
    await turnEnd();
    newcomer.sendBytes(Buffer.alloc(5000));
    assert.equal((await newcomer.expect('puback')).packetId, 1);
    assert.ok(
      held.some(({ transport }) => !transport.hasEnded),
      'no more are closed than it takes',
    );
  });

  it('what all others hold in Topic Aliases keeps no alias of a newcomer out', async (t) => {
    const { broker, ledger } = await start(t, { [KeptKind.TOPIC_ALIAS]: MIB });
    await fillBy(broker, ledger, KeptKind.TOPIC_ALIAS, (client, bytes) =>
      client.publish('t'.repeat(Math.max(1, Math.min(bytes / 3, 60_000))), '', {
        properties: { topicAlias: 1 },
      }),
    );
    const newcomer = await connected(broker, 5, { clientId: 'new' }, { address: '10.0.1.1' });
    newcomer.publish('a/b', 'x', { qos: 1, packetId: 1, properties: { topicAlias: 1 } });
    assert.equal((await newcomer.expect('puback')).packetId, 1);
  });

  it('acknowledgements and UNSUBSCRIBE give it back one by one', async (t) => {
    const { broker, ledger } = await start(t, {});
    const client = await connected(broker, 5, lasting('a'));
    await client.subscribe('t', { qos: 1 });
    for (let count = 0; count < 3; count++) broker.publish({ topicName: 't', payload: 'x', qos: 1 });
    for (const { packetId } of publishesOf(await client.all())) {
      assert.ok(kept(ledger, KeptKind.INFLIGHT)[1] > 0);
      acknowledge(client, 'puback', packetId);
      await client.all();
    }
    assert.deepEqual(kept(ledger, KeptKind.INFLIGHT), [0, 0]);
    client.send({ type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['t'] });
    await client.all();
    assert.deepEqual(kept(ledger, KeptKind.SUBSCRIPTION), [0, 0]);
  });

  it('sessions: 0x97 beyond a share, and a newcomer gets one', async (t) => {
    const { broker } = await start(t, { [KeptKind.SESSION]: 40 * 1100 });
    const codes: number[] = [];
    for (let count = 0; count < 30; count++) {
      const client = new WireClient(broker);
      codes.push((await client.connect({ ...lasting(`greedy-${count}`), userName: 'greedy' })).reasonCode);
    }
    assert.equal(codes.filter((code) => code === ReasonCode.SUCCESS).length, 21);
    assert.equal(codes.at(-1), ReasonCode.QUOTA_EXCEEDED);
    const newcomer = await new WireClient(broker).connect({ ...lasting('modest'), userName: 'modest' });
    assert.equal(newcomer.reasonCode, ReasonCode.SUCCESS);
  });

  it('subscriptions: 0x97 in the SUBACK beyond a share', async (t) => {
    const { broker } = await start(t, { [KeptKind.SUBSCRIPTION]: 20 * 520 });
    const greedy = await connected(broker, 5, { clientId: 'a', userName: 'greedy' });
    const codes: number[] = [];
    for (let count = 0; count < 12; count++)
      codes.push(...(await greedy.subscribe(`t/${count}`)).reasonCodes);
    assert.equal(codes.filter((code) => code === 0).length, 10);
    assert.equal(codes.at(-1), ReasonCode.QUOTA_EXCEEDED);
    assert.deepEqual((await greedy.subscribe('t/1')).reasonCodes, [0], 'one that it has may be changed');
    const modest = await connected(broker, 5, { clientId: 'b', userName: 'modest' });
    assert.deepEqual((await modest.subscribe('t/1')).reasonCodes, [0]);
  });

  it('retained messages: 0x97 beyond a share, booked to who published them', async (t) => {
    const { broker } = await start(t, { [KeptKind.RETAINED]: 20 * 1600 });
    const publish = async (client: WireClient, topicName: string): Promise<number> => {
      client.publish(topicName, 'x'.repeat(1000), { qos: 1, retain: true });
      return (await client.expect('puback')).reasonCode;
    };
    const greedy = await connected(broker, 5, { userName: 'greedy' });
    const codes: number[] = [];
    for (let count = 0; count < 15; count++) codes.push(await publish(greedy, `t/${count}`));
    assert.equal(codes.filter((code) => code < 0x80).length, 10);
    assert.equal(codes.at(-1), ReasonCode.QUOTA_EXCEEDED);
    const modest = await connected(broker, 5, { userName: 'modest' });
    assert.ok((await publish(modest, 'm')) < 0x80);
  });

  it('who acknowledges nothing has as much in flight as in its queue, and no more', async (t) => {
    const { broker, ledger } = await start(t, {}, { maxQueuedBytes: MIB });
    const hoarder = await connected(broker, 5, lasting('hoarder'), { maxUnreadBytes: 1e9 });
    await hoarder.subscribe('big', { qos: 1 });
    for (let count = 0; count < 40; count++) {
      broker.publish({ topicName: 'big', payload: 'x'.repeat(100_000), qos: 1 });
    }
    assert.ok(kept(ledger, KeptKind.INFLIGHT)[0] <= 1.1 * MIB);
    assert.ok(kept(ledger, KeptKind.QUEUED)[0] <= 1.1 * MIB);
    const before = kept(ledger, KeptKind.QUEUED)[1];
    for (const { packetId } of publishesOf(await hoarder.all())) acknowledge(hoarder, 'puback', packetId);
    const more = publishesOf(await hoarder.all());
    assert.equal(more.length, before, 'what waited comes when there is room');
  });

  it('clients that do not read have a sum: beyond it QoS 0 is dropped', async (t) => {
    const { broker, ledger } = await start(t, { [KeptKind.OUTBOX]: 2 * MIB });
    const slow: WireClient[] = [];
    for (let count = 0; count < 20; count++) {
      const client = await connected(broker, 5, { clientId: `slow-${count}` }, { maxUnreadBytes: 1000 });
      await client.subscribe('news');
      slow.push(client);
    }
    for (let count = 0; count < 100; count++) {
      broker.publish({ topicName: 'news', payload: 'x'.repeat(10_000) });
      await new Promise((resolve) => void setImmediate(resolve));
    }
    const [bytes] = kept(ledger, KeptKind.OUTBOX);
    assert.ok(bytes > 0.9 * MIB && bytes < 2 * MIB, `${bytes} bytes wait`);
    assert.ok(broker.stats.dropped['outbox-full'] > 1000);
    for (const client of slow) client.transport.breakOff();
    await new Promise((resolve) => void setImmediate(resolve));
    assert.deepEqual(kept(ledger, KeptKind.OUTBOX), [0, 0]);
  });

  it('nothing is booked for messages that are larger than the client takes', async (t) => {
    const { broker, ledger } = await start(t, {});
    const properties = { maximumPacketSize: 1000 };
    const client = await connected(broker, 5, { clientId: 'slow', properties }, { maxUnreadBytes: 100 });
    await client.subscribe('news');
    for (let count = 0; count < 2; count++) {
      broker.publish({ topicName: 'news', payload: 'x'.repeat(900) });
      await turnEnd();
    }
    const before = kept(ledger, KeptKind.OUTBOX);
    assert.ok(before[0] > 1800);
    for (const size of [2000, 500_000]) broker.publish({ topicName: 'news', payload: 'x'.repeat(size) });
    await turnEnd();
    assert.equal(broker.stats.dropped['packet-too-large'], 2);
    assert.deepEqual(kept(ledger, KeptKind.OUTBOX), before);
  });

  it('connections: for a newcomer those of the address that has most are closed', async (t) => {
    const { broker, ledger } = await start(t, { [KeptKind.CONNECTION]: 40 * CONNECTION_BYTES });
    const open = (address: string): WireClient => new WireClient(broker, 5, { address });
    const greedy = Array.from({ length: 30 }, () => open('10.0.0.1'));
    assert.equal(greedy.filter(({ transport }) => transport.hasEnded).length, 10);
    for (const address of ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']) {
      for (let count = 0; count < 4; count++) open(address);
    }
    const newcomer = open('10.0.0.9');
    assert.equal((await newcomer.connect()).reasonCode, ReasonCode.SUCCESS);
    assert.ok(kept(ledger, KeptKind.CONNECTION)[1] <= 40);
    const left = greedy.filter(({ transport }) => !transport.hasEnded).length;
    assert.equal(left, 9, 'of the address that had most no more are closed than it takes');
  });
});
