import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { GatedStore } from '../../helpers/gated-store.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { connectPacket, turnEnd, WireClient } from '../../helpers/mqtt-wire-client.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { Broker } from '../../../src/mqtt/broker/broker.ts';

const DURABLE = { sessionExpiryInterval: 1000 };
const KIBIBYTE = 1024;
const SECOND_MS = 1000;
const MAX_BYTES = 10 * KIBIBYTE;

/** A broker that may leave little to a store that a test holds back, and a session that waits for `t/#`. */
class Rig {
  readonly gate = new GatedStore();
  readonly clock = new ManualClock();
  readonly logged: string[] = [];
  readonly broker: Broker;

  constructor(maxUncommittedBytes: number) {
    const log = { ...silentLogger, error: (_: unknown, text: string) => void this.logged.push(text) };
    const { clock, gate } = this;
    this.broker = new Broker({ store: gate.store, clock, log, sysTopicIntervalMs: 0, maxUncommittedBytes });
  }

  static async start(t: TestContext, maxUncommittedBytes = MAX_BYTES): Promise<Rig> {
    const rig = new Rig(maxUncommittedBytes);
    await rig.broker.start();
    t.after(async () => {
      rig.gate.open();
      await rig.broker.close();
    });
    const away = new WireClient(rig.broker);
    await away.connect({ clientId: 'away', cleanStart: false, properties: DURABLE });
    await away.subscribe('t/#', { qos: 2 });
    away.disconnect();
    await turnEnd();
    await turnEnd();
    return rig;
  }

  async passing(clientId: string, version: 3 | 4 | 5 = 5): Promise<WireClient> {
    const client = new WireClient(this.broker, version);
    await client.connect({ clientId });
    return client;
  }

  /** Commits fail from now on, and it is seen that they do. */
  async failCommits(times: number): Promise<void> {
    for (let count = 0; count < times; count++) {
      this.clock.advance(SECOND_MS);
      await turnEnd();
      this.gate.fail();
      await turnEnd();
    }
  }
}

const publishMany = (client: WireClient, count: number, fields = {}): void => {
  for (let packetId = 1; packetId <= count; packetId++)
    client.publish('t/1', Buffer.alloc(KIBIBYTE), { qos: 1, packetId, ...fields });
};

