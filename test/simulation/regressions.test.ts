import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Broker } from '../../src/mqtt/broker/broker.ts';
import type { ConnectProperties } from '../../src/mqtt/codec/connect.ts';
import { connectPacket, WireClient } from '../helpers/mqtt-wire-client.ts';

/** What the simulation found, each as short as it can be told. */
describe('regressions of the broker', () => {
  it('[MQTT-3.1.2-25] a message that fits without a Topic Alias is sent without it', async () => {
    const { broker, close } = await startBroker();
    const receiver = new WireClient(broker);
    await receiver.connect({ properties: { maximumPacketSize: 40, topicAliasMaximum: 5 } });
    await receiver.subscribe('t');
    // 2 of the Fixed Header, 3 of the topic, 1 of no properties: 40 with a payload of 34, and 43 with an alias.
    broker.publish({ topicName: 't', payload: 'x'.repeat(34) });
    const { properties, payload } = await receiver.expect('publish');
    assert.deepEqual([payload.length, properties], [34, {}]);
    broker.publish({ topicName: 't', payload: 'x'.repeat(31) });
    assert.notEqual((await receiver.expect('publish')).properties.topicAlias, undefined);
    // The alias that it knows takes three bytes, its topic one.
    broker.publish({ topicName: 't', payload: 'x'.repeat(34) });
    assert.deepEqual((await receiver.expect('publish')).properties, {});
    await close();
  });

  it('[MQTT-2.2.1-3] the identifier of a QoS 2 message too large to be sent again is released first', async () => {
    const { broker, close } = await startBroker();
    const clientId = 'sleeper';
    const connect = async (properties: ConnectProperties): Promise<WireClient> => {
      const client = new WireClient(broker);
      client.send(connectPacket(5, { clientId, cleanStart: false, properties }));
      await client.expect('connack');
      return client;
    };
    const first = await connect({ sessionExpiryInterval: 60 });
    await first.subscribe('t', { qos: 2 });
    broker.publish({ topicName: 't', qos: 2, payload: 'x'.repeat(200) });
    const { packetId } = await first.expect('publish');
    first.transport.breakOff();

    const second = await connect({ sessionExpiryInterval: 60, maximumPacketSize: 100 });
    assert.equal((await second.expect('pubrel')).packetId, packetId);
    broker.publish({ topicName: 't', qos: 2, payload: 'small' });
    assert.notEqual((await second.expect('publish')).packetId, packetId);
    second.send({ type: 'pubcomp', packetId, reasonCode: 0, properties: {} });
    await second.expectNothing();
    const [session] = broker.sessions();
    assert.equal(session?.inflightCount, 1);
    assert.equal(broker.stats.dropped['packet-too-large'], 1);
    await close();
  });
});

async function startBroker(): Promise<{ broker: Broker; close: () => Promise<void> }> {
  const broker = new Broker({ sysTopicIntervalMs: 0 });
  await broker.start();
  return { broker, close: () => broker.close() };
}
