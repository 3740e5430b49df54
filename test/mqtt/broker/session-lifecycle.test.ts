import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connected, lasting, startBroker } from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, WireClient } from '../../helpers/mqtt-wire-client.ts';
import type { Broker } from '../../../src/mqtt/broker/broker.ts';
import type { BrokerHooks } from '../../../src/mqtt/broker/hooks.ts';

const WILL = {
  topicName: 'gone',
  payload: Buffer.from('gone'),
  qos: 1,
  retain: false,
  properties: { willDelayInterval: 10 },
} as const;

/** Does something once, when a client has left. */
function onceDisconnected(act: () => void): BrokerHooks {
  let isDone = false;
  return {
    name: 'observer',
    onDisconnected: () => {
      if (isDone) return;
      isDone = true;
      act();
    },
  };
}

describe('an observer of the end of a connection may', () => {
  for (const [what, fields, sessionPresent] of [
    ['one that was to end with its connection has ended [MQTT-3.1.2-23]', { clientId: 'one' }, false],
    ['one that outlives it goes on', lasting('one'), true],
  ] as const) {
    it(`bring its client back: of its session, ${what}`, async (t) => {
      let broker: Broker | undefined;
      let back: WireClient | undefined;
      const bringBack = (): void => {
        back = new WireClient(broker!);
        back.send(connectPacket(5, lasting('one')));
      };
      broker = await startBroker(t, { hooks: [onceDisconnected(bringBack)] });
      const client = await connected(broker, 5, { ...fields, willMessage: WILL });
      await client.subscribe('t', { qos: 1 });
      client.transport.breakOff();
      assert.equal((await back!.expect('connack')).sessionPresent, sessionPresent);
      const sessions = [...broker.sessions()].map(({ isConnected, expiryInterval, subscriptionCount }) => [
        isConnected,
        expiryInterval,
        subscriptionCount,
      ]);
      assert.deepEqual(sessions, [[true, 1000, sessionPresent ? 1 : 0]]);
      assert.equal(broker.counts.subscriptions, sessionPresent ? 1 : 0);
      broker.publish({ topicName: 't', qos: 1 });
      if (sessionPresent) await back!.expect('publish');
      else await back!.expectNothing();
    });
  }

  it('end its session: its Will does not wait then [MQTT-3.1.2-8]', async (t) => {
    let broker: Broker | undefined;
    const endSession = (): void => void broker!.disconnectClient('one', { endSession: true });
    broker = await startBroker(t, { hooks: [onceDisconnected(endSession)] });
    const watcher = await connected(broker);
    await watcher.subscribe('gone', { qos: 1 });
    const client = await connected(broker, 5, { ...lasting('one'), willMessage: WILL });
    client.transport.breakOff();
    await watcher.expect('publish');
    assert.equal(broker.counts.sessions, 1);
  });
});
