import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProtocolVersion } from '../../../src/mqtt/codec/control-packet.ts';
import type { PublishPacket } from '../../../src/mqtt/codec/publish.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  startRig,
  VERSION_NAMES,
  VERSIONS,
  type BrokerRig,
  type ConnectFields,
} from '../../helpers/mqtt-broker-rig.ts';
import type { WireClient } from '../../helpers/mqtt-wire-client.ts';

const FOREVER = 0xffff_ffff;
/** The broker looks at its timers this often. */
const TICK_MS = 250;

/** Client `a`, whose session stays. Clean Session 0 says so before MQTT 5.0. */
function staying(sessionExpiryInterval = 60): ConnectFields {
  return { clientId: 'a', cleanStart: false, properties: { sessionExpiryInterval } };
}

function textOf({ payload }: PublishPacket): string {
  return Buffer.from(payload).toString();
}

async function breakOff(client: WireClient): Promise<void> {
  client.transport.breakOff();
  await client.expectClosed();
}

/** Publishes QoS 1 messages to `t`, and waits until the broker has them. */
async function publishTo(rig: BrokerRig, ...payloads: string[]): Promise<void> {
  const publisher = await rig.connected();
  for (const payload of payloads) {
    publisher.publish('t', payload, { qos: 1 });
    await publisher.expect('puback');
  }
  publisher.disconnect();
}

/** Client `a` has subscribed to `t`, and is away. */
async function leftBehind(rig: BrokerRig, version: ProtocolVersion = 5, fields = staying()): Promise<void> {
  const client = rig.open(version);
  await client.connect(fields);
  await client.subscribe('t', { qos: 2 });
  await breakOff(client);
}

describe('how long a session lives', () => {
  it('[MQTT-4.1.0-1] as long as its connection, however short its Session Expiry Interval', async (t) => {
    const rig = await startRig(t);
    for (const sessionExpiryInterval of [0, 1]) {
      const client = await rig.connected({ properties: { sessionExpiryInterval } });
      await client.subscribe('t');
      rig.clock.advance(3_600_000);
      rig.broker.publish({ topicName: 't', payload: 'still' });
      assert.equal(textOf(await client.expect('publish')), 'still');
    }
    assert.equal(rig.broker.counts.sessions, 2);
  });

  for (const [how, end] of [
    ['is lost', (client: WireClient) => client.transport.breakOff()],
    ['is ended by DISCONNECT', (client: WireClient) => client.disconnect()],
    ['is ended by a Protocol Error', (client: WireClient) => client.sendBytes('d0 00')],
  ] as const) {
    it(`[MQTT-4.1.0-2] 0: it ends when the connection ${how}`, async (t) => {
      const { broker, connected } = await startRig(t);
      for (const properties of [{}, { sessionExpiryInterval: 0 }]) {
        const client = await connected({ properties });
        await client.subscribe('t');
        end(client);
        assert.deepEqual([broker.counts.sessions, broker.counts.subscriptions], [0, 0]);
      }
    });

    it(`[MQTT-3.1.2-23] [MQTT-4.1.0-2] 60: it ends a minute after the connection ${how}`, async (t) => {
      const { broker, clock, connected } = await startRig(t);
      const client = await connected(staying(60));
      await client.subscribe('t');
      clock.advance(3_600_000);
      end(client);
      clock.advance(59_999);
      assert.deepEqual([broker.counts.sessions, broker.counts.subscriptions], [1, 1]);
      clock.advance(1 + TICK_MS);
      assert.deepEqual([broker.counts.sessions, broker.counts.subscriptions], [0, 0]);
      assert.equal(broker.stats.sessionsExpired, 1);
    });
  }

  it('section 3.1.2.11.2: 0xFFFFFFFF: it never ends', async (t) => {
    const rig = await startRig(t);
    await leftBehind(rig, 5, staying(FOREVER));
    rig.clock.advance(6 * 3_600_000);
    const { sessionPresent } = await rig.open().connect(staying());
    assert.equal(sessionPresent, true);
    assert.equal(Array.from(rig.broker.sessions()).length, 1);
  });

  it('section 3.2.2.3.2: it is not longer than maximumSessionExpiryInterval', async (t) => {
    const rig = await startRig(t, { maximumSessionExpiryInterval: 30 });
    for (const version of VERSIONS)
      await leftBehind(rig, version, { ...staying(FOREVER), clientId: `v${version}` });
    rig.clock.advance(29_999);
    assert.equal(rig.broker.counts.sessions, 3);
    rig.clock.advance(1 + TICK_MS);
    assert.equal(rig.broker.counts.sessions, 0);
  });

  it('section 3.2.2.3.2: maximumSessionExpiryInterval 0 keeps none', async (t) => {
    const rig = await startRig(t, { maximumSessionExpiryInterval: 0 });
    for (const version of VERSIONS) await leftBehind(rig, version, staying(FOREVER));
    assert.equal(rig.broker.counts.sessions, 0);
  });

  it('[MQTT-4.1.0-2] coming back in time begins its time anew, as the new CONNECT says', async (t) => {
    const rig = await startRig(t);
    const { broker, clock, open } = rig;
    await leftBehind(rig);
    for (const seconds of [60, 20, 0]) {
      clock.advance(seconds === 60 ? 59_000 : 19_000);
      const client = open();
      assert.equal((await client.connect(staying(seconds))).sessionPresent, true);
      clock.advance(120_000);
      await breakOff(client);
    }
    assert.deepEqual([broker.counts.sessions, broker.stats.sessionsExpired], [0, 0]);
  });

  it('[MQTT-4.1.0-2] each of many ends in its own time', async (t) => {
    const { broker, clock, connected } = await startRig(t);
    for (let seconds = 1; seconds <= 300; seconds++) {
      const client = await connected({ properties: { sessionExpiryInterval: seconds } });
      client.transport.breakOff();
    }
    for (let seconds = 1; seconds <= 300; seconds += 7) {
      clock.advance(seconds === 1 ? 1000 : 7000);
      assert.equal(broker.counts.sessions, 300 - seconds);
    }
  });
});

