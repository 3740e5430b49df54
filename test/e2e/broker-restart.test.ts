import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { subscribePacket, type Packet } from '../helpers/mqtt-wire-client.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';

const QOS = [0, 1, 2] as const;
const PROPERTIES = {
  payloadFormatIndicator: 1,
  contentType: 'plain/text',
  responseTopic: '/dev/null',
  correlationData: Uint8Array.of(2, 3, 5),
  userProperties: [
    ['name', 'value4'],
    ['name', 'value1'],
  ] as [string, string][],
} as const;

/** What is prepared with one hub, and held against the next one over the same folder, and the one after that. */
abstract class Scenario {
  readonly hub: LastingHub;
  readonly version: ProtocolVersion;

  constructor(hub: LastingHub, version: ProtocolVersion) {
    this.hub = hub;
    this.version = version;
  }

  abstract prepare(): Promise<void>;
  abstract check(): Promise<void>;
  /** After one more restart: what was done with is done with. */
  async checkAgain(): Promise<void> {}

  /** @param isKept - whether its session must have been there; MQTT 3.1 does not say it */
  protected async come(clientId: string, isKept?: boolean): Promise<TcpWireClient> {
    const client = new TcpWireClient(this.hub.mqttPort, this.version);
    const { sessionPresent } = await client.connect(clientId);
    if (isKept !== undefined && this.version !== 3) assert.equal(sessionPresent, isKept, clientId);
    return client;
  }

  /** A client without a session. */
  protected async helper(): Promise<TcpWireClient> {
    const client = new TcpWireClient(this.hub.mqttPort, this.version);
    await client.connect(`helper-${Math.random()}`, { cleanStart: true, properties: {} });
    return client;
  }

  /** Publishes to a topic, and waits until the exchange is over. */
  protected async publish(
    topicName: string,
    payload: string,
    fields: Partial<Packet<'publish'>>,
  ): Promise<void> {
    const helper = await this.helper();
    const { qos = 1 } = fields;
    helper.publish(topicName, payload, { ...fields, qos, packetId: qos === 0 ? 0 : 1 });
    if (qos === 1) await helper.expect('puback');
    if (qos === 2) {
      await helper.expect('pubrec');
      helper.acknowledge('pubrel', 1);
      await helper.expect('pubcomp');
    }
    await expectNothing(helper);
    helper.destroy();
  }
}

/** What it was sent before is answered. */
async function expectNothing(client: TcpWireClient): Promise<void> {
  client.send({ type: 'pingreq' });
  await client.expect('pingresp');
}

function textOf({ payload }: Packet<'publish'>): string {
  return Buffer.from(payload).toString();
}

/** So many messages, each acknowledged to its end. */
async function take(client: TcpWireClient, count: number): Promise<Packet<'publish'>[]> {
  const messages: Packet<'publish'>[] = [];
  let unreleased = 0;
  while (messages.length < count || unreleased > 0) {
    const packet = await client.next();
    if (packet?.type === 'pubrel') {
      client.acknowledge('pubcomp', packet.packetId);
      unreleased--;
      continue;
    }
    assert.equal(packet?.type, 'publish');
    if (packet.qos > 0) client.acknowledge(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId);
    if (packet.qos === 2) unreleased++;
    messages.push(packet);
  }
  await expectNothing(client);
  return messages;
}

class Subscriptions extends Scenario {
  override async prepare(): Promise<void> {
    const client = await this.come('subscriptions');
    for (const qos of QOS) {
      const identifier = this.version === 5 ? { subscriptionIdentifier: 100 + qos } : {};
      client.send(subscribePacket([`subscription/${qos}`], { qos, ...identifier }));
      await client.expect('suback');
    }
    client.destroy();
  }

  override async check(): Promise<void> {
    const client = await this.come('subscriptions', true);
    await this.#expectMessages(client, [0, 1, 2]);
    client.send({ type: 'unsubscribe', packetId: 2, properties: {}, topicFilters: ['subscription/2'] });
    await client.expect('unsuback');
    await this.#expectMessages(client, [0, 1]);
    client.destroy();
  }

  override async checkAgain(): Promise<void> {
    const client = await this.come('subscriptions', true);
    await this.#expectMessages(client, [0, 1]);
    client.destroy();
  }