describe('beyond maxUncommittedBytes', () => {
  for (const [what, fields] of [
    ['QoS 1', {}],
    ['QoS 2', { qos: 2 }],
    ['QoS 0 that is retained', { qos: 0, packetId: 0, retain: true }],
  ] as const) {
    it(`who publishes for the store is read no further until it has written: ${what}`, async (t) => {
      const rig = await Rig.start(t);
      const publisher = await rig.passing('publisher');
      rig.gate.close();
      publishMany(publisher, 30, fields);
      assert.ok(publisher.transport.isPaused);
      const { publishReceived, publishersPaused } = rig.broker.stats;
      assert.ok(publishReceived >= 8 && publishReceived <= 10, `${publishReceived} were read`);
      assert.equal(publishersPaused, 1);
      rig.gate.open();
      const answers = await publisher.all();
      assert.equal(rig.broker.stats.publishReceived, 30);
      assert.equal(answers.length, 'retain' in fields ? 0 : 30);
      assert.equal(publisher.transport.isPaused, false);
      assert.equal(rig.broker.stats.storeRefusals, 0);
    });
  }

  it('all of it is read in its order, also what came in the same piece', async (t) => {
    const rig = await Rig.start(t, 1);
    const publisher = await rig.passing('publisher');
    rig.gate.close();
    for (let packetId = 1; packetId <= 5; packetId++)
      publisher.publish('t/1', `${packetId}`, { qos: 1, packetId });
    const sent = rig.broker.stats.publishReceived;
    assert.equal(sent, 1);
    for (let packetId = 1; packetId <= 5; packetId++) {
      await publisher.expectNothing();
      assert.equal(rig.gate.pending, 1);
      rig.gate.pass();
      assert.equal((await publisher.expect('puback')).packetId, packetId);
    }
  });

  it('who has nothing for the store goes on', async (t) => {
    const rig = await Rig.start(t);
    const publisher = await rig.passing('publisher');
    const other = await rig.passing('other');
    const subscriber = await rig.passing('subscriber');
    await subscriber.subscribe('live', { qos: 1 });
    rig.gate.close();
    publishMany(publisher, 30);
    other.publish('live', 'one', { qos: 1 });
    await other.expect('puback');
    await subscriber.expect('publish');
    other.publish('nobody', 'two', { qos: 1 });
    await other.expect('puback');
    await rig.passing('new');
  });

  it('a message to many sessions counts once', async (t) => {
    const rig = await Rig.start(t, 40 * KIBIBYTE);
    for (let index = 0; index < 20; index++) {
      const client = await rig.passing(`session ${index}`);
      client.disconnect();
      const durable = new WireClient(rig.broker);
      await durable.connect({ clientId: `session ${index}`, cleanStart: false, properties: DURABLE });
      await durable.subscribe('t/#', { qos: 1 });
      durable.disconnect();
    }
    await turnEnd();
    const publisher = await rig.passing('publisher');
    rig.gate.close();
    publisher.publish('t/1', Buffer.alloc(16 * KIBIBYTE), { qos: 1 });
    assert.equal(publisher.transport.isPaused, false);
  });

  it('a client that is gone while it is not read is forgotten', async (t) => {
    const rig = await Rig.start(t);
    const publisher = await rig.passing('publisher');
    rig.gate.close();
    publishMany(publisher, 30);
    publisher.transport.breakOff();
    await turnEnd();
    rig.gate.open();
    await turnEnd();
    assert.equal(rig.broker.counts.connections, 0);
    assert.ok(rig.broker.stats.publishReceived <= 10);
  });

  for (const version of [4, 5] as const) {
    it(`twice over a publisher for the store is sent away, in version ${version}`, async (t) => {
      const rig = await Rig.start(t);
      const clients = [];
      for (let index = 0; index < 12; index++) clients.push(await rig.passing(`p${index}`, version));
      const other = await rig.passing('other', version);
      const watcher = new WireClient(rig.broker);
      await watcher.connect({ clientId: 'watcher', cleanStart: false, properties: DURABLE });
      await watcher.subscribe('live', { qos: 1 });
      rig.gate.close();
      for (const client of clients) client.publish('t/1', Buffer.alloc(3 * KIBIBYTE), { qos: 1 });
      assert.equal(rig.broker.stats.storeRefusals, clients.length - 7);
      for (const client of clients.slice(7)) {
        const packets = await client.all();
        const codes = packets.map((packet) =>
          packet.type === 'disconnect' ? packet.reasonCode : packet.type,
        );
        assert.deepEqual(codes, version === 5 ? [ReasonCode.QUOTA_EXCEEDED] : []);
        assert.ok(client.transport.isClosed);
      }
      other.publish('nobody', 'x', { qos: 1 });
      await other.expect('puback');
      other.publish('live', 'x');
      await watcher.expect('publish');
      const durable = new WireClient(rig.broker, version);
      durable.send(connectPacket(version, { cleanStart: false, properties: version === 5 ? DURABLE : {} }));
      assert.equal((await durable.expect('connack')).reasonCode, ReasonCode.SERVER_UNAVAILABLE);
      rig.gate.open();
      for (const client of clients.slice(0, 7)) await client.expect('puback');
    });
  }
});

