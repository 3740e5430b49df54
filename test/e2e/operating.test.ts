import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { recadoWords } from '../helpers/hub-process.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { readText } from '../helpers/source-files.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';

/** What docs/operating.md tells to type, in its order. */
const COMMANDS = readText('docs/operating.md')
  .split('\n')
  .filter((line) => line.startsWith('recado '))
  .map((line) => line.split(' ').slice(1));

function workingFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'recado-operating-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function retain(hub: LastingHub, payload: string): Promise<void> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('writer', { cleanStart: true, properties: {} });
  client.publish('kept', payload, { qos: 1, packetId: 1, retain: true });
  await client.expect('puback');
  client.destroy();
}

async function retained(hub: LastingHub): Promise<string> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('reader', { cleanStart: true, properties: {} });
  await client.subscribe('kept', 0);
  const { payload } = await client.expect('publish');
  client.destroy();
  return Buffer.from(payload).toString();
}

describe('docs/operating.md', () => {
  it('has commands that do what it says', async (t) => {
    const cwd = workingFolder(t);
    const hub = await LastingHub.start(t, { folder: join(cwd, 'recado-data') });
    const run = (words: readonly string[]): Promise<ProgramEnd> => runProgram(recadoWords(...words), { cwd });
    assert.deepEqual(
      COMMANDS.map(([name]) => name),
      ['backup', 'restore', 'doctor'],
    );
    const [backup, restore, doctor] = COMMANDS as [string[], string[], string[]];
    await retain(hub, 'before');
    assert.equal((await run(backup)).output, 'recado.backup has hub.db, sessions.db\n');
    assert.equal(statSync(join(cwd, 'recado.backup')).mode & 0o777, 0o600);
    assert.match((await run(doctor)).output, /^FILE .*\nhub\.db .* whole\nsessions\.db .* whole\n$/);
    assert.match((await run(backup)).errors, /^recado: recado\.backup is there already/);
    await retain(hub, 'after');
    const early = await run(restore);
    assert.equal(early.end, 1);
    assert.match(early.errors, /is in use by process/);
    assert.equal(await retained(hub), 'after');
    await hub.end('SIGKILL');
    const late = await run(restore);
    assert.equal(late.end, 0);
    assert.match(
      late.output,
      /has hub\.db, sessions\.db of recado\.backup\nwhat it had is in .*before-restore-/,
    );
    await hub.begin();
    assert.equal(await retained(hub), 'before');
    const [former = ''] = readdirSync(hub.folder).filter((name) => name.startsWith('before-restore-'));
    assert.ok(existsSync(join(hub.folder, former, 'sessions.db')));
    assert.match((await run(doctor)).output, new RegExp(`${former} is a copy`));
  });
});

describe('recado backup, restore and doctor', () => {
  it('go on when a file of the history is taken away meanwhile', async (t) => {
    const cwd = workingFolder(t);
    const folder = join(cwd, 'recado-data');
    mkdirSync(folder);
    const db = new DatabaseSync(join(folder, 'hub.db'));
    db.exec('CREATE TABLE kept (value)');
    db.close();
    // Listed, and not there.
    symlinkSync('gone', join(folder, 'telemetry-2026-11-22.001.db'));
    const { end, output } = await runProgram(recadoWords('backup', 'recado.backup'), { cwd });
    assert.deepEqual([end, output], [0, 'recado.backup has hub.db\n']);
  });

  it('say in one line what they cannot read or write', async (t) => {
    const cwd = workingFolder(t);
    // A way that leads nowhere is closed to every user, to root as well.
    symlinkSync('closed', join(cwd, 'closed'));
    await (await LastingHub.start(t, { folder: join(cwd, 'recado-data') })).end('SIGTERM');
    for (const [words, told] of [
      [['backup', 'no/where'], /^recado: the backup was not made: there is no such folder\n$/],
      [['backup', 'closed/x'], /^recado: the backup was not made: ELOOP: .*\n$/],
      [['backup', 'x', '--data-dir', 'closed'], /^recado: .*closed is a link that leads back to itself\n$/],
      [['doctor', '--data-dir', 'closed'], /^recado: .*closed is a link that leads back to itself\n$/],
      [['backup', 'closed'], /^recado: closed is there already; a backup replaces no file\n$/],
      [['backup', 'x'.repeat(250)], /^recado: the backup was not made: the name is too long\n$/],
      [['backup', '/proc/x'], /^recado: the backup was not made: there is no such folder\n$/],
      [['backup', 'recado-data/x.db'], /^recado: recado-data\/x\.db would lie in the folder of which it is/],
      [['backup', 'x', '--data-dir', '/dev/null'], /^recado: \/dev\/null is no folder\n$/],
      [['restore', 'recado-data'], /^recado: recado-data is no file\n$/],
      [
        ['restore', 'recado-data/hub.db', '--data-dir', '/dev/null'],
        /^recado: \/dev\/null is no folder, and none/,
      ],
      [
        ['restore', 'recado-data/hub.db', '--data-dir', '/proc/x'],
        /^recado: \/proc\/x is no folder, and none/,
      ],
      // Where the system makes no folders.
      [
        ['token', 'create', 'x', '--data-dir', '/proc/x'],
        /recado: the accounts in \/proc\/x cannot be had: /,
      ],
      [['restore', 'nothing'], /^recado: nothing does not exist\n$/],
      [['restore', 'closed'], /^recado: closed is a link that leads back to itself\n$/],
    ] as const) {
      const { end, output, errors } = await runProgram(recadoWords(...words), { cwd });
      assert.deepEqual([end, output], [1, ''], words.join(' '));
      assert.match(errors, told);
    }
    assert.deepEqual(readdirSync(cwd).toSorted(), ['closed', 'recado-data']);
  });
});

describe('recado restore', () => {
  it('leaves the folder as it is when the file is no backup', async (t) => {
    const cwd = workingFolder(t);
    const hub = await LastingHub.start(t, { folder: join(cwd, 'recado-data') });
    await retain(hub, 'kept');
    await hub.end('SIGTERM');
    const before = readFileSync(join(hub.folder, 'sessions.db'));
    const { end, errors } = await runProgram(recadoWords('restore', join(hub.folder, 'hub.db')), { cwd });
    assert.equal(end, 1);
    assert.match(errors, /was not brought back: it is no backup of Recado\n$/);
    assert.ok(readFileSync(join(hub.folder, 'sessions.db')).equals(before));
    await hub.begin();
    assert.equal(await retained(hub), 'kept');
  });

  it('makes no folder for a file that it cannot bring back, nor do others that fail', async (t) => {
    const cwd = workingFolder(t);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(cwd, 'none'), 'no backup');
    for (const [words, end] of [
      [['restore', 'none', '--data-dir', 'slip/of/hand'], 1],
      [['token', 'create', 'x', '--role', 'device', '--scope', 'topic:#/a', '--data-dir', 'slip/of/hand'], 1],
      [['hub', '--http-port', String(port), '--mqtt-port', '0', '--tcp-port', '0', '--udp-port', '0'], 1],
    ] as const) {
      const ended = await runProgram(recadoWords(...words), { cwd });
      assert.equal(ended.end, end, ended.errors);
      assert.deepEqual(readdirSync(cwd), ['none'], words.join(' '));
    }
  });
});
