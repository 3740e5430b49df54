import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectMqtt } from '../../src/mqtt/index.ts';
import { MAX_UINT_32, type QoS } from '../../src/mqtt/codec/control-packet.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { runWithInput as run } from '../helpers/run-with-input.ts';
import { until } from '../helpers/until.ts';

const BROKERS = {
  'our broker': { skip: false as string | false, start: () => openBrokerOnTcp() },
  Mosquitto: {
    skip: whyNoMosquitto(),
    start: async () => {
      const mosquitto = await new Mosquitto().start();
      return { port: mosquitto.port, url: mosquitto.url, close: () => mosquitto.remove() };
    },
  },
};
const VERSIONS = { 5: '5', 4: '311' } as const;
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

for (const [name, { skip, start }] of Object.entries(BROKERS)) {
  describe(`what recado sub has not printed, ${name} still has`, { skip }, () => {
    let broker: { readonly port: number; readonly url: string; close(): Promise<unknown> };
    let lastId = 0;
    before(async () => void (broker = await start()));
    after(() => broker.close());

    /** A session with `count` messages that wait in it. */
    async function queue(count: number, qos: QoS): Promise<{ id: string; topic: string }> {
      const id = `queue-${++lastId}`;
      const topic = `queues/${lastId}`;
      const owner = await connectMqtt(broker.url, { clientId: id, sessionExpiryInterval: MAX_UINT_32 });
      await owner.subscribe(topic, { qos: 2 });
      await owner.close();
      const publisher = await connectMqtt(broker.url, { maxInflight: 10 });
      const sent = numbers(count).map((text) =>
        publisher.publish({ topicName: topic, qos, payload: Buffer.from(text) }),
      );
      await Promise.all(sent);
      await publisher.close();
      return { id, topic };
    }

    /** What is left in a session: everything up to a last message that is sent now. */
    async function rest({ id, topic }: { id: string; topic: string }): Promise<string[]> {
      const got: string[] = [];
      const session = { clientId: id, cleanStart: false, sessionExpiryInterval: MAX_UINT_32 };
      const onMessage = ({ payload }: { payload: Buffer }): void => void got.push(payload.toString());
      const reader = await connectMqtt(broker.url, { ...session, onMessage });
      await reader.publish({ topicName: topic, qos: 1, payload: Buffer.from('end') });
      await until('all of it has come', () => got.includes('end'));
      await reader.close();
      return got.filter((text) => text !== 'end');
    }

    const sub = (version: string, { id, topic }: { id: string; topic: string }): string[] =>
      recadoWords('sub', '-p', String(broker.port), '-V', version, '-t', topic, '-q', '2', '-c', '-i', id);

    for (const [version, flag] of Object.entries(VERSIONS)) {
      for (const qos of [1, 2] as const) {
        it(`-C takes as many as it prints: MQTT ${version}, QoS ${qos}`, async () => {
          const waiting = await queue(5, qos);
          const printed: string[] = [];
          for (const count of ['1', '2']) {
            const { output, end } = await run([...sub(flag, waiting), '-C', count, '-W', '20']);
            assert.equal(end, 0);
            printed.push(...output.toString().split('\n').slice(0, -1));
          }
          assert.deepEqual(printed, ['0', '1', '2']);
          assert.deepEqual(await rest(waiting), ['3', '4']);
        });

        it(`a reader that ends after a line does not take all: MQTT ${version}, QoS ${qos}`, async () => {
          const waiting = await queue(400, qos);
          const line = [...sub(flag, waiting), '-W', '20'].map((word) => `'${word}'`).join(' ');
          const { output } = await run(['bash', '-c', `${line} | head -n 1`]);
          assert.equal(output.toString(), '0\n');
          assert.ok((await rest(waiting)).includes('399'));
        });
      }

      for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
        it(`${signal} leaves what it has not printed: MQTT ${version}`, async () => {
          const waiting = await queue(300, 1);
          const program = new ChildProgram(sub(flag, waiting), { name: 'recado sub' });
          await program.waitForLine('0');
          program.signal(signal);
          await program.exit();
          const left = await rest(waiting);
          const seen = new Set([...program.lines, ...left]);
          assert.deepEqual(
            numbers(300).filter((text) => !seen.has(text)),
            [],
          );
        });
      }
    }

    it('-R and -T leave out, and do not leave behind', async () => {
      const waiting = await queue(3, 1);
      const last = `${waiting.topic}/last`;
      const publisher = await connectMqtt(broker.url);
      await publisher.publish({ topicName: last, qos: 1, retain: true, payload: Buffer.from('last') });
      await publisher.close();
      // What is retained comes after what waits in the session.
      const left = await run([...sub('5', waiting), '-t', last, '-T', waiting.topic, '-C', '1']);
      assert.deepEqual([left.end, left.output.toString()], [0, 'last\n']);
      assert.deepEqual(await rest(waiting), []);
    });

    it('recado request takes nothing of a session but its answer', async () => {
      const waiting = await queue(3, 1);
      const words = ['request', '-p', String(broker.port), '-c', '-i', waiting.id, '-W', '0.5'];
      assert.equal(
        (await run(recadoWords(...words, '-q', '0', '--correlation', 'topic', 'nobody', 'x'))).end,
        27,
      );
      assert.deepEqual(await rest(waiting), numbers(3));
    });
  });
}

it('a worker of a shared subscription with -C leaves the rest to the others', async (t) => {
  const broker = await openBrokerOnTcp();
  t.after(() => broker.close());
  const got: string[] = [];
  const filter = '$share/workers/jobs';
  const words = recadoWords('sub', '-p', String(broker.port), '-t', filter, '-q', '1', '-C', '1');
  const worker = new ChildProgram(words, { name: 'the worker' });
  await until('it has subscribed', () => broker.broker.counts.subscriptions === 1);
  const onMessage = ({ payload }: { payload: Buffer }): void => void got.push(payload.toString());
  const other = await connectMqtt(broker.url, { onMessage });
  await other.subscribe(filter, { qos: 1 });
  const jobs = numbers(40).map((text) =>
    other.publish({ topicName: 'jobs', qos: 1, payload: Buffer.from(text) }),
  );
  await Promise.all(jobs);
  assert.equal(await worker.exit(), 0);
  await until('every job was taken', () => got.length + worker.lines.length >= 40);
  assert.deepEqual(
    [...got, ...worker.lines].toSorted((a, b) => Number(a) - Number(b)),
    numbers(40),
  );
  await other.close();
});