describe('while commits keep failing', () => {
  it('sessions that are to be stored are refused with 0x88, others are not', async (t) => {
    const rig = await Rig.start(t);
    rig.gate.close();
    rig.broker.publish({ topicName: 't/1', payload: 'x', qos: 1 });
    await rig.failCommits(2);
    const durable = new WireClient(rig.broker);
    durable.send(connectPacket(5, { properties: DURABLE }));
    assert.equal((await durable.expect('connack')).reasonCode, ReasonCode.SERVER_UNAVAILABLE);
    await durable.expectClosed();
    assert.equal(rig.broker.stats.storeRefusals, 1);
    await rig.passing('passing');

    rig.gate.open();
    rig.clock.advance(SECOND_MS);
    await turnEnd();
    await turnEnd();
    const later = new WireClient(rig.broker);
    assert.equal((await later.connect({ properties: DURABLE })).reasonCode, ReasonCode.SUCCESS);
  });

  it('they are tried again each second, and told in the log while there is news', async (t) => {
    const rig = await Rig.start(t);
    rig.gate.close();
    rig.broker.publish({ topicName: 't/1', payload: 'x', qos: 1 });
    await rig.failCommits(5);
    assert.equal(rig.broker.stats.storeFailures, 5);
    assert.equal(rig.logged.length, 1);
  });

  it('a publisher at QoS 0 that is not read is read again when one succeeds', async (t) => {
    const rig = await Rig.start(t);
    const publisher = await rig.passing('publisher');
    rig.gate.close();
    publishMany(publisher, 20, { qos: 0, packetId: 0, retain: true });
    await rig.failCommits(3);
    assert.ok(publisher.transport.isPaused);
    assert.ok(rig.broker.stats.publishReceived < 20);
    rig.gate.open();
    rig.clock.advance(SECOND_MS);
    await publisher.expectNothing();
    assert.equal(publisher.transport.isPaused, false);
    assert.equal(rig.broker.stats.publishReceived, 20);
  });
});

describe('a store is told of each body once', () => {
  it('as one object for all sessions and what is retained, also when it moves to another session', async (t) => {
    const { broker, gate } = await Rig.start(t);
    const { mock: saves } = t.mock.method(gate.store, 'saveQueued');
    const { mock: retains } = t.mock.method(gate.store, 'saveRetained');
    for (const clientId of ['shared 1', 'shared 2']) {
      const client = new WireClient(broker);
      await client.connect({ clientId, cleanStart: false, properties: DURABLE });
      await client.subscribe('$share/g/t/1', { qos: 1 });
      client.disconnect();
    }
    await turnEnd();
    broker.publish({ topicName: 't/1', payload: 'x', qos: 1, retain: true });
    const member = saves.calls.find(({ arguments: [clientId] }) => clientId !== 'away')?.arguments[0] ?? '';
    broker.disconnectClient(member, { endSession: true });
    const clientIds = saves.calls.map(({ arguments: [clientId] }) => clientId);
    assert.deepEqual(new Set(clientIds), new Set(['away', 'shared 1', 'shared 2']));
    assert.equal(clientIds.length, 3);
    const messages = [
      ...retains.calls.map(({ arguments: [message] }) => message),
      ...saves.calls.map(({ arguments: [, { message }] }) => message),
    ];
    assert.deepEqual([messages.length, new Set(messages).size], [4, 1]);
  });

  it('when it waits, is sent, released and done: what changes is told without it', async (t) => {
    const { broker, gate } = await Rig.start(t);
    const { mock: saves } = t.mock.method(gate.store, 'saveQueued');
    const { mock: updates } = t.mock.method(gate.store, 'updateQueued');
    const { mock: deletes } = t.mock.method(gate.store, 'deleteQueued');
    broker.publish({ topicName: 't/1', payload: 'x', qos: 2 });
    const client = new WireClient(broker);
    await client.connect({ clientId: 'away', cleanStart: false, properties: DURABLE });
    await client.expect('publish');
    client.send({ type: 'pubrec', packetId: 1, reasonCode: ReasonCode.SUCCESS, properties: {} });
    await client.expect('pubrel');
    client.send({ type: 'pubcomp', packetId: 1, reasonCode: ReasonCode.SUCCESS, properties: {} });
    await client.expectNothing();
    assert.equal(saves.callCount(), 1);
    assert.deepEqual(
      updates.calls.map((call) => call.arguments),
      [
        ['away', 1, 1, false],
        ['away', 1, 1, true],
      ],
    );
    assert.deepEqual(
      deletes.calls.map((call) => call.arguments),
      [['away', 1]],
    );
  });
});
