import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { defaultConfig } from '../../src/hub/config/hub-config.ts';
import { plainEnvironment, runProgram, type ProgramEnd } from '../helpers/run-program.ts';
import { ROOT } from '../helpers/source-files.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const MAIN = join(ROOT, 'src/cli/main.ts');
const BIN = join(ROOT, 'bin/recado.js');
const ANY_PORTS = ['--http-port', '0', '--tcp-port', '0', '--udp-port', '0', '--mqtt-port', '0'];
const TOKEN = '0123456789abcdef';

const folder = mkdtempSync(join(tmpdir(), 'recado-cli-'));
after(() => rmSync(folder, { recursive: true }));

function recado(args: readonly string[], env: Record<string, string> = {}): Promise<ProgramEnd> {
  return runProgram([process.execPath, MAIN, ...args], { cwd: folder, env });
}

function writeConfig(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const program = await buildProgram();

describe('passwords on the command line', () => {
  for (const args of [
    ['manage', '--plain', 'http://ana:s3cret@127.0.0.1:1'],
    ['agent', 'http://ana:s3@cret@127.0.0.1:1'],
    ['agent', '--service', 'web=http://ana:s3cret@127.0.0.1:1'],
    ['pub', '-m', 'x', '-L', 'foo://ana:s3cret@127.0.0.1:1/t'],
    ['pub', '-m', 'x', '-L', 'mqtt://ana:s3cret@127.0.0.1:1/t'],
  ]) {
    it(`are in no message: recado ${args.join(' ')}`, async () => {
      const { end, output, errors } = await recado(args);
      assert.ok(end === 1 || end === 2, String(end));
      assert.match(errors, /127\.0\.0\.1:1/);
      assert.doesNotMatch(output + errors, /s3|cret/);
    });
  }
});

describe('help and versions', () => {
  const commandPaths = (command: Command, path: readonly string[]): string[][] => [
    [...path],
    ...command.commands.flatMap((child) => commandPaths(child, [...path, child.name()])),
  ];

  for (const path of commandPaths(program, [])) {
    it(`recado ${[...path, '--help'].join(' ')}`, async () => {
      const { end, output, errors } = await recado([...path, '--help']);
      assert.equal(end, 0);
      assert.equal(errors, '');
      assert.match(output, new RegExp(`^Usage: recado ?${path.join(' ')}`));
    });
  }

  it('no arguments print help', async () => {
    const [bare, help] = await Promise.all([recado([]), recado(['--help'])]);
    assert.deepEqual(bare, help);
  });

  it('help lists the commands', async () => {
    const { output } = await recado(['--help']);
    for (const name of ['hub', 'manage', 'simulate', 'check'])
      assert.match(output, new RegExp(`^  ${name}\\b`, 'm'));
  });

  it('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    assert.deepEqual(await recado(['--version']), { end: 0, output: `${version}\n`, errors: '' });
  });
});

describe('a wrong command line', () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['hubb'], "recado: unknown command 'hubb'\n(Did you mean hub?)\n(recado --help says more)\n"],
    [
      ['hub', '--htp-port', '1'],
      "recado: unknown option '--htp-port'\n(Did you mean --http-port?)\n(recado hub --help says more)\n",
    ],
    [
      ['hub', '--http-port'],
      "recado: option '--http-port <number>' argument missing\n(recado hub --help says more)\n",
    ],
  ];
  for (const [args, errors] of cases) {
    it(args.join(' '), async () => assert.deepEqual(await recado(args), { end: 2, output: '', errors }));
  }
});

