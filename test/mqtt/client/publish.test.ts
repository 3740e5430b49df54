import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import type { Script } from '../../helpers/scripted-broker.ts';
import { welcome } from '../../helpers/scripted-broker.ts';
import {
  acknowledgement,
  kindly,
  messageOf,
  openClientRig,
  WELCOME_BACK,
  welcoming,
} from '../../helpers/client-rig.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { until } from '../../helpers/until.ts';

const DURABLE = { cleanStart: false, sessionExpiryInterval: 60 } as const;

describe('messages that wait for an acknowledgement', () => {
  it('are at most so many, and the others keep their order', async (t) => {
    const { broker, client } = await openClientRig(t, welcoming, { maxInflight: 2 });
    const all = ['a', 'b', 'c', 'd'].map((topicName) => client.publish(messageOf(topicName, 1)));
    const sent = (): string[] => broker.packetsOf('publish').map(({ topicName }) => topicName);
    for (let count = 2; count <= 4; count++) {
      await until(`${count} have come`, () => sent().length === count);
      broker.clients[0]?.send(
        acknowledgement('puback', broker.packetsOf('publish')[count - 2]?.packetId ?? 0),
      );
    }
    assert.deepEqual(sent(), ['a', 'b', 'c', 'd']);
    broker.clients[0]?.send(acknowledgement('puback', broker.packetsOf('publish')[3]?.packetId ?? 0));
    await Promise.all(all);
  });

  it('do not hold back those that nobody acknowledges', async (t) => {
    const { broker, client } = await openClientRig(t, welcoming, { maxInflight: 1 });
    for (const topicName of ['a', 'b']) client.publish(messageOf(topicName, 1)).catch(() => {});
    assert.equal(client.send(messageOf('c', 0)).ok, true);
    await until('two have come', () => broker.packetsOf('publish').length === 2);
    assert.deepEqual(
      broker.packetsOf('publish').map(({ topicName }) => topicName),
      ['a', 'c'],
    );
  });

  it('have Packet Identifiers that nothing else uses', async (t) => {
    const { broker, client } = await openClientRig(t, welcoming);
    for (let count = 0; count < 3; count++) client.publish(messageOf('a', 1)).catch(() => {});
    client.subscribe('a').catch(() => {});
    client.publish(messageOf('a', 2)).catch(() => {});
    await until('all have come', () => broker.packets.length === 6);
    const ids = broker.packets.flatMap((packet) => ('packetId' in packet ? [packet.packetId] : []));
    assert.deepEqual(ids, [1, 2, 3, 4, 5]);
  });

  it('end the connection where the broker acknowledges them in the way of another QoS', async (t) => {
    const { broker, client, events } = await openClientRig(t, (packet, peer) => {
      if (packet.type === 'publish') peer.send(acknowledgement('pubrec', packet.packetId));
      else kindly(packet, peer);
    });
    client.publish(messageOf('a', 1)).catch(() => {});
    await until('it is lost', () => events.some(({ type }) => type === 'lost'));
    assert.equal(broker.packetsOf('disconnect')[0]?.reasonCode, 0x82);
  });
});

describe('a session that the broker kept', () => {
  /** Takes messages without an answer, loses the first client when told so, and knows the second one. */
  const forgetful: Script = (packet, client) => {
    if (packet.type === 'connect') client.send(packet.cleanStart ? welcome() : WELCOME_BACK);
  };

  it('goes on: PUBLISH with DUP, PUBREL without PUBLISH, in their order [MQTT-4.4.0-1]', async (t) => {
    const { broker, client } = await openClientRig(t, forgetful, { sessionExpiryInterval: 60 });
    const published = [client.publish(messageOf('two', 2)), client.publish(messageOf('one', 1))];
    published.push(client.publish(messageOf('more', 2)));
    await until('they have come', () => broker.packetsOf('publish').length === 3);
    broker.clients[0]?.send(acknowledgement('pubrec', 1));
    await until('the first is released', () => broker.packetsOf('pubrel').length === 1);
    broker.clients[0]?.socket.destroy();
    await until('they have come again', () => broker.packets.length >= 9);
    assert.deepEqual(
      broker.packets
        .slice(5)
        .map((packet) => [
          packet.type,
          'packetId' in packet ? packet.packetId : '',
          'dup' in packet ? packet.dup : '',
        ]),
      [
        ['connect', '', ''],
        ['pubrel', 1, ''],
        ['publish', 2, true],
        ['publish', 3, true],
      ],
    );
    assert.equal(broker.packetsOf('connect')[1]?.cleanStart, false);
    const [, peer] = broker.clients;
    peer?.send(acknowledgement('pubcomp', 1));
    peer?.send(acknowledgement('puback', 2));
    peer?.send(acknowledgement('pubrec', 3, 0x10));
    await until('the last is released', () => broker.packetsOf('pubrel').length === 3);
    peer?.send(acknowledgement('pubcomp', 3));
    // That nobody got the second copy of the last one says nothing of the first.
    assert.deepEqual(
      (await Promise.all(published)).map(({ matched }) => matched),
      [true, true, undefined],
    );
  });

  it('does not take more at once than the new Receive Maximum', async (t) => {
    const { broker, client } = await openClientRig(
      t,
      (packet, peer) => {
        if (packet.type !== 'connect') return;
        peer.send({
          ...WELCOME_BACK,
          properties: { receiveMaximum: peer.number > 1 ? 1 : 100 },
        } as never);
      },
      DURABLE,
    );
    const published = ['a', 'b', 'c'].map((topicName) => client.publish(messageOf(topicName, 1)));
    await until('they have come', () => broker.packetsOf('publish').length === 3);
    broker.clients[0]?.socket.destroy();
    for (let count = 1; count <= 3; count++) {
      await until(`${count} have come again`, () => broker.packetsOf('publish').length === 3 + count);
      broker.clients[1]?.send(acknowledgement('puback', count));
    }
    await Promise.all(published);
  });

  it('is asked for without the subscriptions that it has', async (t) => {
    const script: Script = (packet, peer) => {
      if (packet.type === 'connect') peer.send(WELCOME_BACK);
      else kindly(packet, peer);
    };
    const { broker, client, events } = await openClientRig(t, script, DURABLE);
    await client.subscribe('a');
    broker.clients[0]?.socket.destroy();
    await until(
      'it is connected again',
      () => events.filter(({ type }) => type === 'connected').length === 2,
    );
    await client.publish(messageOf('b', 1));
    assert.equal(broker.packetsOf('subscribe').length, 1);
  });
});

