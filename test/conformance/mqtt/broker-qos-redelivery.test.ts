import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Broker } from '../../../src/mqtt/broker/broker.ts';
import type { ProtocolVersion } from '../../../src/mqtt/codec/control-packet.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  connected,
  lasting,
  publishesOf,
  readAcknowledging,
  startBroker,
  startRig,
  textOf,
  textsOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';
import type { WireClient } from '../../helpers/mqtt-wire-client.ts';

async function subscribed(broker: Broker, version: ProtocolVersion = 5): Promise<WireClient> {
  const client = await connected(broker, version, lasting('s', version));
  await client.subscribe('a', { qos: 2 });
  return client;
}

function publishTexts(broker: Broker, qos: 0 | 1 | 2, ...texts: string[]): void {
  for (const payload of texts) broker.publish({ topicName: 'a', qos, payload });
}

describe('Message delivery retry (section 4.4)', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.6.0-1] version ${version}: with DUP, in order`, async (t) => {
      const broker = await startBroker(t);
      const client = await subscribed(broker, version);
      const texts = ['1', '2', '3', '4', '5', '6'];
      texts.forEach((text, index) => publishTexts(broker, index % 2 === 0 ? 1 : 2, text));
      const first = publishesOf(await client.all());
      acknowledge(client, 'puback', first[2]!.packetId);
      client.transport.breakOff();
      const back = await connected(broker, version, lasting('s', version));
      const again = publishesOf(await back.all());
      assert.deepEqual(again.map(textOf), ['1', '2', '4', '5', '6']);
      for (const packet of again) {
        const original = first.find((sent) => textOf(sent) === textOf(packet))!;
        assert.deepEqual({ ...packet, dup: false }, original);
        assert.equal(packet.dup, true);
      }
    });

    it(`[MQTT-4.3.3-5] [MQTT-4.3.3-6] version ${version}: after PUBREC it is PUBREL that is sent again`, async (t) => {
      const broker = await startBroker(t);
      const client = await subscribed(broker, version);
      publishTexts(broker, 2, '1', '2', '3');
      const ids = publishesOf(await client.all()).map(({ packetId }) => packetId);
      acknowledge(client, 'pubrec', ids[0]!);
      acknowledge(client, 'pubrec', ids[2]!);
      await client.all();
      client.transport.breakOff();
      const back = await connected(broker, version, lasting('s', version));
      const packets = await back.all();
      assert.deepEqual(
        packets.map((packet) => [packet.type, 'packetId' in packet && packet.packetId]),
        [
          ['pubrel', ids[0]],
          ['pubrel', ids[2]],
          ['publish', ids[1]],
        ],
      );
      for (const packetId of [ids[0]!, ids[2]!]) acknowledge(back, 'pubcomp', packetId);
      acknowledge(back, 'pubrec', ids[1]!);
      await back.expect('pubrel');
      acknowledge(back, 'pubcomp', ids[1]!);
      await back.expectNothing();
      assert.equal([...broker.sessions()][0]!.inflightCount, 0);
    });
  }

  it('[MQTT-4.3.3-3] a connection that breaks again and again: the same, until it is acknowledged', async (t) => {
    const broker = await startBroker(t);
    const client = await subscribed(broker);
    publishTexts(broker, 1, '1', '2');
    const ids = publishesOf(await client.all()).map(({ packetId }) => packetId);
    client.transport.breakOff();
    for (let count = 0; count < 5; count++) {
      const back = await connected(broker, 5, lasting('s'));
      const again = publishesOf(await back.all());
      assert.deepEqual(
        again.map(({ packetId, dup }) => [packetId, dup]),
        ids.map((packetId) => [packetId, true]),
      );
      back.transport.breakOff();
    }
    const last = await connected(broker, 5, lasting('s'));
    assert.equal((await readAcknowledging(last)).length, 2);
    last.transport.breakOff();
    const after = await connected(broker, 5, lasting('s'));
    await after.expectNothing();
  });

  it('what was sent comes before what waited, and both before what is new', async (t) => {
    const broker = await startBroker(t);
    const client = await subscribed(broker);
    publishTexts(broker, 1, '1', '2');
    await client.all();
    client.transport.breakOff();
    publishTexts(broker, 1, '3', '4');
    const back = await connected(broker, 5, lasting('s'));
    publishTexts(broker, 1, '5');
    const packets = publishesOf(await back.all());
    assert.deepEqual(packets.map(textOf), ['1', '2', '3', '4', '5']);
    assert.deepEqual(
      packets.map(({ dup }) => dup),
      [true, true, false, false, false],
    );
    assert.equal(new Set(packets.map(({ packetId }) => packetId)).size, 5);
  });

  it('[MQTT-4.9.0-2] no faster than a smaller Receive Maximum of the new connection allows', async (t) => {
    const broker = await startBroker(t);
    const client = await subscribed(broker);
    publishTexts(broker, 1, '1', '2', '3', '4');
    await client.all();
    client.transport.breakOff();
    const properties = { sessionExpiryInterval: 1000, receiveMaximum: 2 };
    const back = await connected(broker, 5, { clientId: 's', cleanStart: false, properties });
    publishTexts(broker, 1, '5');
    const received: string[] = [];
    for (let count = 0; count < 5; count++) {
      const packets = publishesOf(await back.all());
      assert.ok(packets.length <= 2);
      for (const packet of packets) {
        received.push(textOf(packet));
        acknowledge(back, 'puback', packet.packetId);
      }
    }
    assert.deepEqual(received, ['1', '2', '3', '4', '5']);
  });

  it('one that breaks while only a part was sent again loses and doubles nothing', async (t) => {
    const broker = await startBroker(t);
    const client = await subscribed(broker);
    publishTexts(broker, 2, '1', '2', '3', '4', '5');
    await client.all();
    client.transport.breakOff();
    const properties = { sessionExpiryInterval: 1000, receiveMaximum: 2 };
    const back = await connected(broker, 5, { clientId: 's', cleanStart: false, properties });
    const [first] = publishesOf(await back.all());
    acknowledge(back, 'pubrec', first!.packetId);
    await back.all();
    back.transport.breakOff();
    const last = await connected(broker, 5, lasting('s'));
    const packets = await last.all();
    assert.equal(packets[0]!.type, 'pubrel');
    assert.deepEqual(publishesOf(packets).map(textOf), ['2', '3', '4', '5']);
  });

  it('a smaller Maximum Packet Size drops what is too large, and nothing waits for it', async (t) => {
    const broker = await startBroker(t);
    const client = await subscribed(broker);
    publishTexts(broker, 1, 'x'.repeat(100), '2', 'y'.repeat(100), '4');
    await client.all();
    client.transport.breakOff();
    const properties = { sessionExpiryInterval: 1000, receiveMaximum: 1, maximumPacketSize: 60 };
    const back = await connected(broker, 5, { clientId: 's', cleanStart: false, properties });
    assert.deepEqual((await readAcknowledging(back)).map(textOf), ['2', '4']);
    assert.equal(broker.stats.dropped['packet-too-large'], 2);
    publishTexts(broker, 1, '5');
    assert.deepEqual((await readAcknowledging(back)).map(textOf), ['5']);
  });

  it('[MQTT-4.3.3-7] [MQTT-4.3.3-13] what was sent does not expire', async (t) => {
    const { broker, clock } = await startRig(t);
    const client = await subscribed(broker);
    const properties = { messageExpiryInterval: 5 };
    for (const qos of [1, 2] as const) broker.publish({ topicName: 'a', qos, payload: `${qos}`, properties });
    await client.all();
    client.transport.breakOff();
    clock.advance(10_000);
    const back = await connected(broker, 5, lasting('s'));
    const packets = publishesOf(await back.all());
    assert.deepEqual(packets.map(textOf), ['1', '2']);
    acknowledge(back, 'pubrec', packets[1]!.packetId);
    await back.expect('pubrel');
    acknowledge(back, 'pubcomp', packets[1]!.packetId);
    acknowledge(back, 'puback', packets[0]!.packetId);
    await back.expectNothing();
    assert.equal([...broker.sessions()][0]!.inflightCount, 0);
  });

  it('a session that goes on under another version of MQTT has its messages in that form', async (t) => {
    const broker = await startBroker(t);
    const client = await subscribed(broker, 5);
    const properties = { contentType: 'text' };
    broker.publish({ topicName: 'a', qos: 1, payload: 'sent', properties });
    const { packetId } = await client.expect('publish');
    client.transport.breakOff();
    broker.publish({ topicName: 'a', qos: 2, payload: 'queued', properties });
    const as4 = await connected(broker, 4, lasting('s', 4));
    const packets = publishesOf(await as4.all());
    assert.deepEqual(packets.map(textOf), ['sent', 'queued']);
    assert.equal(packets[0]!.packetId, packetId);
    as4.transport.breakOff();
    const as5 = await connected(broker, 5, lasting('s', 5));
    for (const packet of publishesOf(await as5.all())) assert.deepEqual(packet.properties, properties);
  });

  it('after a clean start nothing is sent again', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const client = await subscribed(broker, version);
      publishTexts(broker, 1, '1', '2');
      await client.all();
      client.transport.breakOff();
      const back = await connected(broker, version, { clientId: 's', cleanStart: true });
      await back.expectNothing();
      publishTexts(broker, 1, '3');
      await back.expectNothing();
      back.transport.breakOff();
    }
  });

  it('a connection that is taken over goes on where it was', async (t) => {
    const broker = await startBroker(t);
    const client = await subscribed(broker);
    publishTexts(broker, 1, '1');
    await client.expect('publish');
    const back = await connected(broker, 5, lasting('s'));
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.SESSION_TAKEN_OVER);
    assert.deepEqual(await textsOf(back), ['1']);
  });

  it('acknowledging what has not been sent again yet ends it', async (t) => {
    const broker = await startBroker(t);
    const client = await subscribed(broker);
    publishTexts(broker, 2, '1', '2', '3');
    const ids = publishesOf(await client.all()).map(({ packetId }) => packetId);
    client.transport.breakOff();
    const properties = { sessionExpiryInterval: 1000, receiveMaximum: 1 };
    const back = await connected(broker, 5, { clientId: 's', cleanStart: false, properties });
    await back.expect('publish');
    // The client had these before the connection broke, and its PUBRECs were lost.
    acknowledge(back, 'pubrec', ids[1]!);
    await back.expect('pubrel');
    acknowledge(back, 'pubrec', ids[2]!, ReasonCode.UNSPECIFIED_ERROR);
    acknowledge(back, 'pubrec', ids[0]!);
    await back.expect('pubrel');
    acknowledge(back, 'pubcomp', ids[0]!);
    await back.expectNothing();
    acknowledge(back, 'pubcomp', ids[1]!);
    await back.expectNothing();
    assert.equal([...broker.sessions()][0]!.inflightCount, 0);
  });
});
