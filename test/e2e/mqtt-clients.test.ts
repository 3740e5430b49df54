import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ChildProgram } from '../helpers/child-program.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { ScriptedBroker, welcome } from '../helpers/scripted-broker.ts';
import { until } from '../helpers/until.ts';
import { runWithInput as run, type End } from '../helpers/run-with-input.ts';

const skip = whyNoMosquitto();

/** Who waits for a subscription asks the broker's log: nothing else tells when it stands. */
const SUBSCRIBED = /Sending SUBACK/g;

describe('recado pub and recado sub', { skip }, () => {
  let broker: Mosquitto;
  const pub = (...args: string[]): string[] => recadoWords('pub', '-p', String(broker.port), ...args);
  const sub = (...args: string[]): string[] => recadoWords('sub', '-p', String(broker.port), ...args);
  const theirPub = (...args: string[]): string[] => ['mosquitto_pub', '-p', String(broker.port), ...args];
  const theirSub = (...args: string[]): string[] => ['mosquitto_sub', '-p', String(broker.port), ...args];

  before(async () => {
    broker = await new Mosquitto().start();
  });
  after(() => broker.remove());

  const subacks = (): number => broker.log.match(SUBSCRIBED)?.length ?? 0;

  /** Starts a subscriber; when this resolves it has subscribed. */
  async function subscribed(words: readonly string[], subscriptions = 1): Promise<{ ended: Promise<End> }> {
    const expected = subacks() + subscriptions;
    const ended = run(words);
    await until('it has subscribed', () => subacks() >= expected);
    return { ended };
  }

  async function expectSent(words: readonly string[], input?: Uint8Array | string): Promise<void> {
    const { end, errors } = await run(words, input);
    assert.deepEqual({ end, errors }, { end: 0, errors: '' });
  }

  const VERSIONS = ['mqttv5', 'mqttv311', 'mqttv31'] as const;
  for (const version of VERSIONS) {
    it(`a message goes from each to each over ${version}`, async () => {
      for (const [index, publish] of [pub, theirPub].entries()) {
        const topic = `between/${version}/${index}`;
        const flags = ['-V', version, '-q', '2', '-t', topic];
        const listeners = [
          await subscribed(sub(...flags, '-v', '-C', '1')),
          await subscribed(theirSub(...flags, '-v', '-C', '1')),
        ];
        await expectSent(publish(...flags, '-m', 'olá'));
        for (const { ended } of listeners) {
          const { end, output, errors } = await ended;
          assert.deepEqual([end, output.toString(), errors], [0, `${topic} olá\n`, '']);
        }
      }
    });
  }

  it('payloads of any bytes and size keep each byte, from a file and from the standard input', async () => {
    const bytes = randomBytes(1024 * 1024);
    const file = join(broker.folder, 'payload');
    writeFileSync(file, bytes);
    for (const [words, input] of [
      [pub('-q', '1', '-t', 'bytes', '-f', file), ''],
      [pub('-q', '0', '-t', 'bytes', '-s'), bytes],
    ] as const) {
      const listeners = [
        await subscribed(sub('-t', 'bytes', '-C', '1', '-N')),
        await subscribed(theirSub('-t', 'bytes', '-C', '1', '-N')),
      ];
      await expectSent(words, input);
      for (const { ended } of listeners) assert.ok(bytes.equals((await ended).output));
    }
  });

  it('-l sends each line, also an empty one and one without an end, in order', async () => {
    // Mosquitto queues no more than 1,000 for a subscriber that is slower than the publisher.
    const lines = [...Array.from({ length: 900 }, (_, index) => `line ${index}`), '', 'the last'];
    for (const publish of [pub, theirPub]) {
      const { ended } = await subscribed(sub('-t', 'lines', '-q', '1', '-C', String(lines.length)));
      await expectSent(publish('-t', 'lines', '-q', '1', '-l'), lines.join('\n'));
      assert.deepEqual((await ended).output.toString().split('\n'), [...lines, '']);
    }
  });

  it('-r is kept, -n empties it, -R and --retained-only tell it from the rest', async () => {
    await expectSent(pub('-t', 'kept/a', '-m', 'old', '-r', '-q', '1'));
    const without = await subscribed(sub('-t', 'kept/#', '-R', '-C', '1'));
    const only = await subscribed(sub('-t', 'kept/#', '--retained-only', '-F', '%t %p %r'));
    await expectSent(pub('-t', 'kept/a', '-m', 'new'));
    assert.equal((await without.ended).output.toString(), 'new\n');
    assert.equal((await only.ended).output.toString(), 'kept/a old 1\n');
    await expectSent(pub('-t', 'kept/a', '-n', '-r', '-q', '1'));
    const gone = await run(sub('-t', 'kept/#', '-W', '1'));
    assert.deepEqual([gone.end, gone.output.toString()], [27, '']);
  });

  it('-t may be given many times, and -T leaves topics out', async () => {
    const words = ['-t', 'many/a', '-t', 'many/b/#', '-T', 'many/b/secret', '-v', '-C', '2'];
    const { ended } = await subscribed(sub(...words), 2);
    for (const topic of ['many/b/secret', 'many/c', 'many/b/x', 'many/a'])
      await expectSent(pub('-t', topic, '-m', '1'));
    assert.equal((await ended).output.toString(), 'many/b/x 1\nmany/a 1\n');
  });

  it('a message that fits two filters is printed as often as mosquitto_sub prints it', async () => {
    for (const version of ['mqttv5', 'mqttv311']) {
      const flags = [
        '-V',
        version,
        '-t',
        'twice/#',
        '-t',
        'twice/+',
        '-T',
        'twice/end',
        '-W',
        '20',
        '-C',
        '3',
      ];
      const [ourId, theirId] = [`ours-${version}`, `theirs-${version}`];
      const listeners = [run(sub('-i', ourId, ...flags)), run(theirSub('-i', theirId, ...flags))];
      const granted = (id: string): number => broker.log.split(`Sending SUBACK to ${id}`).length - 1;
      // Theirs is one SUBSCRIBE for both filters.
      await until('both have subscribed', () => granted(ourId) === 2 && granted(theirId) === 1);
      for (const text of ['a', 'b', 'c']) await expectSent(pub('-t', 'twice/x', '-m', text));
      const [ours, theirs] = await Promise.all(listeners);
      assert.equal(ours?.errors, '');
      assert.equal(ours?.output.toString(), theirs?.output.toString());
    }
  });

  it('properties of MQTT 5 go from each to each', async () => {
    const properties = [
      ['content-type', 'text/plain'],
      ['response-topic', 'answers/1'],
      ['correlation-data', 'c-1'],
      ['message-expiry-interval', '600'],
      ['payload-format-indicator', '1'],
      ['user-property', 'b', '1'],
      ['user-property', 'a', '-2'],
    ].flatMap((words) => ['-D', 'publish', ...words]);
    const format = '%C|%R|%D|%F|%P|%t|%p|%q|%r|%l|%x|%X|%%|\\t';
    for (const publish of [pub, theirPub]) {
      const listeners = [
        await subscribed(sub('-V', '5', '-t', 'props', '-C', '1', '-F', format)),
        await subscribed(theirSub('-V', '5', '-t', 'props', '-C', '1', '-F', format)),
      ];
      await expectSent(publish('-V', '5', '-t', 'props', '-m', '{"a":1}', ...properties));
      const [ours, theirs] = await Promise.all(
        listeners.map(async ({ ended }) => (await ended).output.toString()),
      );
      assert.equal(
        ours,
        'text/plain|answers/1|c-1|1|b:1 a:-2|props|{"a":1}|0|0|7|7b2261223a317d|7B2261223A317D|%|\t\n',
      );
      assert.equal(ours, theirs);
    }
  });

  it('%j is what mosquitto_sub prints, but for the time', async () => {
    const withoutTime = async ({ ended }: { ended: Promise<End> }): Promise<unknown> => ({
      ...(JSON.parse((await ended).output.toString()) as object),
      tst: '',
    });
    const flags = ['-V', '5', '-t', 'json', '-C', '1', '-F', '%j'];
    const ours = await subscribed(sub(...flags));
    const theirs = await subscribed(theirSub(...flags));
    await expectSent(pub('-t', 'json', '-m', '"é\n"', '-D', 'publish', 'user-property', 'n', 'v'));
    assert.deepEqual(await withoutTime(ours), await withoutTime(theirs));
  });

  it('--repeat sends as often as it says', async () => {
    const { ended } = await subscribed(sub('-t', 'again', '-C', '3'));
    await expectSent(pub('-t', 'again', '-m', 'x', '--repeat', '3', '--repeat-delay', '0.01'));
    assert.equal((await ended).output.toString(), 'x\nx\nx\n');
  });

  it('-L says all at once', async () => {
    const url = `mqtt://user:pw@127.0.0.1:${broker.port}/url/a#b`;
    const wrong = await run(recadoWords('pub', '-L', url, '-m', 'x'));
    assert.equal(wrong.end, 2);
    const { ended } = await subscribed(
      recadoWords('sub', '-L', `mqtt://127.0.0.1:${broker.port}/url/#`, '-C', '1'),
    );
    await expectSent(recadoWords('pub', '-L', url.replace('#b', ''), '-m', 'x'));
    assert.equal((await ended).output.toString(), 'x\n');
  });

  it('-c keeps what comes while the subscriber is away', async () => {
    for (const version of ['mqttv5', 'mqttv311']) {
      const words = sub(
        '-V',
        version,
        '-t',
        'session',
        '-q',
        '1',
        '-c',
        '-i',
        `session-${version}`,
        '-C',
        '1',
      );
      const { ended } = await subscribed(words);
      await expectSent(pub('-t', 'session', '-q', '1', '-m', 'first'));
      assert.equal((await ended).output.toString(), 'first\n');
      await expectSent(pub('-V', '311', '-t', 'session', '-q', '1', '-m', 'meanwhile'));
      assert.equal((await run(words)).output.toString(), 'meanwhile\n');
    }
  });

  it('the will is published when the process is killed, and not when it ends in order', async () => {
    const will = ['--will-topic', 'will', '--will-payload', 'gone', '--will-qos', '1'];
    const { ended } = await subscribed(sub('-t', 'will', '-C', '1'));
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const expected = subacks() + 1;
      const program = new ChildProgram(sub('-t', 'other', ...will), { name: 'recado sub' });
      await until('it has subscribed', () => subacks() >= expected);
      program.signal(signal);
      assert.equal(await program.exit(), signal === 'SIGINT' ? 0 : signal);
    }
    assert.equal((await ended).output.toString(), 'gone\n');
  });

  it('a subscriber goes on when the broker comes back', async (t) => {
    const other = await new Mosquitto().start();
    t.after(() => other.remove());
    const program = new ChildProgram(recadoWords('sub', '-p', String(other.port), '-t', 'back', '-v'), {
      name: 'recado sub',
    });
    t.after(() => program.stop());
    await until('it has subscribed', () => other.log.includes('Sending SUBACK'));
    await other.kill();
    await until('it says so', () => program.errorText.includes('was lost'));
    await other.start();
    await until('it is back', () => program.errorText.includes('recado: connected again\n'));
    await expectSent(recadoWords('pub', '-p', String(other.port), '-t', 'back', '-m', 'again'));
    await program.waitForLine('back again');
  });

  it('a publisher that waits for lines ends at once on a signal, and at a failure', async () => {
    const { ended } = await subscribed(sub('-t', 'waiting', '-C', '1'));
    const publisher = new ChildProgram(pub('-t', 'waiting', '-l', '-q', '1'), { name: 'recado pub' });
    publisher.say('one');
    await ended;
    publisher.signal('SIGINT');
    assert.deepEqual([await publisher.exit(), publisher.errorText], [130, '']);

    const denying = await ScriptedBroker.start((packet, client) => {
      if (packet.type === 'connect') client.send(welcome());
      if (packet.type === 'publish')
        client.send({ type: 'puback', packetId: packet.packetId, reasonCode: 0x87, properties: {} });
    });
    const words = recadoWords('pub', '-p', String(denying.port), '-t', 'a', '-l', '-q', '1');
    const denied = new ChildProgram(words, { name: 'recado pub' });
    denied.say('one');
    assert.equal(await denied.exit(), 1);
    assert.match(denied.errorText, /denied a message on a: Not authorized/);
    await denying.close();
  });

  it('`| head -n 1` ends quietly', async () => {
    const line = sub('-t', 'pipe')
      .map((word) => `'${word}'`)
      .join(' ');
    const expected = subacks() + 1;
    const ended = run(['bash', '-c', `set -o pipefail; ${line} | head -n 1`]);
    await until('it has subscribed', () => subacks() >= expected);
    const publisher = new ChildProgram(pub('-t', 'pipe', '-l'), { name: 'the publisher' });
    const feeding = setInterval(() => publisher.say('x'), 20);
    const { end, output, errors } = await ended;
    clearInterval(feeding);
    await publisher.stop();
    assert.deepEqual([end, output.toString(), errors], [0, 'x\n', '']);
  });

  it('a wrong command line is told with exit code 2', async () => {
    const cases: readonly (readonly [string[], RegExp])[] = [
      [pub('-m', 'x'), /where to\? give a topic with -t/],
      [pub('-t', 'a'), /what to send\? give -m, -f, -l, -s or -n/],
      [pub('-t', 'a', '-m', 'x', '-n'), /only one of -m, -f, -l, -s and -n/],
      [pub('-t', 'a/#', '-m', 'x'), /"a\/#" is not a topic: it has \+ or #/],
      [pub('-t', 'a', '-f', 'nowhere'), /--file: nowhere does not exist/],
      [pub('-t', 'a', '-f', '/'), /--file: \/ is a folder, not a file/],
      [pub('-t', 'a', '-m', 'x', '-q', '3'), /It must be 0, 1 or 2/],
      [pub('-t', 'a', '-m', 'x', '-V', '6'), /It must be one of 5, 31, 311, mqttv31, mqttv311, mqttv5\./],
      [
        pub('-t', 'a', '-m', 'x', '-D', 'publish', 'colour', 'red'),
        /there is no such property; there are payload-format-indicator, /,
      ],
      [pub('-t', 'a', '-m', 'x', '-c'), /give the id with -i/],
      [pub('-t', 'a', '-m', 'x', '-L', 'mqtt://x/a'), /leave out -h and -p/],
      [pub('-t', 'a', '-m', 'x', '--will-retain'), /need --will-topic/],
      [pub('-t', 'a', '-m', 'x', '--cert', 'x'), /--cert and --key belong together/],
      [
        pub('-t', 'a', '-m', 'x', '--cert', import.meta.filename, '--key', import.meta.filename),
        /cannot connect .* PEM/,
      ],
      [sub(), /what to subscribe to\? give a topic with -t/],
      [sub('-t', 'a#'), /"a#" is not a topic filter: it has a wildcard/],
      [sub('-t', '$share/x'), /is not a topic filter: it has no name of a group and no filter after/],
      [sub('-t', 'a', '-F', '%k'), /-F: "%k" is nothing that a format can hold/],
      [sub('-t', 'a', '-R', '--retained-only'), /leave nothing over/],
    ];
    for (const [words, expected] of cases) {
      const { end, errors, output } = await run(words);
      assert.match(errors, expected);
      assert.deepEqual([end, output.length], [2, 0], errors);
    }
  });

  it('a broker that is not there is told in a line', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    for (const words of [
      recadoWords('pub', '-p', String(port), '-t', 'a', '-m', 'x'),
      recadoWords('sub', '-p', String(port), '-t', 'a'),
    ]) {
      const { end, errors } = await run(words);
      assert.equal(end, 1);
      assert.match(
        errors,
        new RegExp(
          `^recado: cannot reach the MQTT broker at mqtt://127\\.0\\.0\\.1:${port}: nothing listens there; .*\\n$`,
        ),
      );
    }
  });
});