  async #expectMessages(client: TcpWireClient, levels: readonly number[]): Promise<void> {
    for (const qos of QOS) {
      // At QoS 2: what comes is at the QoS of the subscription.
      await this.publish(`subscription/${qos}`, 'message', { qos: 2 });
      if (!levels.includes(qos)) continue;
      const [message] = await take(client, 1);
      assert.deepEqual([message?.topicName, message?.qos], [`subscription/${qos}`, qos]);
      if (this.version === 5) assert.deepEqual(message?.properties, { subscriptionIdentifiers: [100 + qos] });
    }
    await expectNothing(client);
  }
}

class MessagesIn extends Scenario {
  override async prepare(): Promise<void> {
    const client = await this.come('in');
    const subscriber = await this.come('in-subscriber');
    await subscriber.subscribe('in/#', 2);
    subscriber.destroy();
    for (const packetId of [1, 2]) {
      client.publish('in/2', `message${packetId}`, { qos: 2, packetId });
      await client.expect('pubrec');
    }
    client.destroy();
  }

  override async check(): Promise<void> {
    const client = await this.come('in', true);
    client.publish('in/2', 'message1', { qos: 2, packetId: 1, dup: true });
    await client.expect('pubrec');
    for (const packetId of [1, 2]) {
      client.acknowledge('pubrel', packetId);
      await client.expect('pubcomp');
    }
    client.destroy();
    const subscriber = await this.come('in-subscriber', true);
    assert.deepEqual((await take(subscriber, 2)).map(textOf), ['message1', 'message2']);
    subscriber.destroy();
  }

  /** Its Packet Identifiers are free. */
  override async checkAgain(): Promise<void> {
    const client = await this.come('in', true);
    client.publish('in/2', 'message3', { qos: 2, packetId: 1 });
    await client.expect('pubrec');
    client.destroy();
    const subscriber = await this.come('in-subscriber', true);
    assert.deepEqual((await take(subscriber, 1)).map(textOf), ['message3']);
    subscriber.destroy();
  }
}

class MessagesOut extends Scenario {
  #packetIds: number[] = [];

  /** Five of six were sent: of QoS 1, of QoS 2, one that was received, one that was completed; one waits in the queue. */
  override async prepare(): Promise<void> {
    const client = await this.come('out');
    await client.subscribe('out/#', 2);
    for (const [index, qos] of ([1, 2, 2, 1] as const).entries()) {
      await this.publish('out/x', `message${index}`, { qos });
      this.#packetIds.push((await client.expect('publish')).packetId);
    }
    client.acknowledge('pubrec', this.#packetIds[2]!);
    await client.expect('pubrel');
    client.acknowledge('puback', this.#packetIds[3]!);
    await expectNothing(client);
    client.destroy();
    await this.publish('out/x', 'queued', { qos: 1 });
  }

  override async check(): Promise<void> {
    const client = await this.come('out', true);
    const [first, second, third] = this.#packetIds;
    const came = [];
    for (let count = 0; count < 4; count++) {
      const packet = await client.next();
      if (packet?.type === 'publish') came.push([textOf(packet), packet.dup, packet.packetId]);
      else assert.deepEqual([packet?.type, packet?.type === 'pubrel' && packet.packetId], ['pubrel', third]);
    }
    const [queued] = came.slice(-1);
    assert.deepEqual(came, [
      ['message0', true, first],
      ['message1', true, second],
      ['queued', false, queued?.[2]],
    ]);
    client.acknowledge('puback', first!);
    client.acknowledge('pubrec', second!);
    await client.expect('pubrel');
    for (const packetId of [second!, third!]) client.acknowledge('pubcomp', packetId);
    client.acknowledge('puback', Number(queued?.[2]));
    await expectNothing(client);
    client.destroy();
  }

  override async checkAgain(): Promise<void> {
    const client = await this.come('out', true);
    await expectNothing(client);
    client.destroy();
  }
}

class Queue extends Scenario {
  override async prepare(): Promise<void> {
    const client = await this.come('queue');
    await client.subscribe('queue', 2);
    client.destroy();
    for (let number = 0; number < 30; number++)
      await this.publish('queue', `message${number}`, {
        qos: number % 2 === 0 ? 1 : 2,
        properties: this.#properties,
      });
  }

  override async check(): Promise<void> {
    const client = await this.come('queue', true);
    for (const [number, message] of (await take(client, 30)).entries()) {
      assert.deepEqual([textOf(message), message.qos], [`message${number}`, number % 2 === 0 ? 1 : 2]);
      if (this.version === 5) expectRest(message.properties);
    }
    client.destroy();
  }

  override async checkAgain(): Promise<void> {
    const client = await this.come('queue', true);
    await expectNothing(client);
    client.destroy();
  }

  get #properties(): Packet<'publish'>['properties'] {
    return this.version === 5 ? { ...PROPERTIES, messageExpiryInterval: 3600 } : {};
  }
}

/** The hub was away for more than a second since. */
function expectRest(properties: Packet<'publish'>['properties'] | undefined): void {
  const { messageExpiryInterval = 0, ...others } = properties ?? {};
  assert.deepEqual({ ...others }, PROPERTIES);
  assert.ok(
    messageExpiryInterval >= 3000 && messageExpiryInterval < 3600,
    `${messageExpiryInterval} s are left`,
  );
}

class Retained extends Scenario {
  override async prepare(): Promise<void> {
    const properties = this.version === 5 ? { ...PROPERTIES, messageExpiryInterval: 3600 } : {};
    for (const qos of QOS) {
      await this.publish(`retained/${qos}`, 'the first', { qos, retain: true });
      await this.publish(`retained/${qos}`, `kept ${qos}`, { qos, retain: true, properties });
    }
    await this.publish('retained/cleared', 'kept', { qos: 1, retain: true });
    await this.publish('retained/cleared', '', { qos: 1, retain: true });
  }

