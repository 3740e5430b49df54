import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connectMqtt } from '../../src/mqtt/index.ts';
import { findFreePorts, startHubProcess } from '../helpers/hub-process.ts';
import { until } from '../helpers/until.ts';

const skip = spawnSync('prlimit', ['--version']).error === undefined ? false : 'there is no prlimit';

/** More than the hub may open, from as many addresses: none has more than others. */
async function crowd(t: TestContext, port: number, hello: Buffer): Promise<Socket[]> {
  const sockets = Array.from({ length: 300 }, (_, index) => {
    const localAddress = `127.0.1.${1 + (index % 250)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.write(hello);
    return socket.resume();
  });
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
  return sockets;
}

/** CONNECT of MQTT 3.1.1 without a client id. */
const CONNECT = Buffer.from('100c00044d5154540402003c0000', 'hex');

async function firstBytes(port: number, hello: Buffer | string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(hello);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return bytes.toString('latin1');
}

/** Lets a program open so many files more, and no others. */
function leaveFiles(pid: number, count: number): void {
  const most = readdirSync(`/proc/${pid}/fd`).length + count;
  assert.equal(spawnSync('prlimit', ['--pid', String(pid), `--nofile=${most}:${most}`]).status, 0);
}

/** A GET over a connection that is kept. */
async function ask(agent: Agent, url: string): Promise<number | undefined> {
  const [answer] = (await once(request(url, { agent }).end(), 'response')) as [IncomingMessage];
  await once(answer.resume(), 'end');
  return answer.statusCode;
}

describe('a hub that may open no file any more', { skip }, () => {
  it('goes on with who is there, and with all when it may again', async (t) => {
    const ports = await findFreePorts();
    const { http: mqtt } = await findFreePorts();
    const settings = { RECADO_MQTT_PORT: String(mqtt), RECADO_MQTT_SYS_TOPIC_INTERVAL_MS: '1000' };
    const hub = await startHubProcess(ports, { settings });
    t.after(() => hub.stop());
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    assert.equal(await ask(agent, `${hub.url}/healthz`), 200);
    const figures: string[] = [];
    const onMessage = ({ topicName }: { topicName: string }): void => void figures.push(topicName);
    const client = await connectMqtt(`mqtt://127.0.0.1:${mqtt}`, { onMessage });
    t.after(() => client.close());
    await client.subscribe('$SYS/broker/heap/current');
    leaveFiles(hub.program.pid, 3);
    const sockets = await crowd(t, ports.tcp, Buffer.from('{'));
    const { length } = figures;
    await until('figures come', () => figures.length > length + 1);
    for (const path of ['/healthz', '/api/v1/devices', '/metrics'])
      assert.notEqual(await ask(agent, hub.url + path), undefined, path);
    for (const socket of sockets) socket.destroy();
    for (const path of ['/healthz', '/metrics', '/openapi.json'])
      await until(path, async () => (await fetch(hub.url + path).catch(() => undefined))?.status === 200);
    assert.equal(hub.program.hasExited, false);
  });
});

describe('a hub with few file descriptors', { skip }, () => {
  for (const crowded of ['mqtt', 'tcp', 'http'] as const) {
    it(`has some for all others when ${crowded} is crowded from everywhere`, async (t) => {
      const ports = await findFreePorts();
      const { http: mqtt } = await findFreePorts();
      const settings = { RECADO_MQTT_PORT: String(mqtt) };
      const launcher = ['prlimit', '--nofile=256:256'];
      const hub = await startHubProcess(ports, { settings, launcher });
      t.after(() => hub.stop());
      const at = { mqtt, tcp: ports.tcp, http: ports.http };
      const hellos = { mqtt: CONNECT, tcp: Buffer.from('{'), http: Buffer.from('GET / HT') };
      await crowd(t, at[crowded], hellos[crowded]);
      if (crowded !== 'mqtt') assert.equal((await firstBytes(mqtt, CONNECT)).slice(0, 4), ' \u0002\0\0');
      if (crowded !== 'tcp') {
        const hello = `{"recado":2,"id":"lamp","description":{"commands":{}}}\n`;
        assert.match(await firstBytes(ports.tcp, hello), /^\{"ok":true/);
      }
      if (crowded !== 'http') {
        await until('the API answers', async () => (await fetch(`${hub.url}/healthz`)).status === 200);
      }
      assert.equal(hub.program.hasExited, false);
    });
  }

  it('says what to set when there are none, though its connections are fewer than they may be', async (t) => {
    const ports = await findFreePorts();
    const { http: mqtt } = await findFreePorts();
    // As much as its own files are, beyond what it reckons with: what it inherits has the rest.
    const files = Array.from({ length: 90 }, (_, index) => `${index + 10}</dev/null`).join(' ');
    const launcher = ['prlimit', '--nofile=256:256', 'bash', '-c', `exec ${files}; exec "$0" "$@"`];
    const hub = await startHubProcess(ports, { settings: { RECADO_MQTT_PORT: String(mqtt) }, launcher });
    t.after(() => hub.stop());
    await crowd(t, mqtt, CONNECT);
    await crowd(t, ports.tcp, Buffer.from('{'));
    const said = /was refused: accept-failed \(as many files are open .* \(ulimit -n is 256\): raise it/;
    await until('it is told', () => said.test(hub.program.errorText));
    const lines = hub.program.errorText.match(/connection to mqtt was refused: accept-failed/g) ?? [];
    assert.equal(lines.length <= 1, true, 'once for a listener');
  });

  it('says what to set when all of its ports are crowded, goes on with who is there, and with all afterwards', async (t) => {
    const ports = await findFreePorts();
    const { http: mqtt } = await findFreePorts();
    const settings = { RECADO_MQTT_PORT: String(mqtt), RECADO_LOG_LEVEL: 'warn' };
    const hub = await startHubProcess(ports, { settings, launcher: ['prlimit', '--nofile=256:256'] });
    t.after(() => hub.stop());
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    assert.equal(await ask(agent, `${hub.url}/healthz`), 200);
    const crowds = [
      await crowd(t, ports.http, Buffer.from('GET / HT')),
      await crowd(t, mqtt, CONNECT),
      await crowd(t, ports.tcp, Buffer.from('{')),
    ].flat();
    for (const key of ['http.maxConnections', 'gateways.socket.maxConnections', 'maxConnections']) {
      const said = new RegExp(`[ (]${key} is \\d+: raise it, or how many files the system lets .* open`);
      await until(key, () => said.test(hub.program.errorText));
    }
    assert.equal(await ask(agent, `${hub.url}/api/v1/devices`), 200);
    for (const socket of crowds) socket.destroy();
    await until('others come in', async () => (await fetch(hub.url).catch(() => undefined)) !== undefined);
    assert.equal((await firstBytes(mqtt, CONNECT)).slice(0, 4), ' \u0002\0\0');
  });
});
