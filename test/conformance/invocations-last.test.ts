import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { EventStreamReader } from '../helpers/event-stream.ts';
import { answerCommand, joinPump, PUMP, PUMP_DESCRIPTION } from '../helpers/lasting-rig.ts';
import { startTestHub, type Answer, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

type Rig = { hub: TestHub; pump: WireDevice };

async function onlineRig(t: TestContext, change?: (config: MutableConfig) => void): Promise<Rig> {
  const hub = await startTestHub(t, change);
  return { hub, pump: await joinPump(t, hub.tcpPort) };
}

/** A hub that knows the pump, which is away. */
async function offlineRig(t: TestContext, change?: (config: MutableConfig) => void): Promise<TestHub> {
  const { hub, pump } = await onlineRig(t, change);
  await leave(hub, pump);
  return hub;
}

async function leave(hub: TestHub, pump: WireDevice): Promise<void> {
  pump.socket.destroy();
  await until('offline', () => hub.server.hub.devices.get('pump')?.isOnline === false);
}

const read = async (hub: TestHub, id: string) => (await hub.call('GET', `/api/v1/invocations/${id}`)).body;
const idOf = ({ body }: Answer): string => body.invocation.id;

test('queueForMs: what an offline device is asked waits in order, and is sent when it comes', async (t) => {
  const hub = await offlineRig(t);
  const events = await EventStreamReader.open(t, hub.url, { query: '?kind=invocation' });
  const ids: string[] = [];
  for (const input of [1, 2, 3]) {
    const answer = await hub.call('POST', `${PUMP}/start`, { input, queueForMs: 60_000 });
    assert.equal(answer.status, 202);
    assert.equal(answer.body.invocation.state, 'queued');
    assert.match(answer.body.invocation.queuedUntil, /Z$/);
    assert.equal(answer.headers.get('location'), `/api/v1/invocations/${idOf(answer)}`);
    ids.push(idOf(answer));
  }
  const listed = await hub.call('GET', '/api/v1/invocations?state=queued&deviceId=pump');
  assert.deepEqual(
    listed.body.invocations.map(({ id }: { id: string }) => id),
    ids.toReversed(),
  );
  const pump = await joinPump(t, hub.tcpPort);
  for (const input of [1, 2, 3]) {
    const command = await pump.nextObject();
    assert.deepEqual([command['cmd'], command['input']], [ids[input - 1], input]);
    answerCommand(pump, command, `done ${input}`);
  }
  for (const [index, id] of ids.entries()) {
    const ended = await until('ended', async () => {
      const invocation = await read(hub, id);
      return invocation.ended === undefined ? undefined : invocation;
    });
    assert.deepEqual(
      [ended.state, ended.output, ended.safeToRetry],
      ['completed', `done ${index + 1}`, false],
    );
  }
  const told = await events.told(9);
  for (const [state, which] of [
    ['queued', told.slice(0, 3)],
    ['running', told.filter((each) => each.endsWith('running'))],
    ['completed', told.filter((each) => each.endsWith('completed'))],
  ] as const)
    assert.deepEqual(which, Array<string>(3).fill(`invocation pump ${state}`));
});

test('queueForMs: what does not come in time has ended, and nothing is sent later', async (t) => {
  const hub = await offlineRig(t);
  const answer = await hub.call('POST', `${PUMP}/stop`, { queueForMs: 20 });
  assert.equal(answer.status, 202);
  const ended = await until('ended', async () => {
    const invocation = await read(hub, idOf(answer));
    return invocation.state === 'failed' ? invocation : undefined;
  });
  assert.deepEqual(
    [ended.problem.code, ended.problem.status, ended.safeToRetry],
    ['QUEUE_TIMEOUT', 504, true],
  );
  const pump = await joinPump(t, hub.tcpPort);
  const next = hub.call('POST', `${PUMP}/level`, {});
  const command = await pump.nextObject();
  assert.equal(command['name'], 'level');
  answerCommand(pump, command, 1);
  assert.equal((await next).status, 200);
});

test('queueForMs with Prefer: wait answers with the output when the device comes meanwhile', async (t) => {
  const hub = await offlineRig(t);
  const waiting = hub.call('POST', `${PUMP}/stop`, { queueForMs: 60_000 }, { prefer: 'wait=50' });
  await until('queued', () => hub.server.hub.devices.get('pump')?.lane.queued === 1);
  const pump = await joinPump(t, hub.tcpPort);
  answerCommand(pump, await pump.nextObject(), 'stopped');
  const answer = await waiting;
  assert.deepEqual([answer.status, answer.body.output], [200, 'stopped']);
});

test('queueForMs on a device that is there is an ordinary call; without it an offline one refuses', async (t) => {
  const { hub, pump } = await onlineRig(t);
  const call = hub.call('POST', `${PUMP}/stop`, { queueForMs: 60_000 });
  answerCommand(pump, await pump.nextObject(), 'stopped');
  assert.deepEqual([(await call).status, (await call).body.output], [200, 'stopped']);
  await leave(hub, pump);
  const refused = await hub.call('POST', `${PUMP}/stop`, {}, { prefer: 'respond-async' });
  assert.deepEqual([refused.status, refused.body.code], [503, 'DEVICE_OFFLINE']);
});

test('the queue of a device is bounded by number and by bytes, for each caller too', async (t) => {
  const hub = await offlineRig(t, (config) => {
    config.devices.maxQueuedInvocations = 3;
    config.devices.maxQueuedPerCaller = 2;
  });
  const queue = (key: string) =>
    hub.call('POST', `${PUMP}/stop`, { queueForMs: 60_000 }, { 'idempotency-key': key });
  const answers = [await queue('1'), await queue('2'), await queue('3')];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, 202, 429],
  );
  assert.equal(answers[2]?.body.code, 'TOO_MANY_INVOCATIONS');
  await hub.call('DELETE', `/api/v1/invocations/${answers[0]?.body.invocation.id}`);
  assert.equal((await queue('3')).status, 202, 'a key stands for nothing that was refused');
  const tight = await offlineRig(t, (config) => {
    config.devices.maxQueuedBytes = 256;
    config.devices.maxQueuedBytesPerCaller = 256;
  });
  const noted = { ...PUMP_DESCRIPTION, commands: { note: { title: 'Note', input: { type: 'string' } } } };
  await leave(tight, await joinPump(t, tight.tcpPort, noted));
  const note = (input: string) => tight.call('POST', `${PUMP}/note`, { input, queueForMs: 60_000 });
  assert.deepEqual([(await note('x'.repeat(200))).status, (await note('x'.repeat(200))).status], [202, 429]);
  assert.equal(
    (await hub.call('POST', `${PUMP}/stop`, { queueForMs: 604_800_001 })).body.errors[0].pointer,
    '/queueForMs',
  );
});

