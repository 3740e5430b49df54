import assert from 'node:assert/strict';
import { request, type IncomingMessage } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import type { AssignableRole, Scope } from '../../src/accounts/permissions.ts';
import { KeptKind } from '../../src/base/kept-kinds.ts';
import { createClient, ProblemError, type BulkLine, type Client } from '../../src/client/index.ts';
import { createDevice } from '../../src/device/index.ts';
import { cleanUpWith } from '../helpers/clean-ups.ts';
import { failureOf } from '../helpers/client-answers.ts';
import type { Json } from '../helpers/json.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

/** Eighty of them are more than sockets take for a reader that does not read. */
const LARGE_CHARACTERS = 200_000;

const keptOf = ({ server }: TestHub, kind: KeptKind) => server.hub.ledger.totals()[kind]!;

/** Devices whose answers, where they are held, wait for the test. */
type Fleet = { readonly asked: string[]; readonly release: () => void; readonly aborted: string[] };

async function startFleet(
  hub: TestHub,
  ids: readonly string[],
  { isHeld = false, call = {} }: { isHeld?: boolean; call?: Record<string, string> } = {},
): Promise<Fleet> {
  const asked: string[] = [];
  const aborted: string[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await Promise.all(
    ids.map(async (id) => {
      const run = async ({ signal, input }: { signal: AbortSignal; input: unknown }): Promise<unknown> => {
        asked.push(id);
        signal.addEventListener('abort', () => aborted.push(id));
        if (isHeld) await released;
        if (id.startsWith('bad')) throw new Error('no');
        if (id.startsWith('large')) return 'x'.repeat(LARGE_CHARACTERS);
        return { id, input };
      };
      const set = { input: { type: 'integer' as const }, run };
      const device = createDevice({
        id,
        hub: `tcp://127.0.0.1:${hub.tcpPort}`,
        commands: { set },
        onError: () => {},
      });
      cleanUpWith(() => device.stop());
      await device.start();
    }),
  );
  await until('all are listed', async () => {
    const { total } = (await hub.call('GET', '/api/v1/devices?status=online', undefined, call)).body;
    return total === ids.length;
  });
  return { asked, release, aborted };
}

type Stream = { readonly lines: Json[]; readonly response: IncomingMessage; readonly ended: Promise<void> };

/** The lines of an answer, as they come. */
function open(t: TestContext, hub: TestHub, path: string, body?: object): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = { 'content-type': 'application/json' };
    const asked = request(hub.url + path, { method, headers, agent: false });
    t.after(() => asked.destroy());
    asked.on('error', reject).on('response', (response) => {
      const lines: Json[] = [];
      let rest = '';
      response.on('data', (chunk: Buffer) => {
        const parts = (rest + chunk.toString()).split('\n');
        rest = parts.pop()!;
        lines.push(...parts.map((line) => JSON.parse(line)));
      });
      response.on('error', () => {});
      resolve({ lines, response, ended: new Promise((done) => response.on('close', done)) });
    });
    asked.end(body && JSON.stringify(body));
  });
}

const headersOf = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

