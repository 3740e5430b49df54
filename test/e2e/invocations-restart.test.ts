import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { HeldFile } from '../helpers/held-file.ts';
import type { Json } from '../helpers/json.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { answerCommand, joinPump, PUMP, PUMP_DESCRIPTION } from '../helpers/lasting-rig.ts';
import { HANG_MS, until } from '../helpers/until.ts';
import type { WireDevice } from '../helpers/wire-device.ts';

async function leave(hub: LastingHub, pump: WireDevice): Promise<void> {
  pump.socket.destroy();
  await until('offline', async () => (await presence(hub)).status === 'offline');
}

const presence = async (hub: LastingHub) => (await hub.call('GET', '/api/v1/devices/pump')).body.presence;

/** What became of an invocation, once it has ended. */
function endOf(hub: LastingHub, id: string): Promise<Json> {
  return until(`${id} ends`, async () => {
    const { body } = await hub.call('GET', `/api/v1/invocations/${id}`);
    return body.ended === undefined ? undefined : body;
  });
}

/** A hub that knows the pump, which is away. */
async function offlineRig(t: TestContext): Promise<LastingHub> {
  const hub = await LastingHub.start(t);
  await leave(hub, await joinPump(t, hub.tcpPort));
  return hub;
}

describe('a hub that is killed', () => {
  it('still knows its devices, and what waits for them is sent in order when they come', async (t) => {
    const hub = await offlineRig(t);
    const ids: string[] = [];
    for (const input of [1, 2, 3]) {
      const headers = { 'idempotency-key': `k${input}` };
      const { status, body } = await hub.call(
        'POST',
        `${PUMP}/start`,
        { input, queueForMs: 600_000 },
        headers,
      );
      assert.equal(status, 202);
      ids.push(body.invocation.id);
    }
    await hub.restart('SIGKILL');
    const refused = await hub.call('POST', `${PUMP}/stop`, {});
    assert.deepEqual([refused.status, refused.body.code], [503, 'DEVICE_OFFLINE']);
    const { body: listed } = await hub.call('GET', '/api/v1/invocations?state=queued');
    assert.deepEqual(listed.invocations.map(({ id }: { id: string }) => id).toReversed(), ids);
    const again = { 'idempotency-key': 'k2' };
    const same = await hub.call('POST', `${PUMP}/start`, { input: 2, queueForMs: 600_000 }, again);
    assert.deepEqual([same.status, same.body.invocation.id], [202, ids[1]]);
    const pump = await joinPump(t, hub.tcpPort);
    for (const [index, id] of ids.entries()) {
      const command = await pump.nextObject();
      assert.deepEqual([command['cmd'], command['input']], [id, index + 1]);
      answerCommand(pump, command, `done ${index + 1}`);
    }
    for (const [index, id] of ids.entries()) assert.equal((await endOf(hub, id)).output, `done ${index + 1}`);
    await hub.restart('SIGKILL');
    const replayed = await hub.call('POST', `${PUMP}/start`, { input: 2, queueForMs: 600_000 }, again);
    assert.deepEqual(
      [replayed.status, replayed.body.output, replayed.body.invocation.id],
      [200, 'done 2', ids[1]],
    );
    assert.equal(replayed.headers.get('idempotency-replayed'), 'true');
    const other = await hub.call('POST', `${PUMP}/start`, { input: 9, queueForMs: 600_000 }, again);
    assert.equal(other.body.code, 'IDEMPOTENCY_CONFLICT');
  });

  it('tells truthfully what became of commands that were on their way', async (t) => {
    const hub = await LastingHub.start(t);
    const pump = await joinPump(t, hub.tcpPort);
    const ids = new Map<string, string>();
    for (const name of ['level', 'stop']) {
      const { body } = await hub.call('POST', `${PUMP}/${name}`, {}, { prefer: 'respond-async' });
      ids.set(name, body.invocation.id);
      assert.equal((await pump.nextObject())['cmd'], body.invocation.id);
    }
    await until('it is written down that both were sent', () => countSent(hub) === 2);
    await hub.restart('SIGKILL');
    for (const [name, safeToRetry] of [
      ['level', true],
      ['stop', false],
    ] as const) {
      const ended = await endOf(hub, ids.get(name)!);
      assert.deepEqual([ended.state, ended.problem.code], ['failed', 'HUB_RESTARTED']);
      assert.deepEqual([ended.safeToRetry, ended.phases.sent === undefined], [safeToRetry, false]);
    }
  });

  it('ends what did not come in time while it was away', async (t) => {
    const hub = await offlineRig(t);
    const { body } = await hub.call('POST', `${PUMP}/stop`, { queueForMs: 100 });
    await hub.restart('SIGKILL');
    assert.equal((await endOf(hub, body.invocation.id)).problem.code, 'QUEUE_TIMEOUT');
  });

  it('keeps what people gave its devices, and what it says of them goes on from there', async (t) => {
    const hub = await LastingHub.start(t);
    await joinPump(t, hub.tcpPort);
    const patch = { title: 'Cellar pump', tags: ['cellar', 'water'] };
    assert.equal((await hub.call('PATCH', '/api/v1/devices/pump', patch)).status, 200);
    const before = await presence(hub);
    await hub.restart('SIGKILL');
    const { body } = await hub.call('GET', '/api/v1/devices/pump');
    assert.deepEqual([body.title, body.tags, body.gateway], ['Cellar pump', patch.tags, 'socket']);
    assert.deepEqual(body.description.title, 'Pump');
    assert.deepEqual([body.presence.status, body.presence.reason], ['offline', 'hub-restarted']);
    assert.ok(body.presence.sequence > before.sequence);
    assert.equal((await hub.call('GET', '/api/v1/devices?tag=water')).body.total, 1);
    await joinPump(t, hub.tcpPort, { ...PUMP_DESCRIPTION, model: 'P-2' });
    const later = (await hub.call('GET', '/api/v1/devices/pump')).body;
    assert.deepEqual([later.title, later.description.version], ['Cellar pump', body.description.version + 1]);
    assert.ok(later.presence.sequence > body.presence.sequence);
  });

  it('has forgotten what it was told to forget', async (t) => {
    const hub = await offlineRig(t);
    assert.equal((await hub.call('DELETE', '/api/v1/devices/pump')).status, 204);
    await hub.restart('SIGKILL');
    assert.equal((await hub.call('GET', '/api/v1/devices/pump')).status, 404);
  });
});

