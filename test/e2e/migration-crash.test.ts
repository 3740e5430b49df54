import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { openDatabase } from '../../src/store/sqlite/open-database.ts';
import { readFolder, writeImage, type Unsynced } from '../crash/disk-image.ts';
import { GROWN_SCHEMA, SMALL_SCHEMA } from '../crash/grown-schema.ts';
import { turnBack } from '../crash/turn-back.ts';
import { WatchedDisk, whyNoWatchedDisk } from '../crash/watched-disk.ts';
import type { Answer } from '../helpers/start-test-hub.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { joinPump, PUMP } from '../helpers/lasting-rig.ts';
import { randomFrom } from '../helpers/mqtt-packets.ts';
import { runProgram } from '../helpers/run-program.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';

/** In how many of its moments a hub is killed; `npm run test:crash` does so in all of them. */
const KILLS = process.env['CRASH_KILLS'] === undefined ? 2 : Number.POSITIVE_INFINITY;

/** A hub that was stopped, whose folder knows a device, a command that waits for it, a session and what is retained. */
async function hubWithState(t: TestContext, disk: WatchedDisk): Promise<LastingHub> {
  const hub = await LastingHub.start(t, { folder: disk.folder });
  (await joinPump(t, hub.tcpPort)).socket.destroy();
  const patch = { title: 'Cellar pump', tags: ['cellar'] };
  assert.equal((await hub.call('PATCH', '/api/v1/devices/pump', patch)).status, 200);
  assert.equal((await askOnce(hub)).status, 202);
  const keeper = new TcpWireClient(hub.mqttPort);
  await keeper.connect('keeper');
  await keeper.subscribe('t/#', 1);
  keeper.publish('t/kept', 'kept', { qos: 1, packetId: 1, retain: true });
  await keeper.expect('puback');
  keeper.destroy();
  await hub.end('SIGTERM');
  return hub;
}

/** The pump is away: the command waits for it, and asked again it is the same. */
function askOnce(hub: LastingHub): Promise<Answer> {
  const body = { input: 7, queueForMs: 600_000 };
  return hub.call('POST', `${PUMP}/start`, body, { 'idempotency-key': 'once' });
}

async function expectState(hub: LastingHub, when: string): Promise<void> {
  const { body } = await hub.call('GET', '/api/v1/devices/pump');
  assert.deepEqual(
    [body.title, body.tags, body.description.title],
    ['Cellar pump', ['cellar'], 'Pump'],
    when,
  );
  const again = await askOnce(hub);
  assert.deepEqual(
    [again.headers.get('idempotency-replayed'), again.body.invocation.state],
    ['true', 'queued'],
    when,
  );
  const keeper = new TcpWireClient(hub.mqttPort);
  assert.equal((await keeper.connect('keeper')).sessionPresent, true, when);
  const message = await keeper.expect('publish');
  assert.deepEqual([message.topicName, Buffer.from(message.payload).toString()], ['t/kept', 'kept'], when);
  keeper.destroy();
}

/** Starts a hub that is killed before a change of hub.db, and waits for its end. */
async function beginAndBeKilled(
  hub: LastingHub,
  settings: Record<string, string>,
  at: number,
): Promise<void> {
  const ended = hub.begin({ ...settings, DISK_FILES: 'hub.db', DISK_KILL_AT: String(at) });
  await assert.rejects(ended, new RegExp(`killed before change ${at}\\n`));
}