describe('a broker with users and rights', { skip }, () => {
  let broker: Mosquitto;
  const words = (command: 'pub' | 'sub', ...args: string[]): string[] =>
    recadoWords(command, '-p', String(broker.port), '-u', 'ana', '-P', 'secret', ...args);

  before(async () => {
    broker = new Mosquitto({
      settings: ['allow_anonymous false', 'password_file %FOLDER%/users', 'acl_file %FOLDER%/rights'],
      files: { users: '', rights: 'user ana\ntopic readwrite mine/#\n' },
    });
    const made = spawnSync('mosquitto_passwd', ['-b', join(broker.folder, 'users'), 'ana', 'secret']);
    assert.equal(made.status, 0, String(made.stderr));
    await broker.start();
  });
  after(() => broker.remove());

  for (const [version, code, text] of [
    ['5', 135, 'Not authorized'],
    ['311', 5, 'Not authorized'],
  ] as const) {
    it(`wrong credentials are the code of CONNACK over ${version}`, async () => {
      for (const credentials of [[], ['-u', 'ana', '-P', 'wrong']]) {
        const base = ['-p', String(broker.port), '-V', version, ...credentials];
        const { end, errors } = await run(recadoWords('pub', ...base, '-t', 'mine/a', '-m', 'x'));
        assert.equal(end, code, errors);
        assert.match(errors, new RegExp(`refused the connection: ${text}; .*user name.*password.*\\n$`));
        assert.equal(errors.trimEnd().split('\n').length, 1);
      }
    });
  }

  it('right credentials come from flags and from the URL', async () => {
    const url = `mqtt://ana:secret@127.0.0.1:${broker.port}/mine/a`;
    for (const each of [words('pub', '-t', 'mine/a', '-m', 'x'), recadoWords('pub', '-L', url, '-m', 'x')])
      assert.equal((await run(each)).end, 0);
  });

  it('a denied message is told, over MQTT 5', async () => {
    for (const qos of ['1', '2']) {
      const { end, errors } = await run(words('pub', '-t', 'theirs', '-m', 'x', '-q', qos));
      assert.equal(end, 1);
      assert.match(errors, /denied a message on theirs: Not authorized; see what this user may do there\n$/);
    }
  });
});

