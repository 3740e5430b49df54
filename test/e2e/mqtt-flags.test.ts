import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FLAG_TABLE } from '../../src/cli/mqtt/flag-table.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { runWithInput as run } from '../helpers/run-with-input.ts';
import { ScriptedBroker, welcome } from '../helpers/scripted-broker.ts';
import { until } from '../helpers/until.ts';

const skip = whyNoMosquitto();
const PROGRAMS = { pub: 'mosquitto_pub', sub: 'mosquitto_sub', request: 'mosquitto_rr' } as const;

/** The names of flags in a text: `-t`, `--topic`. */
const namesIn = (text: string): string[] => text.match(/(?<![\w-])-(?:[a-zA-Z]\b|-[a-z][\w-]+)/g) ?? [];

/** What a program of Mosquitto says that it takes: where its help and its manual begin to speak of a flag. */
function flagsOf(program: string): string[] {
  const { stdout } = spawnSync(program, ['--help'], { encoding: 'utf8' });
  const help = stdout.split('\n').filter((line) => /^ -{1,2}[a-zA-Z-]+ :/.test(line));
  const manual = `/usr/share/man/man1/${program}.1.gz`;
  const pages = existsSync(manual) ? gunzipSync(readFileSync(manual)).toString().replaceAll('\\-', '-') : '';
  const heads = pages.match(/(?<=^\.PP\n)\\fB--?[a-zA-Z].*$/gm) ?? [];
  const written = [
    ...help.map((line) => line.split(' :')[0]!),
    ...heads.map((line) => line.replaceAll(/\\f[BR]/g, ' ')),
  ];
  return [...new Set(written.flatMap(namesIn))];
}

describe('the table of flags', { skip }, () => {
  for (const [program, theirs] of Object.entries(PROGRAMS)) {
    it(`has every flag of ${theirs}`, () => {
      const ours = FLAG_TABLE.filter(({ of }) => (of as readonly string[]).includes(program));
      const known = new Set(['--help', ...ours.flatMap(({ flags }) => namesIn(flags.replace(/ <.*/, '')))]);
      const flags = flagsOf(theirs);
      assert.ok(flags.length > 30, flags.join(' '));
      assert.deepEqual(
        flags.filter((flag) => !known.has(flag)),
        [],
      );
    });
  }

  it('says why where one is not taken', async () => {
    for (const { flags, refused, of } of FLAG_TABLE) {
      if (refused === undefined) continue;
      const [name = ''] = namesIn(flags);
      const words = recadoWords(of[0]!, '-t', 'a', '-m', 'x', name, ...(flags.includes('<') ? ['x'] : []));
      const { end, errors } = await run(words);
      assert.deepEqual([end, errors.includes(refused)], [2, true], errors);
    }
  });
});

