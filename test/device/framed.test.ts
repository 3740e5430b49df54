import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, createDevice, type CommandCall, type DeviceState } from '../../src/device/index.ts';
import { readDescription } from '../../src/devices/description.ts';
import { cleanUpWith } from '../helpers/clean-ups.ts';
import { startFakeHub, type FakeHub, type FakeConnection } from '../helpers/fake-socket-hub.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { HANG_MS, until } from '../helpers/until.ts';

/** A welcome that is late is no fault: what tests `helloTimeoutMs` sets it short. */
const FAST = { helloTimeoutMs: HANG_MS, minBackoffMs: 20, maxBackoffMs: 60, stableMs: 50, random: () => 1 };

type Echo = (call: CommandCall<unknown>) => unknown;

function startDevice(hub: FakeHub, echo: Echo = ({ input }) => input, options: object = {}) {
  const states: DeviceState[] = [];
  const errors: unknown[] = [];
  const device = createDevice({
    id: 'greenhouse-1',
    title: 'Greenhouse',
    token: 'secret',
    hub: hub.address,
    udpPort: hub.udpPort,
    telemetry: { temperature: { unit: '°C', type: 'number' }, door: {} },
    commands: { echo: { kind: 'read', input: {}, run: echo }, plain: { run: () => undefined } },
    describe: () => ({ title: 'Greenhouse', door: 'open' }),
    onState: (state) => states.push(state),
    onError: (error) => errors.push(error),
    ...FAST,
    ...options,
  });
  cleanUpWith(() => device.stop());
  void device.start();
  return { device, states, errors };
}

const KEY = randomBytes(32);

function welcome(connection: FakeConnection, extra: object = {}): void {
  const session = { session: 's-1', keepAliveMs: 15_000, udpKey: KEY.toString('base64url') };
  connection.sendLine({ ok: true, id: 'greenhouse-1', ...session, ...extra });
}

/** The first wait before another try, which may be over already. */
const firstWait = (states: readonly DeviceState[]): Promise<DeviceState> =>
  until('it waits', () => states.find(({ status }) => status === 'waiting'));

async function handshake(hub: FakeHub, extra: object = {}): Promise<FakeConnection> {
  const connection = await hub.accept();
  await connection.takeLine();
  welcome(connection, extra);
  return connection;
}

test('says hello with a description that the hub takes, and is online when welcome', async () => {
  const hub = await startFakeHub();
  const { device, states } = startDevice(hub);
  const connection = await hub.accept();
  const hello = await connection.takeLine();
  assert.deepEqual(hello, {
    recado: 2,
    id: 'greenhouse-1',
    token: 'secret',
    description: {
      title: 'Greenhouse',
      commands: {
        echo: { kind: 'read', input: {} },
        plain: {},
        describe: { title: 'General description', kind: 'read', idempotent: true },
      },
      telemetry: { temperature: { unit: '°C', type: 'number' }, door: {} },
    },
  });
  assert.equal(readDescription(hello['description']).ok, true);
  assert.equal(device.state.status, 'connecting');
  welcome(connection);
  await until('online', () => device.state.status === 'online');
  assert.deepEqual(
    states.map(({ status, reason }) => `${status} ${reason}`),
    ['connecting starting', 'online accepted'],
  );
});

test('answers commands: output, nothing, description, unknown ones', async () => {
  const hub = await startFakeHub();
  startDevice(hub);
  const connection = await handshake(hub);
  connection.sendLine({ cmd: 'i1', name: 'echo', input: { a: ['ção', 1.5, null, true] }, deadlineMs: 1000 });
  assert.deepEqual(await connection.takeLine(), { re: 'i1', output: { a: ['ção', 1.5, null, true] } });
  connection.sendLine({ cmd: 'i2', name: 'plain', deadlineMs: 1000 });
  assert.deepEqual(await connection.takeLine(), { re: 'i2', output: null });
  connection.sendLine({ cmd: 'i3', name: 'describe', deadlineMs: 1000 });
  assert.deepEqual(await connection.takeLine(), { re: 'i3', output: { title: 'Greenhouse', door: 'open' } });
  for (const name of ['toString', '__proto__', 'run', undefined]) {
    connection.sendLine({ cmd: 'i4', name, deadlineMs: 1000 });
    assert.equal(((await connection.takeLine())['error'] as { code: string }).code, 'COMMAND_UNKNOWN');
  }
});

