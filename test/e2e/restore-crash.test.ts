import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { DataFolder } from '../../src/store/data-folder.ts';
import { readFolder, writeImage, type Unsynced } from '../crash/disk-image.ts';
import { WatchedDisk, whyNoWatchedDisk } from '../crash/watched-disk.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { joinPump } from '../helpers/lasting-rig.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { randomFrom } from '../helpers/mqtt-packets.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';

/** In how many of its moments a restore is killed; `npm run test:crash` does so in all of them. */
const KILLS = process.env['CRASH_KILLS'] === undefined ? 4 : Number.POSITIVE_INFINITY;

type Files = ReadonlyMap<string, Buffer>;

/** Both databases say the same word. */
async function say(hub: LastingHub, word: string): Promise<void> {
  assert.equal((await hub.call('PATCH', '/api/v1/devices/pump', { title: word })).status, 200);
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('writer', { cleanStart: true, properties: {} });
  client.publish('word', word, { qos: 1, packetId: 1, retain: true });
  await client.expect('puback');
  client.destroy();
}

async function wordsOf(hub: LastingHub): Promise<string[]> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('reader', { cleanStart: true, properties: {} });
  await client.subscribe('word', 0);
  const { payload } = await client.expect('publish');
  client.destroy();
  return [Buffer.from(payload).toString(), (await hub.call('GET', '/api/v1/devices/pump')).body.title];
}

/** A folder whose hub was killed, and a backup of what it had before. */
class RestoreRig {
  readonly disk: WatchedDisk;
  readonly hub: LastingHub;
  readonly before: Files;

  static async start(t: TestContext): Promise<RestoreRig> {
    const disk = new WatchedDisk(t);
    const hub = await LastingHub.start(t, { folder: disk.folder });
    (await joinPump(t, hub.tcpPort)).socket.destroy();
    await say(hub, 'backup');
    const made = await runProgram(recadoWords('backup', backupOf(disk), '--data-dir', disk.folder));
    assert.equal(made.end, 0, made.errors);
    await say(hub, 'former');
    await hub.end('SIGKILL');
    return new RestoreRig(disk, hub);
  }

  private constructor(disk: WatchedDisk, hub: LastingHub) {
    this.disk = disk;
    this.hub = hub;
    this.before = readFolder(disk.folder);
  }

  restore(more: Readonly<Record<string, string>> = {}): Promise<ProgramEnd> {
    const env = { ...this.disk.settings, ...more };
    return runProgram(recadoWords('restore', backupOf(this.disk), '--data-dir', this.disk.folder), { env });
  }
}

function backupOf({ folder }: WatchedDisk): string {
  return `${folder}.backup`;
}

/** Of the databases of a folder, with what belongs to them. */
function databasesIn(files: Files): Map<string, string> {
  const databases = [...files].filter(([name]) => /^[^/]+\.db(-wal)?$/.test(name));
  return new Map(databases.map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]));
}

/** What was set aside, under the names that it had. */
function setAside(files: Files): Files {
  const aside = [...files].filter(([name]) => name.startsWith('before-restore-'));
  return new Map(aside.map(([name, bytes]) => [name.slice(name.indexOf('/') + 1), bytes]));
}

describe('a restore that ends after any of its changes', { skip: whyNoWatchedDisk() }, () => {
  it('has changed nothing, or is done when the folder is opened', async (t) => {
    const rig = await RestoreRig.start(t);
    const { disk, before } = rig;
    const { end, errors } = await rig.restore();
    assert.equal(end, 0, errors);
    const former = databasesIn(before);
    const restored = databasesIn(readFolder(disk.folder));
    assert.notDeepEqual(restored, former);
    const changes = disk.changes();
    const ends = { former: 0, restored: 0 };
    const unsynced: readonly Unsynced[] = ['kept', 'lost', randomFrom(7), randomFrom(8)];
    for (let count = 0; count <= changes.length; count++) {
      for (const each of unsynced) {
        writeImage(disk.folder, { before, changes: changes.slice(0, count), unsynced: each });
        const folder = new DataFolder(disk.folder);
        folder.open();
        folder.close();
        const files = readFolder(disk.folder);
        const found = databasesIn(files);
        const when = `after ${count} of ${changes.length} changes, ${String(each)}`;
        const isFormer = isDeepStrictEqual(found, former);
        ends[isFormer ? 'former' : 'restored']++;
        assert.ok(!isFormer || count < changes.length, 'who was told that it is done has it');
        if (isFormer) continue;
        assert.deepEqual(found, restored, when);
        assert.deepEqual(databasesIn(setAside(files)), former, `${when}: what there was is kept`);
        assert.ok(![...files.keys()].some((name) => name.startsWith('restor')), when);
      }
    }
    assert.ok(ends.former > 0 && ends.restored > 0);
    t.diagnostic(
      `${changes.length} moments: ${ends.former} times the former, ${ends.restored} times the backup`,
    );
  });

  it('that is killed leaves a folder whose hub has one of both, wholly', async (t) => {
    const rig = await RestoreRig.start(t);
    const { disk, hub, before } = rig;
    await rig.restore();
    const moments = disk.changes().length;
    const step = Math.max(1, moments / KILLS);
    const seen = new Set<string>();
    for (let moment = moments; moment >= 1; moment -= step) {
      const at = Math.ceil(moment);
      writeImage(disk.folder, { before });
      const { end, errors } = await rig.restore({ DISK_KILL_AT: String(at) });
      assert.equal(end, 'SIGKILL', errors);
      await hub.begin();
      const [word = '', title] = await wordsOf(hub);
      assert.equal(word, title, `killed before change ${at} of ${moments}`);
      seen.add(word);
      await hub.end('SIGKILL');
    }
    assert.deepEqual([...seen].toSorted(), ['backup', 'former']);
    t.diagnostic(`${moments} moments`);
  });
});
