import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { CommandError, createDevice, defineDevice, type DeviceState } from '../../src/device/index.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { runProgram } from '../helpers/run-program.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { HANG_MS, until } from '../helpers/until.ts';

const FAST = { minBackoffMs: 20, maxBackoffMs: 60, random: () => 1 };

const greenhouse = defineDevice({
  id: 'greenhouse-1',
  title: 'Greenhouse',
  telemetry: { temperature: { unit: '°C', type: 'number' } },
  events: { opened: { data: { type: 'object', properties: { door: { type: 'string' } } } } },
  commands: {
    echo: { kind: 'read', input: {}, run: ({ input }) => input },
    refuse: {
      run: () => {
        throw new CommandError('TANK_EMPTY', 'no water', { status: 409 });
      },
    },
    wait: {
      run: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    },
  },
});

function startGreenhouse(t: TestContext, hub: string, options: object = {}) {
  const states: DeviceState[] = [];
  const errors: unknown[] = [];
  const device = createDevice({
    ...greenhouse,
    hub,
    ...FAST,
    onState: (state) => void states.push(state),
    onError: (error) => void errors.push(error),
    ...options,
  });
  t.after(() => device.stop());
  return { device, states, errors };
}

const presence = async (hub: TestHub): Promise<string | undefined> => {
  const { body } = await hub.call('GET', '/api/v1/devices/greenhouse-1');
  return body.presence?.status;
};

const isOnline = (hub: TestHub) => until('it is online', async () => (await presence(hub)) === 'online');

for (const way of ['mqtt', 'tcp'] as const) {
  describe(`the same device over ${way}://`, () => {
    it('is listed, commanded and observed', async (t) => {
      const hub = await startTestHub(t);
      const { device } = startGreenhouse(
        t,
        `${way}://127.0.0.1:${way === 'mqtt' ? hub.mqttPort : hub.tcpPort}`,
      );
      assert.equal((await device.start()).status, 'online');
      await isOnline(hub);
      const { body } = await hub.call('GET', '/api/v1/devices/greenhouse-1');
      assert.deepEqual([body.title, body.gateway], ['Greenhouse', way === 'mqtt' ? 'mqtt' : 'socket']);
      const invoke = (name: string, options: object = {}) =>
        hub.call('POST', `/api/v1/devices/greenhouse-1/commands/${name}`, options);
      assert.deepEqual((await invoke('echo', { input: { a: [1, 'ç'] } })).body.output, { a: [1, 'ç'] });
      const refused = await invoke('refuse');
      assert.deepEqual(
        [refused.status, refused.body.code, refused.body.detail],
        [409, 'DEVICE_ERROR', 'no water'],
      );
      assert.equal((await invoke('wait', { timeoutMs: 30 })).status, 504);
      device.report({ temperature: 21.5 });
      device.emit('opened', { door: 'north' });
      const reading = await until('its reading is there', async () => {
        const { body: telemetry } = await hub.call('GET', '/api/v1/devices/greenhouse-1/telemetry');
        return telemetry.readings[0];
      });
      assert.deepEqual([reading.metric, reading.value, reading.unit], ['temperature', 21.5, '°C']);
      const counters = hub.server.hub.gateways.find(({ name }) => name === body.gateway)!.counters;
      await until('its event is there', () => counters['eventsTaken'] === 1);
      await device.stop();
      await until('it is offline', async () => (await presence(hub)) === 'offline');
    });

    it('keeps reports until the hub is there', async (t) => {
      const hub = await startTestHub(t);
      const { device } = startGreenhouse(
        t,
        `${way}://127.0.0.1:${way === 'mqtt' ? hub.mqttPort : hub.tcpPort}`,
      );
      const at = new Date('2026-02-03T04:05:06.000Z');
      assert.equal(device.report({ temperature: 1 }, { at }), 'queued');
      await device.start();
      const reading = await until('its reading is there', async () => {
        const { body } = await hub.call('GET', '/api/v1/devices/greenhouse-1/telemetry');
        return body.readings?.[0];
      });
      assert.deepEqual([reading.value, reading.time], [1, at.toISOString()]);
    });
  });
}

