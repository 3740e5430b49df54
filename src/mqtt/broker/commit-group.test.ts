import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { GatedStore } from '../../../test/helpers/gated-store.ts';
import { ManualClock } from '../../../test/helpers/manual-clock.ts';
import { connectPacket, turnEnd, WireClient } from '../../../test/helpers/mqtt-wire-client.ts';
import type { ControlPacket } from '../codec/decode-packet.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { Broker } from './broker.ts';
import type { BrokerOptions } from './options.ts';

const DURABLE = { sessionExpiryInterval: 1000 };
const KIBIBYTE = 1024;

/** A broker over a store that a test holds back. */
class Bench {
  readonly gate = new GatedStore();
  readonly broker: Broker;

  constructor(t: TestContext, options: BrokerOptions = {}) {
    this.broker = Bench.#over(this.gate, options);
    t.after(async () => {
      this.gate.open();
      await this.broker.close();
    });
  }

  static #over({ store }: GatedStore, options: BrokerOptions): Broker {
    return new Broker({ store, clock: new ManualClock(), sysTopicIntervalMs: 0, ...options });
  }

  static async start(t: TestContext, options: BrokerOptions = {}): Promise<Bench> {
    const bench = new Bench(t, options);
    await bench.broker.start();
    return bench;
  }

  /** A client with a session that outlives its connection. */
  async durable(clientId: string, fields: { cleanStart?: boolean } = {}): Promise<WireClient> {
    const client = new WireClient(this.broker);
    await client.connect({ clientId, cleanStart: false, properties: DURABLE, ...fields });
    return client;
  }

  async passing(clientId = 'passing'): Promise<WireClient> {
    const client = new WireClient(this.broker);
    await client.connect({ clientId });
    return client;
  }

  /** A session that waits for messages of `t/#` while its client is away. */
  async away(clientId = 'away'): Promise<void> {
    const client = await this.durable(clientId);
    await client.subscribe('t/#', { qos: 2 });
    client.disconnect();
    await turnEnd();
  }

  /** What came to the away session, as a broker finds it that starts after this one is gone. */
  async comesBack(clientId = 'away'): Promise<string[]> {
    const broker = Bench.#over(this.gate, {});
    await broker.start();
    const client = new WireClient(broker);
    await client.connect({ clientId, cleanStart: false, properties: DURABLE });
    return payloadsOf(await client.all());
  }
}

function payloadsOf(packets: readonly ControlPacket[]): string[] {
  return packets.flatMap((packet) =>
    packet.type === 'publish' ? [Buffer.from(packet.payload).toString()] : [],
  );
}

