import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { KeptKind, TLS_BYTES, TLS_HANDSHAKE_BYTES } from '../../src/base/kept-kinds.ts';
import { Ledger } from '../../src/base/ledger.ts';
import { listenTls, listenWebSocket } from '../../src/mqtt/index.ts';
import { compareGrowth } from '../helpers/measured-growth.ts';
import { startBroker } from '../helpers/mqtt-broker-rig.ts';
import { makeAuthority, type TestIdentity } from '../helpers/mqtt-certificates.ts';
import { TestFolder, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { PeerSockets } from '../helpers/peer-sockets.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const COUNT = 300;
const WARM_COUNT = 100;
const HOST = '127.0.0.1';

const UPGRADE =
  'GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n';

const booked = (ledger: Ledger): { bytes: number; count: number } => ledger.totals()[KeptKind.TLS]!;

let identity: TestIdentity;
let clientHello: Buffer;

before(async () => {
  identity = await (await makeAuthority()).issueServer(HOST);
  clientHello = await readClientHello();
});

/** The first bytes of a handshake. */
async function readClientHello(): Promise<Buffer> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const client = connectTls({ host: HOST, port: (server.address() as AddressInfo).port });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

describe('what TLS keeps is booked', () => {
  it('as much as it costs, in the handshake and after it', async (t) => {
    const ledger = new Ledger();
    const limits = { maxConnectionsPerAddress: 10_000, maxConnectsPerSecond: 100_000 };
    const broker = await startBroker(t, { ledger, connectTimeoutMs: 600_000, ...limits });
    const listener = await listenTls(broker, {
      host: HOST,
      port: 0,
      handshakeTimeoutMs: 600_000,
      ...identity,
    });
    t.after(() => listener.close());
    // They all stay: what is free again would be taken anew, and nothing grow.
    const peers = new PeerSockets(t);
    for (const hasTls of [true, false]) {
      const open = async (count: number): Promise<void> => {
        const due = booked(ledger).count + count;
        const openings = Array.from({ length: count }, () => (hasTls ? Buffer.alloc(0) : clientHello));
        await peers.open(listener.port, openings, { hasTls });
        await until(`${due} are there`, () => booked(ledger).count === due);
      };
      await open(WARM_COUNT);
      await compareGrowth(
        t,
        ledger,
        () => open(COUNT),
        () => process.memoryUsage().rss,
      );
    }
    await peers.leave();
    await until('all of it is given back', () => booked(ledger).count === 0);
  });

  for (const [name, listener, said] of [
    ['MQTT', 'mqtt-tls', ''],
    ['devices', 'socket-tls', ''],
    ['HTTP', 'http', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['WebSocket', 'http', UPGRADE],
  ] as const) {
    it(`at the port of ${name}, and given back`, async (t) => {
      const folder = new TestFolder(t);
      const files = {
        certFile: folder.write('crt', identity.cert),
        keyFile: folder.write('key', identity.key),
      };
      const { server } = await startTestHub(t, ({ mqtt, http, gateways }) => {
        Object.assign(mqtt.tls, { enabled: true, port: 0, ...files });
        Object.assign(gateways.socket.tls, { enabled: true, port: 0, ...files });
        Object.assign(http.tls, { enabled: true, ...files });
      });
      const { ledger } = server.hub;
      const port = Number(new URL(urlOf(server, listener)).port);
      const silent = connect({ host: HOST, port }).on('error', () => {});
      await until('it is booked', () => booked(ledger).bytes === TLS_HANDSHAKE_BYTES);
      const socket = connectTls({ host: HOST, port, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      await until('two are booked', () => booked(ledger).bytes === TLS_HANDSHAKE_BYTES + TLS_BYTES);
      if (said !== '') {
        socket.write(said);
        await once(socket, 'data');
      }
      assert.equal(booked(ledger).count, 2);
      for (const each of [silent, socket]) each.destroy();
      await until('all of it is given back', () => booked(ledger).count === 0);
    });
  }

  for (const [name, listen] of [
    ['MQTT', listenTls],
    [
      'MQTT over WebSocket',
      (...[broker, tls]: Parameters<typeof listenTls>) =>
        listenWebSocket(broker, { host: tls.host, port: tls.port, tls }),
    ],
  ] as const) {
    it(`${name}: who says nothing keeps out no newcomer, and others come in while there is room`, async (t) => {
      const ledger = new Ledger({ limits: { [KeptKind.TLS]: 40 * TLS_HANDSHAKE_BYTES } });
      const broker = await startBroker(t, { ledger });
      const listener = await listen(broker, { host: HOST, port: 0, ...identity });
      t.after(() => listener.close());
      const { port } = listener;
      const sockets: Socket[] = [];
      t.after(() => sockets.forEach((socket) => socket.destroy()));
      const openSilent = (localAddress: string): Socket => {
        const socket = connect({ host: HOST, port, localAddress }).on('error', () => {});
        sockets.push(socket);
        return socket.resume();
      };
      for (const address of ['127.0.0.2', '127.0.0.3'])
        for (let count = 0; count < 30; count++) openSilent(address);
      await until('there is no room', () => listener.refusals['no-room'] > 0 && booked(ledger).count >= 28);
      const newcomer = connectTls({ socket: openSilent('127.0.0.4'), rejectUnauthorized: false });
      await once(newcomer, 'secureConnect');
      assert.ok(booked(ledger).bytes <= 40 * TLS_HANDSHAKE_BYTES);
      for (const socket of sockets) socket.destroy();
      await until('all of it is given back', () => booked(ledger).count === 0);
    });
  }
});