describe('a broker that denies a subscription', () => {
  it('is told; the other subscriptions go on', async (t) => {
    const payload = Buffer.from('hello');
    const broker = await ScriptedBroker.start((packet, client) => {
      if (packet.type === 'connect') client.send(welcome());
      if (packet.type !== 'subscribe') return;
      const { packetId, subscriptions } = packet;
      const topicName = subscriptions[0]?.topicFilter ?? '';
      const isDenied = topicName === 'denied';
      client.send({ type: 'suback', packetId, properties: {}, reasonCodes: [isDenied ? 0x87 : 0] });
      if (isDenied) return;
      client.send({
        type: 'publish',
        dup: false,
        qos: 0,
        retain: false,
        topicName,
        packetId: 0,
        properties: {},
        payload,
      });
    });
    t.after(() => broker.close());
    const base = ['-p', String(broker.port), '-V', '5'];
    const all = await run(recadoWords('sub', ...base, '-t', 'denied'));
    assert.equal(all.end, 1);
    assert.match(
      all.errors,
      /^recado: the MQTT broker at .* denied a subscription to denied: Not authorized; .*\n$/,
    );
    const some = await run(
      recadoWords('sub', ...base, '-t', 'denied', '-t', 'granted', '-C', '1', '-W', '20'),
    );
    assert.deepEqual([some.end, some.output.toString()], [0, 'hello\n']);
    assert.match(some.errors, /denied a subscription to denied/);
  });
});