describe('what is said about something lasting waits for the store', () => {
  type Case = {
    readonly what: string;
    readonly prepare?: (bench: Bench) => Promise<unknown>;
    readonly open: (bench: Bench) => Promise<WireClient>;
    readonly ask: (client: WireClient, bench: Bench) => void;
    readonly answer: ControlPacket['type'];
  };
  const durable = (bench: Bench): Promise<WireClient> => bench.durable('asker');
  const passing = (bench: Bench): Promise<WireClient> => bench.passing();
  const unconnected = async (bench: Bench): Promise<WireClient> => new WireClient(bench.broker);
  const cases: Case[] = [
    {
      what: 'PUBACK for a message that a session keeps',
      prepare: (bench) => bench.away(),
      open: passing,
      ask: (client) => client.publish('t/1', 'x', { qos: 1 }),
      answer: 'puback',
    },
    {
      what: 'PUBACK for a message that is retained',
      open: passing,
      ask: (client) => client.publish('r', 'x', { qos: 1, retain: true }),
      answer: 'puback',
    },
    {
      what: 'PUBACK for a message that clears what is retained',
      prepare: async ({ broker }) => broker.publish({ topicName: 'r', payload: 'x', retain: true }),
      open: passing,
      ask: (client) => client.publish('r', '', { qos: 1, retain: true }),
      answer: 'puback',
    },
    {
      what: 'PUBREC for a message that a session keeps',
      prepare: (bench) => bench.away(),
      open: passing,
      ask: (client) => client.publish('t/1', 'x', { qos: 2 }),
      answer: 'pubrec',
    },
    {
      what: 'PUBREC for an identifier that the session of the publisher keeps',
      open: durable,
      ask: (client) => client.publish('nobody', 'x', { qos: 2 }),
      answer: 'pubrec',
    },
    {
      what: 'PUBCOMP for an identifier that the session of the publisher kept',
      open: async (bench) => {
        const client = await bench.durable('asker');
        client.publish('nobody', 'x', { qos: 2 });
        await client.expect('pubrec');
        return client;
      },
      ask: (client) =>
        client.send({ type: 'pubrel', packetId: 1, reasonCode: ReasonCode.SUCCESS, properties: {} }),
      answer: 'pubcomp',
    },
    {
      what: 'SUBACK',
      open: durable,
      ask: (client) => {
        const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
        const subscriptions = [{ topicFilter: 'a', ...options }];
        client.send({ type: 'subscribe', packetId: 1, properties: {}, subscriptions });
      },
      answer: 'suback',
    },
    {
      what: 'UNSUBACK',
      open: async (bench) => {
        const client = await bench.durable('asker');
        await client.subscribe('a');
        return client;
      },
      ask: (client) => client.send({ type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['a'] }),
      answer: 'unsuback',
    },
    {
      what: 'CONNACK for a session that is new',
      open: unconnected,
      ask: (client) => client.send(connectPacket(5, { properties: DURABLE })),
      answer: 'connack',
    },
    {
      what: 'CONNACK for a session of an earlier version that is new',
      open: async ({ broker }) => new WireClient(broker, 4),
      ask: (client) => client.send(connectPacket(4, { cleanStart: false })),
      answer: 'connack',
    },
    {
      what: 'CONNACK [MQTT-3.1.2-4] that says that a session is no more',
      prepare: (bench) => bench.away(),
      open: unconnected,
      ask: (client) => client.send(connectPacket(5, { clientId: 'away', cleanStart: true })),
      answer: 'connack',
    },
    {
      what: 'PUBLISH to a session that keeps it until it is acknowledged',
      open: async (bench) => {
        const client = await bench.durable('asker');
        await client.subscribe('t/#', { qos: 2 });
        return client;
      },
      ask: (_, { broker }) => void broker.publish({ topicName: 't/1', payload: 'x', qos: 2 }),
      answer: 'publish',
    },
  ];
  for (const { what, prepare, open, ask, answer } of cases) {
    it(what, async (t) => {
      const bench = await Bench.start(t);
      await prepare?.(bench);
      const client = await open(bench);
      await turnEnd();
      bench.gate.close();
      ask(client, bench);
      await client.expectNothing();
      assert.equal(bench.gate.pending, 1);
      bench.gate.pass();
      await client.expect(answer);
    });

    it(`${what}; when it fails the connection ends instead`, async (t) => {
      const bench = await Bench.start(t);
      await prepare?.(bench);
      const client = await open(bench);
      await turnEnd();
      bench.gate.close();
      ask(client, bench);
      await client.expectNothing();
      bench.gate.fail();
      await client.expectClosed();
      assert.equal(bench.broker.stats.storeFailures, 1);
    });
  }

  it('also a message so large that it is sent before the turn ends', async (t) => {
    const bench = await Bench.start(t);
    const subscriber = await bench.durable('asker');
    await subscriber.subscribe('t/#', { qos: 1 });
    await turnEnd();
    bench.gate.close();
    bench.broker.publish({ topicName: 't/1', payload: Buffer.alloc(200 * KIBIBYTE), qos: 1 });
    assert.ok((await subscriber.next()) === undefined, 'it was sent');
    bench.gate.pass();
    await subscriber.expect('publish');
  });

  it('also messages of a queue that a client comes back to', async (t) => {
    const bench = await Bench.start(t);
    await bench.away();
    const payload = Buffer.alloc(40 * KIBIBYTE);
    for (let count = 0; count < 5; count++) bench.broker.publish({ topicName: 't/1', payload, qos: 2 });
    await turnEnd();
    bench.gate.close();
    const client = new WireClient(bench.broker);
    client.send(connectPacket(5, { clientId: 'away', cleanStart: false, properties: DURABLE }));
    await client.expectNothing();
    bench.gate.open();
    const types = (await client.all()).map(({ type }) => type);
    assert.deepEqual(types, ['connack', 'publish', 'publish', 'publish', 'publish', 'publish']);
  });
});