describe('recado check', () => {
  it('is content without a file', async () => {
    const output = 'There is no file; the defaults and the environment are good.\n';
    assert.deepEqual(await recado(['check']), { end: 0, output, errors: '' });
  });

  it('is content with a good file', async () => {
    const file = writeConfig('good.yaml', 'http:\n  port: 8080\n');
    assert.deepEqual(await recado(['check', file]), { end: 0, output: 'good.yaml is good.\n', errors: '' });
  });

  it('tells all mistakes with their places', async () => {
    const file = writeConfig(
      'bad.yaml',
      'gateways:\n  socket:\n    enabled: true\n    tcpPort: abc\nhtpp: {}\n',
    );
    const { end, output, errors } = await recado(['check', file], { RECADO_LOG_LEVEL: 'loud' });
    assert.equal(end, 2);
    assert.equal(output, '');
    assert.deepEqual(errors.trim().split('\n'), [
      `bad.yaml:5:1 htpp: is not a key; did you mean http? (allowed: ${Object.keys(defaultConfig()).join(', ')})`,
      'bad.yaml:4:14 gateways.socket.tcpPort: must be a whole number, 0 to 65535 (it is "abc")',
      'RECADO_LOG_LEVEL: must be one of debug, info, warn, error, silent (it is "loud")',
    ]);
  });

  it('tells a listener that strangers could use', async () => {
    const byVariable = await recado(['check'], { RECADO_HTTP_HOST: '0.0.0.0', RECADO_IN_MEMORY: 'true' });
    assert.equal(byVariable.end, 2);
    assert.match(
      byVariable.errors,
      /^RECADO_HTTP_HOST: http\.host is 0\.0\.0\.0, so other machines reach the API/,
    );
    const file = writeConfig('open.yaml', 'http:\n  host: 0.0.0.0\ninMemory: true\n');
    const byFile = await recado(['check', file]);
    assert.equal(byFile.end, 2);
    assert.match(byFile.errors, /^open\.yaml:2:9 http\.host: is 0\.0\.0\.0, so other machines reach the API/);
    const lasting = await recado(['check'], { RECADO_HTTP_HOST: '0.0.0.0' });
    assert.equal(lasting.end, 0);
    assert.match(
      lasting.output,
      /^Careful, only accounts let anybody in: RECADO_HTTP_HOST: http\.host is 0\.0\.0\.0/,
    );
  });

  it('warns of pages that may act as whoever looks at them', async () => {
    const file = writeConfig('same.yaml', 'services: { sameOrigin: true }\n');
    const { end, output } = await recado(['check', file]);
    assert.equal(end, 0);
    assert.match(output, /^Careful, services\.sameOrigin is set: [^]*\nsame\.yaml is good\.\n$/);
  });

  it('warns of access rules that every user of the machine may change', async () => {
    const rules = writeConfig('rules.txt', 'topic #\n');
    const file = writeConfig('rules.yaml', 'mqtt: { aclFile: rules.txt }\n');
    chmodSync(join(folder, rules), 0o646);
    const { end, output } = await recado(['check', file]);
    assert.equal(end, 0);
    assert.match(
      output,
      /^Careful, every user of this machine can change \S*rules\.txt, [^]*\nrules\.yaml is good\.\n$/,
    );
  });

  it('--print shows every key and no secret', async () => {
    const file = writeConfig('secret.yaml', `http:\n  tokens: [${TOKEN}]\n`);
    const { end, output } = await recado(['check', file, '--print'], {
      RECADO_GATEWAYS_SOCKET_DEVICE_TOKENS: `lamp=${TOKEN}`,
    });
    assert.equal(end, 0);
    assert.match(output, /^# secret\.yaml is good\.\nhttp:\n {2}host: 127\.0\.0\.1\n/);
    assert.match(output, /lamp: "\*{8}"/);
    assert.ok(!output.includes(TOKEN));
  });

  it('tells that a file is not there', async () => {
    const { end, errors } = await recado(['check', 'nowhere.yaml']);
    assert.deepEqual([end, errors], [2, 'nowhere.yaml: does not exist\n']);
  });
});

describe('recado hub does not start', () => {
  it('with a wrong configuration, and tells all of it', async () => {
    const { end, errors } = await recado(['hub', '--http-port', 'abc', '--log-level', 'loud'], {
      RECADO_HTP_PORT: '1',
    });
    assert.equal(end, 2);
    assert.deepEqual(errors.trimEnd().split('\n'), [
      'recado: the hub did not start, because its configuration is wrong:',
      '  RECADO_HTP_PORT: is not a variable that Recado knows; did you mean RECADO_HTTP_PORT?',
      '  --http-port: must be a whole number, 0 to 65535 (it is "abc")',
      '  --log-level: must be one of debug, info, warn, error, silent (it is "loud")',
    ]);
  });

  it('where strangers could come in, and says what to set', async () => {
    const { end, errors } = await recado(['hub', '--in-memory', '--host', '0.0.0.0', ...ANY_PORTS]);
    assert.equal(end, 2);
    assert.match(errors, /^recado: the hub did not start, because strangers could come in:\n/);
    assert.match(
      errors,
      /http\.tokens.*http\.trustedNetworks\n.*gateways\.socket\.trustedNetworks.*deviceTokens/,
    );
    assert.match(errors, /mqtt\.host is 0\.0\.0\.0.*mqtt\.passwordFile.*mqtt\.trustedNetworks\n/);
    assert.match(errors, /--insecure starts it all the same/);
  });

  for (const [flag, key] of [
    ['--http-port', 'http.port'],
    ['--tcp-port', 'gateways.socket.tcpPort'],
    ['--mqtt-port', 'mqtt.port'],
  ] as const) {
    it(`on a port that is in use, and names it, ${flag} and ${key}`, async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      const { end, errors } = await recado(['hub', ...ANY_PORTS, flag, String(port)]);
      other.close();
      assert.equal(end, 1);
      assert.equal(errors.trimEnd().split('\n').length, 1);
      for (const part of ['recado: ', String(port), flag, key]) assert.ok(errors.includes(part), errors);
    });
  }
});