const numbered = (start: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${start}-${index}`);

describe('a command to many devices', () => {
  it('is answered device by device, by what devices are chosen by', async (t) => {
    const hub = await startTestHub(t);
    await startFleet(hub, ['lamp-1', 'lamp-2', 'bad-1', 'pump']);
    for (const id of ['lamp-1', 'bad-1', 'pump'])
      await hub.call('PATCH', `/api/v1/devices/${id}`, { tags: ['floor2'] });
    const { lines, response, ended } = await open(t, hub, '/api/v1/commands', {
      command: 'set',
      select: { tag: 'floor2', q: '-' },
      input: 7,
    });
    await ended;
    assert.equal(response.headers['content-type'], 'application/x-ndjson; charset=utf-8');
    const [begin, ...rest] = lines;
    const end = rest.pop();
    assert.deepEqual(begin, { type: 'begin', id: begin.id, command: 'set', selected: 2 });
    assert.equal(response.headers.location, `/api/v1/commands/${begin.id}`);
    assert.deepEqual(end, { type: 'end', n: 3, state: 'done', completed: 1, failed: 1, notAsked: 0 });
    assert.deepEqual(
      rest.map(({ n }) => n),
      [1, 2],
    );
    const by = (id: string): Json => rest.find(({ deviceId }) => deviceId === id);
    assert.deepEqual(by('lamp-1').output, { id: 'lamp-1', input: 7 });
    assert.equal(by('lamp-1').invocation.state, 'completed');
    assert.deepEqual([by('bad-1').problem.code, by('bad-1').problem.status], ['DEVICE_ERROR', 502]);
    assert.equal(by('bad-1').invocation.state, 'failed');
  });

  it('tells of each device that could not be asked why', async (t) => {
    const hub = await startTestHub(t);
    await startFleet(hub, ['lamp']);
    const run = async (body: object): Promise<Json[]> => {
      const { lines, ended } = await open(t, hub, '/api/v1/commands', body);
      await ended;
      return lines.slice(1, -1).map(({ deviceId, problem }) => [deviceId, problem?.code]);
    };
    assert.deepEqual(await run({ command: 'set', select: { device: 'lamp,ghost' }, input: 'x' }), [
      ['lamp', 'INPUT_INVALID'],
      ['ghost', 'DEVICE_UNKNOWN'],
    ]);
    assert.deepEqual(await run({ command: 'jump', select: {} }), [['lamp', 'COMMAND_UNKNOWN']]);
    assert.deepEqual(await run({ command: 'set', select: { gateway: 'mqtt' }, input: 1 }), []);
    for (const body of [{}, { command: 'set' }, { command: 'set', select: { colour: 'red' } }])
      assert.equal((await hub.call('POST', '/api/v1/commands', body)).status, 400);
  });

  it('asks no more at once than it may, of one caller by all of them', async (t) => {
    const hub = await startTestHub(t, (config) => {
      config.invocations.maxBulkInFlight = 5;
    });
    const { asked, release } = await startFleet(hub, numbered('lamp', 12), { isHeld: true });
    const one = await open(t, hub, '/api/v1/commands', {
      command: 'set',
      select: {},
      input: 1,
      maxConcurrent: 3,
    });
    await until('three are asked', () => asked.length === 3);
    const other = await open(t, hub, '/api/v1/commands', { command: 'set', select: { q: '-' }, input: 2 });
    await until('five are in flight', async () => {
      return (await hub.call('GET', '/api/v1/invocations?state=running')).body.invocations.length === 5;
    });
    release();
    await Promise.all([one.ended, other.ended]);
    assert.deepEqual([one.lines.at(-1).completed, other.lines.at(-1).completed], [12, 12]);
  });

  it('asks no more when too many have failed', async (t) => {
    const hub = await startTestHub(t);
    const { asked } = await startFleet(hub, [...numbered('bad', 4), ...numbered('lamp', 4)]);
    const { lines, ended } = await open(t, hub, '/api/v1/commands', {
      command: 'set',
      select: { device: [...numbered('bad', 4), ...numbered('lamp', 4)].join(',') },
      input: 1,
      maxConcurrent: 1,
      stopOnFailureRate: 0.25,
    });
    await ended;
    const { state, failed, completed, notAsked } = lines.at(-1);
    assert.deepEqual([state, failed, completed + failed + notAsked], ['stopped', 3, 8]);
    assert.equal(asked.length, 8 - notAsked);
  });

  it('is cancelled by its id, and when its caller leaves', async (t) => {
    const hub = await startTestHub(t);
    const { asked, aborted } = await startFleet(hub, numbered('lamp', 4), { isHeld: true });
    const body = { command: 'set', select: {}, input: 1, maxConcurrent: 2 };
    const first = await open(t, hub, '/api/v1/commands', body);
    await until('two are asked', () => asked.length === 2);
    const { id } = first.lines[0];
    assert.equal((await hub.call('DELETE', `/api/v1/commands/${id}`)).status, 204);
    await first.ended;
    assert.deepEqual(
      first.lines.slice(1).map(({ type, problem, state }) => [type, problem?.code ?? state]),
      [
        ['result', 'INVOCATION_CANCELLED'],
        ['result', 'INVOCATION_CANCELLED'],
        ['end', 'cancelled'],
      ],
    );
    await until('the devices were told', () => aborted.length === 2);
    await until('it is forgotten', async () => {
      return (await hub.call('DELETE', `/api/v1/commands/${id}`)).body?.code === 'BULK_UNKNOWN';
    });

    const second = await open(t, hub, '/api/v1/commands', { ...body, select: { device: 'lamp-2,lamp-3' } });
    await until('the other two are asked', () => asked.length === 4);
    second.response.destroy();
    await until('these were told too', () => aborted.length === 4);
  });
});

describe('a command to many devices, by rights', () => {
  it('goes to those that its caller may command, and is of nobody else', async (t) => {
    const root = 'a-token-of-the-configuration';
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = [root];
      config.http.trustedNetworks = [];
      config.gateways.socket.trustedNetworks = ['127.0.0.0/8'];
    });
    const { devices, accounts } = hub.server.hub;
    await startFleet(hub, ['lamp-1', 'lamp-2', 'pump'], { call: headersOf(root) });
    for (const id of ['lamp-1', 'pump'])
      devices.give(devices.get(id)!, { title: undefined, tags: ['floor2'] });
    const token = async (roles: AssignableRole[], scopes: Scope[]): Promise<string> => {
      const made = await accounts.tokens.create({ name: 'test', roles, scopes });
      assert.ok(made.ok);
      return made.value.text;
    };
    const caretaker = createClient({
      url: hub.url,
      token: await token(['operator'], [{ tags: ['floor2'] }]),
    });
    const viewer = createClient({ url: hub.url, token: await token(['viewer'], []) });
    const asked: string[] = [];
    for await (const line of caretaker.commandDevices('set', { select: {}, input: 1, resumeForMs: 60_000 })) {
      if (line.type === 'result') asked.push(line.deviceId);
      if (line.type !== 'begin') continue;
      const { status } = await hub.call('DELETE', `/api/v1/commands/${line.id}`, undefined, headersOf(root));
      assert.equal(status, 404, "it is the caretaker's");
    }
    assert.deepEqual(asked.toSorted(), ['lamp-1', 'pump']);
    const refused = async (client: Client, select: { device?: string }): Promise<unknown> => {
      const failure = await failureOf(client.commandDevices('set', { select, input: 1 }).next());
      return failure instanceof ProblemError && failure.code;
    };
    assert.equal(await refused(caretaker, { device: 'lamp-1,lamp-2' }), 'FORBIDDEN');
    assert.equal(await refused(viewer, {}), 'FORBIDDEN');
    const { body } = await hub.call('GET', '/api/v1/audit', undefined, headersOf(root));
    const noted = body.entries.find(({ status }: Json) => status === 200);
    assert.deepEqual(
      [noted.action, noted.target],
      ['commandDevices', 'set {}: 2 completed, 0 failed, 0 not asked'],
    );
  });
});

describe('a command to many devices whose caller comes back', () => {
  it('goes on behind the last line that came', async (t) => {
    const hub = await startTestHub(t);
    const { asked, release } = await startFleet(hub, numbered('lamp', 10), { isHeld: true });
    const body = { command: 'set', select: {}, input: 1, maxConcurrent: 4, resumeForMs: 60_000 };
    const broken = await open(t, hub, '/api/v1/commands', body);
    await until('it began', () => broken.lines.length === 1 && asked.length === 4);
    const { id } = broken.lines[0];
    const before = keptOf(hub, KeptKind.HTTP_CONNECTION).bytes;
    broken.response.destroy();
    await until('the hub has seen it', () => keptOf(hub, KeptKind.HTTP_CONNECTION).bytes < before);
    release();
    await until('those that were asked have answered', () => {
      return hub.server.hub.devices.counters.invocationsCompleted === 4;
    });
    assert.equal(asked.length, 4, 'nobody reads: no more are asked');

    const back = await open(t, hub, `/api/v1/commands/${id}?after=0`);
    await back.ended;
    assert.deepEqual(
      back.lines.map(({ n }) => n),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
    assert.deepEqual(back.lines.at(-1).state, 'done');
    const again = await open(t, hub, `/api/v1/commands/${id}?after=9`);
    await again.ended;
    assert.deepEqual(
      again.lines.map(({ n, type }) => [n, type]),
      [
        [10, 'result'],
        [11, 'end'],
      ],
    );
    assert.equal((await hub.call('DELETE', `/api/v1/commands/${id}`)).status, 204);
  });
});

describe('a command to many devices whose caller does not read', () => {
  it('asks no more until it does, and gives back what was kept for it', async (t) => {
    const hub = await startTestHub(t);
    const { asked } = await startFleet(hub, numbered('large', 80));
    const body = { command: 'set', select: {}, input: 1, maxConcurrent: 2 };
    const { lines, response, ended } = await open(t, hub, '/api/v1/commands', body);
    response.pause();
    await until('answers wait for it', () => keptOf(hub, KeptKind.ANSWER).bytes > LARGE_CHARACTERS);
    assert.ok(asked.length < 80, String(asked.length));
    response.resume();
    await ended;
    assert.deepEqual([lines.length, lines.at(-1).completed], [82, 80]);
    await until('nothing is kept', () => {
      return keptOf(hub, KeptKind.ANSWER).bytes + keptOf(hub, KeptKind.BULK).bytes === 0;
    });
  });
});

describe('client.commandDevices', () => {
  it('goes on by itself when the connection breaks, and cancels when its loop is left', async (t) => {
    const hub = await startTestHub(t);
    const { asked, release } = await startFleet(hub, numbered('lamp', 6), { isHeld: true });
    // The first connection is cut when the first devices have been asked.
    let cut = 0;
    const fetchAndBreak: typeof fetch = async (url, init) => {
      const broken = new AbortController();
      const signal = AbortSignal.any([init!.signal!, broken.signal]);
      const response = await fetch(url, { ...init, signal });
      if (cut++ === 0)
        void until('some are asked', () => asked.length === 2).then(() => {
          broken.abort(new TypeError('fetch failed', { cause: new Error('other side closed') }));
          release();
        });
      return response;
    };
    const client = createClient({ url: hub.url, fetch: fetchAndBreak });
    const options = { select: { gateway: 'socket' }, input: 3, maxConcurrent: 2, resumeForMs: 60_000 };
    const lines: BulkLine[] = [];
    for await (const line of client.commandDevices('set', options)) lines.push(line);
    assert.deepEqual(
      lines.map((line) => (line.type === 'result' ? line.n : line.type)),
      ['begin', 1, 2, 3, 4, 5, 6, 'end'],
    );
    assert.equal(cut, 3, 'begun, gone on with, and given back');

    let id = '';
    for await (const line of client.commandDevices('set', options)) {
      if (line.type === 'begin') ({ id } = line);
      if (line.type === 'result') break;
    }
    // It waited for its caller, and was cancelled.
    await until('it has ended', async () => {
      const { body } = await hub.call('GET', `/api/v1/commands/${id}?after=100`);
      return body?.code === 'BULK_UNKNOWN' || keptOf(hub, KeptKind.INVOCATION).bytes === 0;
    });
    const failure = await failureOf(client.commandDevices('set', { select: { device: '!' } }).next());
    assert.ok(failure instanceof ProblemError && failure.code === 'REQUEST_INVALID');
  });
});
