import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Aedes } from 'aedes';
import {
  connectMqtt,
  type MqttClient,
  type MqttClientOptions,
  type ProtocolVersion,
  type QoS,
} from '../../src/mqtt/index.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { Nats, whyNoNats } from '../helpers/nats.ts';
import { until } from '../helpers/until.ts';

type RunningBroker = {
  readonly url: string;
  /** Absent where it lives in this process. */
  readonly restart?: () => Promise<void>;
  readonly remove: () => Promise<void>;
};

type BrokerKind = {
  readonly name: string;
  readonly skip: string | false;
  readonly versions: readonly ProtocolVersion[];
  readonly maxQos: QoS;
  readonly hasSharedSubscriptions: boolean;
  readonly start: () => Promise<RunningBroker>;
};

async function startProgram(program: Mosquitto | Nats): Promise<RunningBroker> {
  await program.start();
  return {
    url: program.url,
    restart: async () => {
      await program.kill();
      await program.start();
    },
    remove: () => program.remove(),
  };
}

async function startAedes(): Promise<RunningBroker> {
  const broker = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, broker.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    remove: async () => {
      await new Promise<void>((resolve) => broker.close(resolve));
      server.close();
    },
  };
}

const KINDS: readonly BrokerKind[] = [
  {
    name: 'this broker',
    skip: false,
    versions: [3, 4, 5],
    maxQos: 2,
    hasSharedSubscriptions: true,
    start: async () => {
      const { url, close } = await openBrokerOnTcp();
      return { url, remove: close };
    },
  },
  {
    name: 'Mosquitto',
    skip: whyNoMosquitto(),
    versions: [3, 4, 5],
    maxQos: 2,
    hasSharedSubscriptions: true,
    start: () => startProgram(new Mosquitto()),
  },
  {
    name: 'Aedes',
    skip: false,
    versions: [3, 4],
    maxQos: 2,
    hasSharedSubscriptions: false,
    start: startAedes,
  },
  {
    name: 'NATS',
    skip: whyNoNats(),
    versions: [4],
    // QoS 2 came with version 2.10, which Debian does not have.
    maxQos: 1,
    hasSharedSubscriptions: false,
    start: () => startProgram(new Nats()),
  },
];

/** A way to a broker that can be cut. */
async function openCuttableWire(t: TestContext, url: string): Promise<{ url: string; cut: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(Number(new URL(url).port), '127.0.0.1');
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => {}); // It was cut.
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  t.after(cut);
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, cut };
}

const MEBIBYTE = 1024 * 1024;
const newId = (): string => `c-${randomUUID().slice(0, 8)}`;
const newTopic = (): string => `client/${randomUUID()}`;

type Arrived = {
  readonly topicName: string;
  readonly text: string;
  readonly qos: QoS;
  readonly retain: boolean;
};