it('a hub that stops answers 202 to who waits for what waits for a device, and it goes on', async (t) => {
  const hub = await offlineRig(t);
  const waiting = hub.call('POST', `${PUMP}/stop`, { queueForMs: 600_000 }, { prefer: 'wait=300' });
  const queued = async () => (await hub.call('GET', '/api/v1/invocations?state=queued')).body.invocations;
  await until('it waits', async () => (await queued()).length === 1);
  await hub.end('SIGTERM');
  const { status, body } = await waiting;
  assert.deepEqual([status, body.invocation.state], [202, 'queued']);
  await hub.begin();
  const pump = await joinPump(t, hub.tcpPort);
  answerCommand(pump, await pump.nextObject(), 'stopped');
  assert.equal((await endOf(hub, body.invocation.id)).output, 'stopped');
});

it('what cannot be stored is refused and not sent; all else goes on, and so does storing when it can', async (t) => {
  const hub = await LastingHub.start(t);
  const pump = await joinPump(t, hub.tcpPort);
  const held = new HeldFile(path.join(hub.folder, 'hub.db'));
  held.hold();
  const lasting = await hub.call('POST', `${PUMP}/stop`, {}, { 'idempotency-key': 'k' });
  assert.deepEqual(
    [lasting.status, lasting.body.code, lasting.body.safeToRetry],
    [503, 'STORE_UNAVAILABLE', true],
  );
  const named = await hub.call('PATCH', '/api/v1/devices/pump', { title: 'Other' });
  assert.deepEqual([named.status, named.body.code], [503, 'STORE_UNAVAILABLE']);
  assert.equal((await hub.call('GET', '/api/v1/devices/pump')).body.title, 'Pump');
  const plain = hub.call('POST', `${PUMP}/level`, {});
  const command = await pump.nextObject();
  assert.equal(command['name'], 'level', 'what could not be stored was not sent');
  answerCommand(pump, command, 1);
  assert.equal((await plain).status, 200);
  held.letGo();
  const again = hub.call('POST', `${PUMP}/stop`, {}, { 'idempotency-key': 'k' });
  answerCommand(pump, await pump.nextObject(), 'stopped');
  assert.equal((await again).body.output, 'stopped');
});

function countSent(hub: LastingHub): number {
  const db = new DatabaseSync(path.join(hub.folder, 'hub.db'), { readOnly: true, timeout: HANG_MS });
  try {
    const sent = "SELECT count(*) AS count FROM invocation WHERE json_extract(record, '$.sentAt') > 0";
    return Number(db.prepare(sent).get()?.['count']);
  } finally {
    db.close();
  }
}