test('DELETE cancels what waits and what runs; what has ended cannot be cancelled', async (t) => {
  const hub = await offlineRig(t);
  const id = idOf(await hub.call('POST', `${PUMP}/stop`, { queueForMs: 60_000 }));
  for (let times = 0; times < 2; times++)
    assert.equal((await hub.call('DELETE', `/api/v1/invocations/${id}`)).status, 204);
  assert.deepEqual([(await read(hub, id)).state], ['cancelled']);
  const pump = await joinPump(t, hub.tcpPort);
  const running = idOf(await hub.call('POST', `${PUMP}/level`, {}, { prefer: 'respond-async' }));
  assert.equal((await pump.nextObject())['cmd'], running);
  assert.equal((await hub.call('DELETE', `/api/v1/invocations/${running}`)).status, 204);
  assert.deepEqual(await pump.nextObject(), { cancel: running });
  const done = hub.call('POST', `${PUMP}/level`, {});
  answerCommand(pump, await pump.nextObject(), 7);
  const ended = await hub.call('DELETE', `/api/v1/invocations/${idOf(await done)}`);
  assert.deepEqual([ended.status, ended.body.code], [409, 'INVOCATION_ENDED']);
  const unknown = await hub.call('DELETE', '/api/v1/invocations/nobody');
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'INVOCATION_UNKNOWN']);
});

test('Prefer: wait answers 202 when the time is over, and the invocation goes on', async (t) => {
  const { hub, pump } = await onlineRig(t);
  const answer = await hub.call('POST', `${PUMP}/level`, {}, { Prefer: 'wait=0' });
  assert.deepEqual([answer.status, answer.headers.get('preference-applied')], [202, 'wait=0']);
  const command = await pump.nextObject();
  assert.equal(command['cmd'], idOf(answer));
  answerCommand(pump, command, 12);
  const ended = await until('ended', async () => {
    const invocation = await read(hub, idOf(answer));
    return invocation.state === 'completed' ? invocation : undefined;
  });
  assert.equal(ended.output, 12);
  assert.deepEqual(Object.keys(ended.phases), ['accepted', 'sent', 'answered']);
});