describe(
  'a hub that is killed while it brings hub.db to a newer schema',
  { skip: whyNoWatchedDisk() },
  () => {
    it('has the same state when it starts again, whatever it had done', async (t) => {
      const disk = new WatchedDisk(t);
      const hub = await hubWithState(t, disk);
      const version = turnBack(hub.folder);
      const before = readFolder(hub.folder);
      await hub.begin({ ...disk.settings, DISK_FILES: 'hub.db' });
      await hub.end('SIGKILL');
      const changes = disk.changes();
      const made = changes.findIndex(
        ({ kind, data }) => kind === 'W' && data.includes('CREATE TABLE webhook'),
      );
      const committed = changes.findIndex(({ kind }, index) => index > made && kind === 'S');
      assert.ok(made > 0 && committed > made, `${changes.length} changes of hub.db`);
      const moments = committed + 1;
      const step = Math.max(1, moments / KILLS);
      for (let moment = moments; moment >= 1; moment -= step) {
        const at = Math.ceil(moment);
        const when = `killed before change ${at} of ${moments}`;
        writeImage(hub.folder, { before });
        await beginAndBeKilled(hub, disk.settings, at);
        await hub.begin();
        await expectState(hub, when);
        await hub.end('SIGKILL');
        const copy = new DatabaseSync(join(hub.folder, `hub.db.v${version}`));
        assert.deepEqual(
          copy
            .prepare('PRAGMA integrity_check')
            .all()
            .map((row) => row['integrity_check']),
          ['ok'],
          when,
        );
        assert.equal(copy.prepare('PRAGMA user_version').get()?.['user_version'], version, when);
        copy.close();
      }
      t.diagnostic(`${moments} moments`);
    });
  },
);

describe('a hub that is killed at its first start', { skip: whyNoWatchedDisk() }, () => {
  it('is there the next time, whatever it had made', async (t) => {
    const disk = new WatchedDisk(t);
    const folder = join(disk.folder, 'deep', 'data');
    const hub = await LastingHub.start(t, { folder, settings: disk.settings });
    await hub.end('SIGKILL');
    const moments = disk.changes().length;
    const step = Math.max(1, moments / KILLS);
    let kills = 0;
    for (let moment = moments; moment >= 1; moment -= step) {
      const at = Math.ceil(moment);
      writeImage(disk.folder, {});
      // Two threads write: one start makes a few changes less than another.
      const isAlive = await hub.begin({ DISK_KILL_AT: String(at) }).then(
        () => true,
        () => false,
      );
      if (isAlive) await hub.end('SIGKILL');
      else kills++;
      await hub.begin({ LD_PRELOAD: '' });
      const { status, body } = await hub.call('GET', '/readyz');
      assert.deepEqual([status, body.status], [200, 'ok'], `killed before change ${at} of ${moments}`);
      const client = new TcpWireClient(hub.mqttPort);
      assert.equal((await client.connect('new')).reasonCode, 0);
      client.destroy();
      await hub.end('SIGKILL');
    }
    assert.ok(kills > 0);
    t.diagnostic(`${moments} moments, killed in ${kills}`);
  });
});

describe('a migration that ends after any of its changes', { skip: whyNoWatchedDisk() }, () => {
  const seed = 7;
  for (const [what, unsynced] of [
    ['its process was killed', 'kept'],
    ['power was lost', 'lost'],
    ['power was lost in the middle of writing', randomFrom(seed)],
  ] as [string, Unsynced][]) {
    it(`is done anew from what there was: ${what}`, async (t) => {
      const disk = new WatchedDisk(t);
      const file = join(disk.folder, 'test.db');
      const old = openDatabase(file);
      migrate(old, file, SMALL_SCHEMA);
      old.close();
      const before = readFolder(disk.folder);
      const program = [process.execPath, join(import.meta.dirname, '../crash/migrate-program.ts'), file];
      const { end, errors } = await runProgram(program, { env: disk.settings });
      assert.equal(end, 0, errors);
      const expected = rowsOf(file);
      const changes = disk.changes();
      assert.ok(changes.length > 20, `${changes.length} changes`);
      for (let count = 0; count <= changes.length; count++) {
        writeImage(disk.folder, { before, changes: changes.slice(0, count), unsynced });
        const db = openDatabase(file);
        assert.equal(migrate(db, file, GROWN_SCHEMA), undefined);
        db.close();
        assert.deepEqual(rowsOf(file), expected, `after ${count} of ${changes.length} changes`);
      }
      t.diagnostic(`${changes.length} moments`);
    });
  }
});

/** What is in the file, and whether all of it can be read. */
function rowsOf(file: string): unknown {
  const db = new DatabaseSync(file);
  const checked = db.prepare('PRAGMA integrity_check').all();
  const tables = db.prepare('SELECT name FROM sqlite_schema').all();
  const rows = db.prepare('SELECT count(*), sum(id), sum(length(text)), max(text) FROM b').get();
  db.close();
  return { checked, tables, rows };
}