describe('the same flags do the same', { skip }, () => {
  let broker: Mosquitto;
  before(async () => {
    broker = new Mosquitto({ settings: ['allow_anonymous true', 'listener 0 %FOLDER%/broker.sock'] });
    await broker.start();
    await keep('flags/a', 'one');
    await keep('flags/json', '{"n":1,"list":[1,2],"text":"é\\n","none":{}}');
  });
  after(() => broker.remove());

  const base = (): string[] => ['-h', '127.0.0.1', '-p', String(broker.port)];
  const keep = async (topic: string, text: string): Promise<void> => {
    const words = ['mosquitto_pub', ...base(), '-V', '5', '-q', '1', '-r', '-t', topic, '-m', text];
    const properties = ['user-property a b', 'content-type text', 'correlation-data d'];
    const { end } = await run([
      ...words,
      ...properties.flatMap((property) => ['-D', 'publish', ...property.split(' ')]),
    ]);
    assert.equal(end, 0);
  };

  /** Times differ between two programs. */
  const withoutTime = (text: string): string => text.replace(/"tst":(\t?)"[^"]*"/g, '"tst":$1""');

  async function expectSame(
    program: keyof typeof PROGRAMS,
    words: readonly string[],
    input = '',
  ): Promise<void> {
    const [ours, theirs] = await Promise.all([
      run(recadoWords(program, ...base(), ...words), input),
      run([PROGRAMS[program], ...base(), ...words], input),
    ]);
    const seen = [ours.end, withoutTime(ours.output.toString()), ours.errors];
    assert.deepEqual(seen, [theirs.end, withoutTime(theirs.output.toString()), ''], words.join(' '));
  }

  const SUB = [
    '-t flags/a -C 1',
    '-t flags/a -C 1 -v -N',
    '-t flags/# -T flags/json -C 1 -v',
    '-t flags/a -W 1 -R',
    '-t flags/# -E',
    '-U flags/a -t flags/json -E',
    '-t flags/a -C 1 --nodelay',
    '-t flags/a -C 1 -I prefix -k 10 -M 5',
    '-t flags/a -C 1 -A 127.0.0.1 -V mqttv31',
    '-t flags/a -C 1 -V 5 --retain-as-published -F %r',
    '-t flags/a -C 1 -V 5 -D connect receive-maximum 10 -D connect session-expiry-interval 5 -v',
    '-t flags/a -C 1 -D connect user-property a b -D subscribe user-property c d -D disconnect user-property e f',
    '-t flags/a -C 1 --will-topic gone -D will will-delay-interval 5 -x ∞ -i forever',
    '-t flags/a -C 1 -V 5 -D subscribe subscription-identifier 7 -F [%S][%5S][%-5S][%05S][%A]',
    '-t flags/a -C 1 -V 5 -F [%C][%10C][%-10.2C][%P][%D][%R][%E][%F][%q][%l][%05l][%x][%X][%%][@@][\\t\\\\]',
    '-t flags/a -C 1 -F @Y@m@d|@a@A@b@B@C@D@e@F@g@G@h@j@n@t@u@U@V@w@W@x@y@z@Q',
    '-t flags/json -C 1 -F %j -V 5',
    '-t flags/json -C 1 -F %j -V 5 --pretty',
    '-t flags/json -C 1 -V 5 -F %J --pretty',
    '-t -x -W 1',
  ];
  for (const line of SUB) it(`sub ${line}`, () => expectSame('sub', line.split(' ')));

  const PUB = [
    '-t out -m -5',
    '-t out -m -D',
    '-t out -m x --repeat 2 --repeat-delay 0',
    '-t out -m x -q 2 -M 1 -I prefix --quiet',
    '-t out -m x -V 5 -D PUBLISH content-type t -D publish topic-alias 1 -D publish user-property -a -b',
    '-t out -n -A 127.0.0.1 --nodelay',
    '-t out -m x -d --quiet -V 311 -u somebody',
  ];
  for (const line of PUB) {
    it(`pub ${line}`, async () => {
      const words = line.split(' ');
      // What -d says is each program's own.
      if (!words.includes('-d')) return expectSame('pub', words);
      const [ours, theirs] = await Promise.all([
        run(recadoWords('pub', ...base(), ...words)),
        run(['mosquitto_pub', ...base(), ...words]),
      ]);
      assert.equal(ours.end, theirs.end);
      assert.match(ours.errors, /published 1 bytes on out/);
    });
  }

  it('--unix, and a broker that is not there with --quiet', async () => {
    const words = ['-t', 'flags/a', '-C', '1'];
    const unix = ['--unix', join(broker.folder, 'broker.sock')];
    const [ours, theirs] = [
      await run(recadoWords('sub', ...unix, ...words)),
      await run(['mosquitto_sub', ...unix, ...words]),
    ];
    assert.deepEqual([ours.end, ours.output.toString()], [theirs.end, theirs.output.toString()]);
    for (const command of [recadoWords('sub'), ['mosquitto_sub']]) {
      const { end, errors } = await run([...command, '--unix', '/nowhere', ...words, '--quiet']);
      assert.equal(end, 1);
      if (command.length > 1) assert.equal(errors, '');
    }
  });

  it('--remove-retained', async () => {
    // With -R, mosquitto_sub does not do what its manual says.
    for (const command of [recadoWords('sub', '-R'), recadoWords('sub'), ['mosquitto_sub']]) {
      await keep('old/a', 'x');
      const words = [...command, ...base(), '-t', 'old/#', '--remove-retained'];
      const removals = (): number =>
        broker.log.match(/Received PUBLISH .* r1, .*'old\/a', .*\(0 bytes\)/g)?.length ?? 0;
      const before = removals();
      const program = new ChildProgram(words, { name: command.join(' ') });
      await until('it has removed it', () => removals() > before);
      await program.stop();
      const left = await run(['mosquitto_sub', ...base(), '-t', 'old/#', '-W', '1']);
      assert.equal(left.output.toString(), '');
    }
  });

  it('--random-filter 0.1 prints nearly nothing, and takes all', async () => {
    const flags = ['-t', 'flags/a', '-W', '1', '--random-filter', '0.1'];
    const { end } = await run(recadoWords('sub', ...base(), ...flags));
    assert.equal(end, 27);
  });

  it('-I is the beginning of the client id', () => {
    assert.match(broker.log, /as prefix-[0-9a-f]{8} /);
  });

  it('--proxy, with a login and without', async (t) => {
    for (const login of ['', 'ann:secret@']) {
      const proxy = await startSocksProxy(login === '' ? undefined : 'ann secret');
      t.after(() => proxy.close());
      const { port } = proxy.address() as AddressInfo;
      await expectSame('sub', ['--proxy', `socks5h://${login}127.0.0.1:${port}`, '-t', 'flags/a', '-C', '1']);
      const wrong = await run(
        recadoWords('sub', ...base(), '--proxy', `socks5h://x:y@127.0.0.1:${port}`, '-t', 'a', '-W', '1'),
      );
      assert.equal(wrong.end, login === '' ? 27 : 1, wrong.errors);
    }
  });
});

