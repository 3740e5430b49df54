import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { GatedStore } from '../../helpers/gated-store.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { connected, startBroker } from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, turnEnd, WireClient, subscribePacket } from '../../helpers/mqtt-wire-client.ts';
import type { ControlPacket } from '../../../src/mqtt/codec/decode-packet.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { Broker } from '../../../src/mqtt/broker/broker.ts';
import type { BrokerOptions } from '../../../src/mqtt/broker/options.ts';

const DURABLE = { sessionExpiryInterval: 1000 };
const KIBIBYTE = 1024;

/** A broker over a store that a test holds back. */
class Rig {
  readonly gate = new GatedStore();
  readonly broker: Broker;

  constructor(t: TestContext, options: BrokerOptions = {}) {
    this.broker = Rig.#over(this.gate, options);
    t.after(async () => {
      this.gate.open();
      await this.broker.close();
    });
  }

  static #over({ store }: GatedStore, options: BrokerOptions): Broker {
    return new Broker({ store, clock: new ManualClock(), sysTopicIntervalMs: 0, ...options });
  }

  static async start(t: TestContext, options: BrokerOptions = {}): Promise<Rig> {
    const rig = new Rig(t, options);
    await rig.broker.start();
    return rig;
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
    const broker = Rig.#over(this.gate, {});
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
    readonly prepare?: (rig: Rig) => Promise<unknown>;
    readonly open: (rig: Rig) => Promise<WireClient>;
    readonly ask: (client: WireClient, rig: Rig) => void;
    readonly answer: ControlPacket['type'];
  };
  const durable = (rig: Rig): Promise<WireClient> => rig.durable('asker');
  const passing = (rig: Rig): Promise<WireClient> => rig.passing();
  const unconnected = async (rig: Rig): Promise<WireClient> => new WireClient(rig.broker);
  const cases: Case[] = [
    {
      what: 'PUBACK for a message that a session keeps',
      prepare: (rig) => rig.away(),
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
      what: 'PUBACK for a message of which this program makes one that is retained',
      prepare: async ({ broker }) =>
        broker.subscribe('q', () => void broker.publish({ topicName: 'r', payload: 'x', retain: true })),
      open: passing,
      ask: (client) => client.publish('q', 'x', { qos: 1 }),
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
      prepare: (rig) => rig.away(),
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
      open: async (rig) => {
        const client = await rig.durable('asker');
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
      ask: (client) => client.send(subscribePacket(['a'], { qos: 1 })),
      answer: 'suback',
    },
    {
      what: 'UNSUBACK',
      open: async (rig) => {
        const client = await rig.durable('asker');
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
      prepare: (rig) => rig.away(),
      open: unconnected,
      ask: (client) => client.send(connectPacket(5, { clientId: 'away', cleanStart: true })),
      answer: 'connack',
    },
    {
      what: 'PUBLISH to a session that keeps it until it is acknowledged',
      open: async (rig) => {
        const client = await rig.durable('asker');
        await client.subscribe('t/#', { qos: 2 });
        return client;
      },
      ask: (_, { broker }) => void broker.publish({ topicName: 't/1', payload: 'x', qos: 2 }),
      answer: 'publish',
    },
  ];
  for (const { what, prepare, open, ask, answer } of cases) {
    it(what, async (t) => {
      const rig = await Rig.start(t);
      await prepare?.(rig);
      const client = await open(rig);
      await turnEnd();
      rig.gate.close();
      ask(client, rig);
      await client.expectNothing();
      assert.equal(rig.gate.pending, 1);
      rig.gate.pass();
      await client.expect(answer);
    });

    it(`${what}; when it fails the connection ends instead`, async (t) => {
      const rig = await Rig.start(t);
      await prepare?.(rig);
      const client = await open(rig);
      await turnEnd();
      rig.gate.close();
      ask(client, rig);
      await client.expectNothing();
      rig.gate.fail();
      await client.expectClosed();
      assert.equal(rig.broker.stats.storeFailures, 1);
    });
  }

  it('also a message so large that it is sent before the turn ends', async (t) => {
    const rig = await Rig.start(t);
    const subscriber = await rig.durable('asker');
    await subscriber.subscribe('t/#', { qos: 1 });
    await turnEnd();
    rig.gate.close();
    rig.broker.publish({ topicName: 't/1', payload: Buffer.alloc(200 * KIBIBYTE), qos: 1 });
    assert.ok((await subscriber.next()) === undefined, 'it was sent');
    rig.gate.pass();
    await subscriber.expect('publish');
  });

  it('also messages of a queue that a client comes back to', async (t) => {
    const rig = await Rig.start(t);
    await rig.away();
    const payload = Buffer.alloc(40 * KIBIBYTE);
    for (let count = 0; count < 5; count++) rig.broker.publish({ topicName: 't/1', payload, qos: 2 });
    await turnEnd();
    rig.gate.close();
    const client = new WireClient(rig.broker);
    client.send(connectPacket(5, { clientId: 'away', cleanStart: false, properties: DURABLE }));
    await client.expectNothing();
    rig.gate.open();
    const types = (await client.all()).map(({ type }) => type);
    assert.deepEqual(types, ['connack', 'publish', 'publish', 'publish', 'publish', 'publish']);
  });
});

