import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { KeptKind } from '../../src/base/kept-kinds.ts';
import { answerCommand, joinPump, PUMP, PUMP_DESCRIPTION } from '../helpers/lasting-rig.ts';
import { startTestHub, type Answer, type TestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const MIB = 1024 * 1024;
const CALLERS = ['a', 'b', 'c', 'd'] as const;
type Caller = (typeof CALLERS)[number];

const tokenOf = (caller: Caller): string => `${caller}-`.repeat(20);
const keysOf = ({ server }: TestHub) => server.hub.ledger.totals()[KeptKind.IDEMPOTENCY_KEY]!;

/** A small hub with a device that answers `stop`, and nothing else. */
async function startRig(t: TestContext, output: string, dataDir?: string): Promise<TestHub> {
  const hub = await startTestHub(t, (config) => {
    config.memory.maxKeptBytes = 16 * MIB;
    config.http.tokens = CALLERS.map(tokenOf);
    config.inMemory = dataDir === undefined;
    if (dataDir !== undefined) config.dataDir = dataDir;
  });
  const pump = await joinPump(t, hub.tcpPort);
  const answerAll = async (): Promise<void> => {
    for (;;) {
      const command = await pump.nextObject();
      if (command['name'] === 'stop') answerCommand(pump, command, output);
    }
  };
  void answerAll().catch(() => {});
  return hub;
}

function ask(hub: TestHub, caller: Caller, key: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${tokenOf(caller)}`, 'idempotency-key': key };
  return hub.call('POST', `${PUMP}/stop`, {}, headers);
}

/** Asks with new keys until there is no room for more; how many there was room for. */
async function fill(hub: TestHub, caller: Caller): Promise<number> {
  for (let count = 0; ; count++) {
    const { status, body } = await ask(hub, caller, `key-${count}`);
    if (status === 200) continue;
    assert.deepEqual([status, body.code], [429, 'TOO_MANY_INVOCATIONS']);
    return count;
  }
}

const isReplay = ({ headers }: Answer): boolean => headers.get('idempotency-replayed') === 'true';

for (const [what, output] of [
  ['small', 'x'],
  ['large', 'x'.repeat(20_000)],
] as const) {
  test(`${what} outputs: callers with all the keys that they may have leave room for others`, async (t) => {
    const hub = await startRig(t, output);
    const first = await fill(hub, 'a');
    for (const caller of ['b', 'c', 'd'] as const) {
      const count = await fill(hub, caller);
      assert.ok(count >= Math.floor(first / 4), `${caller} has ${count} keys, the first had ${first}`);
    }
    const { bytes, limitBytes } = keysOf(hub);
    assert.ok(bytes <= limitBytes, `${bytes} of ${limitBytes}`);
  });
}

test('of who has most, the keys of what ended first go; the newest stand', async (t) => {
  const hub = await startRig(t, 'x'.repeat(20_000));
  const count = await fill(hub, 'a');
  await fill(hub, 'b');
  assert.ok(isReplay(await ask(hub, 'a', `key-${count - 1}`)));
  const gone = await ask(hub, 'a', 'key-0');
  assert.ok(!isReplay(gone), 'its place was given to another');
});

test('the key of a command that has not ended is never given up', async (t) => {
  const hub = await startRig(t, 'x'.repeat(20_000));
  const silent = await WireDevice.connect(t, hub.tcpPort);
  silent.send(`${JSON.stringify({ recado: 2, id: 'silent', description: PUMP_DESCRIPTION })}\n`);
  await silent.nextObject();
  const askSilent = (): Promise<Answer> => {
    const headers = { authorization: `Bearer ${tokenOf('a')}`, 'idempotency-key': 'slow' };
    const prefer = { prefer: 'respond-async' };
    return hub.call('POST', '/api/v1/devices/silent/commands/stop', {}, { ...headers, ...prefer });
  };
  assert.equal((await askSilent()).status, 202);
  await fill(hub, 'a');
  await fill(hub, 'b');
  assert.ok(!isReplay(await ask(hub, 'a', 'key-0')), 'keys were given up');
  assert.ok(isReplay(await askSilent()));
});

test('a key that was given up does not come back with the hub', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'recado-keys-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const hub = await startRig(t, 'x'.repeat(20_000), dataDir);
  await fill(hub, 'a');
  await fill(hub, 'b');
  const before = keysOf(hub);
  await hub.server.close();
  const again = await startRig(t, 'x', dataDir);
  const { count, bytes } = keysOf(again);
  assert.deepEqual([count, bytes], [before.count, before.bytes]);
});
