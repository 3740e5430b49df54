import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { ProtocolVersion, QoS } from '../../src/mqtt/codec/control-packet.ts';
import { until } from '../helpers/until.ts';
import { InteropBroker } from './interop/interop-broker.ts';
import type { InteropDriver, InteropListener, ListenOptions } from './interop/interop-driver.ts';
import { mosquittoDriver } from './interop/mosquitto-driver.ts';
import { connectMqttJs, mqttJsDriver, mqttJsOptions } from './interop/mqtt-js-driver.ts';
import { pahoDriver } from './interop/paho-driver.ts';

const DRIVERS: readonly InteropDriver[] = [mqttJsDriver, mosquittoDriver, pahoDriver];
const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];
const VERSION_NAMES = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const;
const ALL_QOS: readonly QoS[] = [0, 1, 2];
const MEBIBYTE = 1024 * 1024;

/** Within the 23 characters that MQTT 3.1 allows. */
const newId = (): string => `c-${randomUUID().slice(0, 8)}`;
const newTopic = (): string => `interop/${randomUUID()}`;
const texts = ({ messages }: InteropListener): string[] => messages.map(({ payload }) => payload.toString());

async function untilTexts(listener: InteropListener, expected: readonly string[]): Promise<void> {
  await until(
    `the messages ${expected.join(', ').slice(0, 200)}`,
    () => listener.messages.length >= expected.length,
  );
  assert.deepEqual(texts(listener), expected);
}

describe('programs that others wrote', () => {
  let rig: InteropBroker;
  before(async () => {
    rig = await new InteropBroker().start();
  });
  after(() => rig.stop());

  for (const driver of DRIVERS) {
    for (const version of VERSIONS) {
      describe(`${driver.name}, MQTT ${VERSION_NAMES[version]}`, { skip: driver.skip }, () => {
        behavesOver(() => rig, driver, version);
      });
    }
  }

  for (const publisher of DRIVERS) {
    for (const subscriber of DRIVERS) {
      const skip = publisher.skip || subscriber.skip;
      it(`from ${publisher.name} to ${subscriber.name}, each version to each`, { skip }, async (t) => {
        for (const version of VERSIONS) {
          const topic = newTopic();
          const options = { version, clientId: newId(), topicFilter: topic, qos: 2 } as const;
          const listener = await subscriber.listen(rig, options);
          t.after(() => listener.breakOff());
          for (const from of VERSIONS)
            await publisher.publish(rig, { version: from, topic, payload: `from ${from}`, qos: 2 });
          await untilTexts(
            listener,
            VERSIONS.map((from) => `from ${from}`),
          );
        }
      });
    }
  }
});

