import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  Attendance,
  connectBytes,
  SlowGuard,
  startRig,
  VERSION_NAMES,
  VERSIONS,
  willOf,
} from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, turnEnd, type WireClient, subscribePacket } from '../../helpers/mqtt-wire-client.ts';

/** The broker looks at its timers this often. */
const TICK_MS = 250;

const PINGREQ = { type: 'pingreq' } as const;

async function assertOpen(client: WireClient, text?: string): Promise<void> {
  await turnEnd();
  assert.equal(client.transport.isClosed, false, text);
}

describe('PINGREQ', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-3.12.4-1] is answered with PINGRESP (${VERSION_NAMES[version]})`, async (t) => {
      const { connected } = await startRig(t);
      const client = await connected({}, version);
      client.sendBytes('c0 00');
      assert.equal((await client.bytes()).toString('hex'), 'd000');
      client.sendBytes('c0 00 c0 00 c0');
      client.sendBytes('00');
      assert.equal((await client.bytes()).toString('hex'), 'd000d000d000');
    });
  }

  it('[MQTT-4.9.0-3] is answered although the send quota is used up', async (t) => {
    const { open, connected } = await startRig(t);
    const client = open();
    await client.connect({ properties: { receiveMaximum: 1 } });
    await client.subscribe('t', { qos: 1 });
    const publisher = await connected();
    for (const packetId of [1, 2]) publisher.publish('t', '', { qos: 1, packetId });
    await client.expect('publish');
    client.send(PINGREQ);
    await client.expect('pingresp');
    await client.expectNothing();
  });

  it('section 3.12.1: with a body is malformed', async (t) => {
    const { connected } = await startRig(t);
    const client = await connected();
    client.sendBytes('c0 01 00');
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.MALFORMED_PACKET);
    await client.expectClosed();
  });

  it('[MQTT-2.1.3-1] with flags is malformed', async (t) => {
    const { connected } = await startRig(t);
    const client = await connected();
    client.sendBytes('c1 00');
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.MALFORMED_PACKET);
    await client.expectClosed();
  });

  it('section 3.13: a PINGRESP from a client is a Protocol Error', async (t) => {
    const { connected } = await startRig(t);
    const client = await connected();
    client.sendBytes('d0 00');
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
    await client.expectClosed();
  });
});

describe('the Keep Alive', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-3.1.2-22] [v3.1.1 MQTT-3.1.2-24] ends after one and a half (${VERSION_NAMES[version]})`, async (t) => {
      const attendance = new Attendance();
      const { broker, clock, connected } = await startRig(t, { hooks: [attendance] });
      const client = await connected({ keepAlive: 10 }, version);
      clock.advance(14_999);
      await assertOpen(client);
      clock.advance(1 + TICK_MS);
      if (version === 5) {
        assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.KEEP_ALIVE_TIMEOUT);
      }
      await client.expectClosed();
      assert.equal(broker.stats.keepAliveTimeouts, 1);
      assert.equal(attendance.left[0]?.cause.reasonCode, ReasonCode.KEEP_ALIVE_TIMEOUT);
    });

    it(`[MQTT-3.1.2-22] begins anew with every packet (${VERSION_NAMES[version]})`, async (t) => {
      const { broker, clock, connected } = await startRig(t);
      const client = await connected({ keepAlive: 10 }, version);
      const say = [
        () => client.send(PINGREQ),
        () => client.publish('t'),
        () => client.send({ type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: ['t'] }),
        () => client.send({ type: 'pubrel', packetId: 9, reasonCode: 0, properties: {} }),
      ];
      for (const packet of say) {
        clock.advance(14_900);
        packet();
        await assertOpen(client);
      }
      clock.advance(15_000 + TICK_MS);
      await turnEnd();
      await turnEnd();
      assert.ok(client.transport.isClosed);
      assert.equal(broker.stats.keepAliveTimeouts, 1);
    });

    it(`section 3.1.2.10: 0 turns it off (${VERSION_NAMES[version]})`, async (t) => {
      const { clock, connected } = await startRig(t);
      const client = await connected({ keepAlive: 0 }, version);
      clock.advance(3_600_000);
      await assertOpen(client);
    });

    it(`serverKeepAlive: caps what a client asks for (${VERSION_NAMES[version]})`, async (t) => {
      const { clock, connected } = await startRig(t, { serverKeepAlive: 10 });
      for (const [keepAlive, endsAfterMs] of [
        [0, 15_000],
        [11, 15_000],
        [10, 15_000],
        [4, 6000],
      ] as const) {
        const client = await connected({ keepAlive }, version);
        clock.advance(endsAfterMs - 1);
        await assertOpen(client, `${keepAlive}`);
        clock.advance(1 + TICK_MS);
        await turnEnd();
        await turnEnd();
        assert.ok(client.transport.isClosed, `${keepAlive}`);
      }
    });
  }

  it('[MQTT-3.1.2-22] can be of 65535 seconds', async (t) => {
    const { clock, connected } = await startRig(t);
    const client = await connected({ keepAlive: 65_535 });
    clock.advance(65_535 * 1500 - 1);
    await assertOpen(client);
    clock.advance(1 + TICK_MS);
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.KEEP_ALIVE_TIMEOUT);
  });

  it('[MQTT-3.1.2-22] what the server sends does not prolong it', async (t) => {
    const { clock, connected, open } = await startRig(t);
    const silent = open();
    await silent.connect({ keepAlive: 2 });
    await silent.subscribe('t');
    const publisher = await connected();
    for (let count = 0; count < 3; count++) {
      clock.advance(900);
      publisher.publish('t');
      await silent.expect('publish');
    }
    clock.advance(300 + TICK_MS);
    assert.equal((await silent.expect('disconnect')).reasonCode, ReasonCode.KEEP_ALIVE_TIMEOUT);
  });

  it('[MQTT-3.1.2-22] [MQTT-3.1.2-8] its end publishes the Will', async (t) => {
    const { broker, clock, connected, subscribed } = await startRig(t);
    const watcher = await subscribed('will');
    await connected({ keepAlive: 1, willMessage: willOf() });
    clock.advance(1500 + TICK_MS);
    assert.equal(Buffer.from((await watcher.expect('publish')).payload).toString(), 'bye');
    assert.equal(broker.stats.willsPublished, 1);
  });

  it('[MQTT-3.1.2-22] does not run while authenticate decides', async (t) => {
    const slow = new SlowGuard();
    const { clock, open } = await startRig(t, {
      hooks: [slow],
      hookTimeoutMs: 9000,
      connectTimeoutMs: 9000,
    });
    const client = open();
    client.send(connectPacket(5, { keepAlive: 1 }));
    clock.advance(4000);
    slow.answer({ allow: true });
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.SUCCESS);
    clock.advance(1499);
    await assertOpen(client);
    clock.advance(1 + TICK_MS);
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.KEEP_ALIVE_TIMEOUT);
  });

  it('[MQTT-3.1.2-22] nor while another hook does: what the client sends meanwhile is not read', async (t) => {
    const answer = Promise.withResolvers<{ allow: true }>();
    const hooks = [{ name: 'slow', authorizeSubscribe: () => answer.promise }];
    const { broker, clock, open } = await startRig(t, { hooks, hookTimeoutMs: 9000 });
    const client = open();
    await client.connect({ keepAlive: 1 });
    client.send(subscribePacket(['t']));
    for (let count = 0; count < 8; count++) {
      client.send(PINGREQ);
      clock.advance(1000);
    }
    answer.resolve({ allow: true });
    const types = (await client.all()).map(({ type }) => type);
    assert.deepEqual(types, ['suback', ...Array.from({ length: 8 }, () => 'pingresp')]);
    clock.advance(1000);
    await assertOpen(client);
    clock.advance(500 + TICK_MS);
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.KEEP_ALIVE_TIMEOUT);
    assert.equal(broker.stats.keepAliveTimeouts, 1);
  });

  it('[MQTT-3.1.2-22] silence counts from the answer of such a hook', async (t) => {
    const answer = Promise.withResolvers<{ allow: true }>();
    const hooks = [{ name: 'slow', authorizeSubscribe: () => answer.promise }];
    const { clock, open } = await startRig(t, { hooks, hookTimeoutMs: 9000 });
    const client = open();
    await client.connect({ keepAlive: 1 });
    client.send(subscribePacket(['t']));
    clock.advance(4250);
    answer.resolve({ allow: true });
    await client.expect('suback');
    clock.advance(1499);
    await assertOpen(client);
    clock.advance(1 + TICK_MS);
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.KEEP_ALIVE_TIMEOUT);
  });

  it('[MQTT-3.1.2-22] of a thousand clients each ends in its own time', async (t) => {
    const { broker, clock, open } = await startRig(t);
    for (let count = 0; count < 1000; count++) {
      open().transport.send(connectBytes(5, { keepAlive: 1 + (count % 10) }));
    }
    await turnEnd();
    for (let seconds = 1; seconds <= 10; seconds++) {
      clock.advance(1500);
      assert.equal(broker.stats.keepAliveTimeouts, 100 * seconds);
    }
  });
});