describe('what says nothing about something lasting waits for nothing', () => {
  it('while others wait', async (t) => {
    const rig = await Rig.start(t);
    await rig.away();
    const waiting = await rig.passing('waiting');
    const other = await rig.passing('other');
    const subscriber = await rig.passing('subscriber');
    await subscriber.subscribe('live', { qos: 2 });
    rig.gate.close();
    waiting.publish('t/1', 'x', { qos: 1 });
    await waiting.expectNothing();
    assert.equal(rig.gate.pending, 1);

    other.publish('live', 'one', { qos: 1 });
    await other.expect('puback');
    await subscriber.expect('publish');
    other.publish('nobody', 'two', { qos: 2 });
    await other.expect('pubrec');
    await other.subscribe('a', { qos: 2 });
    other.send({ type: 'pingreq' });
    await other.expect('pingresp');
    await rig.passing('new');
    await waiting.expectNothing();
  });

  it('at QoS 0, even if a session keeps it', async (t) => {
    const rig = await Rig.start(t, { queueQos0: true });
    await rig.away();
    const client = await rig.passing();
    rig.gate.close();
    client.publish('t/1', 'x');
    client.send({ type: 'pingreq' });
    await client.expect('pingresp');
  });
});

describe('commits', () => {
  it('are one for all that comes in a turn, and one at a time', async (t) => {
    const rig = await Rig.start(t);
    await rig.away();
    const clients = [];
    for (const clientId of ['a', 'b', 'c']) clients.push(await rig.passing(clientId));
    rig.gate.close();
    const before = rig.gate.commits;
    for (const client of clients) client.publish('t/1', 'one', { qos: 1 });
    for (const client of clients) await client.expectNothing();
    for (const client of clients) client.publish('t/1', 'two', { qos: 1, packetId: 2 });
    for (const client of clients) await client.expectNothing();
    assert.equal(rig.gate.commits - before, 1);
    rig.gate.pass();
    for (const client of clients) assert.equal((await client.expect('puback')).packetId, 1);
    assert.equal(rig.gate.commits - before, 2);
    for (const client of clients) await client.expectNothing();
    rig.gate.pass();
    for (const client of clients) assert.equal((await client.expect('puback')).packetId, 2);
  });

  it('let out what waited for them although more is noted all the time', async (t) => {
    const rig = await Rig.start(t);
    const subscriber = await rig.durable('subscriber');
    await subscriber.subscribe('t/#', { qos: 1 });
    const publisher = await rig.passing();
    await turnEnd();
    rig.gate.close();
    for (let packetId = 1; packetId <= 20; packetId++) {
      publisher.publish('t/1', String(packetId), { qos: 1, packetId });
      await publisher.expectNothing();
      await subscriber.expectNothing();
      if (packetId === 1) continue;
      // The one before is committed, and this one is noted already: its commit has begun or begins now.
      rig.gate.pass();
      assert.equal((await publisher.expect('puback')).packetId, packetId - 1);
      assert.deepEqual(payloadsOf([await subscriber.expect('publish')]), [String(packetId - 1)]);
      await publisher.expectNothing();
    }
  });

  it('are not needed where a store has written already', async (t) => {
    const gate = new GatedStore();
    const { store } = gate;
    store.commit = () => undefined;
    const broker = await startBroker(t, { store });
    const client = await connected(broker, 5, { properties: DURABLE });
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
    const rig = await Rig.start(t);
    await rig.away();
    const waiting = [await rig.passing('w1'), await rig.durable('w2')];
    const others = [await rig.passing('o1'), await rig.durable('o2')];
    await turnEnd();
    rig.gate.close();
    for (const client of waiting) client.publish('t/1', 'x', { qos: 1 });
    for (const client of waiting) await client.expectNothing();
    rig.gate.fail();
    for (const client of waiting) await client.expectClosed();
    rig.gate.open();
    for (const client of others) {
      client.send({ type: 'pingreq' });
      await client.expect('pingresp');
    }
    assert.equal(rig.broker.stats.storeFailures, 1);
    assert.deepEqual([...rig.broker.sessions()].filter(({ isConnected }) => isConnected).length, 2);
  });

  it('may fail at once', async (t) => {
    const gate = new GatedStore();
    const { store } = gate;
    const broker = await startBroker(t, { store });
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
    const rig = await Rig.start(t);
    await rig.away();
    const client = await rig.passing();
    rig.gate.close();
    client.publish('t/1', 'x', { qos: 1 });
    await client.expectNothing();
    rig.gate.fail();
    await client.expectClosed();
    rig.gate.open();
    const again = await rig.passing();
    again.publish('t/1', 'x', { qos: 1, dup: true });
    await again.expect('puback');
    assert.ok((await rig.comesBack()).includes('x'));
  });

  it('loses and doubles nothing of a client that sends QoS 2 again [MQTT-4.3.3-10]', async (t) => {
    const rig = await Rig.start(t);
    await rig.away();
    const client = await rig.durable('publisher');
    await turnEnd();
    rig.gate.close();
    client.publish('t/1', 'x', { qos: 2 });
    await client.expectNothing();
    rig.gate.fail();
    await client.expectClosed();
    rig.gate.open();
    const again = await rig.durable('publisher');
    again.publish('t/1', 'x', { qos: 2, dup: true });
    await again.expect('pubrec');
    assert.deepEqual(await rig.comesBack(), ['x']);
  });

  it('loses nothing of a session that was new, when its client connects and subscribes again', async (t) => {
    const rig = await Rig.start(t);
    rig.gate.close();
    const client = new WireClient(rig.broker);
    client.send(connectPacket(5, { clientId: 'away', cleanStart: false, properties: DURABLE }));
    await client.expectNothing();
    rig.gate.fail();
    await client.expectClosed();
    rig.gate.open();
    await rig.away();
    rig.broker.publish({ topicName: 't/1', payload: 'x', qos: 1 });
    await turnEnd();
    assert.deepEqual(await rig.comesBack(), ['x']);
  });

  it('is tried again when the broker closes, and does not keep it from closing', async (t) => {
    const rig = await Rig.start(t);
    const client = await rig.durable('client');
    await turnEnd();
    rig.gate.close();
    client.disconnect();
    await turnEnd();
    const closed = rig.broker.close();
    for (let tries = 0; tries < 2; tries++) {
      assert.equal(rig.gate.pending, 1);
      rig.gate.fail();
      await turnEnd();
    }
    await closed;
    assert.equal(rig.broker.stats.storeFailures, 2);
  });
});

