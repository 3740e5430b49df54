import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createClient, ProblemError, type Client } from '../../src/client/index.ts';
import { ManageRig } from '../helpers/manage-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const HELLO = {
  recado: 2,
  id: 'lab:1',
  description: {
    title: 'Greenhouse',
    commands: {
      hold: {
        title: 'Hold a temperature',
        kind: 'write',
        input: {
          type: 'object',
          required: ['target'],
          properties: { target: { type: 'number', title: 'Target', maximum: 35 } },
        },
      },
      jam: { title: 'Jam' },
      silent: { title: 'Silent' },
    },
    telemetry: { temperature: { title: 'Temperature', unit: '°C', type: 'number' } },
  },
};

/** A framed device: holds what it is told, jams, or keeps silent. */
async function connectDevice(t: TestContext, port: number): Promise<{ leave: () => void }> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let rest = '';
  const send = (message: object): void => void socket.write(`${JSON.stringify(message)}\n`);
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { ok, cmd, name, input } = JSON.parse(line) as {
        ok?: boolean;
        cmd?: string;
        name?: string;
        input?: unknown;
      };
      if (ok === true) send({ telemetry: { temperature: 21.5 } });
      if (name === 'hold') send({ re: cmd, output: { held: input } });
      if (name === 'jam') send({ re: cmd, error: { code: 'JAMMED', message: 'Stuck', status: 409 } });
    }
  });
  await once(socket, 'connect');
  send(HELLO);
  return { leave: () => socket.end() };
}

/** The members of the problem that a call ends with, without its class. */
async function problemOf(call: Promise<unknown>): Promise<Omit<ProblemError, 'name'>> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    return Object.assign({}, error);
  }
  return assert.fail('it should have failed');
}

function deviceIsThere(client: Client): Promise<unknown> {
  return until('a device with a reading', async () => {
    const { devices } = await client.devices.list({ status: 'online' });
    return devices.length === 1 && (await client.devices.telemetry('lab:1')).readings.length === 1;
  });
}

describe('recado/client and a real hub', () => {
  it('understand each other about everything', async (t) => {
    const hub = await startTestHub(t);
    const client = createClient({ url: hub.url });
    assert.equal((await client.health()).status, 'ok');
    assert.deepEqual(await client.devices.list(), { devices: [], total: 0 });

    const device = await connectDevice(t, hub.tcpPort);
    await deviceIsThere(client);
    const details = await client.devices.get('lab:1');
    assert.equal(details.title, 'Greenhouse');
    assert.equal(details.presence.status, 'online');
    assert.deepEqual(details.telemetry, [
      { metric: 'temperature', title: 'Temperature', unit: '°C', type: 'number' },
    ]);
    const commands = await client.devices.commands('lab:1');
    assert.deepEqual(
      commands.map((command) => command.name),
      ['hold', 'jam', 'silent'],
    );
    const telemetry = await client.devices.telemetry('lab:1');
    assert.partialDeepStrictEqual(telemetry, {
      unavailable: null,
      readings: [{ metric: 'temperature', value: 21.5, unit: '°C' }],
    });
    const ids: string[] = [];
    for await (const { deviceId } of client.devices.all({ q: 'green', gateway: 'socket', limit: 1 }))
      ids.push(deviceId);
    assert.deepEqual(ids, ['lab:1']);

    const { output, invocation } = await client.devices.invoke('lab:1', 'hold', { input: { target: 20 } });
    assert.deepEqual(output, { held: { target: 20 } });
    assert.equal(invocation.state, 'completed');
    assert.ok(invocation.phases.answered !== undefined);

    device.leave();
    await until(
      'the device is offline',
      async () => (await client.devices.get('lab:1')).presence.status === 'offline',
    );
    await client.devices.forget('lab:1');
    assert.equal((await client.devices.list()).total, 0);
  });

  it('understand each other about every failure', async (t) => {
    const hub = await startTestHub(t);
    const client = createClient({ url: hub.url });
    const { devices } = client;
    const device = await connectDevice(t, hub.tcpPort);
    await deviceIsThere(client);

    assert.partialDeepStrictEqual(await problemOf(devices.get('nobody')), {
      code: 'DEVICE_UNKNOWN',
      status: 404,
    });
    assert.partialDeepStrictEqual(await problemOf(devices.invoke('lab:1', 'dance')), {
      code: 'COMMAND_UNKNOWN',
      status: 404,
    });
    assert.partialDeepStrictEqual(await problemOf(devices.forget('lab:1')), {
      code: 'DEVICE_ONLINE',
      status: 409,
    });
    assert.partialDeepStrictEqual(await problemOf(devices.list({ limit: 0 })), {
      code: 'REQUEST_INVALID',
      status: 400,
    });
    const unfit = await problemOf(devices.invoke('lab:1', 'hold', { input: { target: 99 } }));
    assert.partialDeepStrictEqual(unfit, {
      code: 'INPUT_INVALID',
      status: 422,
      safeToRetry: true,
      errors: [{ pointer: '/target' }],
    });
    const jammed = await problemOf(devices.invoke('lab:1', 'jam'));
    assert.partialDeepStrictEqual(jammed, {
      code: 'DEVICE_ERROR',
      status: 409,
      phase: 'answered',
      safeToRetry: false,
      device: { code: 'JAMMED', message: 'Stuck' },
    });
    const late = await problemOf(devices.invoke('lab:1', 'silent', { timeoutMs: 50 }));
    assert.partialDeepStrictEqual(late, {
      code: 'ANSWER_TIMEOUT',
      status: 504,
      phase: 'sent',
      safeToRetry: false,
    });
    assert.equal(late.invocation?.deviceId, 'lab:1');

    device.leave();
    await until(
      'the device is offline',
      async () => (await devices.get('lab:1')).presence.status === 'offline',
    );
    const offline = await problemOf(devices.invoke('lab:1', 'hold', { input: { target: 20 } }));
    assert.partialDeepStrictEqual(offline, { code: 'DEVICE_OFFLINE', status: 503, safeToRetry: true });
    assert.ok((offline.retryAfterMs ?? 0) > 0);
  });

  it('a hub with tokens wants one', async (t) => {
    const token = '0123456789abcdef0123456789abcdef';
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = [token];
      config.http.trustedNetworks = [];
    });
    const refused = await problemOf(createClient({ url: hub.url }).devices.list());
    assert.partialDeepStrictEqual(refused, { code: 'UNAUTHENTICATED', status: 401 });
    assert.equal((await createClient({ url: hub.url, token }).devices.list()).total, 0);
  });
});

describe('recado manage and a real hub', () => {
  it('lists, sends, shows the answer, and sees the device leave', async (t) => {
    const hub = await startTestHub(t);
    const device = await connectDevice(t, hub.tcpPort);
    const rig = new ManageRig();
    t.after(() => rig.stop());
    const program = rig.start({ args: [hub.url] });
    await program.waitFor(/❯ +1 ● lab:1 +Greenhouse +socket +online for/);
    program.press('enter');
    await program.waitFor(/Temperature +21\.5 °C/);
    program.press('enter');
    await program.waitFor('number, at most 35');
    program.type('20');
    program.press('enter');
    await program.waitFor(/held\s+target +20/);
    await program.waitFor(/Reached +accepted .* · sent .* · answered/);
    program.press('enter');
    await program.waitFor('Commands');
    device.leave();
    await program.waitFor('○ offline for');
  });
});
