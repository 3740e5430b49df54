import assert from 'node:assert/strict';
import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { recadoWords } from '../helpers/hub-process.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { joinPump, PUMP } from '../helpers/lasting-rig.ts';
import { runProgram } from '../helpers/run-program.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import { until } from '../helpers/until.ts';

const QUOTA_EXCEEDED = 0x97;

/** Of the stores that are not ready: name and state. */
async function statesOf(hub: LastingHub): Promise<string[]> {
  const { stores = [] } = (await (await fetch(`${hub.url}/readyz`)).json()) as {
    stores?: { name: string; state: string }[];
  };
  return stores.map(({ name, state }) => `${name} ${state}`);
}

async function join5(hub: LastingHub, clientId: string): Promise<TcpWireClient> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect(clientId, { cleanStart: true, properties: {} });
  return client;
}

/** What becomes of a message that a session must get; undefined: its publisher is sent away. */
async function publish(hub: LastingHub, text: string): Promise<number | undefined> {
  const client = await join5(hub, '');
  client.publish('kept', text, { qos: 1, packetId: 1 });
  const answer = await client.next();
  client.destroy();
  return answer?.type === 'puback' ? answer.reasonCode : undefined;
}

/** A hub with a session that waits for `kept`. */
async function startWithKeeper(t: Parameters<typeof LastingHub.start>[0]): Promise<LastingHub> {
  const hub = await LastingHub.start(t);
  const keeper = new TcpWireClient(hub.mqttPort);
  await keeper.connect('keeper');
  await keeper.subscribe('kept', 1);
  keeper.destroy();
  return hub;
}

/** What `recado doctor` says of a folder in which something is wrong. */
async function doctor(hub: LastingHub): Promise<string> {
  const { end, output, errors } = await runProgram(recadoWords('doctor', '--data-dir', hub.folder));
  assert.deepEqual([end, errors], [1, '']);
  return output;
}

/** What the session was kept, until the last one. */
async function keptUntil(hub: LastingHub, last: string): Promise<string[]> {
  const keeper = new TcpWireClient(hub.mqttPort);
  assert.equal((await keeper.connect('keeper')).sessionPresent, true);
  const texts: string[] = [];
  while (texts.at(-1) !== last) {
    const { payload, packetId } = await keeper.expect('publish');
    texts.push(Buffer.from(payload).toString());
    keeper.acknowledge('puback', packetId);
  }
  keeper.destroy();
  return texts;
}

describe('sessions.db of a hub that runs', () => {
  for (const [what, ends] of [
    ['itself', ['']],
    ['its log', ['-wal']],
  ] as const) {
    it(`(${what}) taken away: nothing is acknowledged that would be lost, until it is back`, async (t) => {
      const hub = await startWithKeeper(t);
      assert.equal(await publish(hub, 'before'), 0);
      const file = join(hub.folder, 'sessions.db');
      for (const end of ends) renameSync(file + end, `${file}${end}.away`);
      assert.notEqual(await publish(hub, 'meanwhile'), 0);
      assert.deepEqual(await statesOf(hub), ['sessions removed']);
      await until('it is refused', async () => (await publish(hub, 'meanwhile')) === QUOTA_EXCEEDED);
      assert.match(hub.program.errorText, /sessions cannot be stored .*put it back/);
      assert.match(await doctor(hub), /the hub that runs cannot store sessions \(removed\): .*: put it back/);
      for (const end of ends) renameSync(`${file}${end}.away`, file + end);
      await until('it heals', async () => (await statesOf(hub)).length === 0);
      assert.equal(await publish(hub, 'after'), 0);
      await hub.restart('SIGKILL');
      const texts = await keptUntil(hub, 'after');
      assert.deepEqual(
        texts.filter((text) => text !== 'meanwhile'),
        ['before', 'after'],
      );
    });
  }

  it('replaced by another file is told, and what was there is written no more', async (t) => {
    const hub = await startWithKeeper(t);
    const file = join(hub.folder, 'sessions.db');
    copyFileSync(file, `${file}.copy`);
    renameSync(`${file}.copy`, file);
    assert.notEqual(await publish(hub, 'lost'), 0);
    assert.deepEqual(await statesOf(hub), ['sessions removed']);
  });

  it('gone with only its log left is told as damaged, and the log stays for who finds the file', async (t) => {
    const hub = await startWithKeeper(t);
    assert.equal(await publish(hub, 'in the log'), 0);
    await hub.end('SIGKILL');
    const file = join(hub.folder, 'sessions.db');
    renameSync(file, `${file}.away`);
    await hub.begin();
    assert.deepEqual(await statesOf(hub), ['sessions damaged']);
    await hub.end('SIGTERM');
    rmSync(file, { force: true });
    renameSync(`${file}.away`, file);
    await hub.begin();
    assert.equal(await publish(hub, 'last'), 0);
    assert.deepEqual(await keptUntil(hub, 'last'), ['in the log', 'last']);
  });
});

describe('hub.db that another program keeps locked', () => {
  it('is told as such, sessions go on meanwhile, and it heals', async (t) => {
    const hub = await startWithKeeper(t);
    await joinPump(t, hub.tcpPort);
    // The hub writes to it at times.
    const holder = new DatabaseSync(join(hub.folder, 'hub.db'), { timeout: 5000 });
    holder.exec('BEGIN IMMEDIATE');
    const command = hub.call('POST', `${PUMP}/start`, { input: 1, queueForMs: 60_000 });
    let isOver = false;
    const refused = command.then(({ status, body }) => {
      isOver = true;
      return [status, body.code];
    });
    await until('the command is answered', async () => {
      assert.equal(await publish(hub, 'meanwhile'), 0);
      return isOver;
    });
    assert.deepEqual(await refused, [503, 'STORE_UNAVAILABLE']);
    assert.deepEqual(await statesOf(hub), ['hub locked']);
    assert.match(hub.program.errorText, /hub cannot be stored .*another program keeps the file locked/);
    const told = await doctor(hub);
    assert.match(
      told,
      /the hub that runs cannot store hub \(locked\): another program keeps the file locked/,
    );
    assert.doesNotMatch(told, /recado restore/);
    holder.close();
    await until('it heals', async () => (await statesOf(hub)).length === 0);
  });
});

describe('hub.db with a row that is not what was written', () => {
  it('is told as damaged, and the hub starts', async (t) => {
    const hub = await LastingHub.start(t);
    await hub.end('SIGTERM');
    const db = new DatabaseSync(join(hub.folder, 'hub.db'));
    db.exec(`INSERT INTO account VALUES ('user', 'ana', '{"name": "an')`);
    db.exec(`INSERT INTO device VALUES ('pump', '{"deviceId": "pu')`);
    db.close();
    await hub.begin();
    assert.match(hub.program.errorText, /hub cannot be stored .*the file is damaged/);
  });
});