describe('a connection that ends while it waits', () => {
  it('gives what it has to say when the commit is done', async (t) => {
    const rig = await Rig.start(t);
    await rig.away();
    const client = await rig.passing('one');
    rig.gate.close();
    client.publish('t/1', 'x', { qos: 1 });
    await client.expectNothing();
    await rig.passing('one');
    await client.expectNothing();
    assert.equal(client.transport.isClosed, false);
    rig.gate.pass();
    await client.expect('puback');
    const { reasonCode } = await client.expect('disconnect');
    assert.equal(reasonCode, ReasonCode.SESSION_TAKEN_OVER);
    await client.expectClosed();
  });

  it('is told when the broker closes', async (t) => {
    const rig = await Rig.start(t);
    await rig.away();
    const client = await rig.passing();
    rig.gate.close();
    client.publish('t/1', 'x', { qos: 1 });
    await client.expectNothing();
    const closed = rig.broker.close();
    rig.gate.open();
    await closed;
    await client.expect('puback');
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.SERVER_SHUTTING_DOWN);
    await client.expectClosed();
  });

  it('says nothing when the commit fails, nor when it is gone before', async (t) => {
    const rig = await Rig.start(t);
    await rig.away();
    const failing = await rig.passing('failing');
    const gone = await rig.passing('gone');
    rig.gate.close();
    failing.publish('t/1', 'x', { qos: 1 });
    gone.publish('t/1', 'y', { qos: 1 });
    await failing.expectNothing();
    await rig.passing('failing');
    gone.transport.breakOff();
    rig.gate.fail();
    await failing.expectClosed();
    await gone.expectClosed();
  });
});

