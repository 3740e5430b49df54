import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { beginBackupFile } from '../../src/store/backup-file.ts';
import { openDatabase } from '../../src/store/sqlite/open-database.ts';
import { turnBack } from '../crash/turn-back.ts';
import { WatchedDisk, whyNoWatchedDisk } from '../crash/watched-disk.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { joinPump } from '../helpers/lasting-rig.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import { until } from '../helpers/until.ts';

/** At how many of its moments a backup is killed; `npm run test:crash` does so at all of them. */
const KILLS = process.env['CRASH_KILLS'] === undefined ? 3 : Number.POSITIVE_INFINITY;

function workingFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'recado-backups-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function recado(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ProgramEnd> {
  return runProgram(recadoWords(...words), { env });
}

async function backUp(folder: string, file: string): Promise<void> {
  const { end, errors } = await recado(['backup', file, '--data-dir', folder]);
  assert.deepEqual([end, errors], [0, '']);
}

/** A hub over another folder, to which a backup was brought. */
async function hubOf(t: TestContext, file: string): Promise<LastingHub> {
  const folder = `${file}-restored`;
  const { end, errors } = await recado(['restore', file, '--data-dir', folder]);
  assert.deepEqual([end, errors], [0, '']);
  return LastingHub.start(t, { folder });
}

async function titleOf(hub: LastingHub): Promise<string> {
  return (await hub.call('GET', '/api/v1/devices/pump')).body.title;
}

/** Goes on asking for one thing after the other until it is told to stop; how many were acknowledged. */
class Worker {
  acknowledged = 0;
  #isOver = false;
  readonly #ended: Promise<void>;

  constructor(ask: (number: number) => Promise<void>) {
    this.#ended = this.#run(ask);
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.#ended;
  }

  async #run(ask: (number: number) => Promise<void>): Promise<void> {
    for (let number = 1; !this.#isOver; number++) {
      await ask(number);
      this.acknowledged = number;
    }
  }
}