for (const { name, skip, versions, maxQos, hasSharedSubscriptions, start } of KINDS) {
  for (const protocolVersion of versions) {
    describe(`the client and ${name}, version ${protocolVersion}`, { skip }, () => {
      let broker: RunningBroker;
      before(async () => {
        broker = await start();
      });
      after(() => broker.remove());

      const allQos = ([0, 1, 2] as const).filter((qos) => qos <= maxQos);
      const durable = protocolVersion === 5 ? { sessionExpiryInterval: 1000 } : {};

      async function open(
        t: TestContext,
        options: MqttClientOptions = {},
      ): Promise<{ client: MqttClient; arrived: Arrived[]; texts: () => string[] }> {
        const arrived: Arrived[] = [];
        const client = await connectMqtt(broker.url, {
          protocolVersion,
          clientId: newId(),
          // Over MQTT 3, Mosquitto leaves messages at QoS 2 lying when more are on their way than its own twenty.
          maxInflight: 20,
          reconnectMinMs: 10,
          reconnectMaxMs: 100,
          onMessage: ({ topicName, payload, qos, retain }) =>
            arrived.push({ topicName, text: payload.toString('latin1'), qos, retain }),
          ...options,
        });
        t.after(() => client.close());
        return { client, arrived, texts: () => arrived.map(({ text }) => text) };
      }

      const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

      for (const qos of allQos) {
        it(`1000 messages at QoS ${qos} come once, and in their order`, async (t) => {
          const { client, arrived, texts } = await open(t);
          const topicName = newTopic();
          assert.equal(await client.subscribe(topicName, { qos }), qos);
          const sent = Array.from({ length: 1000 }, (_, index) => String(index));
          await Promise.all(sent.map((each) => client.publish({ topicName, payload: bytes(each), qos })));
          await until('all have come', () => arrived.length >= sent.length);
          assert.deepEqual(texts(), sent);
          assert.deepEqual([...new Set(arrived.map((each) => each.qos))], [qos]);
        });

        it(`a payload of a mebibyte at QoS ${qos} keeps each byte`, async (t) => {
          const { client, texts } = await open(t);
          const topicName = newTopic();
          await client.subscribe(topicName, { qos });
          // NATS takes a mebibyte with all that it adds.
          const payload = randomBytes(MEBIBYTE - 1000);
          await client.publish({ topicName, payload, qos });
          await until('it has come', () => texts().length > 0);
          assert.ok(payload.equals(bytes(texts()[0] ?? '')));
        });
      }

      it('messages that nobody acknowledges are sent without a promise', async (t) => {
        const { client, texts } = await open(t);
        const topicName = newTopic();
        await client.subscribe(`${topicName}/+`);
        for (const each of ['a', 'b', 'c'])
          assert.equal(client.send({ topicName: `${topicName}/${each}`, payload: bytes(each) }).ok, true);
        await until('all have come', () => texts().length === 3);
        assert.deepEqual(texts(), ['a', 'b', 'c']);
      });

      it('a retained message comes to a later subscription, until it is emptied', async (t) => {
        const { client, arrived } = await open(t);
        const topicName = newTopic();
        await client.publish({ topicName, payload: bytes('kept'), qos: 1, retain: true });
        await client.subscribe(topicName, { qos: 1 });
        await until('it has come', () => arrived.length === 1);
        assert.deepEqual([arrived[0]?.retain, arrived[0]?.text], [true, 'kept']);
        await client.publish({ topicName, payload: bytes(''), qos: 1, retain: true });
        const { client: late, texts } = await open(t);
        await late.subscribe(topicName, { qos: 1 });
        await late.publish({ topicName, payload: bytes('live'), qos: 1 });
        await until('the live one has come', () => texts().length > 0);
        assert.deepEqual(texts(), ['live']);
      });

      it('a Will is published when its client is gone without a word', async (t) => {
        const { client, texts } = await open(t);
        const topicName = newTopic();
        await client.subscribe(topicName, { qos: 1 });
        const wire = await openCuttableWire(t, broker.url);
        const will = { topicName, payload: bytes('gone'), qos: 1 } as const;
        const gone = await connectMqtt(wire.url, { protocolVersion, clientId: newId(), will });
        wire.cut();
        await until('it has come', () => texts().includes('gone'));
        await gone.close();
      });

      it('a session goes on: what comes while its client is away', async (t) => {
        const clientId = newId();
        const session = { clientId, cleanStart: false, ...durable };
        const topicName = newTopic();
        const { client: first } = await open(t, session);
        await first.subscribe(topicName, { qos: 1 });
        await first.close();
        const { client } = await open(t);
        for (const each of ['1', '2', '3']) await client.publish({ topicName, payload: bytes(each), qos: 1 });
        const events: string[] = [];
        const { client: second, texts } = await open(t, {
          ...session,
          onEvent: (event) => {
            if (event.type === 'connected') events.push(`${event.type} ${event.isSessionPresent}`);
          },
        });
        await until('all have come', () => texts().length === 3);
        assert.deepEqual(texts(), ['1', '2', '3']);
        assert.deepEqual(events, protocolVersion === 3 ? ['connected false'] : ['connected true']);
        await second.unsubscribe(topicName);
      });

      it('what is not acknowledged by hand comes again', async (t) => {
        const session = { clientId: newId(), cleanStart: false, ...durable };
        const topicName = newTopic();
        const { client: first, texts: firstTexts } = await open(t, { ...session, acknowledgesByHand: true });
        await first.subscribe(topicName, { qos: 1 });
        const { client } = await open(t);
        await client.publish({ topicName, payload: bytes('x'), qos: 1 });
        await until('it has come', () => firstTexts().length === 1);
        await first.close();
        const { texts } = await open(t, session);
        await until('it has come again', () => texts().length === 1);
      });

      it('a receiver that stops is given the rest when it goes on', async (t) => {
        const { client, texts } = await open(t);
        const { client: sender } = await open(t);
        const topicName = newTopic();
        await client.subscribe(topicName, { qos: 1 });
        client.pause();
        const sent = Array.from({ length: 200 }, (_, index) => String(index));
        await Promise.all(sent.map((each) => sender.publish({ topicName, payload: bytes(each), qos: 1 })));
        assert.ok(texts().length < sent.length);
        client.resume();
        await until('all have come', () => texts().length === sent.length);
        assert.deepEqual(texts(), sent);
      });

      it('a filter may be shared', async (t) => {
        if (!hasSharedSubscriptions) return t.skip('this broker has none');
        const topicName = newTopic();
        const members = [await open(t), await open(t)];
        for (const { client } of members) await client.subscribe(`$share/group/${topicName}`, { qos: 1 });
        const { client } = await open(t);
        const sent = Array.from({ length: 20 }, (_, index) => String(index));
        for (const each of sent) await client.publish({ topicName, payload: bytes(each), qos: 1 });
        const all = (): string[] => members.flatMap(({ texts }) => texts());
        await until('all have come', () => all().length >= sent.length);
        assert.deepEqual(
          all().sort((a, b) => Number(a) - Number(b)),
          sent,
        );
      });

      it('properties keep their order', async (t) => {
        if (protocolVersion !== 5) return t.skip('there are none before MQTT 5');
        const found: unknown[] = [];
        const { client } = await open(t, { onMessage: ({ properties }) => found.push({ ...properties }) });
        const topicName = newTopic();
        await client.subscribe(topicName, { subscriptionIdentifier: 7 });
        const userProperties = [
          ['z', '1'],
          ['a', '2'],
          ['z', ''],
          ['1', '4'],
        ] as const;
        const properties = { contentType: 'text/plain', responseTopic: 'answers', userProperties };
        await client.publish({ topicName, payload: bytes('x'), properties });
        await until('it has come', () => found.length === 1);
        assert.deepEqual(found, [properties]);
      });

      it('a broker that goes and comes back finds the subscriptions, and what waited', async (t) => {
        const { restart } = broker;
        if (restart === undefined) return t.skip('this broker lives in the process of the test');
        const events: string[] = [];
        const { client, texts } = await open(t, {
          timeoutMs: 60_000,
          onEvent: ({ type }) => events.push(type),
        });
        const topicName = newTopic();
        await client.subscribe(topicName, { qos: 1 });
        const restarted = restart();
        await until('it is lost', () => events.includes('lost'));
        const late = client.publish({ topicName, payload: bytes('late'), qos: 1 });
        await restarted;
        await late;
        await until('it has come', () => texts().includes('late'));
        assert.equal(client.counters.reconnected, 1);
      });
    });
  }
}
