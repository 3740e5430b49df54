import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import { createDevice, type Device } from '../../src/device/index.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { findFreePorts, recadoWords, startHubProcess } from '../helpers/hub-process.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';
import { runWithInput } from '../helpers/run-with-input.ts';
import { TerminalProgram } from '../helpers/terminal-program.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { closeServers, serveAnswers } from '../helpers/serve-answers.ts';
import { until } from '../helpers/until.ts';

const TOKEN = '0123456789abcdef';

/** A hub that wants a token, and a device of it. */
class Rig {
  readonly hub: TestHub;
  readonly device: Device;

  private constructor(hub: TestHub, device: Device) {
    this.hub = hub;
    this.device = device;
  }

  static async start(t: TestContext): Promise<Rig> {
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = [TOKEN];
      config.http.trustedNetworks = [];
    });
    const device = createDevice({
      id: 'lamp-1',
      title: 'Lamp\u001b[2J',
      hub: `127.0.0.1:${hub.tcpPort}`,
      telemetry: { power: { unit: 'W', type: 'number' } },
      commands: {
        dim: {
          kind: 'write',
          input: { type: 'number', maximum: 100 },
          run: ({ input }) => ({ level: input }),
        },
        place: {
          kind: 'action',
          input: {
            type: 'object',
            properties: { at: { type: 'integer' }, mode: { enum: ['a', 'b'] } },
            required: ['at'],
          },
          run: () => 'ok\nrecado: it did not answer in time',
        },
        say: { kind: 'action', input: { type: 'string' }, run: ({ input }) => `said ${input}` },
        hang: { kind: 'action', run: () => new Promise<never>(() => {}) },
        fail: {
          kind: 'action',
          run: () => {
            throw new Error('no bulb');
          },
        },
      },
    });
    t.after(() => device.stop());
    await device.start();
    return new Rig(hub, device);
  }

  async leave(): Promise<void> {
    await this.device.stop();
    await until('offline', () => this.hub.server.hub.devices.get('lamp-1')?.isOnline === false);
  }

  words(...args: readonly string[]): string[] {
    const [command = '', ...rest] = args;
    return recadoWords(command, '--url', this.hub.url, ...rest);
  }

  run(...args: readonly string[]): Promise<ProgramEnd> {
    return runProgram(this.words(...args), { env: { RECADO_TOKEN: TOKEN } });
  }
}

