import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { createClient, HubAnswerError, HubUnreachableError, ProblemError } from './index.ts';
import type { Device } from './index.ts';

type Seen = { method: string; url: string; headers: IncomingMessage['headers']; body: string };

const open: (Server | TcpServer)[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

/** A hub that answers as it is told, and remembers what it was asked. */
async function startHub(
  answer: (request: Seen, response: ServerResponse) => void,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => (body += part));
    request.on('end', () => {
      const asked = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      seen.push(asked);
      answer(asked, response);
    });
  });
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** A server of raw bytes. */
async function startBytes(serve: (socket: Socket, connection: number) => void): Promise<string> {
  let connections = 0;
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    serve(socket, ++connections);
  });
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function json(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(JSON.stringify(value));
}

const TIME = '2026-11-22T10:00:00.000Z';

function device(deviceId: string): Device {
  return {
    deviceId,
    title: 'Sensor',
    model: null,
    gateway: 'socket',
    presence: { status: 'online', sequence: 3, reason: 'reconnected', since: TIME, lastSeen: TIME },
    commandCount: 3,
  };
}

const INVOCATION = {
  id: 'i1',
  deviceId: 'DE1',
  command: 'ligar',
  state: 'completed',
  phases: { accepted: TIME, sent: TIME },
};

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  return assert.fail('it should have failed');
}

describe('calls', () => {
  test('a page of devices is asked with its filters, and read', async () => {
    const hub = await startHub((_, response) =>
      json(response, 200, { devices: [device('DE1')], nextCursor: 'c2', total: 12 }),
    );
    const page = await createClient({ url: `${hub.url}/` }).devices.list({
      status: 'online',
      gateway: 'socket',
      q: 'a&b',
      limit: 5,
      cursor: 'c+1',
    });
    assert.equal(
      hub.seen[0]?.url,
      '/api/v1/devices?status=online&gateway=socket&q=a%26b&limit=5&cursor=c%2B1',
    );
    assert.equal(page.total, 12);
    assert.equal(page.devices[0]?.presence.status, 'online');
    assert.equal(page.nextCursor, 'c2');
  });

  test('all devices come page by page, and only as far as they are consumed', async () => {
    const hub = await startHub((request, response) => {
      const cursor = new URL(request.url, 'http://x').searchParams.get('cursor');
      if (cursor === null)
        json(response, 200, { devices: [device('DE1'), device('DE2')], nextCursor: 'two', total: 3 });
      else json(response, 200, { devices: [device('DE3')], total: 3 });
    });
    const client = createClient({ url: hub.url });
    const ids: string[] = [];
    for await (const item of client.devices.all({ limit: 2 })) ids.push(item.deviceId);
    assert.deepEqual(ids, ['DE1', 'DE2', 'DE3']);
    assert.deepEqual(
      hub.seen.map((asked) => asked.url),
      ['/api/v1/devices?limit=2', '/api/v1/devices?limit=2&cursor=two'],
    );

    hub.seen.length = 0;
    for await (const item of client.devices.all()) if (item.deviceId === 'DE1') break;
    assert.equal(hub.seen.length, 1);
  });

  test('a hub that names the same next page for ever is not followed for ever', async () => {
    const hub = await startHub((_, response) =>
      json(response, 200, { devices: [], nextCursor: 'same', total: 3 }),
    );
    const failure = await failureOf(createClient({ url: hub.url }).devices.all().next());
    assert.ok(failure instanceof HubAnswerError);
    assert.equal(hub.seen.length, 2);
  });

  test('ids and names are percent-encoded', async () => {
    const hub = await startHub((_, response) =>
      json(response, 200, { output: null, invocation: INVOCATION }),
    );
    await createClient({ url: hub.url }).devices.invoke('a/b ?#é:1', 'x/../y', {
      input: { volume: 3 },
      timeoutMs: 900,
    });
    assert.equal(hub.seen[0]?.url, '/api/v1/devices/a%2Fb%20%3F%23%C3%A9%3A1/commands/x%2F..%2Fy');
    assert.equal(hub.seen[0]?.body, '{"input":{"volume":3},"timeoutMs":900}');
    assert.equal(hub.seen[0]?.headers['content-type'], 'application/json');
  });

  test('names that would reach another address are refused before anything is sent', async () => {
    const hub = await startHub((_, response) => json(response, 200, {}));
    const { devices } = createClient({ url: hub.url });
    for (const id of ['', '.', '..']) {
      assert.ok((await failureOf(devices.forget(id))) instanceof TypeError);
      assert.ok((await failureOf(devices.invoke('DE1', id))) instanceof TypeError);
    }
    assert.equal(hub.seen.length, 0);
  });

  test('a command without input sends none, and null is an input', async () => {
    const hub = await startHub((_, response) =>
      json(response, 200, { output: 'Dispositivo ligado', invocation: INVOCATION }),
    );
    const { devices } = createClient({ url: hub.url });
    const result = await devices.invoke('DE1', 'ligar');
    assert.equal(result.output, 'Dispositivo ligado');
    assert.equal(result.invocation.phases.sent, TIME);
    await devices.invoke('DE1', 'ligar', { input: null });
    assert.deepEqual(
      hub.seen.map((asked) => asked.body),
      ['{}', '{"input":null}'],
    );
  });

  test('one device, its commands, its readings and the health are read', async () => {
    const hub = await startHub(({ url }, response) => {
      const command = {
        name: 'ligar',
        number: 1,
        title: 'Ligar',
        kind: 'action',
        input: null,
        output: null,
        idempotent: false,
        concurrency: 'parallel',
        expectedMs: null,
      };
      const answers: Record<string, unknown> = {
        '/api/v1/devices/DE1': { ...device('DE1'), telemetry: [{ metric: 'temperature', unit: '°C' }] },
        '/api/v1/devices/DE1/commands': { commands: [command] },
        '/api/v1/devices/DE1/telemetry': {
          deviceId: 'DE1',
          readings: [{ metric: 'temperature', value: 25, unit: '°C', time: TIME }],
          unavailable: null,
        },
        '/healthz': { status: 'ok', name: 'recado', version: '0.1.0' },
      };
      json(response, 200, answers[url]);
    });
    const client = createClient({ url: hub.url });
    assert.equal((await client.devices.get('DE1')).telemetry[0]?.unit, '°C');
    assert.equal((await client.devices.commands('DE1'))[0]?.name, 'ligar');
    assert.equal((await client.devices.telemetry('DE1')).readings[0]?.value, 25);
    assert.equal((await client.health()).version, '0.1.0');
  });

  test('forgetting takes an answer without content', async () => {
    const hub = await startHub((_, response) => response.writeHead(204).end());
    await createClient({ url: hub.url }).devices.forget('DE1');
    assert.equal(hub.seen[0]?.method, 'DELETE');
  });

  test('the path of the address stays, and the token goes with each call', async () => {
    const hub = await startHub((_, response) => json(response, 200, { devices: [], total: 0 }));
    await createClient({ url: `${hub.url}/house/`, token: 'secret' }).devices.list();
    assert.equal(hub.seen[0]?.url, '/house/api/v1/devices');
    assert.equal(hub.seen[0]?.headers.authorization, 'Bearer secret');
  });

  test('another fetch can be given', async () => {
    const asked: string[] = [];
    const client = createClient({
      url: 'https://hub.example',
      fetch: async (url) => {
        asked.push(String(url));
        return Response.json({ devices: [], total: 0 });
      },
    });
    await client.devices.list();
    assert.deepEqual(asked, ['https://hub.example/api/v1/devices']);
  });
});

