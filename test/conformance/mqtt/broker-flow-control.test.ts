import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  connected,
  lasting,
  publishesOf,
  startBroker,
  textOf,
  textsOf,
} from '../../helpers/mqtt-broker-rig.ts';

const limited = (receiveMaximum: number) => ({ properties: { receiveMaximum } });

describe('Flow control to a client (section 4.9)', () => {
  it('[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] no more than its Receive Maximum are on their way', async (t) => {
    const broker = await startBroker(t);
    for (const maximum of [1, 2, 10]) {
      const client = await connected(broker, 5, limited(maximum));
      await client.subscribe(`a/${maximum}`, { qos: 1 });
      const texts = Array.from({ length: 25 }, (_, index) => `${index}`);
      for (const payload of texts) broker.publish({ topicName: `a/${maximum}`, qos: 1, payload });
      const received: string[] = [];
      while (received.length < texts.length) {
        const packets = publishesOf(await client.all());
        assert.equal(packets.length, Math.min(maximum, texts.length - received.length));
        for (const packet of packets) {
          received.push(textOf(packet));
          acknowledge(client, 'puback', packet.packetId);
        }
      }
      assert.deepEqual(received, texts);
    }
  });

  it('[MQTT-4.9.0-2] QoS 1 and 2 share it; QoS 2 counts until PUBCOMP, or a PUBREC that refuses', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, limited(2));
    await client.subscribe('a', { qos: 2 });
    for (const [qos, payload] of [
      [2, '1'],
      [1, '2'],
      [2, '3'],
      [2, '4'],
      [1, '5'],
    ] as const)
      broker.publish({ topicName: 'a', qos, payload });
    const [first, second] = publishesOf(await client.all());
    assert.deepEqual([textOf(first!), textOf(second!)], ['1', '2']);
    acknowledge(client, 'pubrec', first!.packetId);
    await client.expect('pubrel');
    await client.expectNothing();
    acknowledge(client, 'pubcomp', first!.packetId);
    const third = await client.expect('publish');
    assert.equal(textOf(third), '3');
    await client.expectNothing();
    acknowledge(client, 'pubrec', third.packetId, ReasonCode.UNSPECIFIED_ERROR);
    assert.equal(textOf(await client.expect('publish')), '4');
    await client.expectNothing();
    acknowledge(client, 'puback', second!.packetId, ReasonCode.UNSPECIFIED_ERROR);
    assert.equal(textOf(await client.expect('publish')), '5');
  });

  it('an acknowledgement that comes twice does not raise it', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, limited(1));
    await client.subscribe('a', { qos: 1 });
    for (const payload of ['1', '2', '3']) broker.publish({ topicName: 'a', qos: 1, payload });
    const { packetId } = await client.expect('publish');
    for (let count = 0; count < 3; count++) acknowledge(client, 'puback', packetId);
    assert.deepEqual(await textsOf(client), ['2']);
  });

  it('[MQTT-3.3.4-10] [MQTT-4.9.0-3] nothing but PUBLISH above QoS 0 waits', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, limited(1));
    await client.subscribe('a', { qos: 2 });
    broker.publish({ topicName: 'a', qos: 2, payload: '1' });
    broker.publish({ topicName: 'a', qos: 2, payload: '2' });
    const { packetId } = await client.expect('publish');
    broker.publish({ topicName: 'a', qos: 0, payload: 'at once' });
    assert.equal(textOf(await client.expect('publish')), 'at once');
    client.send({ type: 'pingreq' });
    await client.expect('pingresp');
    await client.subscribe('b', { packetId: 2 });
    client.send({ type: 'unsubscribe', packetId: 3, properties: {}, topicFilters: ['b'] });
    await client.expect('unsuback');
    client.publish('c', 'x', { qos: 1, packetId: 4 });
    await client.expect('puback');
    client.publish('c', 'x', { qos: 2, packetId: 5 });
    await client.expect('pubrec');
    acknowledge(client, 'pubrel', 5);
    await client.expect('pubcomp');
    acknowledge(client, 'pubrec', packetId);
    await client.expect('pubrel');
    await client.expectNothing();
  });

  it('each connection begins anew with what its CONNECT says', async (t) => {
    const broker = await startBroker(t);
    const session = (receiveMaximum: number) => ({
      clientId: 's',
      cleanStart: false,
      properties: { sessionExpiryInterval: 60, receiveMaximum },
    });
    const client = await connected(broker, 5, session(1));
    await client.subscribe('a', { qos: 1 });
    for (let count = 0; count < 8; count++) broker.publish({ topicName: 'a', qos: 1 });
    assert.equal((await client.all()).length, 1);
    client.transport.breakOff();
    const back = await connected(broker, 5, session(5));
    assert.equal((await back.all()).length, 5);
  });

  it('without Receive Maximum, and before MQTT 5.0, maxInflightMessages holds', async (t) => {
    const broker = await startBroker(t, { maxInflightMessages: 3 });
    for (const version of [3, 4, 5] as const) {
      const client = await connected(broker, version);
      await client.subscribe(`v/${version}`, { qos: 1 });
      for (let count = 0; count < 5; count++) broker.publish({ topicName: `v/${version}`, qos: 1 });
      const packets = publishesOf(await client.all());
      assert.equal(packets.length, 3);
      acknowledge(client, 'puback', packets[0]!.packetId);
      assert.equal((await client.all()).length, 1);
    }
  });
});

