import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  Broker,
  connectMqtt,
  listenTcp,
  listenTls,
  listenUnix,
  listenWebSocket,
  type Listener,
} from '../../../src/mqtt/index.ts';
import { makeAuthority } from '../../helpers/mqtt-certificates.ts';
import { until } from '../../helpers/until.ts';

const KINDS = ['TCP', 'TLS', 'WebSocket', 'WebSocket with TLS', 'a Unix socket'] as const;
const VERSIONS = [3, 4, 5] as const;

/** Passes bytes on to a port; from `resetNext` on, resets a connection when something comes from its client. */
async function startResetter(
  port: number,
): Promise<{ port: number; resetNext: () => void; close: () => void }> {
  let isResetting = false;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => {});
    near.on('data', (bytes) => (isResetting ? near.resetAndDestroy() : far.write(bytes)));
    near.on('close', () => far.destroy());
    far.pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const resetNext = (): void => void (isResetting = true);
  return { port: (server.address() as AddressInfo).port, resetNext, close: () => server.close() };
}

describe('a client and this broker', () => {
  const broker = new Broker();
  const folder = mkdtempSync(join(tmpdir(), 'recado-client-'));
  let listeners: readonly Listener[] = [];
  let ca = '';
  before(async () => {
    const authority = await makeAuthority();
    ({ ca } = authority);
    const identity = await authority.issueServer('localhost', '127.0.0.1');
    const here = { port: 0, host: '127.0.0.1' };
    await broker.start();
    listeners = [
      await listenTcp(broker, here),
      await listenTls(broker, { ...here, ...identity }),
      await listenWebSocket(broker, here),
      await listenWebSocket(broker, { ...here, tls: identity }),
      await listenUnix(broker, { path: join(folder, 'mqtt.sock') }),
    ];
  });
  after(async () => {
    await broker.close();
    for (const listener of listeners) await listener.close();
    rmSync(folder, { recursive: true });
  });

  for (const [index, kind] of KINDS.entries()) {
    for (const protocolVersion of VERSIONS) {
      it(`over ${kind} give each other messages of every QoS and size, version ${protocolVersion}`, async () => {
        const url = listeners[index]?.url ?? '';
        const arrived: Buffer[] = [];
        const client = await connectMqtt(url, {
          protocolVersion,
          tls: { ca },
          onMessage: ({ payload }) => arrived.push(Buffer.from(payload)),
        });
        const topicName = `transport/${index}/${protocolVersion}`;
        await client.subscribe(topicName, { qos: 2 });
        const payloads = [0, 1, 100, 20_000, 1_000_000].map((bytes) => randomBytes(bytes));
        for (const payload of payloads)
          for (const qos of [0, 1, 2] as const) await client.publish({ topicName, payload, qos });
        await until('all have come', () => arrived.length === payloads.length * 3);
        const expected = payloads.flatMap((payload) => [payload, payload, payload]);
        assert.ok(expected.every((payload, at) => payload.equals(arrived[at] ?? Buffer.from('missing'))));
        await client.close();
      });
    }
  }

  for (const [index, kind] of KINDS.slice(0, -1).entries()) {
    it(`over ${kind}: a connection that is reset when all has been sent lost nothing`, async (t) => {
      const { port: brokerPort, url } = listeners[index]!;
      const resetter = await startResetter(brokerPort);
      t.after(resetter.close);
      const events: string[] = [];
      const client = await connectMqtt(url.replace(`:${brokerPort}`, `:${resetter.port}`), {
        tls: { ca },
        onEvent: ({ type }) => events.push(type),
      });
      resetter.resetNext();
      await client.close();
      assert.deepEqual(
        events.filter((type) => type === 'cut'),
        [],
      );
    });
  }

  it('do not come together where the certificate is not trusted, or for another name', async () => {
    const url = listeners[1]?.url ?? '';
    await assert.rejects(connectMqtt(url), {
      code: 'BROKER_UNREACHABLE',
      message: /is not one that is trusted here/,
    });
    const other = await makeAuthority();
    const identity = await other.issueServer('elsewhere');
    const listener = await listenTls(broker, { port: 0, host: '127.0.0.1', ...identity });
    await assert.rejects(connectMqtt(listener.url, { tls: { ca: other.ca } }), {
      code: 'BROKER_UNREACHABLE',
      message: /its certificate is for another host/,
    });
    const client = await connectMqtt(listener.url, { tls: { ca: other.ca, checksHostName: false } });
    await client.close();
    await assert.rejects(connectMqtt(url, { tls: { cert: 'none', key: 'none' } }), {
      code: 'CONFIG_INVALID',
    });
    await listener.close();
  });
});