describe('options', () => {
  test('each wrong one is named', () => {
    const wrong: [Parameters<typeof createClient>[0], RegExp][] = [
      [{ url: 'hub.local' }, /^url: "hub\.local" is no address/],
      [{ url: 'ftp://hub.local' }, /^url/],
      [{ url: 'http://ana:pw@hub.local' }, /^url: holds a user name or password; use token/],
      [{ url: 'http://hub', token: 'two words' }, /^token/],
      [{ url: 'http://hub', timeoutMs: 0 }, /^timeoutMs: is 0/],
      [{ url: 'http://hub', timeoutMs: Number.NaN }, /^timeoutMs/],
    ];
    for (const [options, message] of wrong)
      assert.throws(() => createClient(options), { name: 'TypeError', message });
  });

  test('a message about the token does not repeat it', () => {
    assert.throws(
      () => createClient({ url: 'http://hub', token: 'my secret' }),
      (error: Error) => !error.message.includes('my secret'),
    );
  });
});

describe('problems', () => {
  const problem = {
    type: 'urn:recado:problem:answer-timeout',
    code: 'ANSWER_TIMEOUT',
    title: 'The device did not answer in time',
    status: 504,
    detail: 'DE1 did not answer within 5000 ms',
    phase: 'sent',
    safeToRetry: false,
    invocation: { ...INVOCATION, state: 'failed' },
  };

  test('everything that the hub says of a failure is there', async () => {
    const hub = await startHub((_, response) => json(response, 504, problem, { 'retry-after': '3' }));
    const failure = await failureOf(createClient({ url: hub.url }).devices.invoke('DE1', 'ligar'));
    assert.ok(failure instanceof ProblemError);
    assert.equal(failure.code, 'ANSWER_TIMEOUT');
    assert.equal(failure.status, 504);
    assert.equal(failure.phase, 'sent');
    assert.equal(failure.safeToRetry, false);
    assert.equal(failure.retryAfterMs, 3000);
    assert.equal(failure.invocation?.id, 'i1');
    assert.match(
      failure.message,
      /DE1 did not answer within 5000 ms\. The device may have done it: look before/,
    );
    assert.match(failure.message, /in 3 s\. \(ANSWER_TIMEOUT, status 504\)$/);
  });

  test('a failure that the device told, and inputs that do not fit', async () => {
    const hub = await startHub(({ url }, response) => {
      if (url.endsWith('/a')) {
        json(response, 409, {
          code: 'DEVICE_ERROR',
          title: 't',
          status: 409,
          detail: 'd',
          device: { code: 'JAMMED', message: 'Door', status: 409, payload: { angle: 3 } },
        });
      } else {
        json(response, 422, {
          code: 'INPUT_INVALID',
          title: 't',
          status: 422,
          detail: 'The input does not fit',
          errors: [{ pointer: '/volume', message: 'must be at most 10' }],
        });
      }
    });
    const { devices } = createClient({ url: hub.url });
    const told = await failureOf(devices.invoke('DE1', 'a'));
    assert.ok(told instanceof ProblemError);
    assert.deepEqual(told.device, { code: 'JAMMED', message: 'Door', status: 409, payload: { angle: 3 } });
    const unfit = await failureOf(devices.invoke('DE1', 'b'));
    assert.ok(unfit instanceof ProblemError);
    assert.deepEqual(unfit.errors, [{ pointer: '/volume', message: 'must be at most 10' }]);
    assert.match(unfit.message, /does not fit\. \/volume must be at most 10\./);
  });

  test('missing credentials say what to do', async () => {
    const hub = await startHub((_, response) =>
      json(response, 401, {
        code: 'UNAUTHENTICATED',
        title: 'Credentials are missing',
        status: 401,
        detail: '',
      }),
    );
    const failure = await failureOf(createClient({ url: hub.url }).devices.list());
    assert.ok(failure instanceof ProblemError);
    assert.match(failure.message, /^Credentials are missing\. Give createClient the token/);
  });

  test('a problem with parts of the wrong kind still counts, without them', async () => {
    const broken = {
      ...problem,
      phase: 'flying',
      safeToRetry: 'yes',
      errors: 'many',
      device: 7,
      invocation: {},
      detail: 4,
    };
    const hub = await startHub((_, response) => json(response, 504, broken, { 'retry-after': 'soon' }));
    const failure = await failureOf(createClient({ url: hub.url }).devices.list());
    assert.ok(failure instanceof ProblemError);
    assert.deepEqual(
      [
        failure.phase,
        failure.safeToRetry,
        failure.errors,
        failure.device,
        failure.invocation,
        failure.retryAfterMs,
      ],
      [undefined, undefined, [], undefined, undefined, undefined],
    );
  });

  test('a date as Retry-After becomes ms from now', async () => {
    const hub = await startHub((_, response) =>
      json(response, 503, problem, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }),
    );
    const failure = await failureOf(createClient({ url: hub.url }).devices.list());
    assert.ok(failure instanceof ProblemError);
    assert.ok((failure.retryAfterMs ?? 0) > 50_000 && (failure.retryAfterMs ?? 0) <= 60_000);
  });
});