describe('Flow control from a client (section 4.9)', () => {
  it('[MQTT-3.3.4-7] a QoS 2 message beyond the Receive Maximum ends the connection with 0x93', async (t) => {
    const broker = await startBroker(t, { receiveMaximum: 3 });
    const client = await connected(broker);
    for (const packetId of [1, 2, 3]) {
      client.publish('a', 'x', { qos: 2, packetId });
      await client.expect('pubrec');
    }
    client.publish('a', 'x', { qos: 2, packetId: 3, dup: true });
    await client.expect('pubrec');
    acknowledge(client, 'pubrel', 2);
    await client.expect('pubcomp');
    client.publish('a', 'x', { qos: 2, packetId: 4 });
    await client.expect('pubrec');
    client.publish('a', 'x', { qos: 0 });
    await client.expectNothing();
    client.publish('a', 'x', { qos: 2, packetId: 5 });
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.RECEIVE_MAXIMUM_EXCEEDED);
    await client.expectClosed();
  });

  it('[MQTT-3.3.4-7] so does a QoS 1 message beside as many of QoS 2', async (t) => {
    const broker = await startBroker(t, { receiveMaximum: 2 });
    const subscriber = await connected(broker);
    await subscriber.subscribe('a');
    const client = await connected(broker);
    for (const packetId of [1, 2]) client.publish('a', `${packetId}`, { qos: 2, packetId });
    client.publish('a', 'too many', { qos: 1, packetId: 3 });
    const last = (await client.all()).at(-1)!;
    assert.equal(last.type === 'disconnect' && last.reasonCode, ReasonCode.RECEIVE_MAXIMUM_EXCEEDED);
    assert.deepEqual(await textsOf(subscriber), ['1', '2']);
  });

  it('each connection begins anew: what an earlier one left to be released does not count', async (t) => {
    const broker = await startBroker(t, { receiveMaximum: 2 });
    const client = await connected(broker, 5, lasting('s'));
    for (const packetId of [1, 2]) client.publish('a', 'x', { qos: 2, packetId });
    assert.equal((await client.all()).length, 2);
    client.transport.breakOff();
    const back = await connected(broker, 5, lasting('s'));
    for (const packetId of [3, 4]) back.publish('a', 'x', { qos: 2, packetId });
    back.publish('a', 'x', { qos: 2, packetId: 1, dup: true });
    for (const packetId of [3, 4, 1]) assert.equal((await back.expect('pubrec')).packetId, packetId);
    for (const packetId of [1, 2, 3, 4]) {
      acknowledge(back, 'pubrel', packetId);
      assert.equal((await back.expect('pubcomp')).reasonCode, ReasonCode.SUCCESS);
    }
  });

  it('QoS 1 messages are acknowledged at once, so any number may follow each other', async (t) => {
    const broker = await startBroker(t, { receiveMaximum: 2 });
    const client = await connected(broker);
    for (let packetId = 1; packetId <= 100; packetId++) client.publish('a', 'x', { qos: 1, packetId });
    assert.equal((await client.all()).filter(({ type }) => type === 'puback').length, 100);
  });

  it('a message that is refused does not count', async (t) => {
    const hooks = [
      {
        name: 'never',
        authorizePublish: () => ({ allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED }) as const,
      },
    ];
    const broker = await startBroker(t, { receiveMaximum: 1, hooks });
    const client = await connected(broker);
    for (const packetId of [1, 2, 3]) {
      client.publish('a', 'x', { qos: 2, packetId });
      assert.equal((await client.expect('pubrec')).reasonCode, ReasonCode.NOT_AUTHORIZED);
    }
  });

  it('earlier versions know no Receive Maximum: all identifiers may be on their way at once', async (t) => {
    const broker = await startBroker(t, { receiveMaximum: 2 });
    for (const version of [3, 4] as const) {
      const client = await connected(broker, version);
      for (let packetId = 1; packetId <= 3000; packetId++) client.publish('a', 'x', { qos: 2, packetId });
      assert.equal((await client.all()).length, 3000);
      assert.equal(client.transport.isClosed, false);
    }
  });

  it('a client that does not read its acknowledgements is not read any further, and then goes on', async (t) => {
    const broker = await startBroker(t, { maxOutboxBytes: 1024 });
    const client = await connected(broker, 5, {}, { maxUnreadBytes: 1000 });
    let sent = 0;
    while (!client.transport.isPaused && sent < 100_000) {
      client.publish('a', 'x', { qos: 1, packetId: (sent % 65_535) + 1 });
      sent++;
    }
    assert.ok(client.transport.isPaused);
    assert.equal(broker.stats.readsPaused, 1);
    client.publish('a', 'x', { qos: 1, packetId: 65_000 });
    sent++;
    const acknowledged = (await client.all()).filter(({ type }) => type === 'puback');
    assert.equal(acknowledged.length, sent);
    assert.equal(client.transport.isPaused, false);
  });
});