test('takes lines split anywhere and glued, and ignores what it does not know', async () => {
  const hub = await startFakeHub();
  startDevice(hub);
  const connection = await handshake(hub);
  const line = Buffer.from('{"cmd":"i1","name":"echo","input":"ação"}\n');
  for (let split = 1; split < line.length; split += 3) {
    connection.send(line.subarray(0, split));
    await sleep(1);
    connection.send(line.subarray(split));
    assert.deepEqual(await connection.takeLine(), { re: 'i1', output: 'ação' });
  }
  connection.send('{"ping":1}\n\r\n\n{"future":{"x":1}}\n{"pong":9}\n{"ping":"two"}\r\n');
  assert.deepEqual(await connection.takeLine(), { pong: 1 });
  assert.deepEqual(await connection.takeLine(), { pong: 'two' });
});

test('runs many commands at once, answers them as they end, and refuses those beyond the limit', async () => {
  const hub = await startFakeHub();
  const finish = new Map<unknown, () => void>();
  startDevice(hub, ({ input }) => new Promise((resolve) => finish.set(input, () => resolve(input))), {
    maxCommandsInFlight: 100,
  });
  const connection = await handshake(hub);
  for (let number = 0; number < 100; number++)
    connection.sendLine({ cmd: `i${number}`, name: 'echo', input: number });
  await until('all run', () => finish.size === 100);
  connection.sendLine({ cmd: 'beyond', name: 'echo', input: -1 });
  const refusal = await connection.takeLine();
  assert.equal(refusal['re'], 'beyond');
  assert.equal((refusal['error'] as { code: string }).code, 'TOO_MANY_COMMANDS');
  connection.sendLine({ cmd: 'i7', name: 'echo', input: 'the same id again is not run again' });
  connection.sendLine({ ping: 1 });
  assert.deepEqual(await connection.takeLine(), { pong: 1 });
  for (let number = 99; number >= 0; number--) finish.get(number)?.();
  for (let number = 99; number >= 0; number--) {
    assert.deepEqual(await connection.takeLine(), { re: `i${number}`, output: number });
  }
  assert.equal(finish.size, 100);
});

test('failures keep their code, message and status; others say nothing of the inside', async () => {
  const hub = await startFakeHub();
  const { errors } = startDevice(
    hub,
    ({ input }) => {
      if (input === 1) throw new CommandError('DOOR_STUCK', 'The door is stuck.', { status: 409 });
      if (input === 2) throw new CommandError('DOOR_STUCK', 'The door is stuck.');
      if (input === 3) return Promise.reject(new Error('secret path /home/x'));
      if (input === 4) throw 'a bare text';
      if (input === 5) return { big: 1n };
      const cycle: Record<string, unknown> = {};
      cycle['self'] = cycle;
      return input === 6 ? cycle : 'x'.repeat(2000);
    },
    { maxLineBytes: 1500 },
  );
  const connection = await handshake(hub);
  const call = async (input: number): Promise<unknown> => {
    connection.sendLine({ cmd: 'i', name: 'echo', input });
    return (await connection.takeLine())['error'];
  };
  assert.deepEqual(await call(1), { code: 'DOOR_STUCK', message: 'The door is stuck.', status: 409 });
  assert.deepEqual(await call(2), { code: 'DOOR_STUCK', message: 'The door is stuck.' });
  assert.equal(errors.length, 0);
  for (const input of [3, 4]) {
    assert.deepEqual(await call(input), {
      code: 'HANDLER_FAILED',
      message: 'echo failed on the device. Its log says why.',
    });
  }
  for (const input of [5, 6, 7])
    assert.equal(((await call(input)) as { code: string }).code, 'OUTPUT_INVALID');
  assert.equal(errors.length, 5);
  assert.throws(() => new CommandError('X', 'y', { status: 200 }), RangeError);
});

test('a cancelled command is aborted and not answered', async () => {
  const hub = await startFakeHub();
  const reasons: unknown[] = [];
  const { errors } = startDevice(
    hub,
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          reject(signal.reason as Error);
        });
      }),
  );
  const connection = await handshake(hub);
  connection.sendLine({ cmd: 'i1', name: 'echo', input: 1, deadlineMs: 10_000 });
  connection.sendLine({ cancel: 'unknown' });
  connection.sendLine({ cancel: 'i1' });
  connection.sendLine({ cancel: 'i1' });
  connection.sendLine({ ping: 1 });
  assert.deepEqual(await connection.takeLine(), { pong: 1 });
  assert.equal(reasons.length, 1);
  assert.equal((reasons[0] as Error).name, 'AbortError');
  assert.equal(errors.length, 0, 'a handler that stops when told to has not failed');
});

