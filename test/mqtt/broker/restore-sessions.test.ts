import { ALLOW } from '../../../src/mqtt/broker/hooks.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { DAY_SECONDS, RestartRig as Rig, SECOND_MS } from '../../helpers/mqtt-restart-rig.ts';
import { turnEnd, WireClient } from '../../helpers/mqtt-wire-client.ts';
import { keepMessage, loadAll } from '../../helpers/stored-messages.ts';
import type { ControlPacket } from '../../../src/mqtt/codec/decode-packet.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { MemorySessionStore } from '../../../src/mqtt/session/memory-session-store.ts';
import { StoredMessage } from '../../../src/mqtt/session/stored-message.ts';
import { Broker } from '../../../src/mqtt/broker/broker.ts';

/** Lets everybody in who can prove a name. */
const PROVING = { name: 'users', authenticate: () => ALLOW };

const NEVER_SECONDS = 0xffff_ffff;

const texts = (packets: readonly ControlPacket[]): string[] =>
  packets.map((packet) =>
    packet.type === 'publish'
      ? `${packet.dup ? 'again ' : ''}${packet.packetId} ${Buffer.from(packet.payload).toString()}`
      : `${packet.type} ${'packetId' in packet ? packet.packetId : ''}`,
  );

const acknowledgement = (
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
  packetId: number,
): ControlPacket => ({
  type,
  packetId,
  reasonCode: ReasonCode.SUCCESS,
  properties: {},
});

