import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { connectMqtt } from '../../src/mqtt/index.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { until } from '../helpers/until.ts';

const LAST = '$SYS/broker/uptime';

/** What a broker tells below `$SYS`, by topic. */
async function readFigures(t: TestContext, url: string): Promise<Map<string, string>> {
  const figures = new Map<string, string>();
  const client = await connectMqtt(url, {
    onMessage: ({ topicName, payload }) => figures.set(topicName, payload.toString()),
  });
  t.after(() => client.close());
  // Loads are told from the second time on.
  await client.subscribe('$SYS/#');
  await until('it has told all', () => figures.has(LAST) && figures.has('$SYS/broker/load/sockets/15min'));
  return figures;
}

it('$SYS has all that Mosquitto tells there, in the same form', { skip: whyNoMosquitto() }, async (t) => {
  const theirs = new Mosquitto({ settings: ['allow_anonymous true', 'sys_interval 1'] });
  t.after(() => theirs.remove());
  await theirs.start();
  const ours = await openBrokerOnTcp({ sysTopicIntervalMs: 1000 });
  t.after(ours.close);
  const [expected, actual] = [await readFigures(t, theirs.url), await readFigures(t, ours.url)];
  assert.ok(expected.size > 40, 'Mosquitto tells next to nothing: the test says nothing either');
  const formOf = (text = 'missing'): string => text.replaceAll(/\d+/gu, '1');
  for (const [topic, value] of expected) {
    if (topic === '$SYS/broker/version') continue;
    assert.equal(formOf(actual.get(topic)), formOf(value), topic);
  }
});
