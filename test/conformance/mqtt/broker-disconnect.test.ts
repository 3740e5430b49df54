import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  Attendance,
  bytesOf,
  startRig,
  VERSION_NAMES,
  VERSIONS,
  willOf,
} from '../../helpers/mqtt-broker-rig.ts';

const PINGREQ = { type: 'pingreq' } as const;
const FOREVER = 0xffff_ffff;
const TICK_MS = 250;

describe('a DISCONNECT of the client', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-3.14.4-3] discards the Will, and the connection ends (${VERSION_NAMES[version]})`, async (t) => {
      const attendance = new Attendance();
      const { broker, connected, subscribed } = await startRig(t, { hooks: [attendance] });
      const watcher = await subscribed('will');
      const client = await connected({ willMessage: willOf() }, version);
      client.sendBytes('e0 00');
      assert.equal((await client.bytes()).length, 0);
      assert.ok(client.transport.isClosed);
      await watcher.expectNothing();
      assert.equal(broker.stats.willsPublished, 0);
      assert.deepEqual(attendance.left[0]?.cause, {
        by: 'client',
        reasonCode: ReasonCode.NORMAL_DISCONNECTION,
        reason: 'Normal disconnection',
      });
    });

    it(`[MQTT-3.14.4-1] what is glued to it is not handled (${VERSION_NAMES[version]})`, async (t) => {
      const { broker, connected } = await startRig(t);
      const client = await connected({}, version);
      const rest = bytesOf(version, PINGREQ);
      client.sendBytes(Buffer.concat([Buffer.from('e000', 'hex'), rest, rest]));
      client.send(PINGREQ);
      assert.equal((await client.bytes()).length, 0);
      assert.equal(broker.counts.connections, 0);
    });
  }

  for (const hex of ['e0 00', 'e0 01 00', 'e0 02 00 00', 'e0 09 00 07 1f 0004 74657874'] as const) {
    it(`section 3.14.2.1: in the form ${hex} is a normal one`, async (t) => {
      const { broker, connected } = await startRig(t);
      const client = await connected({ willMessage: willOf() });
      client.sendBytes(hex);
      assert.equal((await client.bytes()).length, 0);
      assert.ok(client.transport.isClosed);
      assert.deepEqual([broker.stats.willsPublished, broker.stats.protocolErrors], [0, 0]);
    });
  }

  for (const reasonCode of [
    0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
  ] as const) {
    it(`[MQTT-3.1.2-8] with 0x${reasonCode.toString(16)} the Will is published`, async (t) => {
      const attendance = new Attendance();
      const { connected, subscribed } = await startRig(t, { hooks: [attendance] });
      const watcher = await subscribed('will');
      const client = await connected({ willMessage: willOf() });
      client.disconnect(reasonCode);
      await client.expectClosed();
      assert.equal(Buffer.from((await watcher.expect('publish')).payload).toString(), 'bye');
      assert.deepEqual(
        [attendance.left[0]?.cause.by, attendance.left[0]?.cause.reasonCode],
        ['client', reasonCode],
      );
    });
  }

  for (const [what, hex, reasonCode] of [
    ['[MQTT-3.14.1-1] reserved bits', 'e1 00', ReasonCode.MALFORMED_PACKET],
    ['[MQTT-3.14.2-1] the Reason Code 0x01', 'e0 01 01', ReasonCode.PROTOCOL_ERROR],
    ['[MQTT-3.14.2-1] the Reason Code 0xff', 'e0 01 ff', ReasonCode.PROTOCOL_ERROR],
    [
      'section 3.14.2.2: a property that does not belong there',
      'e0 05 00 03 21 0001',
      ReasonCode.MALFORMED_PACKET,
    ],
    [
      'section 3.14.2.2.2: a property twice',
      'e0 0c 00 0a 11 00000000 11 00000000',
      ReasonCode.PROTOCOL_ERROR,
    ],
    ['section 3.14.2: more than its properties', 'e0 03 00 00 00', ReasonCode.MALFORMED_PACKET],
  ] as const) {
    it(`${what} is answered with 0x${reasonCode.toString(16)}, and the Will is published`, async (t) => {
      const { broker, connected } = await startRig(t);
      const client = await connected({ willMessage: willOf() });
      client.sendBytes(hex);
      assert.equal((await client.expect('disconnect')).reasonCode, reasonCode);
      await client.expectClosed();
      assert.deepEqual([broker.stats.protocolErrors, broker.stats.willsPublished], [1, 1]);
    });
  }

  it('[v3.1.1 MQTT-3.14.1-1] with reserved bits ends a connection of MQTT 3.1.1 as an error', async (t) => {
    const { broker, connected } = await startRig(t);
    const client = await connected({ willMessage: willOf() }, 4);
    client.sendBytes('e1 00');
    assert.equal((await client.bytes()).length, 0);
    assert.deepEqual([broker.stats.protocolErrors, broker.stats.willsPublished], [1, 1]);
  });
});

describe('the Session Expiry Interval of a DISCONNECT', () => {
  it('section 3.14.2.2.2: shortens what the CONNECT asked for', async (t) => {
    const { broker, clock, connected } = await startRig(t);
    const client = await connected({ properties: { sessionExpiryInterval: 60 } });
    client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 10 } });
    await client.expectClosed();
    clock.advance(9999);
    assert.equal(broker.counts.sessions, 1);
    clock.advance(1 + TICK_MS);
    assert.deepEqual([broker.counts.sessions, broker.stats.sessionsExpired], [0, 1]);
  });

  it('section 3.14.2.2.2: prolongs it, also for ever', async (t) => {
    const { broker, clock, connected } = await startRig(t);
    for (const [clientId, sessionExpiryInterval] of [
      ['a', 60],
      ['b', FOREVER],
    ] as const) {
      const client = await connected({ clientId, properties: { sessionExpiryInterval: 10 } });
      client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval } });
      await client.expectClosed();
    }
    clock.advance(59_999);
    assert.equal(broker.counts.sessions, 2);
    clock.advance(1 + TICK_MS);
    assert.equal(broker.counts.sessions, 1);
    clock.advance(3_600_000);
    assert.equal(broker.counts.sessions, 1);
  });

  it('section 3.14.2.2.2: 0 ends the session at once', async (t) => {
    const { broker, connected } = await startRig(t);
    const client = await connected({ properties: { sessionExpiryInterval: FOREVER } });
    await client.subscribe('t');
    client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await client.expectClosed();
    assert.deepEqual([broker.counts.sessions, broker.counts.subscriptions], [0, 0]);
  });

  it('section 3.14.2.2.2: is not above the maximum of the server', async (t) => {
    const { broker, clock, connected } = await startRig(t, { maximumSessionExpiryInterval: 20 });
    const client = await connected({ properties: { sessionExpiryInterval: 10 } });
    client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: FOREVER } });
    await client.expectClosed();
    clock.advance(19_999);
    assert.equal(broker.counts.sessions, 1);
    clock.advance(1 + TICK_MS);
    assert.equal(broker.counts.sessions, 0);
  });

  it('section 3.14.2.2.2: from 0 to another is answered with 0x82, and the Will is published', async (t) => {
    const { broker, connected } = await startRig(t);
    for (const properties of [{}, { sessionExpiryInterval: 0 }]) {
      const client = await connected({ willMessage: willOf(), properties });
      client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 1 } });
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
      await client.expectClosed();
    }
    assert.deepEqual([broker.counts.sessions, broker.stats.willsPublished], [0, 2]);
  });

  it('section 3.14.2.2.2: from 0 to 0 is nothing special', async (t) => {
    const { broker, connected } = await startRig(t);
    const client = await connected({ willMessage: willOf() });
    client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await client.expectClosed();
    assert.deepEqual([broker.stats.protocolErrors, broker.stats.willsPublished], [0, 0]);
  });

  it('section 3.14.2.2.2: 0 makes a Will with a delay due at once', async (t) => {
    const { connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    const willMessage = willOf({ properties: { willDelayInterval: 100 } });
    const client = await connected({ willMessage, properties: { sessionExpiryInterval: 100 } });
    client.send({ type: 'disconnect', reasonCode: 4, properties: { sessionExpiryInterval: 0 } });
    await client.expectClosed();
    await watcher.expect('publish');
  });
});

describe('a DISCONNECT of the server', () => {
  it('[MQTT-3.14.4-1] [MQTT-3.14.4-2] is the last that it says', async (t) => {
    const { broker, connected } = await startRig(t);
    const client = await connected({ clientId: 'a' });
    await client.subscribe('t');
    client.sendBytes(Buffer.concat([bytesOf(5, PINGREQ), Buffer.from('0000', 'hex'), bytesOf(5, PINGREQ)]));
    broker.publish({ topicName: 't', payload: 'late' });
    const types = (await client.all()).map(({ type }) => type);
    assert.deepEqual(types, ['pingresp', 'disconnect']);
    assert.ok(client.transport.isClosed);
  });

  it('[MQTT-3.14.2-2] has no Session Expiry Interval', async (t) => {
    const { broker, connected } = await startRig(t);
    const client = await connected({ clientId: 'a', properties: { sessionExpiryInterval: 60 } });
    broker.disconnectClient('a');
    const { reasonCode, properties } = await client.expect('disconnect');
    assert.equal(reasonCode, ReasonCode.ADMINISTRATIVE_ACTION);
    assert.deepEqual({ ...properties }, { reasonString: 'ended by the administrator' });
  });

  it('[MQTT-3.14.2-3] has no Reason String that would make it too large', async (t) => {
    const { broker, connected } = await startRig(t);
    const text = 'ended by the administrator';
    const whole = 2 + 1 + 1 + 3 + text.length;
    for (const [maximumPacketSize, expected] of [
      [whole, text],
      [whole - 1, undefined],
    ] as const) {
      const client = await connected({ clientId: 'a', properties: { maximumPacketSize } });
      broker.disconnectClient('a');
      const { reasonCode, properties } = await client.expect('disconnect');
      assert.deepEqual([reasonCode, properties.reasonString], [ReasonCode.ADMINISTRATIVE_ACTION, expected]);
      await client.expectClosed();
    }
  });

  for (const version of [3, 4] as const) {
    it(`[v3.1.1 MQTT-4.8.0-1] is not sent in ${VERSION_NAMES[version]}: the connection just ends`, async (t) => {
      const { broker, connected } = await startRig(t);
      const client = await connected({ clientId: 'a' }, version);
      assert.equal(broker.disconnectClient('a'), true);
      assert.equal((await client.bytes()).length, 0);
      assert.ok(client.transport.isClosed);
    });
  }

  it('section 3.14.2.1: disconnectClient leaves the session, or ends it, or finds nobody', async (t) => {
    const { broker, connected } = await startRig(t);
    await connected({ clientId: 'a', properties: { sessionExpiryInterval: 60 } });
    assert.equal(broker.disconnectClient('b'), false);
    assert.equal(broker.disconnectClient('a'), true);
    assert.equal(broker.counts.sessions, 1);
    assert.equal(broker.disconnectClient('a', { endSession: true }), true);
    assert.equal(broker.counts.sessions, 0);
  });

  it('section 3.1.2.5: disconnectClient publishes the Will', async (t) => {
    const { broker, connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    await connected({ clientId: 'a', willMessage: willOf() });
    broker.disconnectClient('a');
    await watcher.expect('publish');
  });
});

describe('a connection that breaks', () => {
  it('section 3.1.2.5: is told to observers as lost, once', async (t) => {
    const attendance = new Attendance();
    const { broker, connected } = await startRig(t, { hooks: [attendance] });
    const client = await connected({ clientId: 'a' });
    client.transport.breakOff(new Error('ECONNRESET'));
    assert.deepEqual(
      attendance.left.map(({ clientId, cause }) => [clientId, cause.by, cause.reason]),
      [['a', 'lost', 'ECONNRESET']],
    );
    assert.deepEqual([broker.counts.connections, broker.counts.sessions], [0, 0]);
  });

  it('section 3.1.2.5: an observer that throws changes nothing', async (t) => {
    const fail = (): never => {
      throw new Error('broken');
    };
    const hooks = [{ name: 'broken', onConnected: fail, onDisconnected: fail }];
    const { broker, open } = await startRig(t, { hooks });
    const client = open();
    assert.equal((await client.connect({ willMessage: willOf() })).reasonCode, ReasonCode.SUCCESS);
    client.transport.breakOff();
    assert.deepEqual(
      [broker.stats.hookFailures, broker.stats.willsPublished, broker.counts.sessions],
      [2, 1, 0],
    );
  });
});