describe('what says nothing about something lasting waits for nothing', () => {
  it('while others wait', async (t) => {
    const bench = await Bench.start(t);
    await bench.away();
    const waiting = await bench.passing('waiting');
    const other = await bench.passing('other');
    const subscriber = await bench.passing('subscriber');
    await subscriber.subscribe('live', { qos: 2 });
    bench.gate.close();
    waiting.publish('t/1', 'x', { qos: 1 });
    await waiting.expectNothing();
    assert.equal(bench.gate.pending, 1);

    other.publish('live', 'one', { qos: 1 });
    await other.expect('puback');
    await subscriber.expect('publish');
    other.publish('nobody', 'two', { qos: 2 });
    await other.expect('pubrec');
    await other.subscribe('a', { qos: 2 });
    other.send({ type: 'pingreq' });
    await other.expect('pingresp');
    await bench.passing('new');
    await waiting.expectNothing();
  });

  it('at QoS 0, even if a session keeps it', async (t) => {
    const bench = await Bench.start(t, { queueQos0: true });
    await bench.away();
    const client = await bench.passing();
    bench.gate.close();
    client.publish('t/1', 'x');
    client.send({ type: 'pingreq' });
    await client.expect('pingresp');
  });
});

describe('commits', () => {
  it('are one for all that comes in a turn, and one at a time', async (t) => {
    const bench = await Bench.start(t);
    await bench.away();
    const clients = [];
    for (const clientId of ['a', 'b', 'c']) clients.push(await bench.passing(clientId));
    bench.gate.close();
    const before = bench.gate.commits;
    for (const client of clients) client.publish('t/1', 'one', { qos: 1 });
    for (const client of clients) await client.expectNothing();
    for (const client of clients) client.publish('t/1', 'two', { qos: 1, packetId: 2 });
    for (const client of clients) await client.expectNothing();
    assert.equal(bench.gate.commits - before, 1);
    bench.gate.pass();
    for (const client of clients) assert.equal((await client.expect('puback')).packetId, 1);
    assert.equal(bench.gate.commits - before, 2);
    for (const client of clients) await client.expectNothing();
    bench.gate.pass();
    for (const client of clients) assert.equal((await client.expect('puback')).packetId, 2);
  });

  it('let out what waited for them although more is noted all the time', async (t) => {
    const bench = await Bench.start(t);
    const subscriber = await bench.durable('subscriber');
    await subscriber.subscribe('t/#', { qos: 1 });
    const publisher = await bench.passing();
    await turnEnd();
    bench.gate.close();
    for (let packetId = 1; packetId <= 20; packetId++) {
      publisher.publish('t/1', String(packetId), { qos: 1, packetId });
      await publisher.expectNothing();
      await subscriber.expectNothing();
      if (packetId === 1) continue;
      // The one before is committed, and this one is noted already: its commit has begun or begins now.
      bench.gate.pass();
      assert.equal((await publisher.expect('puback')).packetId, packetId - 1);
      assert.deepEqual(payloadsOf([await subscriber.expect('publish')]), [String(packetId - 1)]);
      await publisher.expectNothing();
    }
  });

  it('are not needed where a store has written already', async (t) => {
    const gate = new GatedStore();
    const { store } = gate;
    store.commit = () => undefined;
    const broker = new Broker({ store, clock: new ManualClock(), sysTopicIntervalMs: 0 });
    t.after(() => broker.close());
    await broker.start();
    const client = new WireClient(broker);
    await client.connect({ properties: DURABLE });
    await client.subscribe('t/#', { qos: 2 });
    client.publish('t/1', 'x', { qos: 2 });
    assert.deepEqual(
      (await client.all()).map(({ type }) => type),
      ['pubrec', 'publish'],
    );
  });
});