  override async check(): Promise<void> {
    const client = await this.helper();
    await client.subscribe('retained/#', 2);
    const messages = await take(client, QOS.length);
    const found = new Map(messages.map((message) => [message.topicName, message]));
    client.destroy();
    for (const qos of QOS) {
      const message = found.get(`retained/${qos}`)!;
      assert.deepEqual([textOf(message), message.qos, message.retain], [`kept ${qos}`, qos, true]);
      if (this.version === 5) expectRest(message.properties);
    }
    await this.publish('retained/0', '', { qos: 0, retain: true });
    await this.publish('retained/1', '', { qos: 1, retain: true });
  }

  override async checkAgain(): Promise<void> {
    const client = await this.helper();
    await client.subscribe('retained/#', 2);
    assert.deepEqual(
      (await take(client, 1)).map(({ topicName }) => topicName),
      ['retained/2'],
    );
    client.destroy();
  }
}

class EndedSessions extends Scenario {
  override async prepare(): Promise<void> {
    const clean = new TcpWireClient(this.hub.mqttPort, this.version);
    await clean.connect('clean', { cleanStart: true, properties: {} });
    await clean.subscribe('ended', 2);
    const former = await this.come('former');
    await former.subscribe('ended', 2);
    former.destroy();
    const anew = new TcpWireClient(this.hub.mqttPort, this.version);
    await anew.connect('former', { cleanStart: true, properties: {} });
    await this.publish('ended', 'lost', { qos: 1 });
    assert.equal(textOf(await clean.expect('publish')), 'lost');
    await expectNothing(anew);
    for (const client of [clean, anew]) client.destroy();
  }

  override async check(): Promise<void> {
    for (const clientId of ['clean', 'former']) {
      const client = await this.come(clientId, false);
      await this.publish('ended', 'to nobody', { qos: 1 });
      await expectNothing(client);
      client.destroy();
    }
  }
}

const SCENARIOS = [Subscriptions, MessagesIn, MessagesOut, Queue, Retained, EndedSessions];

describe('a broker that is told to end, and starts again on the same folder', () => {
  for (const version of [3, 4, 5] as const) {
    it(`has everything as it was, and so a second time, with clients of version ${version}`, async (t) => {
      const hub = await LastingHub.start(t);
      const scenarios = SCENARIOS.map((Each) => new Each(hub, version));
      for (const scenario of scenarios) await scenario.prepare();
      await sleep(1100); // Expiry counts seconds.
      await hub.restart('SIGTERM');
      for (const scenario of scenarios) await scenario.check();
      await hub.restart('SIGTERM');
      for (const scenario of scenarios) await scenario.checkAgain();
    });
  }
});
