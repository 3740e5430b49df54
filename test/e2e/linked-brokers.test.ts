import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  connectMqtt,
  createAccessControl,
  type BrokerOptions,
  type ReceivedMessage,
} from '../../src/mqtt/index.ts';
import { openBrokerOnTcp, type BrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { readMarkdown } from '../helpers/markdown.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { passwordLines, TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { readText } from '../helpers/source-files.ts';
import { until } from '../helpers/until.ts';

const STATES = '$SYS/broker/connection/#';
const BLOCKS = readMarkdown(readText('docs/linked-brokers.md')).codeBlocks.map(({ lines }) => lines);
const [BRIDGE = [], RULES = []] = BLOCKS;

type Heard = { readonly texts: string[]; publish(text: string, retain?: boolean): Promise<void> };

/** Mosquitto, with the settings of the page and some more, beside a broker of this process. */
async function link(t: TestContext, ours: BrokerOnTcp, more: readonly string[]): Promise<Mosquitto> {
  const page = BRIDGE.map((line) => line.replace('recado.example.org:1883', `127.0.0.1:${ours.port}`));
  const settings = ['allow_anonymous true', ...page, 'restart_timeout 1', ...more];
  const mosquitto = new Mosquitto({ settings });
  t.after(() => mosquitto.remove());
  await mosquitto.start();
  return mosquitto;
}

async function open(t: TestContext, options: BrokerOptions = {}): Promise<BrokerOnTcp> {
  const ours = await openBrokerOnTcp({ sysTopicIntervalMs: 0, ...options });
  t.after(ours.close);
  return ours;
}

/** A client of either broker. */
async function listen(t: TestContext, url: string): Promise<Heard> {
  const texts: string[] = [];
  const client = await connectMqtt(url, {
    onMessage: ({ payload }: ReceivedMessage) => void texts.push(payload.toString()),
  });
  t.after(() => client.close());
  await client.subscribe('house/#', { qos: 1 });
  const publish = async (text: string, retain = false): Promise<void> => {
    await client.publish({ topicName: 'house/x', payload: Buffer.from(text), qos: 1, retain });
  };
  return { texts, publish };
}

/** Waits until the bridge has subscribed; a bridge tells its state before. */
function untilLinked({ broker }: BrokerOnTcp): Promise<unknown> {
  return until('the bridge subscribes', () =>
    [...broker.sessions()].some(
      ({ client, subscriptionCount }) => client.clientId.endsWith('.house-2') && subscriptionCount > 0,
    ),
  );
}

describe('a Mosquitto as a bridge', { skip: whyNoMosquitto() }, () => {
  for (const version of ['mqttv31', 'mqttv311', 'mqttv50']) {
    for (const more of [[], ['cleansession true'], ['notifications false'], ['try_private false']]) {
      it(`carries each message once, both ways: ${[version, ...more].join(', ')}`, async (t) => {
        const ours = await open(t);
        const theirs = await link(t, ours, [`bridge_protocol_version ${version}`, ...more]);
        await untilLinked(ours);
        const [here, there] = [await listen(t, ours.url), await listen(t, theirs.url)];
        await here.publish('from here');
        await there.publish('from there');
        await here.publish('last from here');
        await there.publish('last from there');
        const expected = ['from here', 'from there', 'last from here', 'last from there'];
        for (const { texts } of [here, there]) {
          await until('all have come', () => texts.length >= expected.length);
          assert.deepEqual(texts.toSorted(), expected);
        }
      });
    }
  }

  for (const more of [[], ['try_private false']]) {
    it(`keeps what is retained, both ways: ${more.join(', ')}`, async (t) => {
      const ours = await open(t);
      const theirs = await link(t, ours, more);
      await untilLinked(ours);
      const [here, there] = [await listen(t, ours.url), await listen(t, theirs.url)];
      for (const [from, to] of [
        [here, theirs],
        [there, ours],
      ] as const) {
        const text = `kept at ${to.url}`;
        await from.publish(text, true);
        await until('it has come', () => here.texts.includes(text) && there.texts.includes(text));
        const late = await listen(t, to.url);
        await until('it is kept', () => late.texts.includes(text));
      }
      assert.deepEqual([here.texts.length, there.texts.length], [2, 2]);
    });
  }

  it('gets what was published while the link was down, both ways, where its session is kept', async (t) => {
    const ours = await open(t);
    const theirs = await link(t, ours, ['cleansession false']);
    await untilLinked(ours);
    const [here, there] = [await listen(t, ours.url), await listen(t, theirs.url)];
    const bridge = [...ours.broker.sessions()].find(({ client }) => client.clientId.endsWith('.house-2'));
    ours.broker.disconnectClient(bridge?.client.clientId ?? '');
    await here.publish('from here');
    await there.publish('from there');
    for (const { texts } of [here, there]) {
      await until('all have come', () => texts.length >= 2);
      assert.deepEqual(texts.toSorted(), ['from here', 'from there']);
    }
  });

  it('gets what was published while it was away, where its session is to be kept', async (t) => {
    const ours = await open(t);
    const theirs = await link(t, ours, ['cleansession false']);
    await untilLinked(ours);
    await theirs.kill();
    await until('it is gone', () => [...ours.broker.sessions()].every(({ isConnected }) => !isConnected));
    const here = await listen(t, ours.url);
    await here.publish('while it was away', true);
    await theirs.start();
    const there = await listen(t, theirs.url);
    await until('it comes', () => there.texts.includes('while it was away'));
  });

  it('says whether it is there', async (t) => {
    const ours = await open(t);
    const states: string[] = [];
    ours.broker.subscribe(STATES, ({ payload }) => void states.push(Buffer.from(payload).toString()));
    const theirs = await link(t, ours, []);
    await until('it is there', () => states.at(-1) === '1');
    await theirs.kill();
    await until('it is gone', () => states.at(-1) === '0');
  });

  it('comes in with the rules of the page, and not without them', async (t) => {
    const folder = new TestFolder(t);
    const passwordFile = folder.write('users', await passwordLines({ 'house-2': 'secret' }));
    const last = RULES.findIndex((line) => line.startsWith('pattern'));
    for (const [rules, isWelcome] of [
      [RULES, true],
      [RULES.slice(0, last), false],
    ] as const) {
      const aclFile = folder.write('rules', `${rules.join('\n')}\n`);
      const access = await createAccessControl({ passwordFile, aclFile });
      const ours = await open(t, { hooks: [access.hooks] });
      await link(t, ours, []);
      if (isWelcome) await untilLinked(ours);
      else await until('it is refused', () => ours.broker.stats.connectsRefused > 0);
      assert.equal(ours.broker.counts.sessions, isWelcome ? 1 : 0);
    }
  });
});
