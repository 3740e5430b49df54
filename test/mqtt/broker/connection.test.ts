import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GatedStore } from '../../helpers/gated-store.ts';
import { connected, lasting, publishesOf, startBroker } from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, turnEnd, WireClient, subscribePacket } from '../../helpers/mqtt-wire-client.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import type { AuthenticationMethod } from '../../../src/mqtt/broker/hooks.ts';

const EXACT_BYTES = [1024, 5000, 65_536, 200_000] as const;

describe('maxOutboxBytes is what waits for a client at most', () => {
  for (const maxOutboxBytes of EXACT_BYTES) {
    it(`${maxOutboxBytes}: of a client that does not read`, async (t) => {
      const broker = await startBroker(t, { maxOutboxBytes });
      const client = await connected(broker, 5, {}, { maxUnreadBytes: 1 });
      await client.subscribe('t');
      const before = broker.stats.bytesSent;
      // The first one blocks the transport, with which nothing waits here.
      broker.publish({ topicName: 't', payload: 'first' });
      await turnEnd();
      await turnEnd();
      const taken = broker.stats.bytesSent - before;
      for (let count = 0; count < 4000; count++)
        broker.publish({ topicName: 't', payload: Buffer.alloc(90) });
      const packets = publishesOf(await client.all());
      const waited = broker.stats.bytesSent - before - taken;
      assert.ok(waited <= maxOutboxBytes, `${waited} bytes waited`);
      assert.ok(waited > maxOutboxBytes - 100, `only ${waited} bytes waited`);
      assert.equal(broker.stats.dropped['outbox-full'], 4001 - packets.length);
    });

    it(`${maxOutboxBytes}: of a client that waits for the store`, async (t) => {
      const gate = new GatedStore();
      const broker = await startBroker(t, { maxOutboxBytes, store: gate.store });
      t.after(() => gate.open());
      const client = await connected(broker, 5, lasting('one'), { maxUnreadBytes: 10_000_000 });
      await client.subscribe('t', { qos: 1 });
      await turnEnd();
      gate.close();
      broker.publish({ topicName: 't', payload: 'first', qos: 1 });
      await client.expectNothing();
      const before = broker.stats.bytesSent;
      for (let count = 0; count < 4000; count++)
        broker.publish({ topicName: 't', payload: Buffer.alloc(90) });
      assert.equal(broker.stats.bytesSent, before);
      gate.open();
      await client.all();
      const waited = broker.stats.bytesSent - before;
      assert.ok(waited <= maxOutboxBytes, `${waited} bytes waited`);
      assert.ok(waited > maxOutboxBytes - 100, `only ${waited} bytes waited`);
    });
  }

  it('and a smaller one is looked at before it is far behind: QoS 1 waits in the session', async (t) => {
    const gate = new GatedStore();
    const broker = await startBroker(t, { maxOutboxBytes: 1024, store: gate.store });
    t.after(() => gate.open());
    const client = await connected(broker, 5, lasting('one'), { maxUnreadBytes: 10_000_000 });
    await client.subscribe('t', { qos: 1 });
    await turnEnd();
    gate.close();
    for (let count = 0; count < 100; count++)
      broker.publish({ topicName: 't', payload: Buffer.alloc(90), qos: 1 });
    const [session] = broker.sessions();
    assert.deepEqual([session?.inflightCount, session?.queuedCount], [11, 89]);
    gate.open();
    assert.equal(publishesOf(await client.all()).length, 100);
  });
});

/** Asks one question, of so many bytes, and takes any answer. */
const asks = (bytes: number, successBytes = 0): AuthenticationMethod => ({
  name: 'ask',
  begin: () => {
    let isAsked = false;
    return {
      next: () => {
        if (isAsked) return { step: 'success', userName: 'ana', data: Buffer.alloc(successBytes) };
        isAsked = true;
        return { step: 'continue', data: Buffer.alloc(bytes) };
      },
    };
  },
});
const authenticated = (maximumPacketSize: number): Parameters<typeof connectPacket>[1] => ({
  properties: { maximumPacketSize, authenticationMethod: 'ask' },
});
const answer = (client: WireClient, reasonCode: ReasonCode): void =>
  client.send({ type: 'auth', reasonCode, properties: { authenticationMethod: 'ask' } });

describe('an answer that the client does not take ends the connection [MQTT-3.1.2-24]', () => {
  it('AUTH before the CONNACK', async (t) => {
    const hooks = [{ name: 'test', authenticationMethods: [asks(500)] }];
    const broker = await startBroker(t, { hooks });
    const client = new WireClient(broker);
    client.send(connectPacket(5, authenticated(100)));
    const { reasonCode } = await client.expect('connack');
    assert.equal(reasonCode, ReasonCode.PACKET_TOO_LARGE);
    await client.expectClosed();
    assert.equal(broker.counts.sessions, 0);
  });

  it('AUTH of a client that authenticates again', async (t) => {
    let bytes = 1;
    const method: AuthenticationMethod = { name: 'ask', begin: (client) => asks(bytes).begin(client) };
    const broker = await startBroker(t, { hooks: [{ name: 'test', authenticationMethods: [method] }] });
    const client = new WireClient(broker);
    client.send(connectPacket(5, authenticated(100)));
    await client.expect('auth');
    answer(client, ReasonCode.CONTINUE_AUTHENTICATION);
    await client.expect('connack');
    bytes = 500;
    answer(client, ReasonCode.RE_AUTHENTICATE);
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
    await client.expectClosed();
  });

  it('AUTH that says that it has succeeded', async (t) => {
    let bytes = 0;
    const method: AuthenticationMethod = { name: 'ask', begin: (client) => asks(1, bytes).begin(client) };
    const broker = await startBroker(t, { hooks: [{ name: 'test', authenticationMethods: [method] }] });
    const client = new WireClient(broker);
    client.send(connectPacket(5, authenticated(100)));
    await client.expect('auth');
    answer(client, ReasonCode.CONTINUE_AUTHENTICATION);
    await client.expect('connack');
    bytes = 500;
    answer(client, ReasonCode.RE_AUTHENTICATE);
    await client.expect('auth');
    answer(client, ReasonCode.CONTINUE_AUTHENTICATION);
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
    await client.expectClosed();
  });

  it('SUBACK and UNSUBACK; and nothing is left of the session', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'r/1', payload: 'x', retain: true });
    const topicFilters = Array.from({ length: 50 }, (_, index) => `r/${index}`);
    for (const ask of [
      subscribePacket(topicFilters, { qos: 1 }),
      { type: 'unsubscribe', packetId: 1, properties: {}, topicFilters },
    ] as const) {
      const client = await connected(broker, 5, { properties: { maximumPacketSize: 40 } });
      client.send(ask);
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PACKET_TOO_LARGE);
      await client.expectClosed();
      assert.deepEqual([broker.counts.sessions, broker.counts.subscriptions], [0, 0]);
    }
  });
});