describe('after a restart a session goes on [MQTT-4.1.0-1] [MQTT-4.1.0-2]', () => {
  it('with the messages that came while its client was away, in their order', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('one')).disconnect();
    await turnEnd();
    for (let count = 1; count <= 20; count++)
      rig.broker.publish({ topicName: 't/1', payload: `m${count}`, qos: count % 2 === 0 ? 1 : 2 });
    await rig.crash();
    const { client, sessionPresent } = await rig.comes('one');
    assert.equal(sessionPresent, true);
    const expected = Array.from({ length: 20 }, (_, index) => `${index + 1} m${index + 1}`);
    assert.deepEqual(texts(await client.all()), expected);
  });

  it('with what was sent and not acknowledged, under its identifier and with DUP [MQTT-4.4.0-1]', async (t) => {
    const rig = await Rig.start(t);
    const earlier = await rig.subscribed('one');
    for (const [payload, qos] of [
      ['a', 1],
      ['b', 2],
      ['c', 1],
      ['d', 2],
    ] as const)
      rig.broker.publish({ topicName: 't/1', payload, qos });
    assert.deepEqual(texts(await earlier.all()), ['1 a', '2 b', '3 c', '4 d']);
    earlier.send(acknowledgement('puback', 1));
    earlier.send(acknowledgement('pubrec', 2));
    assert.deepEqual(texts(await earlier.all()), ['pubrel 2']);
    await rig.crash();

    const { client } = await rig.comes('one');
    rig.broker.publish({ topicName: 't/1', payload: 'e', qos: 1 });
    assert.deepEqual(texts(await client.all()), ['pubrel 2', 'again 3 c', 'again 4 d', '5 e']);
    client.send(acknowledgement('pubcomp', 2));
    client.send(acknowledgement('puback', 3));
    client.send(acknowledgement('pubrec', 4));
    client.send(acknowledgement('puback', 5));
    assert.deepEqual(texts(await client.all()), ['pubrel 4']);
    client.send(acknowledgement('pubcomp', 4));
    await turnEnd();
    await rig.crash();
    await (await rig.comes('one')).client.expectNothing();
  });

  it('with PUBREL again and again, until PUBCOMP comes [MQTT-4.3.3-5]', async (t) => {
    const rig = await Rig.start(t);
    const earlier = await rig.subscribed('one');
    rig.broker.publish({ topicName: 't/1', payload: 'x', qos: 2 });
    await earlier.expect('publish');
    earlier.send(acknowledgement('pubrec', 1));
    await earlier.expect('pubrel');
    for (let restarts = 0; restarts < 3; restarts++) {
      await rig.crash();
      const { client } = await rig.comes('one');
      assert.deepEqual(texts(await client.all()), ['pubrel 1']);
    }
  });

  it('with the identifiers of QoS 2 messages that it received: none is delivered twice [MQTT-4.3.3-10]', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('away')).disconnect();
    const { client: publisher } = await rig.comes('publisher');
    publisher.publish('t/1', 'x', { qos: 2, packetId: 65_535 });
    await publisher.expect('pubrec');
    await rig.crash();
    const again = (await rig.comes('publisher')).client;
    again.publish('t/1', 'x', { qos: 2, packetId: 65_535, dup: true });
    assert.equal((await again.expect('pubrec')).reasonCode, ReasonCode.SUCCESS);
    again.send(acknowledgement('pubrel', 65_535));
    assert.equal((await again.expect('pubcomp')).reasonCode, ReasonCode.SUCCESS);
    await rig.crash();
    // The identifier is free again, also for a broker that comes later.
    const later = (await rig.comes('publisher')).client;
    later.publish('t/1', 'y', { qos: 2, packetId: 65_535 });
    await later.expect('pubrec');
    const subscriber = (await rig.comes('away')).client;
    assert.deepEqual(texts(await subscriber.all()), ['1 x', '2 y']);
  });

  it('with its subscriptions and their options', async (t) => {
    const rig = await Rig.start(t);
    const { client: earlier } = await rig.comes('one');
    await earlier.subscribe('own/#', { qos: 1, noLocal: true });
    await earlier.subscribe('kept/+', {
      qos: 1,
      retainAsPublished: true,
      subscriptionIdentifier: 268_435_455,
    });
    await earlier.subscribe('$share/g/work', { qos: 0 });
    await earlier.subscribe('gone', { qos: 1 });
    earlier.send({ type: 'unsubscribe', packetId: 9, properties: {}, topicFilters: ['gone'] });
    await earlier.expect('unsuback');
    await rig.crash();

    const { client } = await rig.comes('one');
    client.publish('own/1', 'own');
    client.publish('gone', 'gone');
    client.publish('kept/1', 'kept', { retain: true });
    rig.broker.publish({ topicName: 'work', payload: 'work', qos: 2 });
    rig.broker.publish({ topicName: 'own/1', payload: 'of others', qos: 2 });
    const packets = (await client.all()).filter((packet) => packet.type === 'publish');
    assert.deepEqual(
      packets.map(({ topicName, qos, retain, properties }) => [
        topicName,
        qos,
        retain,
        properties?.subscriptionIdentifiers,
      ]),
      [
        ['kept/1', 0, true, [268_435_455]],
        ['work', 0, false, undefined],
        ['own/1', 1, false, undefined],
      ],
    );
  });

  it('of an earlier version of MQTT', async (t) => {
    const rig = await Rig.start(t);
    const client = new WireClient(rig.broker, 4);
    await client.connect({ clientId: 'old', cleanStart: false });
    await client.subscribe('t/#', { qos: 1 });
    client.transport.breakOff();
    rig.broker.publish({ topicName: 't/1', payload: 'x', qos: 1 });
    await rig.crash(400 * DAY_SECONDS * SECOND_MS);
    const again = new WireClient(rig.broker, 4);
    assert.equal((await again.connect({ clientId: 'old', cleanStart: false })).sessionPresent, true);
    assert.deepEqual(texts(await again.all()), ['1 x']);
  });

  it('to the user whose it is, and its identifier to nobody else', async (t) => {
    const rig = await Rig.start(t, { hooks: [PROVING] });
    const { client } = await rig.comes('one', { userName: 'ana' });
    await client.subscribe('t/#', { qos: 1 });
    await rig.crash();
    const { reasonCode } = await new WireClient(rig.broker).connect({ clientId: 'one', userName: 'bob' });
    assert.equal(reasonCode, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
    assert.equal((await rig.comes('one', { userName: 'ana' })).sessionPresent, true);
  });

  it('to the user whose it is, where it is not taken over', async (t) => {
    const rig = await Rig.start(t, { clientIdTakeover: 'allow', hooks: [PROVING] });
    const { client } = await rig.comes('one', { userName: 'ana' });
    await client.subscribe('t/#', { qos: 1 });
    await rig.crash();
    assert.equal((await rig.comes('one', { userName: 'ana' })).sessionPresent, true);
    assert.equal((await rig.comes('one', { userName: 'bob' })).sessionPresent, false);
    await rig.crash();
    assert.equal((await rig.comes('one', { userName: 'ana' })).sessionPresent, false);
  });

  it('to the user whose it is, and to nobody who comes where names are not proven', async (t) => {
    const rig = await Rig.start(t);
    const proving = () => rig.broker.acceptor({ name: 'proving', hooks: [PROVING] });
    const connect = {
      clientId: 'one',
      cleanStart: false,
      properties: { sessionExpiryInterval: DAY_SECONDS },
    };
    const owner = new WireClient(proving());
    await owner.connect({ ...connect, userName: 'ana' });
    await owner.subscribe('t/#', { qos: 1 });
    owner.transport.breakOff();
    for (const restarts of [false, true]) {
      if (restarts) await rig.crash();
      rig.broker.publish({ topicName: 't/1', payload: 'hers', qos: 1 });
      for (const userName of [undefined, 'ana']) {
        const { reasonCode } = await new WireClient(rig.broker).connect({ ...connect, userName });
        assert.equal(reasonCode, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
      }
    }
    const back = new WireClient(proving());
    assert.equal((await back.connect({ ...connect, userName: 'ana' })).sessionPresent, true);
    assert.deepEqual(texts(await back.all()), ['1 hers', '2 hers']);
  });

  it('to whoever comes where names were never proven', async (t) => {
    const rig = await Rig.start(t);
    await rig.comes('one', { userName: 'ana' });
    await rig.crash();
    assert.equal((await rig.comes('one', { userName: 'ben' })).sessionPresent, true);
  });

  it('and new identifiers are none that are in use', async (t) => {
    const rig = await Rig.start(t);
    const earlier = await rig.subscribed('one');
    for (let count = 0; count < 40; count++) rig.broker.publish({ topicName: 't/1', qos: 1 });
    assert.equal((await earlier.all()).length, 40);
    for (let packetId = 1; packetId <= 39; packetId++) earlier.send(acknowledgement('puback', packetId));
    await rig.crash();
    const { client } = await rig.comes('one');
    for (let count = 0; count < 60; count++) rig.broker.publish({ topicName: 't/1', qos: 1 });
    const packetIds = (await client.all()).map((packet) => ('packetId' in packet ? packet.packetId : 0));
    assert.equal(packetIds.length, 61);
    assert.equal(new Set(packetIds).size, 61);
  });
});

