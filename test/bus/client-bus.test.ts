import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { ScriptedBroker, welcome, type Script } from '../helpers/scripted-broker.ts';
import { until } from '../helpers/until.ts';
import type { Bus, BusEvent } from '../../src/bus/bus.ts';
import type { ClientBusOptions } from '../../src/bus/bus-options.ts';
import { connectBus } from '../../src/bus/client-bus.ts';

const QUICK: ClientBusOptions = { reconnectMinMs: 1, reconnectMaxMs: 5, timeoutMs: 20_000 };
const payload = Buffer.from('x');

async function startBroker(t: TestContext, script: Script): Promise<ScriptedBroker> {
  const broker = await ScriptedBroker.start(script);
  t.after(() => broker.close());
  return broker;
}

async function open(t: TestContext, url: string, options: ClientBusOptions = {}): Promise<Bus> {
  const bus = await connectBus(url, { ...QUICK, ...options });
  t.after(() => bus.close());
  return bus;
}

/** Answers what a broker answers, as if all were well. */
const kind: Script = (packet, client) => {
  if (packet.type === 'connect') client.send(welcome());
  if (packet.type === 'subscribe') client.send(suback(packet.packetId));
  if (packet.type === 'unsubscribe')
    client.send({ type: 'unsuback', packetId: packet.packetId, properties: {}, reasonCodes: [0] });
  if (packet.type === 'publish' && packet.qos === 1) client.send(puback(packet.packetId));
};

const suback = (packetId: number, reasonCode: 0 | 0x87 = 0): ControlPacket => ({
  type: 'suback',
  packetId,
  properties: {},
  reasonCodes: [reasonCode],
});
const puback = (packetId: number, reasonCode: 0 | 0x97 = 0): ControlPacket => ({
  type: 'puback',
  packetId,
  reasonCode,
  properties: {},
});

describe('the version of MQTT', () => {
  const only311: Script = (packet, client) => {
    if (packet.type !== 'connect') return;
    if (packet.protocolVersion === 4) client.send(welcome());
    else client.socket.end(Buffer.from([0x20, 2, 0, 1])); // Unacceptable protocol version, as MQTT 3 says it.
  };
  const silent: Script = (packet, client) => {
    if (packet.type !== 'connect') return;
    if (packet.protocolVersion === 4) client.send(welcome());
    else client.socket.end();
  };
  const reasonCode: Script = (packet, client) => {
    if (packet.type !== 'connect') return;
    if (packet.protocolVersion === 4) client.send(welcome());
    else client.send({ type: 'connack', sessionPresent: false, reasonCode: 0x84, properties: {} });
  };

  for (const [how, script] of Object.entries({ only311, silent, reasonCode })) {
    it(`falls back to 3.1.1 where the server refuses 5, ${how}`, async (t) => {
      const broker = await startBroker(t, script);
      const bus = await open(t, broker.url);
      assert.deepEqual([bus.protocolVersion, bus.isConnected], [4, true]);
      assert.deepEqual(
        broker.packetsOf('connect').map(({ protocolVersion }) => protocolVersion),
        [5, 4],
      );
    });
  }

  it('is tried anew on the next connection where the server had not said that it refuses it', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      const isStarting = broker.clients.length < 3;
      (isStarting ? silent : kind)(packet, client);
    });
    const bus = await open(t, broker.url);
    assert.equal(bus.protocolVersion, 4);
    const versions: number[] = [];
    bus.watch((event) => event.type === 'connected' && versions.push(event.protocolVersion));
    broker.clients[1]?.socket.destroy();
    await until('it is connected again', () => versions.length > 0);
    assert.deepEqual([versions, bus.protocolVersion], [[5], 5]);
  });

  it('stays as it was asked for', async (t) => {
    const broker = await startBroker(t, only311);
    await assert.rejects(connectBus(broker.url, { protocolVersion: 5 }), {
      code: 'BROKER_REFUSED',
      reasonCode: 1,
      message: /refused the connection: Unacceptable protocol version; choose another version of MQTT/,
    });
  });
});