describe('answers that are none', () => {
  const html = '<!doctype html><title>It works</title>';

  const cases: [string, (response: ServerResponse) => void, number, RegExp][] = [
    [
      'HTML with 200',
      (r) => r.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html),
      200,
      /is not JSON \(text\/html\)/,
    ],
    [
      'HTML with 502',
      (r) => r.writeHead(502, { 'content-type': 'text/html' }).end(html),
      502,
      /error in an unknown form \(text\/html\)/,
    ],
    [
      "another server's JSON error",
      (r) => json(r, 404, { statusCode: 404, error: 'Not Found' }),
      404,
      /unknown form/,
    ],
    [
      'half JSON',
      (r) => r.writeHead(200, { 'content-type': 'application/json' }).end('{"devices":['),
      200,
      /is not JSON/,
    ],
    ['nothing', (r) => r.writeHead(200).end(), 200, /is not JSON/],
    ['JSON of another shape', (r) => json(r, 200, ['DE1']), 200, /where the list of devices should be/],
    [
      'a device without presence',
      (r) => json(r, 200, { devices: [{ ...device('DE1'), presence: { status: 'maybe' } }], total: 1 }),
      200,
      /without presence/,
    ],
    [
      'a title that is no text',
      (r) => json(r, 200, { devices: [{ ...device('DE1'), title: {} }], total: 1 }),
      200,
      /no string "title"/,
    ],
    [
      'bytes that are not UTF-8',
      (r) => r.writeHead(200).end(Buffer.from([0x22, 0xff, 0xfe, 0x22])),
      200,
      /is not UTF-8/,
    ],
    [
      'a redirect',
      (r) => r.writeHead(302, { location: 'https://elsewhere.example/' }).end(),
      302,
      /another address, https:\/\/elsewhere/,
    ],
    ['a redirect of a POST', (r) => r.writeHead(308, { location: '/x' }).end(), 308, /another address, \/x/],
  ];
  for (const [name, answer, status, message] of cases) {
    test(name, async () => {
      const hub = await startHub((_, response) => answer(response));
      const failure = await failureOf(createClient({ url: hub.url, token: 'secret' }).devices.list());
      assert.ok(failure instanceof HubAnswerError, String(failure));
      assert.equal(failure.status, status);
      assert.match(failure.message, message);
      assert.match(failure.message, /Check that the address is that of a Recado hub/);
      assert.equal(hub.seen.length, 1);
    });
  }

  test('another program at /healthz is no hub', async () => {
    const hub = await startHub((_, response) => json(response, 200, { status: 'ok' }));
    assert.ok((await failureOf(createClient({ url: hub.url }).health())) instanceof HubAnswerError);
  });

  test('a server that speaks no HTTP', async () => {
    const url = await startBytes((socket) => socket.end('DE1'));
    const failure = await failureOf(createClient({ url }).devices.list());
    assert.ok(failure instanceof HubAnswerError, String(failure));
    assert.match(failure.message, /^The answer of http:\/\/127\.0\.0\.1:\d+ is not HTTP\./);
  });

  test('an answer without end is given up at the limit', async () => {
    const url = await startBytes((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"');
      const block = Buffer.alloc(1024 * 1024, 0x61);
      const more = (): void => {
        while (!socket.destroyed && socket.write(block));
      };
      socket.on('drain', more);
      more();
    });
    const failure = await failureOf(createClient({ url, timeoutMs: 30_000 }).devices.list());
    assert.ok(failure instanceof HubAnswerError, String(failure));
    assert.match(failure.message, /is larger than 33554432 bytes/);
  });
});