describe('after a restart a Shared Subscription goes on (section 4.8.2)', () => {
  const published = (rig: Rig, count: number): string[] => {
    const payloads = Array.from({ length: count }, (_, index) => `m${index}`);
    for (const payload of payloads) rig.broker.publish({ topicName: 't/1', payload, qos: 1 });
    return payloads;
  };
  const payloadsOf = (packets: readonly ControlPacket[]): string[] =>
    packets.flatMap((packet) => (packet.type === 'publish' ? [Buffer.from(packet.payload).toString()] : []));

  it('what waited for a member goes to another one when its session ends', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('short', '$share/g/t/#', 100)).disconnect();
    await turnEnd();
    const payloads = published(rig, 3);
    await rig.crash();
    const other = await rig.subscribed('other', '$share/g/t/#');
    await other.expectNothing();
    rig.clock.advance(101 * SECOND_MS);
    assert.deepEqual(payloadsOf(await other.all()), payloads);
    await rig.crash();
    assert.deepEqual(texts(await (await rig.comes('other')).client.all()), [
      'again 1 m0',
      'again 2 m1',
      'again 3 m2',
    ]);
  });

  it('so does what it had been sent at QoS 1 and had not acknowledged', async (t) => {
    const rig = await Rig.start(t);
    const member = await rig.subscribed('a', '$share/g/t/#', 100);
    const payloads = published(rig, 2);
    assert.deepEqual(payloadsOf(await member.all()), payloads);
    const other = await rig.subscribed('b', '$share/g/t/#');
    await other.expectNothing();
    await rig.crash();
    const { client } = await rig.comes('b');
    rig.clock.advance(101 * SECOND_MS);
    assert.deepEqual(payloadsOf(await client.all()), payloads);
  });

  it('but not to members of another one with the same filter', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('short', '$share/g/t/#', 100)).disconnect();
    await turnEnd();
    published(rig, 1);
    await rig.crash();
    const stranger = await rig.subscribed('stranger', '$share/h/t/#');
    rig.clock.advance(101 * SECOND_MS);
    assert.equal(rig.broker.counts.sessions, 1);
    await stranger.expectNothing();
  });
});