describe('a connection that does not come to be', () => {
  it('says why the broker refused it', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      const properties = { reasonString: 'try at noon' };
      if (packet.type === 'connect')
        client.send({ type: 'connack', sessionPresent: false, reasonCode: 0x8a, properties });
    });
    await assert.rejects(connectBus(broker.url), {
      code: 'BROKER_REFUSED',
      reasonCode: 0x8a,
      message: `the MQTT broker at ${broker.url} refused the connection: Banned ("try at noon")`,
    });
  });

  it('is given up after connectTimeoutMs', async (t) => {
    const broker = await startBroker(t, () => {});
    await assert.rejects(connectBus(broker.url, { connectTimeoutMs: 20 }), {
      code: 'BROKER_UNREACHABLE',
      message: /it did not answer within 20 ms/,
    });
  });

  it('is told where no MQTT is spoken', async (t) => {
    const answer = `HTTP/1.1 400 Bad Request\r\nServer: ${'x'.repeat(80)}\r\n\r\n`;
    const server = createServer((socket) => socket.end(answer)).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await assert.rejects(connectBus(url, { protocolVersion: 4 }), {
      code: 'BROKER_UNREACHABLE',
      message: /what answers there is no MQTT broker \(PUBACK comes before CONNACK\); correct the port$/,
    });
    await assert.rejects(connectBus(url.replace('mqtt:', 'mqtts:')), {
      code: 'BROKER_UNREACHABLE',
      message: /it does not speak TLS there/,
    });
  });

  it('is tried again for as long as it takes, where that is wanted', async (t) => {
    const accepts = { now: false };
    const broker = await startBroker(t, (packet, client) => {
      if (!accepts.now) client.socket.destroy();
      else kind(packet, client);
    });
    const bus = await open(t, broker.url, { waitsForConnection: false, protocolVersion: 5 });
    assert.equal(bus.isConnected, false);
    let retries = 0;
    bus.watch(({ type }) => (retries += Number(type === 'retrying')));
    const published = bus.publish({ topicName: 'a', payload, qos: 1 });
    await until('two attempts have failed', () => retries >= 2);
    accepts.now = true;
    assert.deepEqual(await published, { matched: true });
  });

  it('ends with close', async (t) => {
    const broker = await startBroker(t, () => {});
    const bus = await open(t, broker.url, { waitsForConnection: false });
    const published = bus.publish({ topicName: 'a', payload });
    await until('it has asked', () => broker.packetsOf('connect').length > 0);
    const rejected = assert.rejects(published, { code: 'BUS_CLOSED' });
    await bus.close();
    await rejected;
  });
});

describe('the limits of the server', () => {
  it('Receive Maximum is kept', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      if (packet.type === 'connect') client.send(welcome({ receiveMaximum: 3 }));
    });
    const bus = await open(t, broker.url);
    const publishes = Array.from({ length: 10 }, () => bus.publish({ topicName: 'a', payload, qos: 1 }));
    const sent = (): number[] => broker.packetsOf('publish').map(({ packetId }) => packetId);
    await until('three have come', () => sent().length === 3);
    // A message at QoS 0 takes no place, but keeps its place in the order: it comes after the others.
    for (let answered = 0; answered < 10; answered++) {
      await until('another one has come', () => sent().length > answered);
      assert.ok(sent().length - answered <= 3);
      broker.clients[0]?.send(puback(sent()[answered] ?? 0));
    }
    await Promise.all(publishes);
  });

  it('what it cannot take is refused here, and does not cost the connection', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      if (packet.type === 'connect')
        client.send(welcome({ maximumPacketSize: 100, maximumQos: 1, retainAvailable: false }));
      else kind(packet, client);
    });
    const bus = await open(t, broker.url);
    const publish = (message: object): Promise<unknown> =>
      bus.publish({ topicName: 'a', payload, qos: 1, ...message });
    await assert.rejects(publish({ payload: Buffer.alloc(100) }), { code: 'PACKET_TOO_LARGE' });
    await assert.rejects(publish({ qos: 2 }), { code: 'BROKER_DENIED', reasonCode: 0x9b });
    await assert.rejects(publish({ retain: true }), { code: 'BROKER_DENIED', reasonCode: 0x9a });
    await publish({ payload: Buffer.alloc(80) });
    assert.equal(broker.packetsOf('connect').length, 1);
  });

  it('without Subscription Identifiers the topic decides', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      if (packet.type === 'connect') client.send(welcome({ subscriptionIdentifierAvailable: false }));
      else kind(packet, client);
      if (packet.type === 'subscribe') assert.deepEqual(packet.properties, {});
    });
    const bus = await open(t, broker.url);
    const got: string[] = [];
    await bus.subscribe('a/+', {}, () => got.push('plus'));
    await bus.subscribe('a/b', {}, () => got.push('exact'));
    await bus.subscribe('c', {}, () => got.push('other'));
    broker.clients[0]?.send({
      type: 'publish',
      dup: false,
      qos: 0,
      retain: false,
      topicName: 'a/b',
      packetId: 0,
      properties: {},
      payload,
    });
    await until('it has come', () => got.length > 0);
    assert.deepEqual(got.sort(), ['exact', 'plus']);
  });
});