describe('a session that the broker lost', () => {
  it('costs a message at QoS 2, and one at QoS 1 is sent as a new one', async (t) => {
    const { broker, client } = await openClientRig(
      t,
      (packet, peer) => {
        if (peer.number === 1) welcoming(packet, peer);
        else kindly(packet, peer);
      },
      DURABLE,
    );
    const lost = assert.rejects(client.publish(messageOf('two', 2)), { code: 'BROKER_LOST' });
    const published = client.publish(messageOf('one', 1));
    await until('they have come', () => broker.packetsOf('publish').length === 2);
    broker.clients[0]?.socket.destroy();
    await lost;
    await published;
    const again = broker.packetsOf('publish').slice(2);
    assert.deepEqual(
      again.map(({ topicName, dup }) => [topicName, dup]),
      [['one', false]],
    );
  });
});

describe('messages that wait for the broker', () => {
  it('are so many and so large as may be', async (t) => {
    const clock = new ManualClock();
    const limits = { maxQueuedMessages: 3, maxQueuedBytes: 10, keepAliveS: 0 };
    const { broker, client, events } = await openClientRig(t, welcoming, { ...limits, clock });
    broker.clients[0]?.socket.destroy();
    await until('it is lost', () => events.some(({ type }) => type === 'lost'));
    const publish = (bytes: number): Promise<unknown> => client.publish(messageOf('a', 1, bytes));
    // Larger than all that may wait, but alone.
    publish(11).catch(() => {});
    await assert.rejects(publish(1), { code: 'TOO_MANY_MESSAGES', message: /1 messages \(11 bytes\)/ });
    clock.advance(20_000);
    for (let count = 0; count < 3; count++) publish(0).catch(() => {});
    await assert.rejects(publish(0), { code: 'TOO_MANY_MESSAGES', message: /3 messages \(0 bytes\)/ });
    assert.deepEqual([client.counters.refusedFull, client.counters.givenUp], [2, 1]);
    const sent = client.send(messageOf('a', 0));
    assert.equal(sent.ok || sent.failure.code, 'BROKER_OFFLINE');
  });

  it('are given up in time, and not sent any more', async (t) => {
    const clock = new ManualClock();
    const { broker, client } = await openClientRig(t, welcoming, { maxInflight: 1, keepAliveS: 0, clock });
    const first = assert.rejects(client.publish(messageOf('first', 1), { timeoutMs: 10 }), {
      code: 'BROKER_TIMEOUT',
    });
    const second = assert.rejects(client.publish(messageOf('second', 1), { timeoutMs: 10 }), {
      code: 'BROKER_OFFLINE',
      message: /took no more messages for 10 ms/,
    });
    const third = client.publish(messageOf('third', 1), { timeoutMs: 1000 });
    await until('the first has come', () => broker.packetsOf('publish').length === 1);
    clock.advance(10);
    await Promise.all([first, second]);
    // It was given up, and still takes its place.
    broker.clients[0]?.send(acknowledgement('puback', 1));
    await until('the third has come', () => broker.packetsOf('publish').length === 2);
    assert.equal(broker.packetsOf('publish')[1]?.topicName, 'third');
    broker.clients[0]?.send(acknowledgement('puback', 2));
    await third;
    assert.equal(client.counters.givenUp, 2);
  });

  it('leave no listener at a signal', async (t) => {
    const { broker, client } = await openClientRig(t, welcoming);
    const { signal } = new AbortController();
    const published = client.publish(messageOf('a', 1), { signal });
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    await until('it has come', () => broker.packetsOf('publish').length === 1);
    broker.clients[0]?.send(acknowledgement('puback', 1));
    await published;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
});

describe('a broker that does not read', () => {
  it('is waited for, up to maxQueuedBytes, and told of when it reads again', async (t) => {
    const limits = { maxQueuedBytes: 1_000_000, keepAliveS: 0 };
    const { broker, client, events } = await openClientRig(t, welcoming, limits);
    broker.clients[0]?.socket.pause();
    const message = messageOf('a', 0, 100_000);
    let sent = 0;
    for (; sent < 1000; sent++) {
      const result = client.send(message);
      if (result.ok) {
        // The turn ends, so that the socket takes what it takes.
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      assert.equal(result.failure.code, 'TOO_MANY_MESSAGES');
      break;
    }
    assert.ok(sent > 9 && sent < 1000, `${sent} were taken`);
    assert.equal(client.takesMore, false);
    const waiting = client.publish(message);
    assert.equal(
      events.some(({ type }) => type === 'room'),
      false,
    );
    broker.clients[0]?.socket.resume();
    await waiting;
    await until('there is room', () => events.some(({ type }) => type === 'room'));
    await until('all have come', () => broker.packetsOf('publish').length === sent + 1);
  });
});

describe('a broker that reads slowly', () => {
  it('gets every byte, in order, of what waited for it', async (t) => {
    const { broker, client, events } = await openClientRig(t, welcoming, { keepAliveS: 0 });
    const [peer] = broker.clients;
    const payload = Buffer.alloc(200_000);
    for (let round = 1; round <= 5; round++) {
      peer?.socket.pause();
      const rooms = events.filter(({ type }) => type === 'room').length;
      // So many that the socket does not take all of them, in turns of their own.
      for (let count = 0; count < 40; count++) {
        payload.fill(`${round}/${count};`);
        assert.equal(client.send({ topicName: 'a', payload }).ok, true);
        if (count % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(client.takesMore, false);
      peer?.socket.resume();
      await until('there is room', () => events.filter(({ type }) => type === 'room').length > rooms);
    }
    await until('all have come', () => broker.packetsOf('publish').length === 200);
    const isWhole = broker.packetsOf('publish').map(({ payload: bytes }, index) => {
      const expected = Buffer.alloc(200_000, `${Math.floor(index / 40) + 1}/${index % 40};`);
      return expected.equals(bytes);
    });
    assert.ok(isWhole.every(Boolean));
  });
});

describe('what a message cannot be', () => {
  it('is told by a failure, and costs nothing else', async (t) => {
    const { broker, client } = await openClientRig(t, (packet, peer) => {
      if (packet.type === 'connect') peer.send(welcome({ maximumPacketSize: 50, maximumQos: 0 }));
      else kindly(packet, peer);
    });
    const codeOf = (message: Parameters<typeof client.send>[0]): string => {
      const sent = client.send(message);
      return sent.ok ? 'sent' : sent.failure.code;
    };
    const payload = new Uint8Array(1);
    assert.equal(codeOf({ topicName: 'a/#', payload }), 'TOPIC_INVALID');
    assert.equal(codeOf({ topicName: 'a', payload, properties: { responseTopic: '#' } }), 'TOPIC_INVALID');
    assert.equal(codeOf({ topicName: 'a', payload: new Uint8Array(50) }), 'PACKET_TOO_LARGE');
    await assert.rejects(client.publish(messageOf('a', 1)), { code: 'BROKER_DENIED', reasonCode: 0x9b });
    assert.equal(codeOf({ topicName: 'a', payload: new Uint8Array(44) }), 'sent');
    await until('it has come', () => broker.packetsOf('publish').length === 1);
    await client.close();
    assert.equal(codeOf({ topicName: 'a', payload }), 'BUS_CLOSED');
  });
});

describe('Topic Aliases that a client gives', () => {
  it('stand for the topic from the second message on, and end with the connection', async (t) => {
    const { broker, client, events } = await openClientRig(
      t,
      (packet, peer) => {
        if (packet.type === 'connect') peer.send(welcome({ topicAliasMaximum: 2 }));
      },
      { maxTopicAliases: 10 },
    );
    const send = (topicName: string): void => {
      assert.equal(client.send({ topicName, payload: new Uint8Array(0) }).ok, true);
    };
    for (const topicName of ['a', 'b', 'a', 'c', 'b']) send(topicName);
    await until('all have come', () => broker.packetsOf('publish').length === 5);
    broker.clients[0]?.socket.destroy();
    await until(
      'it is connected again',
      () => events.filter(({ type }) => type === 'connected').length === 2,
    );
    send('a');
    await until('the last has come', () => broker.packetsOf('publish').length === 6);
    assert.deepEqual(
      broker.packetsOf('publish').map(({ topicName, properties }) => [topicName, properties.topicAlias]),
      [
        ['a', 1],
        ['b', 2],
        ['', 1],
        ['c', 2],
        ['b', 1],
        ['a', 1],
      ],
    );
  });
});