describe('recado hub on the ports of another hub', () => {
  it('names all of them at once, and the hub', async (t) => {
    const other = await startTestHub(t);
    const port = new URL(other.url).port;
    const ports = [
      ['--http-port', port],
      ['--tcp-port', String(other.tcpPort)],
      ['--udp-port', String(other.udpPort)],
      ['--mqtt-port', String(other.mqttPort)],
    ];
    const { end, errors } = await recado(['hub', ...ports.flat()]);
    assert.equal(end, 1);
    const lines = errors.trimEnd().split('\n');
    assert.equal(lines.length, 5, errors);
    for (const [index, [flag = '', number = '']] of ports.entries()) {
      assert.ok(lines[index]?.includes(`port ${number} on 127.0.0.1 is in use by another program.`), errors);
      assert.ok(lines[index]?.includes(flag), errors);
    }
    assert.equal(lines[4]?.trim(), `A Recado hub is already running at ${other.url}.`);
  });
});

describe('the configuration file of recado hub', () => {
  it('is its argument, or --config, or both when they agree', async () => {
    const file = writeConfig('typo.yaml', 'htpp: {}\n');
    for (const args of [[file], ['--config', file], [file, '--config', file]]) {
      const { end, errors } = await recado(['hub', ...args]);
      assert.equal(end, 2);
      assert.match(errors, /typo\.yaml:1:1 htpp: is not a key; did you mean http\?/);
    }
  });

  it('is not two', async () => {
    assert.deepEqual(await recado(['hub', 'a.yaml', '--config', 'b.yaml']), {
      end: 2,
      output: '',
      errors: 'recado: two configuration files are named, a.yaml and --config b.yaml; keep one of them\n',
    });
  });
});

type Listening = readonly { readonly name: string; readonly address: string }[];

/** Starts a hub that says over a channel when it is ready. */
async function startHub(
  flags: readonly string[] = [],
): Promise<{ hub: ChildProcess; listening: Listening; log: () => string }> {
  const hub = spawn(process.execPath, [MAIN, 'hub', ...ANY_PORTS, ...flags], {
    cwd: folder,
    env: plainEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let log = '';
  hub.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const [message] = (await Promise.race([
    once(hub, 'message'),
    once(hub, 'exit').then(() => Promise.reject(new Error(`the hub ended: ${log}`))),
  ])) as [{ listening: Listening }];
  return { hub, listening: message.listening, log: () => log };
}

async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals];
  return code ?? signal;
}

describe('recado hub', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`listens, says where, and stops in order on ${signal}`, async () => {
      const { hub, listening, log } = await startHub();
      const http = listening.find(({ name }) => name === 'http')?.address ?? '';
      const answer = await fetch(`${http}/healthz`);
      assert.equal(answer.status, 200);
      hub.kill(signal);
      assert.equal(await endOf(hub), 0);
      const lines = logLines(log());
      assert.deepEqual(lines.map(({ msg }) => msg).slice(-3), ['the hub is ready', 'stopping', 'stopped']);
      assert.ok(lines.some(({ msg }) => msg === `http listens on ${http}`));
    });
  }

  it('stops when the program that started it is gone', async () => {
    const { hub } = await startHub();
    hub.disconnect();
    // 'close' does not come after a disconnect from this side.
    const [code] = (await once(hub, 'exit')) as [number];
    assert.equal(code, 0);
  });

  it('starts where strangers could come in when it is told to, and warns loudly', async () => {
    // A spelling of loopback that the system knows and the check does not: nothing is open in truth.
    const { hub, log } = await startHub(['--host', '0x7f000001', '--insecure']);
    hub.kill();
    assert.equal(await endOf(hub), 0);
    const warnings = logLines(log()).filter(({ level }) => level === 'warn');
    assert.match(
      warnings[0]?.msg ?? '',
      /^INSECURE: http\.host is 0x7f000001, so other machines reach the API/,
    );
    assert.match(warnings[1]?.msg ?? '', /^INSECURE: gateways\.socket\.host is 0x7f000001/);
    assert.match(warnings[2]?.msg ?? '', /^INSECURE: mqtt\.host is 0x7f000001/);
  });

  it('says in recado check what is insecure', async () => {
    const { end, output } = await recado(['check'], { RECADO_HTTP_HOST: '0.0.0.0', RECADO_INSECURE: 'true' });
    assert.equal(end, 0);
    assert.match(output, /^Careful, insecure is set: RECADO_HTTP_HOST: http\.host is 0\.0\.0\.0/);
  });
});