test('a command whose time is over is aborted and not answered', async () => {
  const hub = await startFakeHub();
  const reasons: unknown[] = [];
  let deadline = 0;
  startDevice(hub, ({ signal, deadlineMs }) => {
    deadline = deadlineMs;
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        resolve('late');
      });
    });
  });
  const connection = await handshake(hub);
  connection.sendLine({ cmd: 'i1', name: 'echo', input: 1, deadlineMs: 50 });
  await until('aborted', () => reasons[0]);
  assert.equal(deadline, 50);
  assert.equal((reasons[0] as Error).name, 'TimeoutError');
  connection.sendLine({ ping: 1 });
  assert.deepEqual(await connection.takeLine(), { pong: 1 });
});

test('commands are aborted when the connection ends', async () => {
  const hub = await startFakeHub();
  const reasons: unknown[] = [];
  startDevice(hub, ({ signal }) => {
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    return new Promise(() => {});
  });
  const connection = await handshake(hub);
  connection.sendLine({ cmd: 'i1', name: 'echo', input: 1 });
  connection.sendLine({ cmd: 'i2', name: 'echo', input: 2 });
  connection.sendLine({ ping: 1 });
  await connection.takeLine();
  connection.socket.destroy();
  await until('both aborted', () => reasons.length === 2);
});

test('a hub that is silent is asked, and one that does not answer is left', async () => {
  const hub = await startFakeHub();
  const clock = new ManualClock();
  const { device, states } = startDevice(hub, undefined, { clock });
  const connection = await handshake(hub, { keepAliveMs: 60 });
  await until('online', () => device.state.status === 'online');
  for (const ping of [1, 2, 3]) {
    clock.advance(60);
    assert.deepEqual(await connection.takeLine(), { ping });
    connection.sendLine({ pong: ping });
    // Its answer proves that the pong has come before the time goes on.
    connection.sendLine({ ping: 'heard?' });
    assert.deepEqual(await connection.takeLine(), { pong: 'heard?' });
  }
  clock.advance(60);
  assert.deepEqual(await connection.takeLine(), { ping: 4 });
  assert.equal(hub.connections.length, 1);
  clock.advance(60);
  await connection.closed();
  assert.equal((await firstWait(states)).reason, 'hub-silent');
  clock.advance(FAST.maxBackoffMs);
  await handshake(hub);
  await until('online', () => device.state.status === 'online');
});

test('reconnects with waits that double up to the maximum, and are short again after a stable connection', async () => {
  const hub = await startFakeHub();
  const { device, states } = startDevice(hub);
  const waits = (): number[] =>
    states.filter(({ status }) => status === 'waiting').map(({ retryInMs }) => retryInMs);
  for (let round = 0; round < 4; round++) (await hub.accept()).socket.destroy();
  await until('four waits', () => waits().length >= 4);
  assert.deepEqual(waits().slice(0, 4), [20, 40, 60, 60]);
  const connection = await handshake(hub);
  await until('online', () => device.state.status === 'online');
  await sleep(FAST.stableMs + 20);
  const before = waits().length;
  connection.socket.destroy();
  await until('another wait', () => waits().length > before);
  assert.equal(waits()[before], 20);
});

test('a wait is random, from nothing up to its bound', async () => {
  const hub = await startFakeHub();
  const numbers = [0, 0.5, 0.25];
  const { states } = startDevice(hub, undefined, { random: () => numbers.shift() ?? 1 });
  const waits = (): number[] =>
    states.filter(({ status }) => status === 'waiting').map(({ retryInMs }) => retryInMs);
  for (let round = 0; round < 3; round++) (await hub.accept()).socket.destroy();
  await until('three waits', () => waits().length >= 3);
  assert.deepEqual(waits().slice(0, 3), [0, 20, 15]);
});

for (const code of ['HELLO_INVALID', 'DESCRIPTION_INVALID', 'DEVICE_TOKEN_INVALID', 'FORBIDDEN']) {
  test(`refused with ${code}, it waits at least the longest time before it tries again`, async () => {
    const hub = await startFakeHub();
    const { states } = startDevice(hub, undefined, { random: () => 0, maxBackoffMs: 80 });
    const connection = await hub.accept();
    await connection.takeLine();
    connection.sendLine({ ok: false, error: { code, message: 'No, because.' } });
    await connection.closed();
    const { reason, message, retryInMs } = await firstWait(states);
    assert.deepEqual([reason, message, retryInMs], ['refused', `No, because. (${code})`, 80]);
    await handshake(hub);
  });
}

