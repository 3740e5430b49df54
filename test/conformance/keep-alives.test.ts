import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { silentLogger } from '../../src/base/logger.ts';
import { BridgeCaller } from '../../src/bridge/bridge-caller.ts';
import { BRIDGE_CALLER_CONFIG } from '../../src/bridge/caller-config.ts';
import { connectBus } from '../../src/bus/client-bus.ts';
import { createClient } from '../../src/client/index.ts';
import { loadConfigOrThrow } from '../../src/config/load-config.ts';
import { createDevice, type Device, type DeviceState } from '../../src/device/index.ts';
import { defaultConfig } from '../../src/hub/config/hub-config.ts';
import { createHub } from '../../src/hub/create-hub.ts';
import type { Hub } from '../../src/hub/hub.ts';
import { connectMqtt, type MqttClient, type MqttClientOptions } from '../../src/mqtt/index.ts';
import { createRequester, createResponder } from '../../src/rpc/index.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
import type { MutableConfig } from '../helpers/start-test-hub.ts';
import { openServicesRig, openTarget } from '../helpers/services-rig.ts';
import { StillWires } from '../helpers/still-wires.ts';
import { WireDevice } from '../helpers/wire-device.ts';

/*
 * Every pair of programs that keeps a connection, with the defaults of both ends, for longer than the longest of their
 * times: whatever the one sends or does not send, the other must not hang up.
 */

type Rig = {
  readonly t: TestContext;
  readonly clock: ManualClock;
  readonly wires: StillWires;
  readonly hub: Hub;
  readonly tcpPort: number;
  readonly udpPort: number;
  readonly mqttUrl: string;
};

/** What goes on each second; and what must be true in the end. */
type Traffic = { readonly eachSecond?: () => void; readonly check?: () => void };

async function openRig(t: TestContext): Promise<Rig> {
  const clock = new ManualClock();
  const wires = new StillWires(t, clock);
  const config = defaultConfig() as MutableConfig;
  Object.assign(config.gateways.socket, { tcpPort: 0, udpPort: 0 });
  config.mqtt.port = 0;
  config.inMemory = true;
  const hub = createHub(config, { log: silentLogger, clock });
  const listening = await hub.start();
  t.after(async () => {
    const stopped = hub.stop();
    // Clients have some time to go, by a clock that stands still otherwise.
    await wires.pass(10_000);
    await stopped;
  });
  const addressOf = (name: string): URL =>
    new URL(listening.find((each) => each.name === name)?.address ?? '');
  const tcpPort = Number(addressOf('socket-tcp').port);
  const udpPort = Number(addressOf('socket-udp').port);
  return { t, clock, wires, hub, tcpPort, udpPort, mqttUrl: addressOf('mqtt').href };
}

type Protocol = { readonly protocol: 1 | 2; readonly telemetryBy?: 'connection' | 'datagram' };

/** A device that does what it is told, and how often it was online. */
async function openDevice(rig: Rig, options: Protocol): Promise<{ device: Device; states: DeviceState[] }> {
  const states: DeviceState[] = [];
  const device = createDevice({
    ...options,
    id: 'd1',
    hub: `127.0.0.1:${rig.tcpPort}`,
    udpPort: rig.udpPort,
    clock: rig.clock,
    onState: (state) => states.push(state),
    commands: {
      ask: { run: () => 'done' },
      wait: {
        input: { type: 'number' },
        run: ({ input }) =>
          new Promise<string>((resolve) => rig.clock.setTimer(input, () => resolve('done'))),
      },
    },
    telemetry: { temperature: { type: 'number' } },
  }) as Device;
  rig.t.after(() => device.stop());
  await device.start();
  await rig.wires.settle();
  return { device, states };
}

/** The longest time of the socket protocol is 30 s: twice the keep-alive of framed devices. */
const DEVICE_MS = 180_000;

const DEVICE_TRAFFIC: Readonly<Record<string, (rig: Rig, device: Device) => Traffic>> = {
  'says nothing': () => ({}),
  'reports each second': (_rig, device) => ({ eachSecond: () => device.report({ temperature: 1 }) }),
  'is asked each second': ({ hub }, { id = '' }) => askEachSecond(hub, id),
  'reports and is asked each second': ({ hub }, device) => {
    const { eachSecond, check } = askEachSecond(hub, device.id ?? '');
    const both = (): void => {
      device.report({ temperature: 1 });
      eachSecond?.();
    };
    return { eachSecond: both, ...(check !== undefined && { check }) };
  },
};

function askEachSecond(hub: Hub, id: string): Traffic {
  const ends: boolean[] = [];
  const ask = hub.devices.get(id)?.description.commands[0]?.name ?? '';
  return {
    eachSecond: () => void hub.invoke(id, ask).then(({ ok }) => ends.push(ok)),
    check: () => assert.deepEqual(new Set(ends), new Set([true])),
  };
}