describe('no answer', () => {
  test('nothing listens: the command surely did not happen', async () => {
    const url = await startBytes(() => {});
    for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
    const failure = await failureOf(createClient({ url }).devices.invoke('DE1', 'ligar'));
    assert.ok(failure instanceof HubUnreachableError);
    assert.equal(failure.reason, 'refused');
    assert.equal(failure.safeToRetry, true);
    assert.match(failure.message, /Nothing listens there: start the hub, or correct the address\.$/);
  });

  test('silence ends at the time allowed, and a command may have happened', async () => {
    const url = await startBytes(() => {});
    const client = createClient({ url, timeoutMs: 40 });
    const read = await failureOf(client.devices.list());
    assert.ok(read instanceof HubUnreachableError);
    assert.deepEqual([read.reason, read.safeToRetry], ['timeout', true]);
    const sent = await failureOf(client.devices.invoke('DE1', 'ligar', { timeoutMs: 40 }));
    assert.ok(sent instanceof HubUnreachableError);
    assert.deepEqual([sent.reason, sent.safeToRetry], ['timeout', false]);
    assert.match(sent.message, /may have been carried out: look before/);
  });

  test('an answer that stops in the middle', async () => {
    const url = await startBytes((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"output":1');
      socket.once('data', () => setImmediate(() => socket.destroy()));
    });
    const failure = await failureOf(createClient({ url }).devices.invoke('DE1', 'ligar'));
    assert.ok(failure instanceof HubUnreachableError, String(failure));
    assert.deepEqual([failure.reason, failure.safeToRetry], ['broken', false]);
  });

  test('a connection that breaks before the answer: a question is asked again once, a command is not', async () => {
    let connections = 0;
    const url = await startBytes((socket, connection) => {
      connections = connection;
      socket.once('data', () => {
        if (connection === 1 || connection > 2) socket.destroy();
        else socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"devices":[],"total":0}');
      });
    });
    const client = createClient({ url });
    assert.deepEqual((await client.devices.list()).devices, []);
    assert.equal(connections, 2);
    const failure = await failureOf(client.devices.invoke('DE1', 'ligar'));
    assert.ok(failure instanceof HubUnreachableError);
    assert.deepEqual([failure.reason, failure.safeToRetry, connections], ['broken', false, 3]);
  });

  test('giving up throws the reason of the signal, and closes the request', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const giveUp = new AbortController();
    const url = await startBytes((socket) => {
      socket.once('data', () => giveUp.abort(new Error('changed my mind')));
      socket.once('close', () => resolve());
    });
    const failure = await failureOf(
      createClient({ url }).devices.invoke('DE1', 'ligar', { signal: giveUp.signal }),
    );
    assert.equal((failure as Error).message, 'changed my mind');
    await closed;
  });
});