test('a hub that is full is tried again as one that cannot be reached', async () => {
  const hub = await startFakeHub();
  const { states } = startDevice(hub);
  const connection = await hub.accept();
  connection.sendLine({ ok: false, error: { code: 'TOO_MANY_CONNECTIONS', message: 'Full.' } });
  assert.equal((await firstWait(states)).retryInMs, 20);
});

test('told that it was taken over, it waits at least the longest time', async () => {
  const hub = await startFakeHub();
  const { states } = startDevice(hub, undefined, { random: () => 0, maxBackoffMs: 70 });
  const connection = await handshake(hub);
  connection.sendLine({ error: { code: 'TAKEN_OVER', message: 'Another connection came.' } });
  await connection.closed();
  const { reason, retryInMs } = await firstWait(states);
  assert.deepEqual([reason, retryInMs], ['taken-over', 70]);
});

test('junk, or a line that is too long, ends the connection', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub, undefined, { maxLineBytes: 1000 });
  for (const junk of ['hello\n', '[1]\n', '"x"\n', '{"a":\n', `{"a":"${'x'.repeat(2000)}`]) {
    const connection = await handshake(hub);
    connection.send(junk);
    await connection.closed();
    await until('a protocol error', () => device.state.reason === 'protocol-error');
  }
});

test('a hub that says nothing to a hello is left', async () => {
  const hub = await startFakeHub();
  const { states } = startDevice(hub, undefined, { helloTimeoutMs: 50 });
  const mute = await hub.accept();
  await mute.closed();
  assert.match((await firstWait(states)).message, /did not answer within 50 ms: is it a hub\?/);
});

test('telemetry goes through the connection, and is kept with its time while there is none', async () => {
  const hub = await startFakeHub();
  const { device, errors } = startDevice(hub, undefined, { maxQueuedReports: 3 });
  assert.equal(device.report({ temperature: 0 }), 'queued');
  for (const temperature of [1, 2, 3]) {
    assert.equal(device.report({ temperature }, { at: new Date(temperature * 1000) }), 'queued');
  }
  assert.equal(device.droppedReports, 1);
  const connection = await handshake(hub);
  for (const temperature of [1, 2, 3]) {
    const at = new Date(temperature * 1000).toISOString();
    assert.deepEqual(await connection.takeLine(), { telemetry: { temperature }, at });
  }
  assert.equal(device.queuedReports, 0);
  assert.equal(device.report({ temperature: 4, door: 'open' }), 'sent');
  assert.deepEqual(await connection.takeLine(), { telemetry: { temperature: 4, door: 'open' } });
  assert.equal(device.report({ temperature: 5 }, { at: new Date(5) }), 'sent');
  assert.deepEqual(await connection.takeLine(), {
    telemetry: { temperature: 5 },
    at: '1970-01-01T00:00:00.005Z',
  });
  assert.equal(device.report({ temperature: Number.NaN, door: true }), 'sent');
  assert.deepEqual(await connection.takeLine(), { telemetry: { door: true } });
  assert.equal(errors.length, 1);
  assert.equal(device.report({ temperature: Number.POSITIVE_INFINITY }), 'dropped');
  assert.equal(device.report({ temperature: 'warm' as never }), 'dropped');
  connection.sendLine({ warning: { code: 'READING_REFUSED', message: 'door is too much.' } });
  await until('told', () => errors.length === 4);
  const told = errors.slice(2).map((error) => (error as Error).message);
  assert.deepEqual(told, [
    'temperature is not of the type number, as its description says; the reading is not sent.',
    'The hub took not all that was reported: door is too much. (READING_REFUSED)',
  ]);
  assert.equal(device.report({}), 'dropped');
  assert.equal(device.reportUnavailable('off'), 'dropped');
});

test('reports that the hub does not read are kept, up to the limit', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub, undefined, { maxOutboxBytes: 10_000, maxQueuedReports: 5 });
  const connection = await handshake(hub);
  await until('online', () => device.state.status === 'online');
  connection.socket.pause();
  const outcomes = new Set<string>();
  const door = 'x'.repeat(60_000);
  await until('the outbox is full', () => {
    for (let round = 0; round < 20; round++) outcomes.add(device.report({ door }));
    return outcomes.has('queued');
  });
  await until('the queue is full', () => {
    device.report({ door });
    return device.queuedReports === 5 && device.droppedReports > 0;
  });
  connection.socket.resume();
  await until('all are sent', () => device.report({ temperature: 1 }) === 'sent');
  assert.equal(device.queuedReports, 0);
});

