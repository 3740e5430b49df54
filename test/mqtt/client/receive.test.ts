import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ReceivedMessage } from '../../../src/mqtt/client/message.ts';
import {
  acknowledgement,
  kindly,
  messageOf,
  openClientRig,
  publishPacket,
  WELCOME_BACK,
  welcoming,
} from '../../helpers/client-rig.ts';
import { welcome } from '../../helpers/scripted-broker.ts';
import { until } from '../../helpers/until.ts';

describe('a message that comes', () => {
  it('is acknowledged after its handler, as its QoS wants', async (t) => {
    const { broker, arrived } = await openClientRig(t, kindly);
    const [peer] = broker.clients;
    peer?.send(publishPacket('a', 'zero'));
    peer?.send(publishPacket('a', 'one', { qos: 1, packetId: 7 }));
    peer?.send(publishPacket('a', 'two', { qos: 2, packetId: 8 }));
    // Again, because the broker has not seen the PUBREC: it is not handed over twice [MQTT-4.3.3-10].
    peer?.send(publishPacket('a', 'two', { qos: 2, packetId: 8, dup: true }));
    peer?.send(acknowledgement('pubrel', 8));
    peer?.send(publishPacket('a', 'another', { qos: 2, packetId: 8 }));
    peer?.send(acknowledgement('pubrel', 9));
    await until('all is answered', () => broker.packets.length === 7);
    assert.deepEqual(
      arrived.map(({ text }) => text),
      ['zero', 'one', 'two', 'another'],
    );
    assert.deepEqual(
      broker.packets.slice(1).map((packet) => [packet.type, 'packetId' in packet && packet.packetId]),
      [
        ['puback', 7],
        ['pubrec', 8],
        ['pubrec', 8],
        ['pubcomp', 8],
        ['pubrec', 8],
        ['pubcomp', 9],
      ],
    );
    assert.equal(broker.packetsOf('pubcomp')[1]?.reasonCode, 0x92);
  });

  it('is acknowledged when its handler is done, and after those that came before', async (t) => {
    const holds = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    const { broker, arrived } = await openClientRig(t, kindly, {
      // The third one is done at once.
      onMessage: ({ packetId, qos }) => (qos > 0 ? holds[packetId - 1]?.promise : undefined),
    });
    const [peer] = broker.clients;
    for (const packetId of [1, 2, 3, 4]) peer?.send(publishPacket('a', `${packetId}`, { qos: 1, packetId }));
    await until('all have come', () => arrived.length === 4);
    const acknowledged = (): number[] => broker.packetsOf('puback').map(({ packetId }) => packetId);
    holds[1]?.resolve();
    holds[2]?.reject(new Error('its failure is logged'));
    peer?.send(publishPacket('a', '5', { qos: 2, packetId: 5 }));
    await until('the last has come', () => arrived.length === 5);
    assert.deepEqual(acknowledged(), []);
    holds[0]?.resolve();
    await until('all are acknowledged', () => broker.packetsOf('pubrec').length === 1);
    assert.deepEqual(acknowledged(), [1, 2, 3, 4]);
  });

  it('keeps the order of its user properties, and has no others than its own', async (t) => {
    const messages: ReceivedMessage[] = [];
    const onMessage = (message: ReceivedMessage): void => void messages.push(message);
    const { broker } = await openClientRig(t, kindly, { onMessage });
    const userProperties = [
      ['b', '1'],
      ['a', ''],
      ['b', '2'],
      ['10', 'x'],
    ] as const;
    const properties = { userProperties, subscriptionIdentifiers: [3, 70_000], contentType: 'text' };
    broker.clients[0]?.send(publishPacket('a', 'x', { properties }));
    broker.clients[0]?.send(publishPacket('a', 'y', { properties: { subscriptionIdentifiers: [70_000] } }));
    broker.clients[0]?.send(publishPacket('a', 'z'));
    await until('they have come', () => messages.length === 3);
    assert.deepEqual(
      messages.map((message) => [{ ...message.properties }, message.subscriptionIdentifiers]),
      [
        [{ userProperties, contentType: 'text' }, [3, 70_000]],
        [{}, [70_000]],
        [{}, []],
      ],
    );
  });

  it('may have a topic of any characters, and a Topic Alias', async (t) => {
    const { broker, arrived } = await openClientRig(t, kindly, { maxTopicAliases: 2 });
    assert.equal(broker.packetsOf('connect')[0]?.properties.topicAliasMaximum, 2);
    const topics = ['é', 'e\u0301', 'Ã©', 'a'.repeat(300), '日本/😀', 'é'];
    for (const topicName of topics) broker.clients[0]?.send(publishPacket(topicName, ''));
    const aliased = { properties: { topicAlias: 2 } };
    broker.clients[0]?.send(publishPacket('aliased', '', aliased));
    broker.clients[0]?.send(publishPacket('', '', aliased));
    await until('they have come', () => arrived.length === topics.length + 2);
    assert.deepEqual(
      arrived.map(({ topicName }) => topicName),
      [...topics, 'aliased', 'aliased'],
    );
  });

  it('may be larger than what one read brings, and is held without a copy', async (t) => {
    const held: ReceivedMessage[] = [];
    const onMessage = (message: ReceivedMessage): void => {
      message.block?.hold();
      held.push(message);
    };
    const { broker } = await openClientRig(t, kindly, { onMessage });
    for (const each of ['a', 'b', 'c']) broker.clients[0]?.send(publishPacket(each, each.repeat(300_000)));
    await until('they have come', () => held.length === 3);
    assert.deepEqual(
      held.map(({ payload, topicName }) => payload.equals(Buffer.alloc(300_000, topicName))),
      [true, true, true],
    );
    for (const { block } of held) block?.release();
  });
});

