import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { device, failureOf, INVOCATION, TIME } from '../helpers/client-answers.ts';
import { answerJson, closeServers, serveAnswers, serveBytes } from '../helpers/serve-answers.ts';
import { createClient, HubAnswerError, HubUnreachableError, ProblemError } from '../../src/client/index.ts';

afterEach(closeServers);

describe('problems', () => {
  const problem = {
    type: 'urn:recado:problem:answer-timeout',
    code: 'ANSWER_TIMEOUT',
    title: 'No answer came in time',
    status: 504,
    detail: 'DE1 did not answer within 5000 ms',
    phase: 'sent',
    safeToRetry: false,
    invocation: { ...INVOCATION, state: 'failed' },
  };

  test('everything that the hub says of a failure is there', async () => {
    const hub = await serveAnswers((_, response) =>
      answerJson(response, 504, problem, { 'retry-after': '3' }),
    );
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
    const hub = await serveAnswers(({ url }, response) => {
      if (url.endsWith('/a')) {
        answerJson(response, 409, {
          code: 'DEVICE_ERROR',
          title: 't',
          status: 409,
          detail: 'd',
          device: { code: 'JAMMED', message: 'Door', status: 409, payload: { angle: 3 } },
        });
      } else {
        answerJson(response, 422, {
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

  test('a message says nothing twice, and no word of trying again when it fails again', () => {
    const problemOf = (change: object): ProblemError =>
      new ProblemError({ ...problem, invocation: undefined, ...change } as never);
    const errors = [{ pointer: '/seconds', message: 'must be >= 1' }];
    const detail = 'The input of tune does not fit: /seconds must be >= 1.';
    const refused = { code: 'INPUT_INVALID', status: 422, detail, errors, safeToRetry: true };
    assert.equal(problemOf(refused).message, `${detail} (INPUT_INVALID, status 422)`);
    const crowd = { code: 'TOO_MANY_INVOCATIONS', status: 429, detail: 'Full.', safeToRetry: true };
    assert.equal(
      problemOf(crowd).message,
      'Full. It is safe to try again. (TOO_MANY_INVOCATIONS, status 429)',
    );
  });

  test('what Node prints of a hub that is not there is the message and the calls, no fields and no cause', () => {
    const cause = new Error('connect ECONNREFUSED');
    const gone = new HubUnreachableError({
      url: 'http://hub:1',
      reason: 'refused',
      safeToRetry: true,
      cause,
    });
    const [first, ...calls] = inspect(gone, { customInspect: false }).split('\n');
    assert.match(
      first ?? '',
      /^HubUnreachableError: The hub at http:\/\/hub:1 cannot be reached\. Nothing listens/,
    );
    assert.ok(
      calls.every((line) => /^ +at /.test(line)),
      calls.join('\n'),
    );
  });

  test('missing credentials say what to do', async () => {
    const hub = await serveAnswers((_, response) =>
      answerJson(response, 401, {
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
    const hub = await serveAnswers((_, response) =>
      answerJson(response, 504, broken, { 'retry-after': 'soon' }),
    );
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
    const hub = await serveAnswers((_, response) =>
      answerJson(response, 503, problem, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }),
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
      (r) => answerJson(r, 404, { statusCode: 404, error: 'Not Found' }),
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
    ['JSON of another shape', (r) => answerJson(r, 200, ['DE1']), 200, /where the list of devices should be/],
    [
      'a device without presence',
      (r) => answerJson(r, 200, { devices: [{ ...device('DE1'), presence: { status: 'maybe' } }], total: 1 }),
      200,
      /no online or offline as "status"/,
    ],
    [
      'a title that is no text',
      (r) => answerJson(r, 200, { devices: [{ ...device('DE1'), title: {} }], total: 1 }),
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
      const hub = await serveAnswers((_, response) => answer(response));
      const failure = await failureOf(createClient({ url: hub.url, token: 'secret' }).devices.list());
      assert.ok(failure instanceof HubAnswerError, String(failure));
      assert.equal(failure.status, status);
      assert.match(failure.message, message);
      assert.match(failure.message, /Check that the address is that of a Recado hub/);
      assert.equal(hub.seen.length, 1);
    });
  }

  test('where a redirect leads is told', async () => {
    const hub = await serveAnswers((_, response) =>
      response.writeHead(301, { location: 'https://hub/' }).end(),
    );
    const failure = await failureOf(createClient({ url: hub.url }).devices.list());
    assert.ok(failure instanceof HubAnswerError);
    assert.equal(failure.location, 'https://hub/');
  });

  test('another program that says that it is well is no hub', async () => {
    const hub = await serveAnswers((_, response) => answerJson(response, 200, { status: 'ok' }));
    assert.ok((await failureOf(createClient({ url: hub.url }).health())) instanceof HubAnswerError);
  });

  test('a server that speaks no HTTP', async () => {
    const url = await serveBytes((socket) => socket.end('DE1'));
    const failure = await failureOf(createClient({ url }).devices.list());
    assert.ok(failure instanceof HubAnswerError, String(failure));
    assert.match(failure.message, /^The answer of http:\/\/127\.0\.0\.1:\d+ is not HTTP\./);
  });

  test('a server whose head has no end', async () => {
    const url = await serveBytes((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(1024 * 1024)}`),
    );
    const failure = await failureOf(createClient({ url }).devices.list());
    assert.ok(failure instanceof HubAnswerError, String(failure));
    assert.equal(failure.detail, 'has a head that is too large');
  });

  test('lists within lists are given up before they take many times the memory of their text', async () => {
    const nested = gzipSync('['.repeat(1_000_001) + ']'.repeat(1_000_001));
    const flat = gzipSync(`[${'{},'.repeat(1_000_001)}1]`);
    const full = JSON.stringify({
      values: Array.from({ length: 100_000 }, () => ({ time: TIME, value: 1 })),
    });
    const hub = await serveAnswers(({ url }, response) => {
      const body = url.includes('nested') ? nested : url.includes('flat') ? flat : gzipSync(full);
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(body);
    });
    const { devices } = createClient({ url: hub.url, timeoutMs: 30_000 });
    for (const id of ['nested', 'flat']) {
      const failure = await failureOf(devices.get(id));
      assert.ok(failure instanceof HubAnswerError, String(failure));
      assert.equal(failure.detail, 'has more than 1000000 lists and objects');
    }
    const failure = await failureOf(devices.get('full'));
    assert.ok(failure instanceof HubAnswerError, String(failure));
    assert.equal(failure.detail, 'has no string "deviceId"', 'the largest page of readings is read');
  });

  test('an answer without end is given up at the limit', async () => {
    const url = await serveBytes((socket) => {
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
    const url = await serveBytes(() => {});
    await closeServers();
    const failure = await failureOf(createClient({ url }).devices.invoke('DE1', 'ligar'));
    assert.ok(failure instanceof HubUnreachableError);
    assert.equal(failure.reason, 'refused');
    assert.equal(failure.safeToRetry, true);
    assert.match(failure.message, /Nothing listens there: start the hub, or correct the address\.$/);
  });

  test('a port that fetch refuses is told', async () => {
    const failure = await failureOf(
      createClient({ url: 'http://127.0.0.1:5060' }).devices.invoke('DE1', 'ligar'),
    );
    assert.ok(failure instanceof HubUnreachableError);
    assert.deepEqual([failure.reason, failure.safeToRetry], ['blocked-port', true]);
    assert.match(failure.message, /refuse that port/);
  });

  test('silence ends at the time allowed, and a command may have happened', async () => {
    const url = await serveBytes(() => {});
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
    const url = await serveBytes((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"output":1');
      socket.once('data', () => setImmediate(() => socket.destroy()));
    });
    const failure = await failureOf(createClient({ url }).devices.invoke('DE1', 'ligar'));
    assert.ok(failure instanceof HubUnreachableError, String(failure));
    assert.deepEqual([failure.reason, failure.safeToRetry], ['broken', false]);
  });

  test('a connection that breaks before the answer: a question is asked again once, a command is not', async () => {
    let connections = 0;
    const url = await serveBytes((socket, connection) => {
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
    const url = await serveBytes((socket) => {
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