describe('after a restart the time goes on', () => {
  it('of a session from the disconnection [MQTT-3.1.2-23]', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('one', 't/#', 100)).disconnect();
    await rig.crash(60 * SECOND_MS);
    assert.equal(rig.broker.counts.sessions, 1);
    rig.clock.advance(39 * SECOND_MS);
    assert.equal(rig.broker.counts.sessions, 1);
    rig.clock.advance(2 * SECOND_MS);
    assert.equal(rig.broker.counts.sessions, 0);
    await rig.crash();
    assert.equal((await rig.comes('one')).sessionPresent, false);
  });

  it('also of one whose time passed while no broker was there', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('one', 't/#', 100)).disconnect();
    await rig.crash(101 * SECOND_MS);
    assert.equal(rig.broker.counts.sessions, 0);
    await turnEnd();
    assert.deepEqual((await loadAll(rig.store)).sessions, []);
  });

  it('of one that is no longer kept than it asked for, where the clock was set back', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('one', 't/#', 100)).disconnect();
    await rig.crash(-500 * SECOND_MS);
    rig.clock.advance(99 * SECOND_MS);
    assert.equal(rig.broker.counts.sessions, 1);
    rig.clock.advance(2 * SECOND_MS);
    assert.equal(rig.broker.counts.sessions, 0);
  });

  it('of a session whose client was there to the end, from the first restart', async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribed('one', 't/#', 100);
    for (let restarts = 0; restarts < 2; restarts++) {
      await rig.crash(40 * SECOND_MS);
      assert.equal(rig.broker.counts.sessions, 1);
    }
    rig.clock.advance(59 * SECOND_MS);
    assert.equal(rig.broker.counts.sessions, 1);
    rig.clock.advance(2 * SECOND_MS);
    assert.equal(rig.broker.counts.sessions, 0);
  });

  it('of a message: it expires when it would have, however often the broker starts', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('one')).disconnect();
    await turnEnd();
    const dueMs = rig.clock.now() + 100 * SECOND_MS;
    const properties = { messageExpiryInterval: 100 };
    rig.broker.publish({ topicName: 't/1', payload: 'x', qos: 1, retain: true, properties });
    for (let restarts = 0; restarts < 3; restarts++) await rig.crash(20 * SECOND_MS);
    const { sessions, retained } = await loadAll(rig.store);
    const messages = [...retained, ...sessions.flatMap(({ queued }) => queued.map(({ message }) => message))];
    assert.deepEqual(
      messages.map(({ expiresAtMs }) => expiresAtMs),
      [dueMs, dueMs],
    );
  });

  it('but a session that never expires stays', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('one', 't/#', NEVER_SECONDS)).disconnect();
    await rig.crash(1000 * DAY_SECONDS * SECOND_MS);
    assert.equal((await rig.comes('one')).sessionPresent, true);
  });

  it('of a message: what is left of its interval is sent on [MQTT-3.3.2-6]', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('one')).disconnect();
    await turnEnd();
    for (const messageExpiryInterval of [100, 50])
      rig.broker.publish({ topicName: 't/1', qos: 1, properties: { messageExpiryInterval } });
    await rig.crash(60 * SECOND_MS);
    const { client } = await rig.comes('one');
    const { properties } = await client.expect('publish');
    assert.equal(properties?.messageExpiryInterval, 40);
    await client.expectNothing(); // [MQTT-3.3.2-5]
    assert.equal(rig.broker.stats.dropped.expired, 1);
  });
});

