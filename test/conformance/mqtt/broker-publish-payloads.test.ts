import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { encodePacket } from '../../../src/mqtt/codec/encode-packet.ts';
import type { ProtocolVersion } from '../../../src/mqtt/codec/control-packet.ts';
import type { PublishPacket } from '../../../src/mqtt/codec/publish.ts';
import { PacketWriter } from '../../../src/mqtt/codec/writer.ts';
import {
  connected,
  publishesOf,
  QOS_LEVELS,
  readAcknowledging,
  startBroker,
  textsOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';

/** The same bytes each time, without a pattern that a wrong offset could hide in. */
function noise(length: number, seed: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, block = 0; at < length; at += 64, block++) {
    parts.push(createHash('sha512').update(`${seed}/${block}`).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}

function encoded(version: ProtocolVersion, fields: Partial<PublishPacket>): Buffer {
  const { qos = 0 } = fields;
  const defaults = {
    type: 'publish',
    dup: false,
    qos,
    retain: false,
    topicName: 'a',
    properties: {},
  } as const;
  const writer = new PacketWriter();
  const payload = Buffer.from('x');
  encodePacket(writer, { ...defaults, packetId: qos === 0 ? 0 : 1, payload, ...fields }, version);
  return Buffer.from(writer.take());
}

/** Around the sizes where the Remaining Length grows, and where packets begin to be shared. */
const SIZES = [1, 100, 126, 127, 128, 129, 16_370, 16_383, 16_384, 16_385, 16_400, 65_535, 65_536, 1 << 20];

describe('PUBLISH, payloads', () => {
  for (const size of SIZES) {
    it(`${size} bytes arrive as they were sent, at every version, QoS and RETAIN`, async (t) => {
      const broker = await startBroker(t);
      const payload = noise(size, size);
      const subscribers = [];
      for (const version of [3, 4, 5, 5] as const) {
        for (const qos of QOS_LEVELS) {
          const subscriber = await connected(broker, version);
          const identifier =
            subscribers.length % 2 === 1 && version === 5 ? { subscriptionIdentifier: 300 } : {};
          await subscriber.subscribe('big/topic', { qos, retainAsPublished: version === 5, ...identifier });
          subscribers.push(subscriber);
        }
      }
      const publisher = await connected(broker, size % 2 === 0 ? 5 : 4);
      for (const qos of QOS_LEVELS) {
        publisher.publish('big/topic', payload, { qos, retain: qos === 1 });
        for (const subscriber of subscribers) {
          const received = await readAcknowledging(subscriber);
          assert.equal(received.length, 1);
          assert.ok(payload.equals(received[0]!.payload), `at QoS ${qos}, version ${subscriber.version}`);
          assert.equal(received[0]!.topicName, 'big/topic');
        }
      }
    });
  }

  it('a large message that waits for its client arrives as it was sent', async (t) => {
    const broker = await startBroker(t);
    const payload = noise(300_000, 1);
    for (const version of VERSIONS) {
      const properties = version === 5 ? { sessionExpiryInterval: 60 } : {};
      const session = { clientId: `v${version}`, cleanStart: false, properties };
      const away = await connected(broker, version, session);
      await away.subscribe('big', { qos: 2 });
      away.transport.breakOff();
    }
    (await connected(broker)).publish('big', payload, { qos: 2, properties: { contentType: 'x' } });
    for (const version of VERSIONS) {
      const properties = version === 5 ? { sessionExpiryInterval: 60 } : {};
      const back = await connected(broker, version, {
        clientId: `v${version}`,
        cleanStart: false,
        properties,
      });
      const [received] = await readAcknowledging(back);
      assert.ok(payload.equals(received!.payload));
    }
  });

  for (const version of VERSIONS) {
    it(`a PUBLISH of version ${version} that arrives cut at any byte is one message`, async (t) => {
      const broker = await startBroker(t);
      const [publisher, subscriber] = [await connected(broker, version), await connected(broker, 5)];
      await subscriber.subscribe('#');
      const packets = [
        encoded(version, { topicName: 'tö/pic', payload: Buffer.from('first') }),
        encoded(version, { qos: 1, payload: noise(140, 2) }),
        encoded(version, {
          qos: 2,
          payload: Buffer.from('last'),
          properties: version === 5 ? { contentType: 'text', userProperties: [['a', 'b']] } : {},
        }),
      ];
      const all = Buffer.concat(packets);
      for (let cut = 1; cut < all.length; cut++) {
        publisher.sendBytes(all.subarray(0, cut));
        publisher.sendBytes(all.subarray(cut));
        publisher.send({ type: 'pubrel', packetId: 1, reasonCode: 0, properties: {} });
        const received = publishesOf(await subscriber.all());
        assert.deepEqual(
          received.map(({ payload }) => payload.length),
          [5, 140, 4],
          `cut at ${cut}`,
        );
        assert.ok(noise(140, 2).equals(received[1]!.payload));
      }
    });

    it(`packets of version ${version} that come byte by byte are understood`, async (t) => {
      const broker = await startBroker(t);
      const [publisher, subscriber] = [await connected(broker, version), await connected(broker, version)];
      await subscriber.subscribe('#');
      const payload = noise(20_000, 3);
      const all = Buffer.concat([encoded(version, { payload }), encoded(version, { qos: 1, payload })]);
      for (const byte of all) publisher.sendBytes([byte]);
      const received = publishesOf(await subscriber.all());
      assert.equal(received.length, 2);
      for (const packet of received) assert.ok(payload.equals(packet.payload));
    });
  }

  it('many that come glued together are as many messages, in their order', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const [publisher, subscriber] = [await connected(broker, version), await connected(broker)];
      await subscriber.subscribe('glued');
      const texts = Array.from({ length: 3000 }, (_, index) => `${version}:${index}`);
      publisher.sendBytes(
        Buffer.concat(
          texts.map((text) => encoded(version, { topicName: 'glued', payload: Buffer.from(text) })),
        ),
      );
      assert.deepEqual(await textsOf(subscriber), texts);
    }
  });

  it('a Remaining Length of more bytes than needed, or of five, ends the connection', async (t) => {
    const broker = await startBroker(t);
    for (const bytes of ['30 84 00 0001 61 00', '30 ff ff ff ff 01']) {
      const client = await connected(broker);
      client.sendBytes(bytes);
      assert.equal((await client.expect('disconnect')).reasonCode, 0x81);
      await client.expectClosed();
    }
  });
});