test('datagrams are signed, numbered from 1 in each session, and end in their mac', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub, undefined, { telemetryBy: 'datagram' });
  for (let session = 0; session < 2; session++) {
    const connection = await handshake(hub);
    await until('online', () => device.state.status === 'online');
    const from = hub.datagrams.length;
    for (let number = 1; number <= 3; number++) {
      assert.equal(
        device.report({ temperature: 20 + number, door: 'ção' }, { at: new Date(number) }),
        'sent',
      );
      await until('a datagram', () => hub.datagrams.length === from + number);
    }
    hub.datagrams.slice(from).forEach(({ text }, index) => {
      const body = `{"telemetry":{"temperature":${21 + index},"door":"ção"},"at":"${new Date(index + 1).toISOString()}","id":"greenhouse-1","seq":${index + 1}`;
      const mac = createHmac('sha256', KEY).update(body).digest('base64url');
      assert.equal(text, `${body},"mac":"${mac}"}`);
      assert.equal(typeof JSON.parse(text), 'object');
    });
    connection.socket.destroy();
    await until('offline', () => device.state.status !== 'online');
  }
});

test('a report that is too large for a datagram, or late, takes the connection', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub, undefined, { telemetryBy: 'datagram', maxDatagramBytes: 300 });
  assert.equal(device.report({ temperature: 1 }, { at: new Date(0) }), 'queued');
  const connection = await handshake(hub);
  assert.deepEqual((await connection.takeLine())['telemetry'], { temperature: 1 });
  const door = 'x'.repeat(300);
  assert.equal(device.report({ door }), 'sent');
  assert.deepEqual(await connection.takeLine(), { telemetry: { door } });
  assert.equal(hub.datagrams.length, 0);
});

test('without a key from the hub, telemetry takes the connection', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub, undefined, { telemetryBy: 'datagram' });
  const connection = await handshake(hub, { udpKey: undefined });
  await until('online', () => device.state.status === 'online');
  assert.equal(device.report({ temperature: 1 }), 'sent');
  assert.deepEqual(await connection.takeLine(), { telemetry: { temperature: 1 } });
});

test('start resolves when online, again at once, and elsewhere when another hub is given', async () => {
  const hub = await startFakeHub();
  const other = await startFakeHub();
  const { device } = startDevice(hub);
  const online = device.start();
  const connection = await handshake(hub);
  assert.equal((await online).status, 'online');
  assert.equal((await device.start()).status, 'online');
  assert.equal(hub.connections.length, 1);
  const moved = device.start({ hub: other.address });
  await connection.closed();
  await handshake(other);
  await moved;
  await until('online', () => device.state.status === 'online');
  const never = device.start({ hub: '127.0.0.1:1' });
  await device.stop();
  assert.equal((await never).status, 'offline');
  assert.throws(() => device.start({ hub: 'not an address' }), { code: 'CONFIG_INVALID' });
});

test('a keep-alive time that no timer can hold is cut', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub);
  const connection = await handshake(hub, { keepAliveMs: 1e15 });
  await until('online', () => device.state.status === 'online');
  await sleep(50);
  connection.sendLine({ ping: 1 });
  assert.deepEqual(await connection.takeLine(), { pong: 1 });
  assert.equal(device.state.status, 'online');
});

test('a time that is none is told, and the report goes without it', async () => {
  const hub = await startFakeHub();
  const { device, errors } = startDevice(hub, undefined, { telemetryBy: 'connection' });
  const connection = await handshake(hub);
  await until('online', () => device.state.status === 'online');
  const at = new Date('yesterday evening');
  assert.equal(device.report({ temperature: 1 }, { at }), 'sent');
  assert.equal(device.report({ door: 'open' }, { at: 'noon' as never }), 'sent');
  const lines = [await connection.takeLine(), await connection.takeLine()] as { at?: string }[];
  for (const { at: told } of lines) assert.ok(told === undefined || Date.parse(told) > 0);
  assert.match(String(errors[0]), /no valid date/);
  assert.equal(errors.length, 2);
});

test('an exception in a watcher harms nobody', async () => {
  const hub = await startFakeHub();
  const errors: unknown[] = [];
  const { device } = startDevice(hub, undefined, { onError: (error: unknown) => errors.push(error) });
  device.watch(() => {
    throw new Error('watcher');
  });
  await handshake(hub);
  await until('online', () => device.state.status === 'online');
  assert.ok(errors.length > 0);
});
