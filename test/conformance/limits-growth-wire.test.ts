import assert from 'node:assert/strict';
import { describe, type TestContext } from 'node:test';
import { KEPT_KINDS, KeptKind } from '../../src/base/kept-kinds.ts';
import { Ledger } from '../../src/base/ledger.ts';
import { ALLOW } from '../../src/mqtt/broker/hooks.ts';
import { listenTcp } from '../../src/mqtt/transport/tcp.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { compareGrowth, itMeasures } from '../helpers/measured-growth.ts';
import {
  bytesOf,
  connectBytes,
  SlowGuard,
  startBroker,
  willOf,
  type ConnectFields,
} from '../helpers/mqtt-broker-rig.ts';
import { connectPacket } from '../helpers/mqtt-wire-client.ts';
import { PeerSockets } from '../helpers/peer-sockets.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const COUNT = 400;
const WARM_COUNT = 40;
const KIB = 1024;
/** So often nothing more was booked: all has come. */
const CALM_LOOKS = 5;
/** Of what a peer sent: what it may make the hub grow by, beside the fixed costs. */
const MOST_TIMES = 3;
/** As held for what is booked: so much of what there is must be accounted for. */
const LEAST = 0.8;
const WILL_PROPERTIES = 100;

function countOf(ledger: Ledger, kind: KeptKind): number {
  return ledger.totals()[kind]!.count;
}

function startWide(t: TestContext): Promise<TestHub> {
  return startTestHub(t, ({ mqtt, http, gateways, devices, services }) => {
    mqtt.maxConnectionsPerAddress = 10_000;
    mqtt.maxConnectsPerSecond = 100_000;
    mqtt.connectTimeoutMs = 600_000;
    mqtt.maxConnectBytes = 65_536;
    gateways.socket.maxConnectionsPerAddress = 10_000;
    gateways.socket.handshakeTimeoutMs = 600_000;
    gateways.socket.messageTimeoutMs = 600_000;
    devices.maxQueuedInvocations = 100_000;
    devices.maxQueuedPerCaller = 100_000;
    services.maxInFlightPerService = 100_000;
    services.timeoutMs = 600_000;
    services.idleTimeoutMs = 600_000;
    http.maxConnections = 10_000;
    http.bodyTimeoutMs = 600_000;
  });
}

type OpeningsOptions = {
  readonly ledger: Ledger;
  readonly port: number;
  readonly kind: KeptKind;
  readonly opening: (index: number) => string | Uint8Array;
};

/** The fixed costs of all that is booked. */
function fixedBytesOf(ledger: Ledger): number {
  return ledger.totals().reduce((sum, { count }, kind) => sum + count * KEPT_KINDS[kind]!.fixedBytes, 0);
}

/** Sockets come, each with an opening of its own; what each kept is compared with what it was booked at. */
async function compareOpenings(
  t: TestContext,
  peers: PeerSockets,
  { ledger, port, kind, opening }: OpeningsOptions,
): Promise<void> {
  let opened = 0;
  let sent = 0;
  const open = async (count: number): Promise<void> => {
    const openings = Array.from({ length: count }, (_, index) => Buffer.from(opening(opened + index)));
    const due = countOf(ledger, kind) + count;
    opened += count;
    sent = openings.reduce((sum, { length }) => sum + length, 0);
    await peers.open(port, openings);
    await until(`${due} of ${KEPT_KINDS[kind]!.name}`, () => countOf(ledger, kind) >= due);
    let before = 0;
    let looksSince = 0;
    await until('all that they said has come', () => {
      looksSince = ledger.totalBytes === before ? looksSince + 1 : 0;
      before = ledger.totalBytes;
      return looksSince === CALM_LOOKS;
    });
  };
  await open(WARM_COUNT);
  const fixedBefore = fixedBytesOf(ledger);
  const { grown } = await compareGrowth(t, ledger, () => open(COUNT));
  const most = MOST_TIMES * sent + fixedBytesOf(ledger) - fixedBefore;
  assert.ok(LEAST * grown <= most, `${grown} grown, for ${sent} that were sent; ${most} with fixed costs`);
}

/** A CONNECT; ids have the same length, and those of one test no other's. */
function connectOf(index: number, fields: ConnectFields = {}): Buffer {
  return connectBytes(5, { clientId: `client-${String(index).padStart(6, '0')}`, ...fields });
}

function willWithProperties(index: number): ConnectFields {
  const userProperties = Array.from({ length: WILL_PROPERTIES }, (_, number): [string, string] => [
    `${index}-${number}`,
    'v',
  ]);
  return { willMessage: willOf({ properties: { userProperties } }) };
}

const PUBLISH = { type: 'publish', dup: false, qos: 0, retain: false, packetId: 0 } as const;

/** The first bytes of a PUBLISH after its CONNECT. */
function cutPublish(index: number, bytes: number): Buffer {
  const publish = { ...PUBLISH, topicName: 'a', payload: Buffer.alloc(2 * bytes), properties: {} };
  return Buffer.concat([connectOf(index), bytesOf(5, publish).subarray(0, bytes)]);
}