describe('which session a client gets', () => {
  it('[MQTT-3.1.2-6] [MQTT-3.1.4-4] a new one where there is none', async (t) => {
    const { broker, open } = await startRig(t);
    const { sessionPresent } = await open().connect(staying());
    assert.equal(sessionPresent, false);
    assert.equal(broker.counts.sessions, 1);
  });

  for (const version of VERSIONS) {
    it(`[MQTT-3.1.2-4] [v3.1.1 MQTT-3.1.2-6] a new one with Clean Start (${VERSION_NAMES[version]})`, async (t) => {
      const rig = await startRig(t);
      await leftBehind(rig, version);
      await publishTo(rig, 'waiting');
      const client = rig.open(version);
      const { sessionPresent } = await client.connect({ ...staying(), cleanStart: true });
      assert.equal(sessionPresent, false);
      await publishTo(rig, 'later');
      await client.expectNothing();
      assert.equal(rig.broker.counts.subscriptions, 0);
    });

    it(`[MQTT-3.1.2-5] [v3.1.1 MQTT-3.1.2-5] the one that is there (${VERSION_NAMES[version]})`, async (t) => {
      const rig = await startRig(t);
      await leftBehind(rig, version);
      await publishTo(rig, '1', '2');
      const client = rig.open(version);
      const { sessionPresent } = await client.connect(staying());
      assert.equal(sessionPresent, version !== 3);
      await publishTo(rig, '3');
      const payloads: string[] = [];
      for (const packet of await client.all()) if (packet.type === 'publish') payloads.push(textOf(packet));
      assert.deepEqual(payloads, ['1', '2', '3']);
    });
  }

  it('[MQTT-3.1.3-2] the one of its own Client Identifier', async (t) => {
    const rig = await startRig(t);
    await leftBehind(rig);
    for (const clientId of ['b', 'A', 'a ']) {
      const { sessionPresent } = await rig.open().connect({ ...staying(), clientId });
      assert.equal(sessionPresent, false);
    }
  });

  it('section 4.1: also one that it made in another version of MQTT', async (t) => {
    const rig = await startRig(t);
    await leftBehind(rig, 4);
    await publishTo(rig, '1');
    let client = rig.open(5);
    assert.equal((await client.connect(staying())).sessionPresent, true);
    assert.equal(textOf(await client.expect('publish')), '1');
    await breakOff(client);
    client = rig.open(4);
    assert.equal((await client.connect(staying())).sessionPresent, true);
    const { dup, qos } = await client.expect('publish');
    assert.deepEqual([dup, qos], [true, 1]);
  });
});