test('what lasts goes on when its caller leaves', async (t) => {
  const { hub, pump } = await onlineRig(t);
  const caller = connect(Number(new URL(hub.url).port), '127.0.0.1');
  const head = `POST ${PUMP}/level HTTP/1.1\r\nhost: localhost\r\nidempotency-key: once\r\n`;
  caller.write(`${head}content-length: 0\r\n\r\n`);
  const command = await pump.nextObject();
  caller.destroy();
  const again = hub.call('POST', `${PUMP}/level`, undefined, { 'idempotency-key': 'once' });
  answerCommand(pump, command, 5);
  const { status, body, headers } = await again;
  assert.deepEqual([status, body.output, body.invocation.id], [200, 5, command['cmd']]);
  assert.equal(headers.get('idempotency-replayed'), 'true');
});

test('Idempotency-Key: the same answer again, marked; another body is a conflict; a failure too is kept', async (t) => {
  const { hub, pump } = await onlineRig(t);
  const start = (input: number, key = 'k1') =>
    hub.call('POST', `${PUMP}/start`, { input }, { 'Idempotency-Key': key });
  const first = start(1);
  const command = await pump.nextObject();
  const second = start(1);
  answerCommand(pump, command, 'started');
  const answers = [await first, await second, await start(1), await start(1, '"k1"')];
  for (const [index, { status, body, headers }] of answers.entries()) {
    assert.deepEqual([status, body.output, body.invocation.id], [200, 'started', command['cmd']]);
    assert.equal(headers.get('idempotency-replayed'), index === 0 ? null : 'true');
  }
  const conflict = await start(2);
  assert.deepEqual([conflict.status, conflict.body.type], [409, 'urn:recado:problem:idempotency-conflict']);
  const other = hub.call('POST', `${PUMP}/stop`, {}, { 'Idempotency-Key': 'k1' });
  const stop = await pump.nextObject();
  assert.equal(stop['name'], 'stop', 'another command has keys of its own');
  pump.send(`${JSON.stringify({ re: stop['cmd'], error: { message: 'stuck', status: 409 } })}\n`);
  await other;
  const replayed = await hub.call('POST', `${PUMP}/stop`, {}, { 'Idempotency-Key': 'k1' });
  assert.deepEqual(
    [replayed.status, replayed.body.detail, replayed.body.invocation.id],
    [409, 'stuck', stop['cmd']],
  );
  for (const key of ['', ' ', 'ç', 'x'.repeat(256), 'a b']) {
    const { status } = await hub
      .call('POST', `${PUMP}/stop`, {}, { 'Idempotency-Key': key })
      .catch(() => ({ status: 400 }));
    assert.equal(status, 400, key);
  }
});

test('what a key stands for is not forgotten for newer ones', async (t) => {
  const { hub, pump } = await onlineRig(t, (config) => {
    config.invocations.maxHistory = 1;
  });
  const level = async (headers: Record<string, string> = {}) => {
    const call = hub.call('POST', `${PUMP}/level`, {}, headers);
    answerCommand(pump, await pump.nextObject(), 1);
    return idOf(await call);
  };
  const keyed = await level({ 'Idempotency-Key': 'k' });
  const ids = [await level(), await level()];
  const { body } = await hub.call('GET', '/api/v1/invocations');
  assert.deepEqual(
    body.invocations.map(({ id }: { id: string }) => id),
    [ids[1], keyed],
  );
  assert.equal(idOf(await hub.call('POST', `${PUMP}/level`, {}, { 'Idempotency-Key': 'k' })), keyed);
});

test('a late answer changes no end: it is kept beside it, with its time', async (t) => {
  const { hub, pump } = await onlineRig(t);
  const failed = await hub.call('POST', `${PUMP}/level`, { timeoutMs: 20 });
  assert.equal(failed.body.code, 'ANSWER_TIMEOUT');
  const command = await pump.nextObject();
  assert.deepEqual(await pump.nextObject(), { cancel: command['cmd'] });
  for (const output of [3, 4]) answerCommand(pump, command, output);
  const plain = await WireDevice.connect(t, hub.tcpPort);
  const plainId = await plain.handshake();
  await until('listed', () => hub.server.hub.devices.get(plainId)?.isOnline);
  const late = await hub.call('POST', `/api/v1/devices/${plainId}/commands/ligar`, { timeoutMs: 20 });
  await plain.nextObject();
  plain.send("{'Resposta': 'ok'}");
  for (const [id, output] of [
    [idOf(failed), 3],
    [idOf(late), 'ok'],
  ] as const) {
    const kept = await until('the late answer', async () => {
      const invocation = await read(hub, id);
      return invocation.lateAnswer === undefined ? undefined : invocation;
    });
    assert.deepEqual(
      [kept.state, kept.problem.code, kept.lateAnswer.output],
      ['failed', 'ANSWER_TIMEOUT', output],
    );
    assert.ok(kept.lateAnswer.time >= kept.ended);
  }
});