describe('a message that the broker denies', () => {
  for (const qos of [1, 2] as const) {
    it(`is told with its Reason Code at QoS ${qos}`, async (t) => {
      const broker = await startBroker(t, (packet, client) => {
        if (packet.type === 'connect') client.send(welcome());
        if (packet.type !== 'publish') return;
        const type = packet.qos === 1 ? 'puback' : 'pubrec';
        client.send({ type, packetId: packet.packetId, reasonCode: 0x97, properties: {} });
      });
      const bus = await open(t, broker.url);
      await assert.rejects(bus.publish({ topicName: 'a/b', payload, qos }), {
        code: 'BROKER_DENIED',
        reasonCode: 0x97,
        message: /denied a message on a\/b: Quota exceeded; /,
      });
    });
  }
});

describe('QoS 2', () => {
  it('tells that nobody subscribes, which only PUBREC says', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      if (packet.type === 'connect') client.send(welcome());
      if (packet.type === 'publish')
        client.send({ type: 'pubrec', packetId: packet.packetId, reasonCode: 0x10, properties: {} });
      if (packet.type === 'pubrel')
        client.send({ type: 'pubcomp', packetId: packet.packetId, reasonCode: 0, properties: {} });
    });
    const bus = await open(t, broker.url);
    assert.deepEqual(await bus.publish({ topicName: 'a', payload, qos: 2 }), { matched: false });
  });
});

describe('a connection that is lost', () => {
  it('sends QoS 1 again and gives QoS 2 up, subscriptions first', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      const isFirst = broker.clients.length === 1;
      if (!isFirst || packet.type !== 'publish') kind(packet, client);
      else if (broker.packetsOf('publish').length === 2) client.socket.destroy();
    });
    const bus = await open(t, broker.url);
    await bus.subscribe('answers', {}, () => {});
    const once = assert.rejects(bus.publish({ topicName: 'once', payload, qos: 2 }), { code: 'BROKER_LOST' });
    await bus.publish({ topicName: 'again', payload, qos: 1 });
    await once;
    assert.deepEqual(
      broker.packets.map((packet) => (packet.type === 'publish' ? packet.topicName : packet.type)),
      ['connect', 'subscribe', 'once', 'again', 'connect', 'subscribe', 'again'],
    );
  });

  it('may have brought what is not acknowledged before it comes back', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      if (client.number === 1 && packet.type === 'connect') client.send(welcome());
      else client.socket.destroy();
    });
    const bus = await open(t, broker.url);
    // The session went with the connection: the message waits in the queue again.
    await assert.rejects(bus.publish({ topicName: 'a', payload, qos: 1 }, { timeoutMs: 200 }), {
      code: 'BROKER_TIMEOUT',
      message: /may have arrived/,
    });
    await until('it has come', () => broker.packetsOf('publish').length > 0);
    assert.equal(broker.packetsOf('publish').length, 1);
  });

  it('leaves it open whether an earlier copy was matched', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      if (packet.type !== 'publish') kind(packet, client);
      else if (client.number === 1) client.socket.destroy();
      else client.send({ type: 'puback', packetId: packet.packetId, reasonCode: 0x10, properties: {} });
    });
    const bus = await open(t, broker.url);
    assert.deepEqual(await bus.publish({ topicName: 'a', payload, qos: 1 }), { matched: undefined });
    assert.deepEqual(await bus.publish({ topicName: 'a', payload, qos: 1 }), { matched: false });
  });

  it('tells what the broker said, and a subscription that it grants no more', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      if (packet.type === 'subscribe' && broker.clients.length > 1)
        client.send(suback(packet.packetId, 0x87));
      else kind(packet, client);
    });
    const bus = await open(t, broker.url);
    const events: BusEvent[] = [];
    bus.watch((event) => events.push(event));
    await bus.subscribe('a', {}, () => {});
    broker.clients[0]?.send({ type: 'disconnect', reasonCode: 0x8b, properties: {} });
    broker.clients[0]?.socket.end();
    await until('it is connected again', () => events.at(-1)?.type === 'connected');
    assert.deepEqual(
      events.map(({ type }) => type),
      ['lost', 'subscription-denied', 'connected'],
    );
    const [lost, denied] = events;
    assert.match(lost?.type === 'lost' ? lost.error.message : '', /was lost: Server shutting down$/);
    assert.match(
      denied?.type === 'subscription-denied' ? denied.error.message : '',
      /a subscription to a: Not auth/,
    );
  });

  for (const isDenied of [true, false]) {
    const what = isDenied ? 'is denied' : 'is restored';
    it(`keeps a subscription that was asked for meanwhile, while an earlier one to its filter ${what}`, async (t) => {
      const identifiers: (number | undefined)[] = [];
      const broker = await startBroker(t, (packet, client) => {
        if (packet.type !== 'subscribe') return kind(packet, client);
        identifiers.push(packet.properties.subscriptionIdentifier);
        client.send(suback(packet.packetId, isDenied && identifiers.length === 2 ? 0x87 : 0));
      });
      const bus = await open(t, broker.url);
      await bus.subscribe('a', {}, () => {});
      const got: string[] = [];
      const asked = new Promise<unknown>((resolve) => {
        bus.watch(({ type }) => {
          if (type === 'lost') resolve(bus.subscribe('a', {}, ({ topicName }) => got.push(topicName)));
        });
      });
      broker.clients[0]?.socket.destroy();
      await asked;
      const subscriptionIdentifiers = [identifiers[2] ?? 0];
      const properties = { subscriptionIdentifiers };
      const [dup, retain, packetId] = [false, false, 0];
      broker.clients[1]?.send({
        type: 'publish',
        topicName: 'a',
        payload,
        qos: 0,
        dup,
        retain,
        packetId,
        properties,
      });
      await until('it has come', () => bus.counters.received === 1);
      assert.deepEqual(got, ['a']);
    });
  }

  it('is noticed by its silence', async (t) => {
    const broker = await startBroker(t, kind);
    const bus = await open(t, broker.url, { keepAliveS: 1 });
    const events: BusEvent[] = [];
    bus.watch((event) => events.push(event));
    await until('it is connected again', () => events.at(-1)?.type === 'connected');
    assert.match(
      events[0]?.type === 'lost' ? events[0].error.message : '',
      /gave no sign of life within 500 ms/,
    );
    assert.ok(broker.packetsOf('pingreq').length > 0);
  });
});

