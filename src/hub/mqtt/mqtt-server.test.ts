import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Accounts } from '../../accounts/accounts.ts';
import { silentLogger } from '../../base/logger.ts';
import type { Config } from '../config/config-schema.ts';
import { defaultConfig } from '../config/hub-config.ts';
import { createHub } from '../create-hub.ts';
import { identifyMqttClients } from './mqtt-principal.ts';
import { MqttServer } from './mqtt-server.ts';

/** CONNECT of MQTT 5.0 with an assigned client identifier, and the Reason Code of its CONNACK. */
const CONNECT = Buffer.from('100d00044d5154540502003c000000', 'hex');
const SERVER_SHUTTING_DOWN = 0x8b;

function mqttConfig(changes: Partial<Config['mqtt']> = {}): Config['mqtt'] {
  return { ...defaultConfig().mqtt, port: 0, ...changes };
}

/** A client that is connected, and everything that it reads from then on. */
async function comeIn(t: TestContext, address: string): Promise<{ socket: Socket; rest: Promise<Buffer> }> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(CONNECT);
  const [connack] = (await once(socket, 'data')) as [Buffer];
  assert.deepEqual([connack[0], connack[3]], [0x20, 0]);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  return { socket, rest: once(socket, 'close').then(() => Buffer.concat(chunks)) };
}

function createServer(changes: Partial<Config['mqtt']> = {}): MqttServer {
  const mqtt = mqttConfig(changes);
  const accounts = new Accounts({ log: silentLogger });
  return new MqttServer(
    { mqtt, openHosts: new Set() },
    { log: silentLogger, identify: identifyMqttClients(mqtt, accounts), accounts },
  );
}

describe('MqttServer', () => {
  it('is a part of a hub without HTTP', async (t) => {
    const config = defaultConfig();
    const socket = { ...config.gateways.socket, enabled: false };
    const hub = createHub(
      { ...config, inMemory: true, gateways: { ...config.gateways, socket }, mqtt: mqttConfig() },
      { log: silentLogger },
    );
    const [{ name, address } = { name: '', address: '' }, ...more] = await hub.start();
    t.after(() => hub.stop());
    assert.deepEqual([name, more], ['mqtt', []]);
    const { rest } = await comeIn(t, address);
    assert.equal(hub.broker?.counts.connections, 1);
    await hub.stop();
    assert.equal(hub.broker?.counts.connections, 0);
    const disconnect = await rest;
    assert.deepEqual([disconnect[0], disconnect[2]], [0xe0, SERVER_SHUTTING_DOWN]);
  });

  it('may be stopped twice, and before it has started', async () => {
    const server = createServer();
    const stopping = server.stop();
    assert.equal(server.stop(), stopping);
    await stopping;
  });

  it('does not wait longer than lingerMs for a client that keeps its side open', async (t) => {
    const server = createServer({ lingerMs: 20 });
    await server.open();
    const [{ address } = { address: '' }] = await server.start();
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(address).port),
      allowHalfOpen: true,
    });
    t.after(() => socket.destroy());
    socket.on('error', () => undefined); // It is reset in the end.
    socket.write(CONNECT);
    await once(socket, 'data');
    await server.stop();
    assert.equal(server.broker.counts.connections, 0);
  });

  it('does not start with rules for users where nothing proves who they are', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'recado-mqtt-server-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const aclFile = join(folder, 'acl');
    writeFileSync(aclFile, 'user ann\ntopic a\n');
    const server = createServer({ aclFile });
    await assert.rejects(server.open(), {
      code: 'CONFIG_INVALID',
      message:
        'the hub did not start, because files of its configuration are wrong:\n' +
        `  ${aclFile}:1: rules for users need a password file: without one, everybody can say to be anybody`,
    });
  });
});