describe('recado simulate --mqtt', () => {
  for (const kind of ['sensor', 'radio']) {
    it(`runs a ${kind} over MQTT`, async (t) => {
      const hub = await startTestHub(t);
      const url = `mqtt://127.0.0.1:${hub.mqttPort}`;
      const words = [process.execPath, 'src/cli/main.ts', 'simulate', kind, '--headless', '--on'];
      const options = { name: kind, env: { RECADO_BROKER: url } };
      const program = new ChildProgram([...words, '--mqtt', '--id', 'greenhouse-1'], options);
      t.after(() => program.stop());
      await isOnline(hub);
      const { body } = await hub.call('GET', '/api/v1/devices/greenhouse-1/commands');
      const names = (body.commands as { name: string }[]).map(({ name }) => name);
      const path = '/api/v1/devices/greenhouse-1/commands';
      assert.equal((await hub.call('POST', `${path}/turnOff`)).status, 200, names.join(' '));
      await program.stop();
      await until('it is offline', async () => (await presence(hub)) === 'offline');
    });
  }

  it('says what is wrong with an address', async () => {
    const words = [
      process.execPath,
      'src/cli/main.ts',
      'simulate',
      'sensor',
      '--headless',
      '--mqtt',
      'http://x',
    ];
    const { end, errors } = await runProgram(words);
    assert.deepEqual([end, errors.split('\n').length], [2, 2], errors);
    assert.match(errors, /http:\/\/x/);
  });
});

describe('a device over MQTT', () => {
  it('comes with its token', async (t) => {
    const hub = await startTestHub(t);
    const { tokens } = hub.server.hub.accounts;
    const made = await tokens.create({
      name: 'g',
      roles: ['device'],
      scopes: [{ devices: ['greenhouse-1'] }],
    });
    assert.ok(made.ok);
    const url = `mqtt://127.0.0.1:${hub.mqttPort}`;
    const stranger = startGreenhouse(t, url, { token: `${made.value.text}x` });
    void stranger.device.start();
    const refused = await until('it is refused', () =>
      stranger.states.find(({ reason }) => reason === 'refused'),
    );
    assert.equal(refused.status, 'waiting');
    await stranger.device.stop();
    const { device } = startGreenhouse(t, url, { token: made.value.text });
    assert.equal((await device.start()).status, 'online');
    const other = startGreenhouse(t, url, { id: 'greenhouse-2', token: made.value.text });
    void other.device.start();
    const denied = await until('it is denied', () => other.states.find(({ reason }) => reason === 'refused'));
    assert.match(denied.message, /not authori[sz]ed|may not|denied/i);
  });

  it('cannot be of version 1 of the socket protocol, or at an address that is none', () => {
    const wrong = { code: 'CONFIG_INVALID' };
    assert.throws(() => createDevice({ ...greenhouse, hub: 'mqtt://127.0.0.1', protocol: 1 }), wrong);
    assert.throws(() => createDevice({ ...greenhouse, hub: 'http://127.0.0.1' }), wrong);
    const hidden = { ...wrong, message: /^(?!.*secret)/ };
    assert.throws(() => createDevice({ ...greenhouse, hub: 'http://x:secret@127.0.0.1' }), hidden);
  });

  it('comes back when its broker does, by MQTT of any version', { skip: whyNoMosquitto() }, async (t) => {
    const mosquitto = await new Mosquitto().start();
    t.after(() => mosquitto.remove());
    const hub = await startTestHub(t, (config) => {
      config.mqtt.external = mosquitto.url;
      config.mqtt.enabled = false;
    });
    const { device, states } = startGreenhouse(t, mosquitto.url);
    await device.start();
    await isOnline(hub);
    await mosquitto.kill();
    await until('the hub has lost it', async () => (await presence(hub)) === 'offline');
    await until('it tries again', () => states.some(({ status }) => status === 'waiting'));
    await mosquitto.start();
    await isOnline(hub);
    const { status } = await hub.call('POST', '/api/v1/devices/greenhouse-1/commands/echo', {
      input: 1,
      timeoutMs: HANG_MS,
    });
    assert.equal(status, 200);
  });
});