/** A SOCKS 5 proxy (RFC 1928, 1929), for whom `login` is a user and a password. */
async function startSocksProxy(login: string | undefined): Promise<ReturnType<typeof createServer>> {
  const server = createServer((socket) => void serveSocks(socket, login).catch(() => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function serveSocks(socket: Socket, login: string | undefined): Promise<void> {
  const next = async (): Promise<Buffer> => ((await once(socket, 'data')) as [Buffer])[0];
  const offered = (await next()).subarray(2);
  const method = login === undefined ? 0 : 2;
  socket.write(Buffer.from([5, offered.includes(method) ? method : 255]));
  if (login !== undefined) {
    const said = await next();
    const userEnd = 2 + said[1]!;
    const isRight = login === `${said.toString('utf8', 2, userEnd)} ${said.toString('utf8', userEnd + 1)}`;
    socket.write(Buffer.from([1, isRight ? 0 : 1]));
    if (!isRight) return void socket.end();
  }
  const asked = await next();
  const port = asked.readUInt16BE(asked.length - 2);
  const upstream = connect(port, '127.0.0.1');
  await once(upstream, 'connect');
  socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
  socket.pipe(upstream).pipe(socket);
}

it('-D reaches each packet', async (t) => {
  const broker = await ScriptedBroker.start((packet, client) => {
    if (packet.type === 'connect') client.send(welcome());
    if (packet.type === 'subscribe')
      client.send({ type: 'suback', packetId: packet.packetId, properties: {}, reasonCodes: [0] });
    if (packet.type === 'unsubscribe')
      client.send({ type: 'unsuback', packetId: packet.packetId, properties: {}, reasonCodes: [0] });
  });
  t.after(() => broker.close());
  const packets = ['connect', 'will', 'subscribe', 'unsubscribe', 'disconnect'];
  const line =
    `sub -p ${broker.port} -t a -U b -E --will-topic gone -D connect maximum-packet-size 1000 ` +
    '-D connect topic-alias-maximum 3 -D connect request-problem-information 0';
  const properties = packets.flatMap((packet) => ['-D', packet, 'user-property', packet, '-x']);
  const { end } = await run(recadoWords(...line.split(' '), ...properties));
  assert.equal(end, 0);
  const [connected] = broker.packetsOf('connect');
  assert.deepEqual(connected?.properties, {
    maximumPacketSize: 1000,
    topicAliasMaximum: 3,
    requestProblemInformation: false,
    userProperties: [['connect', '-x']],
  });
  assert.deepEqual(connected.willMessage?.properties, { userProperties: [['will', '-x']] });
  for (const type of ['subscribe', 'unsubscribe', 'disconnect'] as const)
    assert.deepEqual(broker.packetsOf(type)[0]?.properties, { userProperties: [[type, '-x']] });
});

it('arguments may follow -D', async (t) => {
  const broker = await ScriptedBroker.start((packet, client) => {
    if (packet.type === 'connect') client.send(welcome());
    if (packet.type === 'subscribe')
      client.send({ type: 'suback', packetId: packet.packetId, properties: {}, reasonCodes: [0] });
  });
  t.after(() => broker.close());
  const words = ['-q', '0', '-W', '0.5', '-D', 'publish', 'content-type', 'text', 'the/topic', '-1'];
  const { end } = await run(recadoWords('request', '-p', String(broker.port), ...words));
  assert.equal(end, 27);
  const [asked] = broker.packetsOf('publish');
  assert.deepEqual(
    [asked?.topicName, Buffer.from(asked?.payload ?? []).toString(), asked?.properties.contentType],
    ['the/topic', '-1', 'text'],
  );
});