test('invocations: pages, the newest first; filters; what callers got is there to read', async (t) => {
  const { hub, pump } = await onlineRig(t);
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) {
    const call = hub.call('POST', `${PUMP}/level`, {});
    answerCommand(pump, await pump.nextObject(), count);
    ids.unshift(idOf(await call));
  }
  const seen: string[] = [];
  let cursor = '';
  for (let pages = 0; pages < 5; pages++) {
    const { body } = await hub.call('GET', `/api/v1/invocations?limit=2${cursor}`);
    seen.push(...body.invocations.map(({ id }: { id: string }) => id));
    if (body.nextCursor === undefined) break;
    cursor = `&cursor=${body.nextCursor}`;
  }
  assert.deepEqual(seen, ids);
  const count = async (query: string) =>
    (await hub.call('GET', `/api/v1/invocations?${query}`)).body.invocations.length;
  assert.deepEqual(
    [
      await count('command=level'),
      await count('command=stop'),
      await count('state=failed'),
      await count('deviceId=x'),
    ],
    [5, 0, 0, 0],
  );
  assert.equal((await hub.call('GET', '/api/v1/invocations?cursor=bm9ib2R5')).status, 400);
});

test('a device that comes back with other commands is not sent what it does not know any more', async (t) => {
  const hub = await offlineRig(t);
  const [stop, start] = [
    idOf(await hub.call('POST', `${PUMP}/stop`, { queueForMs: 60_000 })),
    idOf(await hub.call('POST', `${PUMP}/start`, { input: 5, queueForMs: 60_000 })),
  ];
  await joinPump(t, hub.tcpPort, { commands: { start: { input: { type: 'integer', maximum: 3 } } } });
  assert.equal((await read(hub, stop)).problem.code, 'COMMAND_UNKNOWN');
  assert.equal((await read(hub, start)).problem.code, 'INPUT_INVALID');
});

test('a device that is forgotten takes its queue with it, truthfully', async (t) => {
  const hub = await offlineRig(t);
  const id = idOf(await hub.call('POST', `${PUMP}/stop`, { queueForMs: 60_000 }));
  assert.equal((await hub.call('DELETE', '/api/v1/devices/pump')).status, 204);
  const ended = await read(hub, id);
  assert.deepEqual([ended.state, ended.problem.code], ['failed', 'DEVICE_UNKNOWN']);
  assert.equal((await hub.call('POST', `${PUMP}/stop`, { queueForMs: 1 })).status, 404);
});

test('who may not see a device does not see what it was asked, and who may not command it cancels nothing', async (t) => {
  const ROOT = { authorization: 'Bearer a-token-of-the-configuration' };
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = ['a-token-of-the-configuration'];
    config.http.trustedNetworks = [];
  });
  await leave(hub, await joinPump(t, hub.tcpPort));
  const id = idOf(await hub.call('POST', `${PUMP}/stop`, { queueForMs: 60_000 }, ROOT));
  const tokenFor = async (devices: readonly string[]) => {
    const wish = { name: 'a test', roles: ['viewer'], scopes: [{ devices }] };
    const { body } = await hub.call('POST', '/api/v1/tokens', wish, ROOT);
    return { authorization: `Bearer ${body.token}` };
  };
  const [stranger, viewer] = [await tokenFor(['lamp']), await tokenFor(['pump'])];
  const seenBy = async (headers: Record<string, string>) =>
    (await hub.call('GET', '/api/v1/invocations', undefined, headers)).body.invocations.length;
  assert.deepEqual([await seenBy(ROOT), await seenBy(viewer), await seenBy(stranger)], [1, 1, 0]);
  const ask = async (method: string, headers: Record<string, string>) =>
    (await hub.call(method, `/api/v1/invocations/${id}`, undefined, headers)).status;
  assert.deepEqual([await ask('GET', viewer), await ask('GET', stranger)], [200, 404]);
  assert.deepEqual([await ask('DELETE', viewer), await ask('DELETE', stranger)], [403, 404]);
  assert.equal(await ask('DELETE', ROOT), 204);
});