describe('what waits for the store is bounded', () => {
  const maxOutboxBytes = 128 * KIBIBYTE;
  /** What one writer collects before it looks. */
  const SLACK_BYTES = 66 * KIBIBYTE;

  async function heldSubscriber(rig: Rig): Promise<WireClient> {
    const client = await rig.durable('subscriber');
    await client.subscribe('t/#', { qos: 1 });
    await turnEnd();
    rig.gate.close();
    rig.broker.publish({ topicName: 't/first', payload: 'first', qos: 1 });
    await client.expectNothing();
    return client;
  }

  it('QoS 0 beyond maxOutboxBytes is dropped and counted', async (t) => {
    const rig = await Rig.start(t, { maxOutboxBytes });
    const client = await heldSubscriber(rig);
    const payload = Buffer.alloc(KIBIBYTE);
    for (let count = 0; count < 1000; count++) rig.broker.publish({ topicName: 't/0', payload });
    await client.expectNothing();
    rig.gate.open();
    const arrived = payloadsOf(await client.all()).length - 1;
    assert.ok(arrived * KIBIBYTE <= maxOutboxBytes + SLACK_BYTES, `${arrived} KiB were held`);
    assert.ok(arrived > 0);
    assert.equal(rig.broker.stats.dropped['outbox-full'], 1000 - arrived);
  });

  it('QoS 1 beyond maxOutboxBytes waits in the session, and comes in its order', async (t) => {
    const rig = await Rig.start(t, { maxOutboxBytes });
    const client = await heldSubscriber(rig);
    const texts = Array.from({ length: 600 }, (_, index) => `${index} `.padEnd(KIBIBYTE, '.'));
    for (const payload of texts) rig.broker.publish({ topicName: 't/1', payload, qos: 1 });
    await client.expectNothing();
    const [session] = rig.broker.sessions();
    assert.ok((session?.queuedCount ?? 0) > 400, `${session?.queuedCount} wait in the session`);
    rig.gate.open();
    assert.deepEqual(payloadsOf(await client.all()), ['first', ...texts]);
  });

  it('a client that goes on sending is not read any more', async (t) => {
    const rig = await Rig.start(t, { maxOutboxBytes: 1024 });
    await rig.away();
    const client = await rig.passing();
    rig.gate.close();
    let sent = 0;
    while (!client.transport.isPaused && sent < 60_000)
      client.publish('t/1', '', { qos: 1, packetId: ++sent });
    assert.ok(client.transport.isPaused);
    assert.equal(rig.broker.stats.readsPaused, 1);
    client.publish('t/1', '', { qos: 1, packetId: ++sent });
    rig.gate.open();
    assert.equal((await client.all()).length, sent);
    assert.equal(client.transport.isPaused, false);
  });
});