/** A CONNECT, and as many Topic Aliases as there may be. */
function aliasesOf(index: number): Buffer {
  const topics = Array.from({ length: 32 }, (_, number) => ({
    ...PUBLISH,
    topicName: `${index}/${number}`.padEnd(200, '-'),
    payload: Buffer.alloc(1),
    properties: { topicAlias: number + 1 },
  }));
  return Buffer.concat([connectOf(index), bytesOf(5, ...topics)]);
}

/** A request whose body does not come to its end. */
function cutRequest(bytes: number): string {
  const head =
    'POST /api/v1/devices/x/commands/y HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json';
  return `${head}\r\nContent-Length: ${bytes}\r\n\r\n${' '.repeat(bytes - 1)}`;
}

const MUTE = '{"recado":2,"id":"mute","description":{"commands":{"do":{"input":{}}}}}\n';

/** A command of a device that answers nothing. */
function commandOf(input: unknown): string {
  const body = JSON.stringify({ input, timeoutMs: 600_000 });
  const head =
    'POST /api/v1/devices/mute/commands/do HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json';
  return `${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** A hub with that device; `open` opens connections of callers that all say the same. */
async function startMute(
  t: TestContext,
): Promise<{ hub: TestHub['server']['hub']; open: (connections: number, opening: string) => Promise<void> }> {
  const { server, tcpPort, url } = await startWide(t);
  const { hub } = server;
  const peers = new PeerSockets(t);
  await peers.open(tcpPort, [Buffer.from(MUTE)]);
  await until('the device is there', () => hub.devices.get('mute')?.isOnline === true);
  const open = (connections: number, opening: string): Promise<void> =>
    peers.open(
      Number(new URL(url).port),
      Array.from({ length: connections }, () => Buffer.from(opening)),
    );
  return { hub, open };
}

type ServiceList = { services: { agents: { isHealthy: boolean; inFlight: number }[] }[] };

type Listener = 'mqtt' | 'device' | 'http';
type Opening = readonly [name: string, to: Listener, kind: KeptKind, opening: OpeningsOptions['opening']];

const OPENINGS: readonly Opening[] = [
  ['connections of MQTT', 'mqtt', KeptKind.CONNECTION, () => ''],
  ['clients that are connected', 'mqtt', KeptKind.SESSION, (index) => connectOf(index)],
  [
    'Wills',
    'mqtt',
    KeptKind.WILL,
    (index) => connectOf(index, { willMessage: willOf({ payload: Buffer.alloc(8 * KIB) }) }),
  ],
  ['Wills with properties', 'mqtt', KeptKind.WILL, (index) => connectOf(index, willWithProperties(index))],
  ['packets that are not whole', 'mqtt', KeptKind.PARTIAL, (index) => cutPublish(index, 10 * KIB)],
  ['large packets that are not whole', 'mqtt', KeptKind.PARTIAL, (index) => cutPublish(index, 70 * KIB)],
  ['Topic Aliases', 'mqtt', KeptKind.SESSION, aliasesOf],
  ['connections of devices', 'device', KeptKind.CONNECTION, () => ''],
  ['devices', 'device', KeptKind.DESCRIPTION, (index) => `{"recado":2,"id":"device-${index}"}\n`],
  [
    'descriptions of plain devices',
    'device',
    KeptKind.DESCRIPTION,
    () => `Conexão{'1':{'x':[${'{},'.repeat(5000)}{}]}}`,
  ],
  ['lines that are not whole', 'device', KeptKind.PARTIAL, () => `{"recado":2,"id":"${'x'.repeat(10 * KIB)}`],
  ['small lines that are not whole', 'device', KeptKind.PARTIAL, () => '{"recado":2,"id":"x"'],
  ['connections of callers, with a small body', 'http', KeptKind.HTTP_CONNECTION, () => cutRequest(4 * KIB)],
  ['bodies of requests', 'http', KeptKind.BODY, () => cutRequest(20 * KIB)],
];

describe('what is booked is what the process grows by, at the wire', () => {
  itMeasures('CONNECTs that are being decided', async (t) => {
    const ledger = new Ledger();
    const limits = {
      maxConnectionsPerAddress: 10_000,
      maxConnectsPerSecond: 100_000,
      maxConnectBytes: 65_536,
    };
    const guard = new SlowGuard();
    const broker = await startBroker(t, {
      ledger,
      hooks: [guard],
      connectTimeoutMs: 600_000,
      hookTimeoutMs: 600_000,
      ...limits,
    });
    const listener = await listenTcp(broker, { port: 0, host: '127.0.0.1' });
    t.after(() => listener.close());
    const { port } = listener;
    const kind = KeptKind.CONNECT;
    const peers = new PeerSockets(t);
    await compareOpenings(t, peers, { ledger, port, kind, opening: (index) => connectOf(index) });
    const opening = (index: number): Buffer => connectOf(index, willWithProperties(index));
    await compareOpenings(t, peers, { ledger, port, kind, opening });
    while (guard.waiting > 0) guard.answer(ALLOW);
  });

  itMeasures('commands that wait for their device', async (t) => {
    const { hub, open } = await startMute(t);
    const { ledger } = hub;
    for (const input of [1, Array.from({ length: 1000 }, () => ({})), 'x'.repeat(3000)]) {
      const request = commandOf(input);
      const invoke = async (connections: number): Promise<void> => {
        const due = countOf(ledger, KeptKind.INVOCATION) + connections * 20;
        await open(connections, request.repeat(20));
        await until(`${due} commands wait`, () => countOf(ledger, KeptKind.INVOCATION) === due);
      };
      await invoke(2);
      const fixedBefore = fixedBytesOf(ledger);
      const { grown } = await compareGrowth(t, ledger, () => invoke(20));
      const most = MOST_TIMES * 400 * request.length + fixedBytesOf(ledger) - fixedBefore;
      assert.ok(LEAST * grown <= most, `${grown} grown; ${most} with fixed costs`);
    }
  });

  itMeasures('requests for a service that does not answer', async (t) => {
    const { server, mqttPort, url } = await startWide(t);
    const { ledger } = server.hub;
    const mute =
      "createServer(() => {}).listen(0, '127.0.0.1', function () { console.log('port', this.address().port) })";
    const target = new ChildProgram([process.execPath, '-e', `require('node:net').${mute}`], {
      name: 'the target',
    });
    t.after(() => target.stop());
    const port = (await target.waitForLine(/^port \d+$/)).slice(5);
    const address = `mqtt://127.0.0.1:${mqttPort}`;
    const words = recadoWords(
      'agent',
      '--service',
      `mute=http://127.0.0.1:${port}`,
      '--broker',
      address,
      '--max-in-flight',
      '2000',
    );
    const agent = new ChildProgram(words, { name: 'the agent' });
    t.after(() => agent.stop());
    const readAgents = async (): Promise<{ isHealthy: boolean; inFlight: number }[]> => {
      const { services } = (await (await fetch(`${url}/api/v1/services`)).json()) as ServiceList;
      return services.flatMap(({ agents }) => agents);
    };
    const isThere = async (): Promise<boolean> => (await readAgents()).some(({ isHealthy }) => isHealthy);
    await until('the agent is there', isThere, 20_000);
    const peers = new PeerSockets(t);
    for (const bytes of [0, 3000, 30_000]) {
      const request = `POST /services/mute/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;
      const ask = async (connections: number): Promise<void> => {
        const due = countOf(ledger, KeptKind.FRAME) + connections;
        await peers.open(
          Number(new URL(url).port),
          Array.from({ length: connections }, () => Buffer.from(request)),
        );
        await until(`${due} wait`, async () => (await readAgents()).some(({ inFlight }) => inFlight === due));
      };
      await ask(20);
      await compareGrowth(t, ledger, () => ask(200));
    }
  });

  itMeasures('answers that wait behind others', async (t) => {
    const { hub, open } = await startMute(t);
    const { ledger } = hub;
    for (const path of ['/healthz', '/metrics']) {
      const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      const ask = async (connections: number): Promise<void> => {
        const due = countOf(ledger, KeptKind.ANSWER) + connections * 30;
        await open(connections, commandOf(1) + request.repeat(30));
        await until(`${due} answers wait`, () => countOf(ledger, KeptKind.ANSWER) === due);
      };
      await ask(2);
      await compareGrowth(t, ledger, () => ask(20));
    }
  });

  itMeasures('what waits for clients that do not read', async (t) => {
    const { server, mqttPort } = await startWide(t);
    const { ledger, broker } = server.hub;
    assert.ok(broker !== undefined);
    const subscription = {
      topicFilter: 'a',
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    } as const;
    const subscribe = {
      type: 'subscribe',
      packetId: 1,
      properties: {},
      subscriptions: [subscription],
    } as const;
    const opening = (): Buffer => bytesOf(5, connectPacket(5), subscribe);
    const peers = new PeerSockets(t);
    await peers.open(
      mqttPort,
      Array.from({ length: 8 }, () => opening()),
      { reads: false },
    );
    await until('all subscribe', () => countOf(ledger, KeptKind.SUBSCRIPTION) === 8);
    await compareGrowth(t, ledger, async () => {
      await until('it waits', () => {
        for (let left = 100; left > 0; left--)
          broker.publish({ topicName: 'a', payload: Buffer.alloc(KIB), qos: 0 });
        return ledger.totals()[KeptKind.OUTBOX]!.bytes > 4_000_000;
      });
    });
  });

  // Last: what bodies leave is given back too late to be told from what another test grows by.
  for (const [name, to, kind, opening] of OPENINGS) {
    itMeasures(name, async (t) => {
      const { server, mqttPort, tcpPort, url } = await startWide(t);
      const port = { mqtt: mqttPort, device: tcpPort, http: Number(new URL(url).port) }[to];
      const { ledger } = server.hub;
      await compareOpenings(t, new PeerSockets(t), { ledger, port, kind, opening });
    });
  }
});