describe('a broker that breaks the standard', () => {
  const cases = [
    ['a Topic Alias that was not allowed', publishPacket('a', '', { properties: { topicAlias: 1 } }), 0x94],
    ['a Topic Alias that stands for nothing', publishPacket('', '', { properties: { topicAlias: 1 } }), 0x82],
    ['more than Receive Maximum', publishPacket('a', '', { qos: 2, packetId: 3 }), 0x93],
    ['a PINGREQ', { type: 'pingreq' } as const, 0x82],
  ] as const;
  for (const [what, packet, reasonCode] of cases) {
    it(`is told of ${what}, and left`, async (t) => {
      const { broker, events } = await openClientRig(t, welcoming, { receiveMaximum: 2 });
      const [peer] = broker.clients;
      for (const packetId of [1, 2]) peer?.send(publishPacket('a', '', { qos: 2, packetId }));
      peer?.send(packet);
      await until('it is told', () => broker.packetsOf('disconnect').length === 1);
      assert.equal(broker.packetsOf('disconnect')[0]?.reasonCode, reasonCode);
      await until('it is lost', () => events.some(({ type }) => type === 'lost'));
    });
  }

  it('is left where its bytes are no packet', async (t) => {
    const { broker, events } = await openClientRig(t, welcoming);
    broker.clients[0]?.socket.write(Buffer.from([0x30, 0x02, 0xff, 0xff]));
    await until('it is told', () => broker.packetsOf('disconnect').length === 1);
    assert.equal(broker.packetsOf('disconnect')[0]?.reasonCode, 0x81);
    await until('it is lost', () => events.some(({ type }) => type === 'lost'));
    const lost = events.find((event) => event.type === 'lost');
    assert.match(lost?.error.message ?? '', /was lost: PUBLISH ends within its Topic Name$/);
  });
});

