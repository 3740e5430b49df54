import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  connected,
  lasting,
  publishesOf,
  QOS_LEVELS,
  readAcknowledging,
  startBroker,
  textOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';

describe('QoS of publisher and subscription (section 3.8.4)', () => {
  for (const from of VERSIONS) {
    for (const to of VERSIONS) {
      it(`[MQTT-3.8.4-8] the lower of both, from version ${from} to ${to}, at all nine pairs`, async (t) => {
        const broker = await startBroker(t);
        const publisher = await connected(broker, from);
        for (const granted of QOS_LEVELS) {
          const subscriber = await connected(broker, to);
          await subscriber.subscribe(`t/${granted}`, { qos: granted });
          for (const published of QOS_LEVELS) {
            publisher.publish(`t/${granted}`, `${published}`, {
              qos: published,
              packetId: granted * 3 + published,
            });
            const received = await readAcknowledging(subscriber);
            assert.deepEqual(
              received.map((packet) => [packet.qos, packet.topicName, textOf(packet)]),
              [[Math.min(granted, published), `t/${granted}`, `${published}`]],
            );
          }
        }
      });
    }
  }
});

describe('QoS 1 to a client (section 4.3.2)', () => {
  it('[MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1] identifiers are not used twice at a time', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { qos: 1 });
    for (let count = 0; count < 500; count++) broker.publish({ topicName: 'a', qos: 1 });
    const first = publishesOf(await client.all()).map(({ packetId }) => packetId);
    assert.equal(new Set(first).size, 500);
    const kept = new Set(first.filter((_, index) => index % 3 === 0));
    for (const packetId of first) if (!kept.has(packetId)) acknowledge(client, 'puback', packetId);
    for (let count = 0; count < 300; count++) broker.publish({ topicName: 'a', qos: 1 });
    const second = publishesOf(await client.all()).map(({ packetId }) => packetId);
    assert.equal(new Set(second).size, 300);
    for (const packetId of second) assert.ok(!kept.has(packetId) && packetId !== 0);
  });

  it('identifiers wrap at 65,535, past one that is never acknowledged', { timeout: 60_000 }, async (t) => {
    const broker = await startBroker(t, { maxInflightMessages: 64 });
    const client = await connected(broker, 4);
    await client.subscribe('a', { qos: 1 });
    broker.publish({ topicName: 'a', qos: 1, payload: 'never acknowledged' });
    const stuck = (await client.expect('publish')).packetId;
    let last = stuck;
    let wraps = 0;
    for (let round = 0; round < 1400; round++) {
      for (let count = 0; count < 50; count++) broker.publish({ topicName: 'a', qos: 1 });
      const packets = publishesOf(await client.all());
      assert.equal(packets.length, 50);
      for (const { packetId } of packets) {
        assert.ok(packetId >= 1 && packetId <= 65_535 && packetId !== stuck);
        if (packetId < last) wraps++;
        last = packetId;
        acknowledge(client, 'puback', packetId);
      }
    }
    assert.equal(wraps, 1);
  });

  it('[MQTT-4.3.2-3] is unacknowledged until PUBACK; a PUBACK for something else changes nothing', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    broker.publish({ topicName: 'a', qos: 1 });
    const { packetId } = await client.expect('publish');
    acknowledge(client, 'puback', packetId + 1);
    acknowledge(client, 'pubcomp', packetId + 1);
    await client.expectNothing();
    assert.equal([...broker.sessions()][0]!.inflightCount, 1);
    acknowledge(client, 'puback', packetId);
    acknowledge(client, 'puback', packetId);
    await client.expectNothing();
    assert.equal([...broker.sessions()][0]!.inflightCount, 0);
  });

  it('[MQTT-4.4.0-2] a PUBACK that refuses is an acknowledgement', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    broker.publish({ topicName: 'a', qos: 1 });
    acknowledge(client, 'puback', (await client.expect('publish')).packetId, ReasonCode.QUOTA_EXCEEDED);
    client.transport.breakOff();
    const back = await connected(broker, 5, lasting('s'));
    await back.expectNothing();
  });

  it('[MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] foreign Reason Codes are refused', async (t) => {
    const broker = await startBroker(t);
    for (const bytes of [
      '40 03 0001 92',
      '50 03 0001 92',
      '62 03 0001 10',
      '70 03 0001 80',
      '40 03 0001 01',
    ]) {
      const client = await connected(broker);
      client.sendBytes(bytes);
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR, bytes);
      await client.expectClosed();
    }
  });

  it('[MQTT-4.3.1-1] QoS 0 goes without identifier and DUP, and is not answered for', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a');
    broker.publish({ topicName: 'a', payload: 'x' });
    assert.deepEqual(await client.bytes(), Buffer.from([0x30, 5, 0, 1, 0x61, 0, 0x78]));
    client.transport.breakOff();
    const back = await connected(broker, 5, lasting('s'));
    await back.expectNothing();
  });

  it('an acknowledgement may say why, and have user properties', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { qos: 2 });
    const properties = { reasonString: 'because', userProperties: [['a', 'b']] as const };
    broker.publish({ topicName: 'a', qos: 2 });
    const { packetId } = await client.expect('publish');
    client.send({ type: 'pubrec', packetId, reasonCode: ReasonCode.SUCCESS, properties });
    await client.expect('pubrel');
    client.send({ type: 'pubcomp', packetId, reasonCode: ReasonCode.SUCCESS, properties });
    await client.expectNothing();
    assert.equal([...broker.sessions()][0]!.inflightCount, 0);
  });

  it('[MQTT-4.4.0-1] nothing is sent again while the connection lasts', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { qos: 2 });
    broker.publish({ topicName: 'a', qos: 1 });
    broker.publish({ topicName: 'a', qos: 2 });
    assert.equal((await client.all()).length, 2);
    client.send({ type: 'pingreq' });
    assert.deepEqual(
      (await client.all()).map(({ type }) => type),
      ['pingresp'],
    );
  });
});