const DEVICES: Readonly<Record<string, Protocol>> = {
  'a framed device': { protocol: 2 },
  'a framed device with datagrams': { protocol: 2, telemetryBy: 'datagram' },
  'a plain device': { protocol: 1 },
};

for (const [name, protocol] of Object.entries(DEVICES)) {
  for (const [what, begin] of Object.entries(DEVICE_TRAFFIC)) {
    test(`${name} that ${what} stays connected`, async (t) => {
      const rig = await openRig(t);
      const { device, states } = await openDevice(rig, protocol);
      const { eachSecond, check } = begin(rig, device);
      await rig.wires.pass(DEVICE_MS, eachSecond);
      expectNeverLeft(rig.hub, device, states);
      check?.();
    });
  }
}

test('a plain device that says nothing is asked after 3 s, and left when 5 s bring no answer', async (t) => {
  const { tcpPort, wires } = await openRig(t);
  const device = await WireDevice.connect(t, tcpPort);
  await device.handshake();
  await wires.settle();
  await wires.pass(2750);
  assert.equal(device.text, '');
  await wires.pass(250);
  await device.expect('{"Comando":"0"}');
  await wires.pass(4750);
  assert.equal(device.isClosed, false);
  await wires.pass(250);
  await device.closed();
});

function expectNeverLeft(hub: Hub, device: Device, states: readonly DeviceState[]): void {
  assert.deepEqual([...new Set(states.map(({ status }) => status))], ['connecting', 'online']);
  assert.equal(states.filter(({ status }) => status === 'connecting').length, 1);
  const { status, sequence } = hub.devices.get(device.id ?? '')!.presence;
  assert.deepEqual({ status, sequence }, { status: 'online', sequence: 1 });
}

/** How long a command may take: as long as its caller waits; in the old protocol as long as a device has to answer. */
const COMMANDS = [
  { protocol: 2, input: 40_000, eachSecond: 'says nothing' },
  { protocol: 2, input: 40_000, eachSecond: 'reports each second' },
  { protocol: 2, input: 590_000, eachSecond: 'says nothing' },
  { protocol: 1, input: 4000, eachSecond: 'says nothing' },
  { protocol: 1, input: 4000, eachSecond: 'reports each second' },
] as const;

for (const { protocol, input, eachSecond: what } of COMMANDS) {
  test(`a command of ${input} ms is answered by a device of version ${protocol} that ${what}`, async (t) => {
    const rig = await openRig(t);
    const { device, states } = await openDevice(rig, { protocol });
    const { commands } = rig.hub.devices.get(device.id ?? '')!.description;
    const options = { input: protocol === 1 ? String(input) : input, timeoutMs: 600_000 };
    const asked = rig.hub.invoke(device.id ?? '', commands[1]!.name, options);
    await rig.wires.pass(input + 1000, DEVICE_TRAFFIC[what]?.(rig, device).eachSecond);
    const end = await asked;
    assert.equal(end.ok && end.value.output, 'done');
    expectNeverLeft(rig.hub, device, states);
  });
}