describe('a backup of a hub that works', () => {
  it('has each database as it was at one moment while it was made', async (t) => {
    const hub = await LastingHub.start(t, { settings: { RECADO_MQTT_MAX_QUEUED_MESSAGES: '100000' } });
    (await joinPump(t, hub.tcpPort)).socket.destroy();
    const keeper = new TcpWireClient(hub.mqttPort);
    await keeper.connect('keeper');
    await keeper.subscribe('n', 1);
    keeper.destroy();
    const publisher = new TcpWireClient(hub.mqttPort);
    await publisher.connect('publisher', { cleanStart: true, properties: {} });
    const messages = new Worker(async (number) => {
      publisher.publish('n', `${number}`, { qos: 1, packetId: 1 });
      assert.equal((await publisher.expect('puback')).reasonCode, 0);
    });
    // Two records of one database, written one after the other: at no moment are they more than one apart.
    const records = new Worker(async (number) => {
      const patched = await hub.call('PATCH', '/api/v1/devices/pump', { title: `${number}` });
      assert.equal(patched.status, 200);
      const retained = await hub.call('PATCH', '/api/v1/devices/pump', { tags: [`${number}`] });
      assert.equal(retained.status, 200);
    });
    await until('both are at work', () => messages.acknowledged > 100 && records.acknowledged > 20);
    const file = join(workingFolder(t), 'backup');
    const first = [messages.acknowledged, records.acknowledged] as const;
    await backUp(hub.folder, file);
    const last = [messages.acknowledged + 1, records.acknowledged + 1] as const;
    await messages.stop();
    await records.stop();
    publisher.destroy();
    await hub.end('SIGKILL');

    const other = await hubOf(t, file);
    const back = new TcpWireClient(other.mqttPort);
    assert.equal((await back.connect('keeper')).sessionPresent, true);
    back.publish('n', 'the last', { qos: 1, packetId: 1 });
    let count = 0;
    for (let text = ''; ; count++) {
      const packet = await back.next();
      if (packet?.type === 'puback') count--;
      if (packet?.type !== 'publish') continue;
      back.acknowledge('puback', packet.packetId);
      text = Buffer.from(packet.payload).toString();
      if (text === 'the last') break;
      assert.equal(text, `${count + 1}`, 'without a gap');
    }
    back.destroy();
    const { title, tags } = (await other.call('GET', '/api/v1/devices/pump')).body;
    for (const [index, number] of [count, Number(title)].entries())
      assert.ok(
        number >= first[index]! && number <= last[index]!,
        `${first[index]} to ${last[index]}: ${number}`,
      );
    assert.ok(Number(title) - Number(tags[0]) <= 1, `title ${title}, tag ${tags[0]}`);
    t.diagnostic(
      `${first.join()} were acknowledged before, ${last.join()} when it was made: it has ${count}, ${title}`,
    );
  });

  it('may be made twice at once; of two that make the same file, one says so', async (t) => {
    const hub = await LastingHub.start(t);
    (await joinPump(t, hub.tcpPort)).socket.destroy();
    const cwd = workingFolder(t);
    await Promise.all(['one', 'two'].map((name) => backUp(hub.folder, join(cwd, name))));
    const file = join(cwd, 'same');
    const other = beginBackupFile(`${file}.unfinished`);
    const { end, errors } = await recado(['backup', file, '--data-dir', hub.folder]);
    assert.deepEqual([end, errors], [1, `recado: the backup was not made: another one makes ${file} now\n`]);
    assert.deepEqual(readdirSync(cwd).toSorted(), [
      'one',
      'same.unfinished',
      'same.unfinished-journal',
      'two',
    ]);
    other.close();
    const both = await Promise.all([1, 2].map(() => recado(['backup', file, '--data-dir', hub.folder])));
    assert.deepEqual(
      both.map((each) => String(each.end)).toSorted(),
      ['0', '1'],
      both.map((each) => each.errors).join(''),
    );
    assert.deepEqual(readdirSync(cwd).toSorted(), ['one', 'same', 'two']);
    await hub.end('SIGTERM');
    assert.equal(await titleOf(await hubOf(t, file)), 'Pump');
  });

  it('that is made while a database is brought to a newer schema has it as it was before', async (t) => {
    const hub = await LastingHub.start(t);
    (await joinPump(t, hub.tcpPort)).socket.destroy();
    await hub.end('SIGTERM');
    turnBack(hub.folder);
    const db = openDatabase(join(hub.folder, 'hub.db'));
    db.exec('BEGIN IMMEDIATE; CREATE TABLE webhook (half TEXT)');
    const file = join(workingFolder(t), 'backup');
    await backUp(hub.folder, file);
    db.close();
    assert.equal(await titleOf(await hubOf(t, file)), 'Pump');
  });
});

describe('a backup that is killed', { skip: whyNoWatchedDisk() }, () => {
  it('is no file, and the next one of that name takes away what it left', async (t) => {
    const hub = await LastingHub.start(t);
    (await joinPump(t, hub.tcpPort)).socket.destroy();
    const disk = new WatchedDisk(t);
    const file = join(disk.folder, 'backup');
    const words = ['backup', file, '--data-dir', hub.folder];
    assert.equal((await recado(words, disk.settings)).end, 0);
    const changes = disk.changes();
    const renamed = changes.findIndex(({ kind, name }) => kind === 'R' && name === 'backup.unfinished');
    assert.ok(renamed > 0 && changes[renamed + 1]?.kind === 'S', 'its name is synced');
    const step = Math.max(1, (renamed + 1) / KILLS);
    for (let moment = renamed + 1; moment >= 1; moment -= step) {
      const at = Math.ceil(moment);
      rmSync(disk.folder, { recursive: true });
      mkdirSync(disk.folder);
      const killed = await recado(words, { ...disk.settings, DISK_KILL_AT: `${at}` });
      assert.equal(killed.end, 'SIGKILL', killed.errors);
      assert.ok(!readdirSync(disk.folder).includes('backup'), `killed before change ${at} of ${renamed + 1}`);
      await backUp(hub.folder, file);
      assert.deepEqual(readdirSync(disk.folder), ['backup']);
    }
    await hub.end('SIGTERM');
    assert.equal(await titleOf(await hubOf(t, file)), 'Pump');
    t.diagnostic(`${renamed + 1} moments`);
  });
});
