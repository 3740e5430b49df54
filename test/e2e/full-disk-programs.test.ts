import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, it, type TestContext } from 'node:test';
import { readFolder } from '../crash/disk-image.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';
import { SmallDisk, whyNoSmallDisk } from '../helpers/small-disk.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';

/** Of what is retained in all. */
const STATE_BYTES = 2 * 1024 * 1024;
const PAYLOAD = 'x'.repeat(65_536);

function workingFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'recado-programs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Retains something large, each payload beginning with a word. */
async function retain(hub: LastingHub, word: string): Promise<void> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('writer', { cleanStart: true, properties: {} });
  for (let at = 0; at < STATE_BYTES; at += PAYLOAD.length) {
    client.publish(`kept/${at}`, word + PAYLOAD, { qos: 1, packetId: 1, retain: true });
    assert.ok((await client.expect('puback')).reasonCode < 0x80);
  }
  client.destroy();
}

async function firstWord(hub: LastingHub): Promise<string> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('reader', { cleanStart: true, properties: {} });
  await client.subscribe('kept/0', 0);
  const { payload } = await client.expect('publish');
  client.destroy();
  return Buffer.from(payload).toString().replaceAll('x', '');
}

function recado(...words: string[]): Promise<ProgramEnd> {
  return runProgram(recadoWords(...words));
}

describe('a full disk', { skip: whyNoSmallDisk() }, () => {
  it('leaves no half backup, whoever has it, and the hub goes on', async (t) => {
    const hub = await LastingHub.start(t);
    await retain(hub, 'kept');
    const disk = new SmallDisk(t, 8);
    for (const leftBytes of [0, 65_536, 1_048_576, STATE_BYTES - 65_536]) {
      disk.fill(leftBytes);
      const { end, output, errors } = await recado('backup', disk.file('backup'), '--data-dir', hub.folder);
      assert.deepEqual([end, output], [1, ''], `${leftBytes} bytes were left`);
      assert.match(errors, /^recado: the backup was not made: no space is left on the device\n$/);
      disk.makeRoom();
      assert.deepEqual(readdirSync(disk.path), []);
    }
    const made = await recado('backup', disk.file('backup'), '--data-dir', hub.folder);
    assert.deepEqual([made.end, made.errors], [0, '']);
    assert.equal(await firstWord(hub), 'kept');
  });

  it('of the hub is no reason why there should be no backup elsewhere', async (t) => {
    const disk = new SmallDisk(t, 16);
    const cwd = workingFolder(t);
    const hub = await LastingHub.start(t, { folder: disk.file('data') });
    await retain(hub, 'kept');
    for (const state of ['running', 'killed'] as const) {
      disk.fill();
      if (state === 'killed') await hub.end('SIGKILL');
      const doctor = await recado('doctor', '--data-dir', hub.folder);
      assert.deepEqual([doctor.end, doctor.errors], [0, ''], `${state}: ${doctor.output}`);
      const made = await recado('backup', join(cwd, state), '--data-dir', hub.folder);
      assert.deepEqual([made.end, made.errors], [0, ''], state);
      disk.makeRoom();
      const other = join(cwd, `data-${state}`);
      assert.equal((await recado('restore', join(cwd, state), '--data-dir', other)).end, 0);
      const restored = await LastingHub.start(t, { folder: other });
      assert.equal(await firstWord(restored), 'kept');
      await restored.end('SIGTERM');
    }
  });

  it('takes no restore, and what the folder had is there as it was', async (t) => {
    const disk = new SmallDisk(t, 16);
    const backup = join(workingFolder(t), 'backup');
    const hub = await LastingHub.start(t, { folder: disk.file('data') });
    await retain(hub, 'backup');
    assert.equal((await recado('backup', backup, '--data-dir', hub.folder)).end, 0);
    await retain(hub, 'former');
    await hub.end('SIGKILL');
    const before = databasesOf(hub);
    for (const leftBytes of [0, 65_536, 1_048_576]) {
      disk.fill(leftBytes);
      const { end, output, errors } = await recado('restore', backup, '--data-dir', hub.folder);
      assert.deepEqual([end, output], [1, ''], `${leftBytes} bytes were left`);
      assert.match(errors, /backup was not brought back: no space is left on the device\n$/);
      assert.ok(isDeepStrictEqual(databasesOf(hub), before), 'nothing was changed');
      assert.ok(!readdirSync(hub.folder).some((name) => name.includes('restor')), 'nothing is left');
      disk.makeRoom();
    }
    await hub.begin();
    assert.equal(await firstWord(hub), 'former');
    await hub.end('SIGTERM');
    assert.equal((await recado('restore', backup, '--data-dir', hub.folder)).end, 0);
    await hub.begin();
    assert.equal(await firstWord(hub), 'backup');
  });
});

function databasesOf(hub: LastingHub): Map<string, Buffer> {
  return new Map([...readFolder(hub.folder)].filter(([name]) => /\.db(-wal)?$/.test(name)));
}

describe('a read-only disk', { skip: whyNoSmallDisk() }, () => {
  it('is no damage, and what it has can be had', async (t) => {
    const disk = new SmallDisk(t, 16);
    const hub = await LastingHub.start(t, { folder: disk.file('data') });
    await retain(hub, 'kept');
    await hub.end('SIGTERM');
    disk.remount('ro');
    const doctor = await recado('doctor', '--data-dir', hub.folder);
    assert.deepEqual([doctor.end, doctor.errors], [0, ''], doctor.output);
    assert.match(doctor.output, / whole\n[^]*sessions\.db can only be read: the file system is read-only\n$/);
    const backup = join(workingFolder(t), 'backup');
    assert.equal((await recado('backup', backup, '--data-dir', hub.folder)).end, 0);

    disk.remount('rw');
    await hub.begin();
    await retain(hub, 'only in the log');
    await hub.end('SIGKILL');
    rmSync(join(hub.folder, 'sessions.db-shm'));
    disk.remount('ro');
    const unread = await recado('doctor', '--data-dir', hub.folder);
    assert.equal(unread.end, 1);
    assert.match(unread.output, /sessions\.db .* read-only: [^]*\n.*: make it writable\n$/);
    assert.doesNotMatch(unread.output, /recado restore/);
  });
});
