import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Broker } from '../../../src/mqtt/broker/broker.ts';
import type { BrokerHooks } from '../../../src/mqtt/broker/hooks.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import type { StoredSession } from '../../../src/mqtt/session/session-store.ts';
import { GatedStore } from '../../helpers/gated-store.ts';
import { connected, lasting, publishesOf, startBroker, textsOf } from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, turnEnd, WireClient, subscribePacket } from '../../helpers/mqtt-wire-client.ts';

async function storedIn({ store }: GatedStore): Promise<StoredSession[]> {
  const sessions: StoredSession[] = [];
  for await (const piece of store.load().sessions) sessions.push(...piece);
  return sessions;
}

describe('an observer that ends the connection it is told of', () => {
  for (const qos of [1, 2] as const) {
    it(`onPublished, while it waits for the store: no answer to QoS ${qos} follows the DISCONNECT`, async (t) => {
      const gated = new GatedStore();
      const onPublished: BrokerHooks['onPublished'] = (_, from) =>
        void (from !== undefined && broker.disconnectClient(from.clientId));
      const hooks = [{ name: 'strict', onPublished }];
      const broker: Broker = await startBroker(t, { store: gated.store, hooks });
      const client = await connected(broker, 5, lasting('s'));
      gated.close();
      client.publish('t', 'x', { qos, retain: true });
      await turnEnd();
      gated.open();
      assert.deepEqual(
        (await client.all()).map(({ type }) => type),
        ['disconnect'],
      );
    });
  }

  it('onPublished: a QoS 2 message that was delivered is not delivered again', async (t) => {
    let isStrict = true;
    const onPublished: BrokerHooks['onPublished'] = (_, from) =>
      void (isStrict && from !== undefined && broker.disconnectClient(from.clientId));
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'strict', onPublished }] });
    const subscriber = await connected(broker);
    await subscriber.subscribe('t');
    const first = await connected(broker, 5, lasting('s'));
    first.publish('t', 'once', { qos: 2 });
    await first.expect('disconnect');
    isStrict = false;
    const second = await connected(broker, 5, lasting('s'));
    second.publish('t', 'once', { qos: 2, dup: true });
    await second.expect('pubrec');
    assert.deepEqual(await textsOf(subscriber), ['once']);
  });

  it('onSubscribed, while it waits for the store: no SUBACK follows the DISCONNECT', async (t) => {
    const gated = new GatedStore();
    const onSubscribed: BrokerHooks['onSubscribed'] = ({ clientId }) =>
      void broker.disconnectClient(clientId);
    const broker: Broker = await startBroker(t, {
      store: gated.store,
      hooks: [{ name: 'strict', onSubscribed }],
    });
    const client = await connected(broker, 5, lasting('s'));
    gated.close();
    client.send(subscribePacket(['t']));
    await turnEnd();
    gated.open();
    assert.deepEqual(
      (await client.all()).map(({ type }) => type),
      ['disconnect'],
    );
  });

  it('onDropped: what waits is not sent after the DISCONNECT, and stays for the next connection', async (t) => {
    const onDropped: BrokerHooks['onDropped'] = (_, clientId, why) =>
      void (why === 'packet-too-large' && broker.disconnectClient(clientId));
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'strict', onDropped }] });
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('t', { qos: 1 });
    client.transport.breakOff();
    broker.publish({ topicName: 't', qos: 1, payload: Buffer.alloc(500) });
    for (const payload of ['1', '2']) broker.publish({ topicName: 't', qos: 1, payload });
    const properties = { sessionExpiryInterval: 1000, maximumPacketSize: 200 };
    const small = await connected(broker, 5, { ...lasting('s'), properties });
    assert.deepEqual(
      (await small.all()).map(({ type }) => type),
      ['disconnect'],
    );
    const large = await connected(broker, 5, lasting('s'));
    assert.deepEqual(await textsOf(large), ['1', '2']);
  });

  it('onConnected: nothing that waits is sent after the DISCONNECT', async (t) => {
    let isStrict = false;
    const onConnected: BrokerHooks['onConnected'] = ({ clientId }) =>
      void (isStrict && broker.disconnectClient(clientId));
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'strict', onConnected }] });
    const first = await connected(broker, 5, lasting('s'));
    await first.subscribe('t', { qos: 1 });
    broker.publish({ topicName: 't', qos: 1, payload: 'x' });
    assert.equal(publishesOf(await first.all()).length, 1);
    isStrict = true;
    const second = await connected(broker, 5, lasting('s'));
    assert.deepEqual(
      (await second.all()).map(({ type }) => type),
      ['disconnect'],
    );
    isStrict = false;
    assert.deepEqual(await textsOf(await connected(broker, 5, lasting('s'))), ['x']);
  });
});

describe('an observer that ends the session', () => {
  for (const moment of ['onPublished', 'onDisconnected'] as const) {
    it(`in ${moment}, while its client publishes: nothing of it is left in the store`, async (t) => {
      const gated = new GatedStore();
      const end = (clientId: string, endSession: boolean): void =>
        void broker.disconnectClient(clientId, { endSession });
      const hooks: BrokerHooks = {
        name: 'strict',
        onPublished: (_, from) => from !== undefined && end(from.clientId, moment === 'onPublished'),
        onDisconnected: ({ clientId }) => end(clientId, true),
      };
      const broker: Broker = await startBroker(t, { store: gated.store, hooks: [hooks] });
      const client = await connected(broker, 5, lasting('s'));
      await client.subscribe('u');
      client.publish('t', 'x', { qos: 2 });
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.ADMINISTRATIVE_ACTION);
      await client.expectClosed();
      assert.deepEqual([broker.counts.sessions, broker.counts.subscriptions], [0, 0]);
      await turnEnd();
      assert.deepEqual(await storedIn(gated), []);
      const again = await connected(broker);
      again.publish('t', 'x', { qos: 2 });
      await again.expect('disconnect');
    });
  }

  it('and with it the broker, while a client takes over: that client has no session', async (t) => {
    const onDisconnected = (): void => void broker.close();
    const broker: Broker = await startBroker(t, { hooks: [{ name: 'last', onDisconnected }] });
    await connected(broker, 5, lasting('s'));
    const { transport } = await connected(broker, 5, { clientId: 'other' });
    assert.equal(transport.isClosed, false);
    const second = new WireClient(broker);
    second.send(connectPacket(5, lasting('s')));
    await second.expectClosed();
    assert.equal(broker.counts.connections, 0);
    assert.equal([...broker.sessions()].filter(({ isConnected }) => isConnected).length, 0);
  });
});