describe('a commit that fails', () => {
  it('ends those that waited for it, and nobody else', async (t) => {
    const bench = await Bench.start(t);
    await bench.away();
    const waiting = [await bench.passing('w1'), await bench.durable('w2')];
    const others = [await bench.passing('o1'), await bench.durable('o2')];
    await turnEnd();
    bench.gate.close();
    for (const client of waiting) client.publish('t/1', 'x', { qos: 1 });
    for (const client of waiting) await client.expectNothing();
    bench.gate.fail();
    for (const client of waiting) await client.expectClosed();
    bench.gate.open();
    for (const client of others) {
      client.send({ type: 'pingreq' });
      await client.expect('pingresp');
    }
    assert.equal(bench.broker.stats.storeFailures, 1);
    assert.deepEqual([...bench.broker.sessions()].filter(({ isConnected }) => isConnected).length, 2);
  });

  it('may fail at once', async (t) => {
    const gate = new GatedStore();
    const { store } = gate;
    const broker = new Broker({ store, clock: new ManualClock(), sysTopicIntervalMs: 0 });
    t.after(() => broker.close());
    await broker.start();
    store.commit = () => {
      throw new Error('disk full');
    };
    const client = new WireClient(broker);
    client.send(connectPacket(5, { properties: DURABLE }));
    await client.expectClosed();
    // What its end notes is tried once more, and not again before something happens.
    assert.equal(broker.stats.storeFailures, 2);
  });

  it('loses nothing of a client that sends QoS 1 again', async (t) => {
    const bench = await Bench.start(t);
    await bench.away();
    const client = await bench.passing();
    bench.gate.close();
    client.publish('t/1', 'x', { qos: 1 });
    await client.expectNothing();
    bench.gate.fail();
    await client.expectClosed();
    bench.gate.open();
    const again = await bench.passing();
    again.publish('t/1', 'x', { qos: 1, dup: true });
    await again.expect('puback');
    assert.ok((await bench.comesBack()).includes('x'));
  });

  it('loses and doubles nothing of a client that sends QoS 2 again [MQTT-4.3.3-10]', async (t) => {
    const bench = await Bench.start(t);
    await bench.away();
    const client = await bench.durable('publisher');
    await turnEnd();
    bench.gate.close();
    client.publish('t/1', 'x', { qos: 2 });
    await client.expectNothing();
    bench.gate.fail();
    await client.expectClosed();
    bench.gate.open();
    const again = await bench.durable('publisher');
    again.publish('t/1', 'x', { qos: 2, dup: true });
    await again.expect('pubrec');
    assert.deepEqual(await bench.comesBack(), ['x']);
  });

  it('loses nothing of a session that was new, when its client connects and subscribes again', async (t) => {
    const bench = await Bench.start(t);
    bench.gate.close();
    const client = new WireClient(bench.broker);
    client.send(connectPacket(5, { clientId: 'away', cleanStart: false, properties: DURABLE }));
    await client.expectNothing();
    bench.gate.fail();
    await client.expectClosed();
    bench.gate.open();
    await bench.away();
    bench.broker.publish({ topicName: 't/1', payload: 'x', qos: 1 });
    await turnEnd();
    assert.deepEqual(await bench.comesBack(), ['x']);
  });

  it('is tried again when the broker closes, and does not keep it from closing', async (t) => {
    const bench = await Bench.start(t);
    const client = await bench.durable('client');
    await turnEnd();
    bench.gate.close();
    client.disconnect();
    await turnEnd();
    const closed = bench.broker.close();
    for (let tries = 0; tries < 2; tries++) {
      assert.equal(bench.gate.pending, 1);
      bench.gate.fail();
      await turnEnd();
    }
    await closed;
    assert.equal(bench.broker.stats.storeFailures, 2);
  });
});