describe('what a session is made of', () => {
  it('section 4.1: its subscriptions with all their options', async (t) => {
    const rig = await startRig(t);
    const first = await rig.connected(staying());
    await first.subscribe('own', { noLocal: true });
    await first.subscribe('kept', { qos: 1, retainAsPublished: true, subscriptionIdentifier: 77 });
    await breakOff(first);
    const second = await rig.connected(staying());
    second.publish('own', 'mine');
    rig.broker.publish({ topicName: 'kept', payload: 'x', qos: 2, retain: true });
    const message = await second.expect('publish');
    assert.deepEqual(
      [message.topicName, message.qos, message.retain, message.properties.subscriptionIdentifiers],
      ['kept', 1, true, [77]],
    );
    await second.expectNothing();
  });

  it('section 4.1: QoS 1 and 2 messages that wait, and those of QoS 0 only with queueQos0', async (t) => {
    for (const queueQos0 of [false, true]) {
      const rig = await startRig(t, { queueQos0 });
      await leftBehind(rig);
      for (const qos of [0, 1, 2, 0] as const) rig.broker.publish({ topicName: 't', payload: `${qos}`, qos });
      const client = await rig.connected(staying());
      const qosOfAll: number[] = [];
      for (const packet of await client.all()) if (packet.type === 'publish') qosOfAll.push(packet.qos);
      assert.deepEqual(qosOfAll, queueQos0 ? [0, 1, 2, 0] : [1, 2]);
      assert.equal(rig.broker.stats.dropped.offline, queueQos0 ? 0 : 2);
    }
  });

  for (const version of VERSIONS) {
    it(`[MQTT-4.4.0-1] what was sent and not acknowledged, in order (${VERSION_NAMES[version]})`, async (t) => {
      const rig = await startRig(t);
      const first = await rig.connected(staying(), version);
      await first.subscribe('t', { qos: 2 });
      for (const qos of [1, 2, 1, 2] as const) rig.broker.publish({ topicName: 't', payload: 'x', qos });
      const packetIds: number[] = [];
      for (let index = 0; index < 4; index++) packetIds.push((await first.expect('publish')).packetId);
      first.send({ type: 'puback', packetId: packetIds[0]!, reasonCode: 0, properties: {} });
      first.send({ type: 'pubrec', packetId: packetIds[1]!, reasonCode: 0, properties: {} });
      await first.expect('pubrel');
      await breakOff(first);
      const second = await rig.connected(staying(), version);
      const again = (await second.all()).map((packet) => [
        packet.type,
        'packetId' in packet && packet.packetId,
        packet.type === 'publish' && packet.dup,
      ]);
      assert.deepEqual(again, [
        ['pubrel', packetIds[1], false],
        ['publish', packetIds[2], true],
        ['publish', packetIds[3], true],
      ]);
    });

    it(`[MQTT-4.3.3-10] QoS 2 messages that came in and were not released (${VERSION_NAMES[version]})`, async (t) => {
      const rig = await startRig(t);
      const watcher = await rig.subscribed('t');
      const first = await rig.connected(staying(), version);
      first.publish('t', 'once', { qos: 2, packetId: 5 });
      await first.expect('pubrec');
      await watcher.expect('publish');
      await breakOff(first);
      const second = await rig.connected(staying(), version);
      second.publish('t', 'once', { qos: 2, packetId: 5, dup: true });
      assert.equal((await second.expect('pubrec')).packetId, 5);
      await watcher.expectNothing();
      second.send({ type: 'pubrel', packetId: 5, reasonCode: 0, properties: {} });
      assert.equal((await second.expect('pubcomp')).reasonCode, ReasonCode.SUCCESS);
    });
  }

  it('[MQTT-3.3.2-7] but no Topic Alias', async (t) => {
    const rig = await startRig(t);
    const first = await rig.connected(staying());
    first.publish('t', 'x', { properties: { topicAlias: 1 } });
    await first.expectNothing();
    await breakOff(first);
    const second = await rig.connected(staying());
    second.publish('', 'x', { properties: { topicAlias: 1 } });
    assert.equal((await second.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
  });

  it('section 4.9: but not the Receive Maximum, which is that of the connection', async (t) => {
    const rig = await startRig(t);
    const first = rig.open();
    await first.connect({ ...staying(), properties: { sessionExpiryInterval: 60, receiveMaximum: 1 } });
    await first.subscribe('t', { qos: 1 });
    await publishTo(rig, '1', '2', '3');
    assert.equal((await first.all()).length, 1);
    await breakOff(first);
    const second = await rig.connected(staying());
    assert.deepEqual(
      (await second.all()).map((packet) => packet.type === 'publish' && textOf(packet)),
      ['1', '2', '3'],
    );
  });

  it('[v3.1.1 MQTT-3.1.2-7] and no retained message, which stays when it ends', async (t) => {
    const { broker, connected } = await startRig(t);
    const client = await connected();
    client.publish('t', 'kept', { retain: true });
    client.disconnect();
    await client.expectClosed();
    const other = await connected();
    await other.subscribe('t');
    assert.equal(textOf(await other.expect('publish')), 'kept');
    assert.equal(broker.counts.retainedMessages, 1);
  });

  it('[MQTT-4.1.0-2] nothing of which is left when it has ended', async (t) => {
    const rig = await startRig(t);
    await leftBehind(rig);
    await publishTo(rig, 'waiting');
    rig.clock.advance(60_000 + TICK_MS);
    const client = rig.open();
    assert.equal((await client.connect(staying())).sessionPresent, false);
    await publishTo(rig, 'later');
    await client.expectNothing();
  });

  it('section 4.1: an observer that ends a client as soon as it comes loses nothing of it', async (t) => {
    let isUnwelcome = false;
    const hooks = [
      {
        name: 'door',
        onConnected({ clientId }: { clientId: string }): void {
          if (isUnwelcome && clientId === 'a') rig.broker.disconnectClient(clientId);
        },
      },
    ];
    const rig = await startRig(t, { hooks });
    await leftBehind(rig);
    await publishTo(rig, '1', '2');
    isUnwelcome = true;
    const refused = rig.open();
    assert.equal((await refused.connect(staying())).sessionPresent, true);
    assert.equal((await refused.expect('disconnect')).reasonCode, ReasonCode.ADMINISTRATIVE_ACTION);
    await refused.expectClosed();
    isUnwelcome = false;
    const client = await rig.connected(staying());
    assert.deepEqual(
      (await client.all()).map((packet) => packet.type === 'publish' && [textOf(packet), packet.dup]),
      [
        ['1', false],
        ['2', false],
      ],
    );
  });
});

describe('what is told of sessions', () => {
  it('section 4.1: from where the client came last', async (t) => {
    const rig = await startRig(t);
    await leftBehind(rig);
    await rig.open(4, { address: '192.0.2.9' }).connect(staying());
    const { client } = Array.from(rig.broker.sessions())[0]!;
    assert.deepEqual([client.peer.address, client.protocolVersion], ['192.0.2.9', 4]);
  });

  it('section 4.1: who is there, who is away, and what waits', async (t) => {
    const rig = await startRig(t);
    await leftBehind(rig);
    await rig.subscribed('t', { clientId: 'b', userName: 'ben' });
    rig.broker.publish({ topicName: 't', payload: 'x', qos: 1 });
    const told = Array.from(rig.broker.sessions(), ({ client, ...rest }) => ({
      ...rest,
      id: client.clientId,
    }));
    const one = { subscriptionCount: 1 };
    assert.deepEqual(told, [
      {
        id: 'a',
        number: 1,
        isConnected: false,
        expiryInterval: 60,
        ...one,
        queuedCount: 1,
        inflightCount: 0,
      },
      { id: 'b', number: 2, isConnected: true, expiryInterval: 0, ...one, queuedCount: 0, inflightCount: 1 },
    ]);
  });
});