describe('devices from the shell', () => {
  it('are listed, in lines, in JSON and by name', async (t) => {
    const rig = await Rig.start(t);
    const lines = await rig.run('devices');
    assert.deepEqual([lines.end, lines.errors], [0, '']);
    assert.match(
      lines.output,
      /^DEVICE +STATUS +GATEWAY +COMMANDS +TAGS +TITLE\nlamp-1 +online +socket +5 +Lamp.*\n$/,
    );
    assert.ok(!lines.output.includes('\u001b'));
    const json = await rig.run('devices', '--json', '--status', 'online');
    assert.equal((JSON.parse(json.output) as { deviceId: string }).deviceId, 'lamp-1');
    assert.equal((await rig.run('devices', '--names')).output, 'lamp-1\n');
    assert.deepEqual(await rig.run('devices', '--search', 'nothing', '--json'), {
      end: 0,
      output: '',
      errors: 'recado: there is none; `recado devices` lists all\n',
    });
    const client = createClient({ url: rig.hub.url, token: TOKEN });
    await client.devices.change('lamp-1', { tags: ['floor2', 'lab'] });
    const tagged = await rig.run('devices', '--tag', 'floor2');
    assert.match(tagged.output, /\nlamp-1 +online +socket +5 +floor2,lab +Lamp/);
    assert.equal((await rig.run('devices', '--tag', 'floor', '--names')).output, '');
    assert.equal((await rig.run('call', 'lamp-1', '--names')).output, 'dim\nplace\nsay\nhang\nfail\n');
    const { output } = await rig.run('call', 'lamp-1');
    assert.match(output, /\ndim +write +number +dim\nplace +action +\{at, mode\?\} +place\n/);
  });

  it('look like nothing of the program itself on a terminal, however narrow', async (t) => {
    const rig = await Rig.start(t);
    const shown = async (...words: readonly string[]): Promise<readonly string[]> => {
      const program = new TerminalProgram(rig.words(...words), { columns: 40, env: { RECADO_TOKEN: TOKEN } });
      t.after(() => program.stop());
      assert.equal(await program.exit(), 0);
      return program.lines.filter((line) => line !== '');
    };
    assert.deepEqual(await shown('call', 'lamp-1', 'place', '{"at":1}'), [
      '  ok',
      '  recado: it did not answer in time',
    ]);
    assert.ok((await shown('devices')).every((line) => line.length <= 40 && /^(DEVICE|lamp-1) /.test(line)));
  });

  it('are called, with JSON or a text, and print their output', async (t) => {
    const rig = await Rig.start(t);
    assert.deepEqual(await rig.run('call', 'lamp-1', 'dim', '21.5'), {
      end: 0,
      output: '{"level":21.5}\n',
      errors: '',
    });
    assert.equal((await rig.run('call', 'lamp-1', 'dim', '-5')).output, '{"level":-5}\n');
    assert.equal((await rig.run('call', 'lamp-1', 'say', '42')).output, 'said 42\n');
    const environment = ['env', `RECADO_TOKEN=${TOKEN}`];
    const { output } = await runWithInput(
      [...environment, ...rig.words('call', 'lamp-1', 'say', '-')],
      'olá\n',
    );
    assert.equal(output.toString(), 'said olá\n');
    const json = await rig.run('call', 'lamp-1', 'dim', '1', '--json');
    const answer = JSON.parse(json.output) as { output: unknown; invocation: { state: string } };
    assert.deepEqual([answer.output, answer.invocation.state], [{ level: 1 }, 'completed']);
  });

  it('tell each kind of failure by the exit code, and what to do', async (t) => {
    const rig = await Rig.start(t);
    for (const [args, exit, text] of [
      [['call', 'lamp-1', 'dim', 'x'], 2, /"x" is no JSON/],
      [['call', '..', 'dim'], 2, /names nothing/],
      [['call', 'lamp-1', '--names', '--json'], 2, /'--names' cannot be used with option '--json'/],
      [['devices', '--names', '--json'], 2, /'--names' cannot be used with option '--json'/],
      [['call', 'lamp-1', 'dim', '--names'], 2, /--names lists commands/],
      [['devices', '--token', 'wrong-token-12345'], 4, /RECADO_TOKEN/],
      [['call', 'lamp-2', 'dim'], 5, /`recado devices` lists/],
      [['call', 'lamp-1', 'dance'], 5, /It has dim, place, say, hang, fail/],
      [['call', 'x\u009b\u202e', '--json'], 5, /x\\u009b\\u202e/],
      [['watch', 'lamp-2'], 5, /There is no device lamp-2/],
      [['call', 'lamp-1', 'dim', '101'], 6, /does not fit/],
      [['call', 'lamp-1', 'fail'], 8, /DEVICE_ERROR/],
      [['call', 'lamp-1', 'hang', '--timeout', '0.2'], 27, /--timeout waits longer/],
    ] as const) {
      const { end, output, errors } = await rig.run(...args);
      assert.deepEqual([end, output], [exit, ''], errors);
      assert.match(errors, text);
      if (exit !== 2) assert.equal(errors.trimEnd().split('\n').length, 1);
    }
    const json = await rig.run('call', 'lamp-2', 'dim', '--json');
    assert.equal((JSON.parse(json.errors) as { code: string }).code, 'DEVICE_UNKNOWN');
    const nowhere = await runProgram(recadoWords('devices', '--url', '127.0.0.1:9'));
    assert.equal(nowhere.end, 3, nowhere.errors);
    await rig.device.stop();
    assert.equal((await rig.run('call', 'lamp-1', 'dim', '1')).end, 7);
  });

  it('are left a command that waits for them', async (t) => {
    const rig = await Rig.start(t);
    const there = await rig.run('call', 'lamp-1', 'say', 'hello', '--queue-for', '60');
    assert.deepEqual([there.end, there.output], [0, 'said hello\n'], there.errors);
    await rig.leave();
    const left = await rig.run('call', 'lamp-1', 'dim', '7', '--queue-for', '60');
    assert.deepEqual([left.end, left.output], [0, ''], left.errors);
    const [, id = ''] = /^recado: lamp-1 is offline; .* as invocation (\w+)\n$/.exec(left.errors) ?? [];
    const client = createClient({ url: rig.hub.url, token: TOKEN });
    assert.equal((await client.invocations.get(id)).state, 'queued');
    await rig.device.start();
    const done = await until('it is done', async () => {
      const invocation = await client.invocations.get(id);
      return invocation.state === 'completed' ? invocation : undefined;
    });
    assert.deepEqual(done.output, { level: 7 });
    const { invocations } = await client.invocations.list({ deviceId: 'lamp-1', limit: 1 });
    assert.deepEqual([invocations[0]?.id], [id]);
    await rig.leave();
    const more = await client.devices.start('lamp-1', 'dim', {
      input: 8,
      queueForMs: 60_000,
      idempotencyKey: 'k',
    });
    const same = await client.devices.start('lamp-1', 'dim', {
      input: 8,
      queueForMs: 60_000,
      idempotencyKey: 'k',
    });
    assert.equal(same.invocation.id, more.invocation.id);
    await client.invocations.cancel(more.invocation.id);
    const ended = client.devices.invoke('lamp-1', 'dim', { input: 8, idempotencyKey: 'k' });
    await assert.rejects(ended, { code: 'IDEMPOTENCY_CONFLICT', status: 409 });
  });

  it('are watched', async (t) => {
    const rig = await Rig.start(t);
    const words = rig.words('watch', '--json', '--interval', '0.1');
    const program = new ChildProgram(words, { name: 'recado watch', env: { RECADO_TOKEN: TOKEN } });
    t.after(() => program.stop());
    const seen = (type: string, value: string): boolean =>
      program.lines.some((line) => line.includes(`"type":"${type}"`) && line.includes(value));
    await until('it is online', () => seen('presence', '"online"'));
    rig.device.report({ power: 7 });
    await until('a reading comes', () => seen('reading', '"value":7'));
    rig.device.report({ power: 8 });
    await until('the next one comes', () => seen('reading', '"value":8'));
    await rig.run('call', 'lamp-1', 'dim', '7');
    await until('a command is seen', () => seen('invocation', '"state":"completed"'));
    await rig.device.stop();
    await until('it is offline', () => seen('presence', '"offline"'));
    program.signal('SIGINT');
    assert.deepEqual([await program.exit(), program.errorText], [0, '']);
  });

  it('are watched over a restart of the hub, which is told', async (t) => {
    const ports = await findFreePorts();
    const first = await startHubProcess(ports);
    t.after(() => first.stop());
    const program = new ChildProgram(recadoWords('watch', '--url', first.url), { name: 'recado watch' });
    t.after(() => program.stop());
    const device = createDevice({
      id: 'lamp-9',
      hub: `127.0.0.1:${ports.tcp}`,
      maxBackoffMs: 500,
      commands: { hang: { kind: 'action', run: () => new Promise<never>(() => {}) } },
    });
    t.after(() => device.stop());
    await device.start();
    await program.waitForLine(/ lamp-9 online /);
    // It has looked at all that there is when it tells what happens.
    device.report({ power: 1 });
    await program.waitForLine(/ lamp-9 power 1/);
    const lost = assert.rejects(createClient({ url: first.url }).devices.invoke('lamp-9', 'hang'));
    await program.waitForLine(/ lamp-9 hang: running$/);
    first.program.signal('SIGKILL');
    await lost;
    await until('it is told', () => program.errorText.includes('recado: the hub is away'));
    const second = await startHubProcess(ports);
    t.after(() => second.stop());
    await until('it is told', () => program.errorText.endsWith('recado: the hub is back\n'));
    await program.waitForLine(/ lamp-9 hang: failed \(HUB_RESTARTED\)$/);
  });

  it('are asked what became of a command when events are lost, and it is told once', async (t) => {
    t.after(closeServers);
    const invocation = (id: string, state: string): object => ({
      id,
      deviceId: 'lamp-1',
      command: id,
      state,
      phases: { accepted: '2026-11-22T10:00:00.000Z' },
    });
    const happened = (type: string, data: object): string =>
      `id: a-1\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
    const time = '2026-11-22T10:00:01.000Z';
    const news = (id: string, state: string): string =>
      happened('invocation', { deviceId: 'lamp-1', time, invocation: invocation(id, state), code: null });
    const { url, seen } = await serveAnswers(({ url: path }, response) => {
      if (path.startsWith('/api/v1/events')) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const lost = news('dim', 'running') + news('blink', 'running') + happened('missed', { count: 2 });
        response.write(lost + news('dim', 'completed') + news('off', 'running'));
      } else if (path.startsWith('/api/v1/devices?')) {
        response.end(JSON.stringify({ devices: [], total: 0 }));
      } else if (path.endsWith('/dim')) {
        response.end(JSON.stringify({ ...invocation('dim', 'completed'), ended: time, safeToRetry: false }));
      } else {
        response.statusCode = 404;
        response.end(JSON.stringify({ code: 'INVOCATION_UNKNOWN', status: 404, title: 'x', detail: 'x' }));
      }
    });
    const program = new ChildProgram(recadoWords('watch', '--url', url), { name: 'recado watch' });
    t.after(() => program.stop());
    await program.waitForLine(/ lamp-1 off: running$/);
    const told = program.lines.map((line) => line.slice(line.indexOf(' ') + 1));
    assert.deepEqual(told, [
      'lamp-1 dim: running',
      'lamp-1 blink: running',
      'lamp-1 dim: completed',
      'lamp-1 blink: ended, and how is not kept (INVOCATION_UNKNOWN)',
      'lamp-1 off: running',
    ]);
    assert.match(program.errorText, /too slow: 2 events are lost/);
    assert.equal(seen.length, 5);
  });

  it('are watched also over a hub that ends at the first look', async (t) => {
    t.after(closeServers);
    let hasLooked = false;
    const streams: { destroy(): unknown }[] = [];
    const { url } = await serveAnswers(({ url: path }, response) => {
      if (path.startsWith('/api/v1/events')) {
        streams.push(response);
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: a-1\n\n');
      } else if (streams.length === 1) {
        for (const each of [response, ...streams]) each.destroy();
      } else {
        hasLooked = true;
        response.end(JSON.stringify({ devices: [], total: 0 }));
      }
    });
    const program = new ChildProgram(recadoWords('watch', '--url', url), { name: 'recado watch' });
    t.after(() => program.stop());
    const told = 'recado: the hub is away; asking again until it is back\nrecado: the hub is back\n';
    await until('it has looked again', () => hasLooked && program.errorText === told);
    program.signal('SIGINT');
    assert.equal(await program.exit(), 0);
  });

  it('are watched also where the hub has no events', async (t) => {
    const presence = { sequence: 1, reason: 'connected', since: 's', lastSeen: 's' };
    const device = { deviceId: 'old', title: null, model: null, gateway: 'socket', commandCount: 0 };
    let status = 'online';
    t.after(closeServers);
    const { url } = await serveAnswers(({ url: path }, response) => {
      const isList = path.startsWith('/api/v1/devices?');
      const isKnown = isList || path.endsWith('/telemetry');
      response.statusCode = isKnown ? 200 : 404;
      const listed = { ...device, presence: { ...presence, status, sequence: status.length } };
      const list = { devices: [listed], total: 1 };
      const telemetry = { deviceId: 'old', readings: [], unavailable: null };
      const problem = { code: 'ROUTE_UNKNOWN', status: 404, title: 'x', detail: 'x', type: 'x' };
      response.end(JSON.stringify(isList ? list : isKnown ? telemetry : problem));
    });
    const words = recadoWords('watch', '--url', url, '--interval', '0.3');
    const program = new ChildProgram(words, { name: 'recado watch' });
    t.after(() => program.stop());
    await program.waitForLine(/ old online /);
    status = 'offline';
    await program.waitForLine(/ old offline /);
    program.signal('SIGINT');
    const told = 'recado: this hub has no events; asking it every 0.3 s\n';
    assert.deepEqual([await program.exit(), program.errorText], [0, told]);
  });
});
