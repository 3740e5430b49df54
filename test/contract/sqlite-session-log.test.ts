import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it, type TestContext } from 'node:test';
import { silentLogger } from '../../src/base/logger.ts';
import { SqliteSessionStore } from '../../src/store/sqlite/sessions/sqlite-session-store.ts';
import { keepMessage, loadAll } from '../helpers/stored-messages.ts';
import { partsOf } from './session-store-model.ts';
import { queuedOf, sessionOf } from './session-store-rig.ts';

const MEBIBYTE = 1_048_576;

function newFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'recado-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'sessions.db');
}

async function open(t: TestContext, file: string): Promise<SqliteSessionStore> {
  const store = new SqliteSessionStore({ file, log: silentLogger });
  t.after(() => store.close());
  return store;
}

function logBytes(file: string): number {
  const db = new DatabaseSync(file, { readOnly: true });
  const row = db.prepare('SELECT total(length(notes)) AS bytes FROM log').get();
  db.close();
  return Number(row?.['bytes']);
}

it('a few messages that nobody takes do not keep the log of all others alive', async (t) => {
  const file = newFile(t);
  const store = await open(t, file);
  await loadAll(store);
  for (const clientId of ['a', 'b', 'busy']) store.saveSession(sessionOf(clientId));
  // One body for two sessions, one of them in flight; and a Packet Identifier that is not released.
  const stuck = keepMessage({ topicName: 'stuck', payload: randomBytes(1000), qos: 2 });
  store.saveQueued('a', queuedOf(1, { message: stuck, qos: 2, subscriptionIdentifiers: [7, 8] }));
  store.saveQueued('b', queuedOf(5, { message: stuck, group: { shareName: 'g', topicFilter: 'stuck' } }));
  store.saveReceivedPacketId('a', 77);
  await store.commit();
  store.updateQueued('a', 1, 42, true);
  await store.commit();
  let written = 0;
  for (let sequence = 1; written < 24 * MEBIBYTE; sequence += 100) {
    for (let each = 0; each < 100; each++) {
      const message = keepMessage({ topicName: 'busy', payload: randomBytes(4000), qos: 1 });
      store.saveQueued('busy', queuedOf(sequence + each, { message }));
      store.updateQueued('busy', sequence + each, each + 1, false);
      written += 4000;
    }
    await store.commit();
    for (let each = 0; each < 100; each++) store.deleteQueued('busy', sequence + each);
    await store.commit();
  }
  const left = logBytes(file);
  assert.ok(left < 8 * MEBIBYTE, `${left} bytes of ${written} are left`);
  await store.close();

  const { sessions } = await loadAll(await open(t, file));
  const [a, b, busy] = sessions;
  assert.deepEqual([a?.clientId, b?.clientId, busy?.queued.length], ['a', 'b', 0]);
  assert.deepEqual(a?.receivedPacketIds, [77]);
  const [first, second] = [a?.queued[0], b?.queued[0]];
  assert.deepEqual(
    [first?.packetId, first?.isReleased, first?.subscriptionIdentifiers, first?.group],
    [42, true, [7, 8], undefined],
  );
  assert.deepEqual([second?.packetId, second?.sequence, second?.group?.shareName], [0, 5, 'g']);
  assert.deepEqual(partsOf(first!.message), partsOf(stuck));
  assert.equal(first?.message, second?.message, 'one body for both');
});

it('nothing is left in the log when everything was taken', async (t) => {
  const file = newFile(t);
  const store = await open(t, file);
  await loadAll(store);
  store.saveSession(sessionOf('a'));
  for (let sequence = 1; sequence <= 50; sequence++) {
    store.saveQueued('a', queuedOf(sequence));
    await store.commit();
    store.deleteQueued('a', sequence);
    await store.commit();
  }
  await store.close();
  // What the last commit said of rows that are gone goes with the next one.
  assert.ok(logBytes(file) < 100, `${logBytes(file)} bytes are left`);
});

it('a log that has been written for long knows how far each message is', async (t) => {
  const file = newFile(t);
  const first = await open(t, file);
  await loadAll(first);
  first.saveSession(sessionOf('a'));
  await first.commit();
  await first.close();
  const db = new DatabaseSync(file);
  // As after half a year of four thousand commits a second.
  db.exec(`INSERT INTO sqlite_sequence (name, seq) VALUES ('log', ${2 ** 36 - 2})`);
  db.close();

  const store = await open(t, file);
  await loadAll(store);
  for (const sequence of [1, 2, 3]) {
    store.saveQueued('a', queuedOf(sequence, { qos: 2 }));
    store.saveReceivedPacketId('a', sequence);
    await store.commit();
  }
  for (const sequence of [1, 2, 3]) store.updateQueued('a', sequence, 65_530 + sequence, sequence === 2);
  store.deleteReceivedPacketId('a', 2);
  await store.commit();
  await store.close();
  const { sessions } = await loadAll(await open(t, file));
  assert.deepEqual(
    sessions[0]!.queued.map(({ sequence, packetId, isReleased }) => [sequence, packetId, isReleased]),
    [
      [1, 65_531, false],
      [2, 65_532, true],
      [3, 65_533, false],
    ],
  );
  assert.deepEqual(sessions[0]!.receivedPacketIds, [1, 3]);
});