describe('a connection that ends while it waits', () => {
  it('gives what it has to say when the commit is done', async (t) => {
    const bench = await Bench.start(t);
    await bench.away();
    const client = await bench.passing('one');
    bench.gate.close();
    client.publish('t/1', 'x', { qos: 1 });
    await client.expectNothing();
    await bench.passing('one');
    await client.expectNothing();
    assert.equal(client.transport.isClosed, false);
    bench.gate.pass();
    await client.expect('puback');
    const { reasonCode } = await client.expect('disconnect');
    assert.equal(reasonCode, ReasonCode.SESSION_TAKEN_OVER);
    await client.expectClosed();
  });

  it('is told when the broker closes', async (t) => {
    const bench = await Bench.start(t);
    await bench.away();
    const client = await bench.passing();
    bench.gate.close();
    client.publish('t/1', 'x', { qos: 1 });
    await client.expectNothing();
    const closed = bench.broker.close();
    bench.gate.open();
    await closed;
    await client.expect('puback');
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.SERVER_SHUTTING_DOWN);
    await client.expectClosed();
  });

  it('says nothing when the commit fails, nor when it is gone before', async (t) => {
    const bench = await Bench.start(t);
    await bench.away();
    const failing = await bench.passing('failing');
    const gone = await bench.passing('gone');
    bench.gate.close();
    failing.publish('t/1', 'x', { qos: 1 });
    gone.publish('t/1', 'y', { qos: 1 });
    await failing.expectNothing();
    await bench.passing('failing');
    gone.transport.breakOff();
    bench.gate.fail();
    await failing.expectClosed();
    await gone.expectClosed();
  });
});

describe('what waits for the store is bounded', () => {
  const maxOutboxBytes = 128 * KIBIBYTE;
  /** What one writer collects before it looks. */
  const SLACK_BYTES = 66 * KIBIBYTE;

  async function heldSubscriber(bench: Bench): Promise<WireClient> {
    const client = await bench.durable('subscriber');
    await client.subscribe('t/#', { qos: 1 });
    await turnEnd();
    bench.gate.close();
    bench.broker.publish({ topicName: 't/first', payload: 'first', qos: 1 });
    await client.expectNothing();
    return client;
  }

  it('QoS 0 beyond maxOutboxBytes is dropped and counted', async (t) => {
    const bench = await Bench.start(t, { maxOutboxBytes });
    const client = await heldSubscriber(bench);
    const payload = Buffer.alloc(KIBIBYTE);
    for (let count = 0; count < 1000; count++) bench.broker.publish({ topicName: 't/0', payload });
    await client.expectNothing();
    bench.gate.open();
    const arrived = payloadsOf(await client.all()).length - 1;
    assert.ok(arrived * KIBIBYTE <= maxOutboxBytes + SLACK_BYTES, `${arrived} KiB were held`);
    assert.ok(arrived > 0);
    assert.equal(bench.broker.stats.dropped['outbox-full'], 1000 - arrived);
  });

  it('QoS 1 beyond maxOutboxBytes waits in the session, and comes in its order', async (t) => {
    const bench = await Bench.start(t, { maxOutboxBytes });
    const client = await heldSubscriber(bench);
    const texts = Array.from({ length: 600 }, (_, index) => `${index} `.padEnd(KIBIBYTE, '.'));
    for (const payload of texts) bench.broker.publish({ topicName: 't/1', payload, qos: 1 });
    await client.expectNothing();
    const [session] = bench.broker.sessions();
    assert.ok((session?.queuedCount ?? 0) > 400, `${session?.queuedCount} wait in the session`);
    bench.gate.open();
    assert.deepEqual(payloadsOf(await client.all()), ['first', ...texts]);
  });

  it('a client that goes on sending is not read any more', async (t) => {
    const bench = await Bench.start(t, { maxOutboxBytes: 1024 });
    await bench.away();
    const client = await bench.passing();
    bench.gate.close();
    let sent = 0;
    while (!client.transport.isPaused && sent < 60_000)
      client.publish('t/1', '', { qos: 1, packetId: ++sent });
    assert.ok(client.transport.isPaused);
    assert.equal(bench.broker.stats.readsPaused, 1);
    client.publish('t/1', '', { qos: 1, packetId: ++sent });
    bench.gate.open();
    assert.equal((await client.all()).length, sent);
    assert.equal(client.transport.isPaused, false);
  });
});