describe('after a restart', () => {
  it('retained messages are there, the last of each topic, with their properties', async (t) => {
    const rig = await Rig.start(t);
    const publisher = (await rig.comes('publisher')).client;
    publisher.publish('r/1', 'old', { retain: true });
    publisher.publish('r/1', 'new', { retain: true, qos: 1, properties: { userProperties: [['clé', 'é']] } });
    publisher.publish('r/2', 'gone', { retain: true });
    publisher.publish('r/2', '', { retain: true });
    publisher.publish('r/3', 'short', { retain: true, properties: { messageExpiryInterval: 10 } });
    await publisher.expect('puback');
    await rig.crash(11 * SECOND_MS);
    assert.equal(rig.broker.counts.retainedMessages, 1);
    const { client } = await rig.comes('reader');
    await client.subscribe('r/#', { qos: 2 });
    const { payload, qos, retain, properties } = await client.expect('publish');
    assert.deepEqual([Buffer.from(payload).toString(), qos, retain], ['new', 1, true]);
    assert.deepEqual(properties?.userProperties, [['clé', 'é']]);
    await client.expectNothing();
    await turnEnd();
    assert.deepEqual(
      (await loadAll(rig.store)).retained.map(({ topicName }) => topicName),
      ['r/1'],
    );
  });

  it('nothing is there of sessions that ended with their connection, or that the client ended', async (t) => {
    const rig = await Rig.start(t);
    (await rig.subscribed('passing', 't/#', 0)).transport.breakOff();
    await rig.subscribed('still there', 't/#', 0);
    const ended = await rig.subscribed('ended');
    ended.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await rig.subscribed('anew');
    await rig.comes('anew', { cleanStart: true, sessionExpiryInterval: 0 });
    await rig.crash();
    assert.deepEqual([...rig.broker.sessions()], []);
    assert.equal(rig.broker.counts.subscriptions, 0);
  });

  it('a retained message that expired before is gone from the store too', async (t) => {
    const rig = await Rig.start(t);
    const properties = { messageExpiryInterval: 10 };
    rig.broker.publish({ topicName: 'r/1', payload: 'x', retain: true, properties });
    rig.broker.publish({ topicName: 'r/2', payload: 'x', retain: true });
    await turnEnd();
    rig.clock.advance(11 * SECOND_MS);
    assert.equal(rig.broker.counts.retainedMessages, 1);
    await turnEnd();
    const topics = (await loadAll(rig.store)).retained.map(({ topicName }) => topicName);
    assert.deepEqual(topics, ['r/2']);
  });

  it('what the server says of itself is said anew', async (t) => {
    const rig = await Rig.start(t, { sysTopicIntervalMs: 1000 });
    await turnEnd();
    assert.deepEqual((await loadAll(rig.store)).retained, []);
  });
});