describe('acknowledgement by hand', () => {
  it('is not waited for by a broker of MQTT 3 without end', async (t) => {
    const { broker, client, events } = await openClientRig(t, kindly, {
      protocolVersion: 4,
      acknowledgesByHand: true,
      receiveMaximum: 1,
    });
    const [peer] = broker.clients;
    for (let count = 0; count < 65_536; count++)
      peer?.send(publishPacket('a', '', { qos: 1, packetId: (count % 65_535) + 1 }));
    await until('it is left', () => events.some(({ type }) => type === 'lost'));
    assert.equal(client.counters.received, 65_535);
  });

  it('is what the broker waits for, up to Receive Maximum', async (t) => {
    const messages: ReceivedMessage[] = [];
    const { broker, client } = await openClientRig(t, kindly, {
      acknowledgesByHand: true,
      receiveMaximum: 2,
      onMessage: (message) => messages.push(message),
    });
    const [peer] = broker.clients;
    assert.equal(broker.packetsOf('connect')[0]?.properties.receiveMaximum, 2);
    peer?.send(publishPacket('a', 'one', { qos: 1, packetId: 1 }));
    peer?.send(publishPacket('a', 'two', { qos: 2, packetId: 2 }));
    await until('they have come', () => messages.length === 2);
    await client.publish({ topicName: 'b', payload: Buffer.from('x'), qos: 1 });
    assert.deepEqual([broker.packetsOf('puback').length, broker.packetsOf('pubrec').length], [0, 0]);
    assert.deepEqual(
      messages.flatMap((message) => [client.acknowledge(message), client.acknowledge(message)]),
      [true, false, true, false],
    );
    await until('they are acknowledged', () => broker.packetsOf('pubrec').length === 1);
    assert.equal(broker.packetsOf('puback')[0]?.packetId, 1);
    assert.equal(broker.packetsOf('pubrec')[0]?.packetId, 2);
  });

  it('goes in the order in which they came', async (t) => {
    const messages: ReceivedMessage[] = [];
    const { broker, client } = await openClientRig(t, kindly, {
      acknowledgesByHand: true,
      onMessage: (message) => messages.push(message),
    });
    const count = 200;
    for (let packetId = 1; packetId <= count; packetId++)
      broker.clients[0]?.send(publishPacket('a', '', { qos: 1, packetId }));
    await until('they have come', () => messages.length === count);
    const [first, ...others] = messages;
    for (const message of others.toReversed()) assert.equal(client.acknowledge(message), true);
    await client.publish({ topicName: 'b', payload: Buffer.from('x'), qos: 1 });
    assert.equal(broker.packetsOf('puback').length, 0);
    assert.equal(first !== undefined && client.acknowledge(first), true);
    await until('they are acknowledged', () => broker.packetsOf('puback').length === count);
    const order = broker.packetsOf('puback').map(({ packetId }) => packetId);
    assert.deepEqual(
      order,
      Array.from({ length: count }, (_, index) => index + 1),
    );
  });

  it('does not count after the connection, where the message comes again', async (t) => {
    const messages: ReceivedMessage[] = [];
    const { broker, client } = await openClientRig(
      t,
      (packet, peer) => {
        if (packet.type !== 'connect') return;
        const isBack = peer.number > 1;
        peer.send(isBack ? WELCOME_BACK : welcome());
        peer.send(publishPacket('a', 'x', { qos: 2, packetId: 5, dup: isBack }));
      },
      { acknowledgesByHand: true, sessionExpiryInterval: 60, onMessage: (message) => messages.push(message) },
    );
    await until('it has come', () => messages.length === 1);
    broker.clients[0]?.socket.destroy();
    await until('it has come again', () => messages.length === 2);
    const [first, second] = messages;
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual([client.acknowledge(first), client.acknowledge(second)], [false, true]);
    await until('it is acknowledged', () => broker.packetsOf('pubrec').length === 1);
  });
});

describe('a receiver that stops', () => {
  it('is given nothing until it goes on', async (t) => {
    const { broker, client, arrived } = await openClientRig(t, kindly, {
      onMessage: () => client.pause(),
    });
    const [peer] = broker.clients;
    peer?.socket.cork();
    for (const text of ['1', '2', '3'])
      peer?.send(publishPacket('a', text, { qos: 1, packetId: Number(text) }));
    peer?.socket.uncork();
    const texts = (): string[] => arrived.map(({ text }) => text);
    for (let count = 1; count <= 3; count++) {
      await until(`${count} are acknowledged`, () => broker.packetsOf('puback').length === count);
      assert.equal(texts().length, count);
      client.resume();
    }
    assert.deepEqual(texts(), ['1', '2', '3']);
    peer?.send(publishPacket('a', '4'));
    await until('the last has come', () => arrived.length === 4);
  });

  it('may go on within the same message, and keeps the order', async (t) => {
    const { broker, client, arrived } = await openClientRig(t, kindly, {
      onMessage() {
        client.pause();
        client.resume();
      },
    });
    const [peer] = broker.clients;
    peer?.socket.cork();
    for (let packetId = 1; packetId <= 20_000; packetId++)
      peer?.send(publishPacket('a', String(packetId), { qos: 1, packetId }));
    peer?.socket.uncork();
    await until('all are acknowledged', () => broker.packetsOf('puback').length === 20_000);
    const expected = Array.from({ length: 20_000 }, (_, index) => index + 1);
    assert.deepEqual(
      broker.packetsOf('puback').map(({ packetId }) => packetId),
      expected,
    );
    assert.deepEqual(arrived.map(({ text }) => text).map(Number), expected);
  });

  it('is connected nevertheless, and gets its subscriptions back', async (t) => {
    const { broker, client, events, arrived } = await openClientRig(t, kindly, {
      waitsForConnection: false,
      reconnectMinMs: 50,
      reconnectMaxMs: 50,
      timeoutMs: 2000,
    });
    client.pause();
    await until('it is connected', () => client.isConnected);
    client.resume();
    await client.subscribe('a');
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    broker.clients[0]?.socket.destroy();
    await until('it is lost', () => count('lost') === 1);
    client.pause();
    await until('it is connected again', () => count('connected') === 2);
    assert.equal(broker.packetsOf('subscribe').length, 2);
    broker.clients[1]?.send(publishPacket('a', 'later'));
    await client.publish(messageOf('b', 0));
    await until('it has sent', () => broker.packetsOf('publish').length === 1);
    assert.equal(arrived.length, 0);
    client.resume();
    await until('the message has come', () => arrived.length === 1);
  });
});
