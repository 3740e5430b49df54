import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectBus } from '../../src/bus/client-bus.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { AnswerError, createRequester, createResponder, type Responder } from '../../src/rpc/index.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { until } from '../helpers/until.ts';
import { runWithInput as run } from '../helpers/run-with-input.ts';

const skip = whyNoMosquitto();
const VERSIONS = ['mqttv5', 'mqttv311', 'mqttv31'] as const;

describe('requests from the command line', { skip }, () => {
  let broker: Mosquitto;
  let bus: Bus;
  let responder: Responder;
  const ask = (...args: string[]): string[] => recadoWords('request', '-p', String(broker.port), ...args);
  const theirs = (...args: string[]): string[] => ['mosquitto_rr', '-p', String(broker.port), ...args];

  before(async () => {
    broker = await new Mosquitto().start();
    bus = await connectBus(broker.url);
    responder = createResponder(bus);
    const serve = responder.serve('echo', ({ payload }) => payload, { responseTopic: 'echo/response' });
    const refuse = responder.serve('empty', () => {
      throw new AnswerError('TANK_EMPTY', 'the tank is empty', { status: 409 });
    });
    await Promise.all([serve, refuse]);
    await bus.subscribe('silent', {}, () => {});
    await bus.subscribe('silent/requests/#', {}, () => {});
  });
  after(async () => {
    await responder.close();
    await bus.close();
    await broker.remove();
  });

  for (const version of VERSIONS) {
    for (const way of [
      [],
      ['--correlation', 'topic'],
      ['--correlation', 'envelope'],
      ['-e', 'echo/response'],
    ]) {
      it(`are answered over ${version} ${way.join(' ')}`, async () => {
        const { end, output, errors } = await run(ask('-V', version, ...way, 'echo', '{"olá": 1}'));
        const expected = way.includes('envelope') ? '{"olá":1}\n' : '{"olá": 1}\n';
        assert.deepEqual([end, output.toString(), errors], [0, expected, '']);
      });
    }
  }

  for (const version of ['mqttv5', 'mqttv311']) {
    it(`of mosquitto_rr are answered by recado/rpc over ${version}`, async () => {
      const topics = ['-t', 'echo', '-e', 'echo/response'];
      const { end, output } = await run(theirs('-V', version, ...topics, '-m', 'from them', '-W', '20'));
      assert.deepEqual([end, output.toString()], [0, 'from them\n']);
    });
  }

  it('are answered by a responder made of mosquitto_sub and mosquitto_pub, which know nothing of this', async (t) => {
    const start = (...words: string[]): ChildProgram => {
      const [name = '', ...args] = words;
      const program = new ChildProgram([name, '-p', String(broker.port), ...args], { name });
      t.after(() => program.stop());
      return program;
    };
    const listener = start('mosquitto_sub', '-t', 'shell/request');
    const speaker = start('mosquitto_pub', '-t', 'shell/response', '-l');
    void (async () => {
      for (let count = 0; count < 4; count++)
        speaker.say(`you said ${await listener.waitForLine(/./, { after: count })}`);
    })();
    const requester = createRequester(bus, { correlation: { responseTopic: 'shell/response' } });
    t.after(() => requester.close());
    await until('it has subscribed', () => broker.log.includes('shell/request (QoS 0)'));
    const questions = ['how are you', 'where are you', 'who are you'];
    const answers = await Promise.all(questions.map((each) => requester.request('shell/request', each)));
    assert.deepEqual(
      answers.map(({ payload }) => Buffer.from(payload).toString()),
      questions.map((each) => `you said ${each}`),
    );
    const { end, output } = await run(ask('shell/request', '-m', 'bye for now', '-e', 'shell/response'));
    assert.deepEqual([end, output.toString()], [0, 'you said bye for now\n']);
  });

  it('take their payload from anywhere, and every byte of the answer is printed', async () => {
    const bytes = randomBytes(100_000);
    const file = join(broker.folder, 'question');
    writeFileSync(file, bytes);
    for (const [words, input] of [
      [ask('-t', 'echo', '-f', file, '-N'), ''],
      [ask('echo', '-s', '-N'), bytes],
      [recadoWords('request', '-L', `${broker.url}/echo`, '-s', '-N'), bytes],
    ] as const) {
      const { end, output } = await run(words, input);
      assert.ok(end === 0 && bytes.equals(output), words.join(' '));
    }
    assert.equal((await run(ask('echo', '-n'))).output.toString(), '\n');
    assert.equal((await run(ask('echo'))).output.toString(), '\n');
  });

  it('go to the broker of RECADO_BROKER where no flag names one', async () => {
    const at = (url: string, ...args: string[]): string[] => [
      'env',
      `RECADO_BROKER=${url}`,
      ...recadoWords('request', 'echo', 'x', ...args),
    ];
    assert.equal((await run(at(broker.url))).output.toString(), 'x\n');
    assert.equal((await run(at('mqtt://127.0.0.1:9', '-p', String(broker.port)))).output.toString(), 'x\n');
    const { end, errors } = await run(at('somewhere'));
    assert.equal(end, 2);
    assert.match(errors, /RECADO_BROKER "somewhere" is no address/);
  });

  it('print answers in any form', async () => {
    const words = ['-V', '5', '-e', 'echo/response', 'echo', 'x'];
    assert.equal((await run(ask('-v', ...words))).output.toString(), 'echo/response x\n');
    assert.equal((await run(ask('-F', '%t %p %l', ...words))).output.toString(), 'echo/response x 1\n');
  });

  it('without an answer end with 27, without a responder at once with 1', async () => {
    const late = await run(ask('silent', '-W', '0.3'));
    assert.equal(late.end, 27);
    assert.equal(late.errors, 'recado: no answer to the request on silent came within 300 ms\n');
    const nobody = await run(ask('-V', '5', 'nobody/there', '-W', '20'));
    assert.equal(nobody.end, 1);
    assert.match(nobody.errors, /^recado: nobody subscribes to nobody\/there; .*\n$/);
  });

  it('whose answer is an error print it, and end with 1', async () => {
    const { end, output, errors } = await run(ask('empty'));
    assert.equal(end, 1);
    assert.match(output.toString(), /^\{"error":\{"code":"TANK_EMPTY"/);
    assert.equal(errors, 'recado: the answer is an error: the tank is empty (TANK_EMPTY, 409)\n');
  });

  it('end with the signal that ends them', async (t) => {
    const program = new ChildProgram(ask('-i', 'interrupted', 'silent'), { name: 'recado request' });
    t.after(() => program.stop());
    await until('it has asked', () => /Received PUBLISH from interrupted/.test(broker.log));
    program.signal('SIGINT');
    assert.equal(await program.exit(), 130);
  });

  it('with mistakes in the command line end with 2, without asking', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [ask(), /where to\? give a topic/],
      [ask('a/#'), /"a\/#" is not a topic/],
      [ask('a', '-e', '+'), /"\+" is not a topic/],
      [ask('a', 'x', '-m', 'y'), /only one of the payload, -m, -f, -s and -n/],
      [ask('a', '-W', '0'), /must be a number of seconds/],
      [ask('a', '-q', '3'), /must be 0, 1 or 2/],
      [ask('a', '--correlation', 'guess'), /It must be one of auto, mqtt5, topic, envelope/],
      [ask('a', '-f', 'nowhere'), /--file: nowhere does not exist/],
      [ask('a', '-F', '%k'), /"%k" is nothing that a format can hold/],
      [ask('a', '-D', 'publish', 'colour', 'red'), /there is no such property/],
    ];
    for (const [words, expected] of cases) {
      const { end, errors, output } = await run(words);
      assert.match(errors, expected);
      assert.deepEqual([end, output.length], [2, 0], errors);
    }
  });
});