function logLines(log: string): { level: string; msg: string }[] {
  return log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: string; msg: string });
}

describe('a signal to stop', () => {
  const program = `
    import { stopSignal } from ${JSON.stringify(join(ROOT, 'src/cli/stop-signal.ts'))};
    const stopped = stopSignal();
    setInterval(() => {}, 1000);
    process.send('waiting');
    const signal = await stopped;
    for (const echo of [signal, 'SIGTERM']) process.kill(process.pid, echo);
    process.send(signal);
    setTimeout(() => process.send('late'), 350);`;

  it('that comes a second time ends the process at once, but not its echo', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const said: unknown[] = [];
    child.on('message', (message) => {
      said.push(message);
      if (message !== 'SIGINT') child.kill('SIGINT');
    });
    assert.equal(await endOf(child), 130);
    assert.deepEqual(said, ['waiting', 'SIGINT', 'late']);
  });
});

describe('bin/recado.js in a checkout', () => {
  function launch(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [BIN, ...args], {
      cwd: folder,
      env: plainEnvironment(),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
  }

  /** The launcher with a hub, and where its HTTP port is. */
  async function launchHub(t: TestContext): Promise<{ launcher: ChildProcess; http: string }> {
    const launcher = launch(['hub', ...ANY_PORTS]);
    t.after(() => launcher.kill('SIGKILL'));
    const [message] = (await once(launcher, 'message')) as [{ listening: Listening }];
    return { launcher, http: message.listening.find(({ name }) => name === 'http')?.address ?? '' };
  }

  const isFree = (http: string): Promise<boolean> =>
    fetch(`${http}/healthz`).then(
      () => false,
      () => true,
    );

  it('frees the ports when it is killed by force', async (t) => {
    const { launcher, http } = await launchHub(t);
    assert.equal(await isFree(http), false);
    launcher.kill('SIGKILL');
    await until('the hub is gone too', () => isFree(http));
  });

  it('stops the hub in order when the program that started it is gone', async (t) => {
    const { launcher, http } = await launchHub(t);
    launcher.disconnect();
    const [code] = (await once(launcher, 'exit')) as [number];
    assert.equal(code, 0);
    assert.ok(await isFree(http));
  });

  it('ends by itself though the program that started it keeps its channel open', async () => {
    const [code] = (await once(launch(['check', 'nowhere.yaml']), 'exit')) as [number];
    assert.equal(code, 2);
  });
});

/** A Node of the machine that is older than the sources need. */
const oldNode = ['/usr/local/bin/node', '/usr/bin/node'].find((path) => existsSync(path));

describe(
  'bin/recado.js under the Node of the machine',
  { skip: oldNode === undefined && 'it has none' },
  () => {
    const node = oldNode ?? '';
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin' };

    it('runs the sources with the pinned Node', async () => {
      const { end, output } = await runProgram([node, BIN, '--help'], { cwd: folder, env });
      assert.equal(end, 0);
      assert.match(output, /^Usage: recado /);
    });

    it('passes exit codes on', async () => {
      const { end } = await runProgram([node, BIN, 'check', 'nowhere.yaml'], { cwd: folder, env });
      assert.equal(end, 2);
    });

    it('passes signals on', async () => {
      const child = spawn(node, [BIN, 'hub', ...ANY_PORTS], {
        cwd: folder,
        env: { ...plainEnvironment(), ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('the hub is ready')) child.kill('SIGTERM');
      });
      assert.equal(await endOf(child), 0);
    });

    it('says in one sentence that Node is too old where the sources are not', async () => {
      const published = join(folder, 'published');
      mkdirSync(join(published, 'bin'), { recursive: true });
      writeFileSync(join(published, 'package.json'), '{"type":"module"}');
      copyFileSync(BIN, join(published, 'bin/recado.js'));
      const version = (await runProgram([node, '--version'])).output.trim().slice(1);
      const { end, errors } = await runProgram([node, join(published, 'bin/recado.js'), 'hub']);
      assert.equal(end, 1);
      assert.match(
        errors,
        Number.parseInt(version, 10) < 24
          ? new RegExp(`^recado: Node 24\\.7 or newer is needed; this is Node ${version}\\.\\n$`)
          : /./,
      );
    });
  },
);