describe('a broker that gives the client id to another client', () => {
  it('ends a subscriber, which would only drive the other one out', async (t) => {
    const broker = await ScriptedBroker.start((packet, client) => {
      if (packet.type === 'connect') client.send(welcome());
      if (packet.type !== 'subscribe') return;
      client.send({ type: 'suback', packetId: packet.packetId, properties: {}, reasonCodes: [0] });
      client.send({ type: 'disconnect', reasonCode: 0x8e, properties: {} });
      client.socket.end();
    });
    t.after(() => broker.close());
    const { end, errors } = await run(recadoWords('sub', '-p', String(broker.port), '-t', 'a', '-W', '20'));
    assert.equal(end, 1);
    assert.match(errors, /^recado: the connection to .* was lost: Session taken over\n$/);
    const [connect, ...others] = broker.packetsOf('connect');
    assert.equal(others.length, 0);
    // Programs in containers share process ids; every server takes 23 characters.
    assert.match(connect?.clientId ?? '', /^recado-sub-[0-9a-f]{8}$/);
  });
});

describe('a broker that goes wrong while recado pub sends', () => {
  it('takes a part of a message at QoS 0: pub tells that, and does not end with 0', async (t) => {
    const broker = await ScriptedBroker.start((packet, client) => {
      if (packet.type !== 'connect') return;
      const { socket } = client;
      client.send(welcome());
      socket.on('data', () => {
        if (socket.bytesRead > 100_000) socket.resetAndDestroy();
      });
    });
    t.after(() => broker.close());
    const { end, errors } = await run(
      recadoWords('pub', '-p', String(broker.port), '-t', 'a', '-s'),
      Buffer.alloc(20_000_000),
    );
    assert.equal(end, 1);
    assert.match(errors, /^recado: the connection to .* was lost: it did not take all that was sent\n$/);
  });

  it('denies the first of a thousand million: pub ends', async (t) => {
    const broker = await ScriptedBroker.start((packet, client) => {
      if (packet.type === 'connect') client.send(welcome());
      if (packet.type === 'publish')
        client.send({ type: 'puback', packetId: packet.packetId, reasonCode: 0x87, properties: {} });
    });
    t.after(() => broker.close());
    const words = ['-t', 'a', '-m', 'x', '-q', '1', '--repeat', '1000000000'];
    const { end, errors } = await run(recadoWords('pub', '-p', String(broker.port), ...words));
    assert.equal(end, 1);
    assert.match(errors, /denied a message on a: Not authorized/);
  });
});