describe('a broker', () => {
  it('does not start when the store cannot be read', async () => {
    const store = new MemorySessionStore();
    store.load = () => {
      throw new Error('not a database');
    };
    const broker = new Broker({ store, clock: new ManualClock() });
    await assert.rejects(broker.start(), { name: 'BrokerError', code: 'MQTT_STORE_FAILED' });
    assert.equal(new WireClient(broker).transport.isClosed, false);
    await turnEnd();
    const client = new WireClient(broker);
    await client.expectClosed();
  });

  it('does not start when the store breaks off in the middle', async () => {
    const store = new MemorySessionStore();
    const { sessions, retained } = store.load();
    async function* breakOff(): AsyncGenerator<never[]> {
      yield [];
      throw new Error('page 7 is damaged');
    }
    for (const state of [
      { sessions: breakOff(), retained },
      { sessions, retained: breakOff() },
    ]) {
      store.load = () => state;
      const broker = new Broker({ store, clock: new ManualClock() });
      await assert.rejects(broker.start(), { code: 'MQTT_STORE_FAILED' });
      await broker.close();
    }
  });

  it('that is closed while it reads the store gives the reading up before it closes the store', async () => {
    const store = new MemorySessionStore();
    const steps: string[] = [];
    let goOn = (): void => {};
    async function* endless(): AsyncGenerator<never[]> {
      try {
        for (;;) {
          await new Promise<void>((resolve) => {
            goOn = resolve;
          });
          yield [];
        }
      } finally {
        steps.push('given up');
      }
    }
    const { retained } = store.load();
    store.load = () => ({ sessions: endless(), retained });
    store.close = async () => void steps.push('closed');
    const broker = new Broker({ store, clock: new ManualClock() });
    const started = broker.start();
    await turnEnd();
    const closed = broker.close();
    goOn();
    await assert.rejects(started, { code: 'MQTT_BROKER_CLOSED' });
    await closed;
    assert.deepEqual(steps, ['given up', 'closed']);
  });

  it('that was closed while it read the store does not start', async () => {
    const broker = new Broker({ store: new MemorySessionStore(), clock: new ManualClock() });
    const started = broker.start();
    await broker.close();
    await assert.rejects(started, { code: 'MQTT_BROKER_CLOSED' });
  });

  it('takes a store in which two messages have one identifier: both are sent', async (t) => {
    const rig = await Rig.start(t);
    const none = { subscriptionIdentifiers: [], group: undefined } as const;
    const record = { qos: 1, retain: false, ...none, isReleased: false } as const;
    const session = {
      userName: undefined,
      isOwnerProven: false,
      sessionExpiryInterval: NEVER_SECONDS,
      disconnectedAtMs: 0,
    };
    rig.store.saveSession({ clientId: 'one', will: undefined, ...session });
    for (const [sequence, text] of [
      [1, 'a'],
      [2, 'b'],
    ] as const) {
      const message = keepMessage({ topicName: 't', payload: Buffer.from(text), qos: 1 });
      rig.store.saveQueued('one', { ...record, sequence, packetId: 7, message });
    }
    void rig.store.commit();
    await rig.crash();
    const { client } = await rig.comes('one');
    assert.deepEqual(texts(await client.all()), ['again 7 a', '8 b']);
  });
});

describe("a store of one's own", () => {
  for (const size of [5, 20_000]) {
    it(`may keep ${size} bytes of payload beside the body`, async (t) => {
      const store = new MemorySessionStore();
      const largePayload = Buffer.alloc(size, 'x');
      const parts = {
        topicName: 't/1',
        qos: 0,
        retain: true,
        body: 't/1',
        topicEnd: 3,
        propertiesEnd: 3,
      } as const;
      const expiry = { messageExpiryAt: -1, expiresAtMs: Infinity };
      store.saveRetained(new StoredMessage({ ...parts, ...expiry, largePayload }));
      await store.commit();
      const broker = new Broker({ store, sysTopicIntervalMs: 0 });
      t.after(() => broker.close());
      await broker.start();
      const client = new WireClient(broker, 5);
      await client.connect({ clientId: 'late' });
      await client.subscribe('t/1');
      const { payload } = await client.expect('publish');
      assert.deepEqual(Buffer.from(payload), largePayload);
    });
  }
});
