import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { recadoWords } from '../helpers/hub-process.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { runProgram } from '../helpers/run-program.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import { until } from '../helpers/until.ts';

type Store = { readonly name: string; readonly state: string; readonly advice: string };

async function storesOf(hub: LastingHub): Promise<Store[]> {
  const answer = (await (await fetch(`${hub.url}/readyz`)).json()) as { stores?: Store[] };
  return answer.stores ?? [];
}

/** A hub that has a session and retained messages, and was killed or stopped. */
async function hubWithData(t: TestContext, signal: NodeJS.Signals): Promise<LastingHub> {
  const hub = await LastingHub.start(t);
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('keeper');
  await client.subscribe('kept/#', 1);
  for (let packetId = 1; packetId <= 200; packetId++) {
    client.publish(`r/${packetId}`, 'x'.repeat(300), { qos: 1, packetId, retain: true });
    await client.expect('puback');
  }
  client.destroy();
  await hub.end(signal);
  return hub;
}

/** What needs no disk goes on; who asks for what would have to be stored is told that it cannot be. */
async function expectThatTheRestGoesOn(hub: LastingHub): Promise<void> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('passing', { cleanStart: true, properties: {} });
  await client.subscribe('plain/#', 0);
  client.publish('plain/1', 'goes on', { qos: 0, packetId: 0 });
  assert.equal((await client.expect('publish')).topicName, 'plain/1');
  client.destroy();
  await until('sessions that last are refused', async () => {
    const persistent = new TcpWireClient(hub.mqttPort);
    persistent.send({
      type: 'connect',
      protocolVersion: 5,
      cleanStart: false,
      keepAlive: 0,
      properties: { sessionExpiryInterval: 60 },
      clientId: 'new',
      willMessage: undefined,
      userName: undefined,
      password: undefined,
    });
    const answer = await persistent.next();
    persistent.destroy();
    return answer?.type === 'connack' && answer.reasonCode === 0x88;
  });
}

describe('a hub whose sessions.db is damaged', () => {
  for (const [what, damage] of [
    [
      'in the middle',
      (file: string) => {
        const pages = Math.floor(statSync(file).size / 4096);
        const handle = openSync(file, 'r+');
        for (let page = 2; page < pages; page++)
          writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096);
      },
    ],
    ['from its first byte on', (file: string) => writeFileSync(file, 'this was a database once'.repeat(500))],
  ] as const) {
    it(`${what} starts, says so, leaves it as it is, and does what needs no disk`, async (t) => {
      const hub = await hubWithData(t, 'SIGTERM');
      const file = join(hub.folder, 'sessions.db');
      damage(file);
      const before = readFileSync(file);
      await hub.begin();
      const [store] = await storesOf(hub);
      assert.deepEqual([store?.name, store?.state], ['sessions', 'damaged']);
      assert.match(store?.advice ?? '', /recado doctor.*recado restore/);
      assert.match(hub.program.errorText, /sessions cannot be stored \(.*\): the file is damaged/);
      await expectThatTheRestGoesOn(hub);
      await hub.end('SIGTERM');
      assert.ok(readFileSync(file).equals(before));
    });
  }
});

describe('a data folder', () => {
  it('that cannot be made is told in the log and in /readyz', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'recado-nowhere-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'file'), '');
    const hub = await LastingHub.start(t, { folder: join(folder, 'file', 'data') });
    // Accounts cannot be read, so nobody is told more than that.
    assert.deepEqual(await (await fetch(`${hub.url}/readyz`)).json(), { status: 'degraded' });
    for (const store of ['sessions', 'hub'])
      assert.match(
        hub.program.errorText,
        new RegExp(`${store} cannot be stored .*give the user of the hub the folder`),
      );
  });

  it('with a file of a newer Recado is refused in a sentence, and left as it is', async (t) => {
    const hub = await hubWithData(t, 'SIGTERM');
    const file = join(hub.folder, 'sessions.db');
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 1000');
    db.close();
    const ports = ['http', 'tcp', 'udp', 'mqtt'].flatMap((name) => [`--${name}-port`, '0']);
    const { end, errors } = await runProgram(recadoWords('hub', ...ports, '--data-dir', hub.folder));
    assert.equal(end, 1);
    assert.match(errors, /^recado: .*sessions\.db was written by a newer Recado .*1000.*recado restore`\n$/);
  });
});