describe('QoS 2 to a client (section 4.3.3)', () => {
  it('[MQTT-4.3.3-4] PUBREC is answered with PUBREL, and PUBCOMP ends it', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const client = await connected(broker, version);
      await client.subscribe(`a/${version}`, { qos: 2 });
      broker.publish({ topicName: `a/${version}`, qos: 2 });
      const { packetId } = await client.expect('publish');
      acknowledge(client, 'pubrec', packetId);
      const pubrel = await client.expect('pubrel');
      assert.deepEqual([pubrel.packetId, pubrel.reasonCode], [packetId, ReasonCode.SUCCESS]);
      acknowledge(client, 'pubcomp', packetId);
      await client.expectNothing();
    }
    assert.deepEqual(
      [...broker.sessions()].map(({ inflightCount }) => inflightCount),
      [0, 0, 0],
    );
  });

  it('[MQTT-4.3.3-4] a PUBREC that refuses ends it: no PUBREL, and the identifier is free', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, { ...lasting('s') });
    await client.subscribe('a', { qos: 2 });
    for (const code of [ReasonCode.UNSPECIFIED_ERROR, ReasonCode.PACKET_IDENTIFIER_IN_USE]) {
      broker.publish({ topicName: 'a', qos: 2 });
      acknowledge(client, 'pubrec', (await client.expect('publish')).packetId, code);
      await client.expectNothing();
    }
    assert.equal([...broker.sessions()][0]!.inflightCount, 0);
    client.transport.breakOff();
    const back = await connected(broker, 5, lasting('s'));
    await back.expectNothing();
  });

  it('0x10 in a PUBREC is no refusal', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { qos: 2 });
    broker.publish({ topicName: 'a', qos: 2 });
    acknowledge(
      client,
      'pubrec',
      (await client.expect('publish')).packetId,
      ReasonCode.NO_MATCHING_SUBSCRIBERS,
    );
    await client.expect('pubrel');
  });

  it('PUBREC again is answered again with PUBREL; the message is not sent again [MQTT-4.3.3-6]', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { qos: 2 });
    broker.publish({ topicName: 'a', qos: 2 });
    const { packetId } = await client.expect('publish');
    for (let count = 0; count < 3; count++) {
      acknowledge(client, 'pubrec', packetId);
      assert.equal((await client.expect('pubrel')).reasonCode, ReasonCode.SUCCESS);
    }
    acknowledge(client, 'pubcomp', packetId);
    await client.expectNothing();
  });

  it('PUBREC with an unknown identifier is answered with PUBREL 0x92; earlier clients get a bare one', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    acknowledge(client, 'pubrec', 300);
    assert.deepEqual(await client.bytes(), Buffer.from([0x62, 3, 1, 44, 0x92]));
    acknowledge(client, 'pubrec', 300, ReasonCode.UNSPECIFIED_ERROR);
    assert.deepEqual(await client.bytes(), Buffer.alloc(0));
    const earlier = await connected(broker, 4);
    acknowledge(earlier, 'pubrec', 300);
    assert.deepEqual(await earlier.bytes(), Buffer.from([0x62, 2, 1, 44]));
  });

  it('PUBCOMP with an unknown identifier changes nothing', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { qos: 2 });
    broker.publish({ topicName: 'a', qos: 2 });
    const { packetId } = await client.expect('publish');
    acknowledge(client, 'pubcomp', 9999, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
    acknowledge(client, 'pubrec', packetId);
    assert.equal((await client.expect('pubrel')).reasonCode, ReasonCode.SUCCESS);
  });

  for (const [qos, sequence] of [
    [1, ['pubrec']],
    [1, ['pubcomp']],
    [2, ['puback']],
    [2, ['pubcomp']],
    [2, ['pubrec', 'puback']],
  ] as const) {
    it(`section 4.3: ${sequence.join(', ')} for a message of QoS ${qos} is a protocol error`, async (t) => {
      for (const version of [4, 5] as const) {
        const broker = await startBroker(t);
        const client = await connected(broker, version, lasting('s', version));
        await client.subscribe('a', { qos: 2 });
        broker.publish({ topicName: 'a', qos });
        const { packetId } = await client.expect('publish');
        for (const type of sequence) acknowledge(client, type, packetId);
        if (sequence.length > 1) await client.expect('pubrel');
        if (version === 5)
          assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
        await client.expectClosed();
        assert.equal([...broker.sessions()][0]!.inflightCount, 1, 'it is sent again');
      }
    });
  }

  it('[MQTT-4.6.0-4] PUBRELs come in the order of the PUBRECs', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { qos: 2 });
    for (let count = 0; count < 5; count++) broker.publish({ topicName: 'a', qos: 2 });
    const ids = publishesOf(await client.all()).map(({ packetId }) => packetId);
    const order = [ids[3]!, ids[0]!, ids[4]!, ids[1]!, ids[2]!];
    for (const packetId of order) acknowledge(client, 'pubrec', packetId);
    const answers = (await client.all()).map((packet) => packet.type === 'pubrel' && packet.packetId);
    assert.deepEqual(answers, order);
  });
});