/** What every client is held against, over every version. */
function behavesOver(getRig: () => InteropBroker, driver: InteropDriver, version: ProtocolVersion): void {
  const usesReasonCodes = version === 5 && driver.usesReasonCodes;
  const publish = (
    topic: string,
    payload: string | Uint8Array,
    qos: QoS = 1,
    retain = false,
  ): Promise<void> => driver.publish(getRig(), { version, topic, payload, qos, retain });

  async function listen(
    t: TestContext,
    topicFilter: string,
    options: Partial<ListenOptions> = {},
  ): Promise<InteropListener> {
    const defaults = { version, clientId: newId(), qos: 2 } as const;
    const listener = await driver.listen(getRig(), { ...defaults, ...options, topicFilter });
    t.after(() => listener.breakOff());
    return listener;
  }

  for (const qos of ALL_QOS) {
    it(`a message arrives at QoS ${qos}`, async (t) => {
      const topic = newTopic();
      const listener = await listen(t, topic, { qos });
      await publish(topic, 'olá', qos);
      await untilTexts(listener, ['olá']);
      const [message] = listener.messages;
      assert.deepEqual([message?.topic, message?.qos, message?.retain], [topic, qos, false]);
    });
  }

  it('a message has at most the QoS of the subscription', async (t) => {
    const topic = newTopic();
    const listener = await listen(t, topic, { qos: 0 });
    await publish(topic, 'x', 2);
    await untilTexts(listener, ['x']);
    assert.equal(listener.messages[0]?.qos, 0);
  });

  it('a topic may be of any characters, and is matched by wildcards', async (t) => {
    const root = newTopic();
    const listener = await listen(t, `${root}/+/température/#`);
    await publish(`${root}/日本/température/😀/ ça va`, 'x');
    await publish(`${root}/日本/temperature/y`, 'other');
    await publish(`${root}//température`, 'y');
    await untilTexts(listener, ['x', 'y']);
    assert.equal(listener.messages[0]?.topic, `${root}/日本/température/😀/ ça va`);
  });

  it('a retained message comes first, with RETAIN, until it is cleared', async (t) => {
    const topic = newTopic();
    await publish(topic, 'kept', 1, true);
    const listener = await listen(t, topic);
    await untilTexts(listener, ['kept']);
    await publish(topic, 'live', 1, true);
    await untilTexts(listener, ['kept', 'live']);
    assert.deepEqual(
      listener.messages.map(({ retain }) => retain),
      [true, false],
    );
    await publish(topic, '', 1, true);
    const late = await listen(t, topic);
    await publish(topic, 'after', 1);
    await untilTexts(late, ['after']);
  });

  it('a Will is published when its client is gone without a word, or asks for it', async (t) => {
    const topic = newTopic();
    const watcher = await listen(t, `${topic}/#`);
    const leaving = await listen(t, 'x', { will: { topic: `${topic}/left`, payload: 'left', qos: 1 } });
    await leaving.leave();
    const lost = await listen(t, 'x', { will: { topic: `${topic}/lost`, payload: 'fim', qos: 1 } });
    await lost.breakOff();
    await untilTexts(watcher, usesReasonCodes ? ['left', 'fim'] : ['fim']);
    assert.equal(watcher.messages.at(-1)?.topic, `${topic}/lost`);
  });

  it('a session keeps what comes while its client is away', async (t) => {
    const topic = newTopic();
    const clientId = newId();
    const first = await listen(t, topic, { clientId, isDurable: true });
    await first.leave();
    await getRig().untilGone(clientId);
    const expected = ALL_QOS.slice(1).map((qos) => `away ${qos}`);
    for (const qos of ALL_QOS.slice(1)) await publish(topic, `away ${qos}`, qos);
    const second = await listen(t, topic, { clientId, isDurable: true });
    await untilTexts(second, expected);
    assert.deepEqual(
      second.messages.map(({ qos }) => qos),
      [1, 2],
    );
    await second.breakOff();
    await getRig().untilGone(clientId);
    await publish(topic, 'lost', 1);
    await untilTexts(await listen(t, topic, { clientId, isDurable: true }), ['lost']);
  });

  it('a Shared Subscription gives each message to one of its clients', async (t) => {
    const topic = newTopic();
    const listeners: InteropListener[] = [];
    for (let count = 0; count < 3; count++) listeners.push(await listen(t, `$share/group/${topic}`));
    const sent = Array.from({ length: 30 }, (_, index) => String(index));
    await driver.publishLines(getRig(), { version, topic, qos: 1 }, sent);
    const arrived = (): string[] => listeners.flatMap(texts);
    await until('all messages', () => arrived().length >= sent.length);
    assert.deepEqual(
      arrived().sort((one, other) => Number(one) - Number(other)),
      sent,
    );
    for (const listener of listeners) assert.ok(listener.messages.length > 0);
  });

  it('a payload of a mebibyte keeps each byte', async (t) => {
    const topic = newTopic();
    const payload = randomBytes(MEBIBYTE);
    const listener = await listen(t, topic);
    await publish(topic, payload, 2);
    await until('the message', () => listener.messages.length > 0, 20_000);
    assert.ok(payload.equals(listener.messages[0]!.payload));
  });

  for (const qos of ALL_QOS) {
    it(`1000 messages come once, and in their order, at QoS ${qos}`, async (t) => {
      const topic = newTopic();
      const listener = await listen(t, topic, { qos });
      const sent = Array.from({ length: 1000 }, (_, index) => `message ${index}`);
      await driver.publishLines(getRig(), { version, topic, qos }, sent);
      await untilTexts(listener, sent);
    });
  }

  it('a client whose id is taken over finds its session again', async (t) => {
    const topic = newTopic();
    const clientId = newId();
    const first = await listen(t, topic, { clientId, isDurable: true });
    const before = getRig().connects.get(clientId) ?? 0;
    const session = version === 5 ? { properties: { sessionExpiryInterval: 1000 } } : {};
    const thief = await connectMqttJs(getRig().port, {
      ...mqttJsOptions(version),
      clientId,
      clean: false,
      ...session,
    });
    thief.on('error', () => {}); // It is pushed out in its turn.
    // One that is not told why it lost its connection comes back by itself.
    if (!usesReasonCodes) await getRig().untilConnects(clientId, before + 2);
    await thief.endAsync(true);
    const owner = usesReasonCodes ? await listen(t, topic, { clientId, isDurable: true }) : first;
    await publish(topic, 'back', 1);
    await until('it is back', () => texts(owner).includes('back'));
  });
}