describe('patience', () => {
  it('ends where the broker takes a message and does not acknowledge it', async (t) => {
    const broker = await startBroker(t, (packet, client) => {
      if (packet.type === 'connect') client.send(welcome());
    });
    const bus = await open(t, broker.url);
    const aborting = new AbortController();
    const published = bus.publish({ topicName: 'a', payload, qos: 1 }, { signal: aborting.signal });
    await until('it has come', () => broker.packetsOf('publish').length > 0);
    aborting.abort(new Error('enough'));
    await assert.rejects(published, /enough/);
    await assert.rejects(bus.publish({ topicName: 'a', payload, qos: 1 }, { timeoutMs: 1 }), {
      code: 'BROKER_TIMEOUT',
    });
    await assert.rejects(
      bus.subscribe('a', { timeoutMs: 1 }, () => {}),
      { code: 'BROKER_TIMEOUT' },
    );
    assert.equal(bus.counters.givenUp, 2);
  });
});

describe('a session that goes on', () => {
  it('brings messages that nobody here subscribed to', async (t) => {
    const got: string[] = [];
    const broker = await startBroker(t, (packet, client) => {
      if (packet.type !== 'connect') return;
      assert.deepEqual(
        [packet.cleanStart, packet.properties.sessionExpiryInterval, packet.clientId],
        [false, 60, 'worker'],
      );
      const message = { type: 'publish', dup: false, qos: 0, retain: false, packetId: 0, payload } as const;
      // In one piece with CONNACK: nobody can have subscribed in between.
      client.socket.cork();
      client.send({ type: 'connack', sessionPresent: true, reasonCode: 0, properties: {} });
      client.send({ ...message, topicName: 'old', properties: { subscriptionIdentifiers: [1] } });
      client.socket.uncork();
    });
    const bus = await open(t, broker.url, {
      clientId: 'worker',
      cleanStart: false,
      sessionExpiryInterval: 60,
      onUnclaimed: ({ topicName }) => got.push(topicName),
    });
    await until('it has come', () => got.length > 0);
    assert.deepEqual([got, bus.counters.unclaimed], [['old'], 1]);
  });
});