test('a hub that is dead behind an open connection is left within two keep-alive times', async (t) => {
  const clock = new ManualClock();
  const wires = new StillWires(t, clock);
  const welcome = `${JSON.stringify({ ok: true, id: 'd1', keepAliveMs: 15_000 })}\n`;
  const server = createServer((socket) =>
    socket.once('data', () => socket.write(welcome)).on('error', () => {}),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const device = createDevice({ id: 'd1', hub: `127.0.0.1:${port}`, clock, random: () => 1 });
  t.after(async () => {
    await device.stop();
    server.close();
  });
  await device.start();
  await wires.pass(29_000, () => device.report({ temperature: 1 }));
  assert.equal(device.state.status, 'online');
  await wires.pass(1000);
  assert.equal(device.state.reason, 'hub-silent');
});

/** A broker waits one and a half times the 60 s of the client. */
const MQTT_MS = 300_000;

type Clients = { readonly talker: MqttClient; readonly listener: MqttClient };

const MQTT_TRAFFIC: Readonly<Record<string, (clients: Clients) => Traffic>> = {
  'say nothing': () => ({}),
  'publish at QoS 0': ({ talker }) => ({ eachSecond: () => void talker.publish(message(0)) }),
  'publish at QoS 1': ({ talker }) => ({ eachSecond: () => void talker.publish(message(1)) }),
};

const message = (qos: 0 | 1) => ({ topicName: 'a', payload: Buffer.from('1'), qos });

for (const protocolVersion of [4, 5] as const) {
  for (const [what, begin] of Object.entries(MQTT_TRAFFIC)) {
    test(`clients of MQTT ${protocolVersion} that ${what} stay connected, and so do those that hear them`, async (t) => {
      const rig = await openRig(t);
      const events: string[] = [];
      const onEvent: MqttClientOptions['onEvent'] = ({ type }) => events.push(type);
      const open = async (): Promise<MqttClient> => {
        const client = await connectMqtt(rig.mqttUrl, { clock: rig.clock, protocolVersion, onEvent });
        t.after(() => client.close());
        return client;
      };
      const clients = { talker: await open(), listener: await open() };
      await clients.listener.subscribe('a');
      await rig.wires.pass(MQTT_MS, begin(clients).eachSecond);
      assert.ok(!events.includes('lost'), events.join());
      assert.equal(rig.hub.broker?.counts.connections, 2);
    });
  }
}

const CORRELATIONS = ['mqtt5', { responseTopic: 'answers' }] as const;

for (const correlation of CORRELATIONS) {
  test(`a request waits as long as its caller, with answers ${JSON.stringify(correlation)}`, async (t) => {
    const rig = await openRig(t);
    const { clock, wires, mqttUrl } = rig;
    const [asking, answering] = await Promise.all([
      connectBus(mqttUrl, { clock }),
      connectBus(mqttUrl, { clock }),
    ]);
    const requester = createRequester(asking, { clock, correlation });
    const responder = createResponder(answering, { clock });
    t.after(async () => {
      requester.close();
      await responder.close();
      await Promise.all([asking.close(), answering.close()]);
    });
    const handler = (): Promise<string> =>
      new Promise((resolve) => clock.setTimer(100_000, () => resolve('done')));
    await responder.serve('q', handler, { responseTopic: 'answers' });
    const asked = requester.request('q', 'x', { timeoutMs: 120_000 });
    await wires.pass(101_000);
    assert.equal(Buffer.from((await asked).payload).toString(), 'done');
  });
}

/** Until an answer begins the hub waits for 30 s; a body may stand still for 300 s. */
const ANSWERS = [
  { what: 'that begins after 28 s', quietMs: 28_000, begins: false },
  { what: 'whose body stands still for 290 s', quietMs: 290_000, begins: true },
] as const;

for (const { what, quietMs, begins } of ANSWERS) {
  test(`an agent that was idle for ten minutes brings an answer ${what}`, async (t) => {
    const clock = new ManualClock();
    const wires = new StillWires(t, clock);
    const rig = await openServicesRig(t, { clock });
    const came = Promise.withResolvers<void>();
    const target = await openTarget(rig, (_request, response) => {
      came.resolve();
      if (begins) response.write('begun ');
      clock.setTimer(quietMs, () => response.end('done'));
    });
    await rig.startAgent(target);
    await wires.pass(600_000);
    const asked = fetch(rig.serviceUrl).then((response) => response.text());
    await came.promise;
    await wires.pass(quietMs + 1000);
    assert.equal(await asked, begins ? 'begun done' : 'done');
    assert.deepEqual(rig.failures, []);
  });
}

test('the agent of fixed routes waits for its target as long as its route says', async (t) => {
  const { clock, wires, mqttUrl } = await openRig(t);
  const came = Promise.withResolvers<void>();
  const target = createHttpServer((_request, response) => {
    came.resolve();
    clock.setTimer(4500, () => response.end('{"pong":1}'));
  });
  await once(target.listen(0, '127.0.0.1'), 'listening');
  const { port } = target.address() as AddressInfo;
  const routes = `routes: [{ request: q, response: a, call: "GET http://127.0.0.1:${port}/" }]`;
  const file = new TestFolder(t).write('agent.yaml', routes);
  const config = loadConfigOrThrow(BRIDGE_CALLER_CONFIG, { file, folder: '.', environment: {} }, 'the agent');
  const [asking, answering] = await Promise.all([
    connectBus(mqttUrl, { clock }),
    connectBus(mqttUrl, { clock }),
  ]);
  const caller = new BridgeCaller({ bus: answering, ...config, clock });
  const requester = createRequester(asking, { clock, correlation: { responseTopic: 'a' } });
  t.after(async () => {
    requester.close();
    await Promise.all([caller.stop(0), asking.close(), answering.close()]);
    target.close();
  });
  await caller.start();
  await wires.pass(600_000);
  const asked = requester.request('q', '{}');
  await came.promise;
  await wires.pass(5000);
  assert.equal(Buffer.from((await asked).payload).toString(), '{"pong": 1}');
});

test('a client waits for a command for as long as any hub does', async (t) => {
  const waits: number[] = [];
  t.mock.method(AbortSignal, 'timeout', (ms: number) => {
    waits.push(ms);
    return new AbortController().signal;
  });
  const client = createClient({
    url: 'http://127.0.0.1:1',
    fetch: () => Promise.reject(new Error('no hub')),
  });
  await assert.rejects(client.devices.invoke('d1', 'wait'));
  assert.ok(waits[0]! > defaultConfig().invocations.maxTimeoutMs);
});
