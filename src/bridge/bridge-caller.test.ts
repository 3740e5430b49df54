import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import type { RecadoError } from '../base/errors.ts';
import { embedBus } from '../bus/embedded-bus.ts';
import { Broker } from '../mqtt/index.ts';
import { createRequester, type Answer } from '../rpc/index.ts';
import type { BridgeCallerLimits } from './caller-config.ts';
import { BridgeCaller } from './bridge-caller.ts';
import { readHttpCall } from './http-call.ts';
import { readMapping } from './mapping.ts';
import { ANSWER_WORDS } from './route-leaf.ts';

type Rig = {
  readonly agent: BridgeCaller;
  readonly printed: string[];
  readonly ask: (payload: string | Uint8Array, timeoutMs?: number, signal?: AbortSignal) => Promise<string>;
  /** What the last answer said beside its payload. */
  readonly status: () => string | undefined;
};

type Options = {
  readonly call?: string;
  readonly reply?: unknown;
  readonly timeoutMs?: number;
  readonly limits?: Partial<BridgeCallerLimits>;
};

const LIMITS = { maxInFlight: 64, maxQueued: 1000, maxRequestBytes: 1_048_576, maxAnswerBytes: 1_048_576 };

async function startService(
  t: TestContext,
  answer: RequestListener,
): Promise<{ server: Server; url: string }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function startAgent(t: TestContext, url: string, options: Options = {}): Promise<Rig> {
  const broker = new Broker();
  await broker.start();
  const printed: string[] = [];
  const call = readHttpCall(options.call ?? `POST ${url}/ping?key=1`);
  const reply = readMapping(options.reply ?? { message: '$.message', received: '$request' }, ANSWER_WORDS);
  assert.ok(call.ok && reply.ok);
  const route = { request: 'q', response: 'a', call: call.value, reply: reply.value, timeoutMs: 5000 };
  const agent = new BridgeCaller({
    bus: embedBus(broker),
    routes: [{ ...route, timeoutMs: options.timeoutMs ?? 5000 }],
    limits: { ...LIMITS, ...options.limits },
    print: (line) => printed.push(line),
  });
  await agent.start();
  const requester = createRequester(embedBus(broker), { correlation: { responseTopic: 'a' } });
  t.after(async () => {
    requester.close();
    await agent.stop(1000);
    await broker.close();
  });
  let last: Answer | undefined;
  const ask: Rig['ask'] = async (payload, timeoutMs = 10_000, signal) => {
    last = await requester.request('q', payload, { timeoutMs, ...(signal !== undefined && { signal }) });
    return Buffer.from(last.payload).toString();
  };
  const status = (): string | undefined =>
    last?.properties.userProperties?.find(([name]) => name === 'status')?.[1];
  return { agent, printed, ask, status };
}

describe('BridgeCaller', () => {
  it('sends the question as the body, and answers by its mapping', async (t) => {
    const got: string[] = [];
    const { url } = await startService(t, (request, response) => {
      void text(request).then((body) => {
        got.push(`${request.method} ${request.url} ${request.headers['content-type']} ${body}`);
        response.end('{"message": "pong", "more": 1}');
      });
    });
    const { ask, printed } = await startAgent(t, url);
    assert.equal(await ask('{"ask": "ping"}'), '{"message": "pong", "received": {"ask": "ping"}}');
    assert.deepEqual(got, ['POST /ping?key=1 application/json {"ask": "ping"}']);
    assert.deepEqual(printed, [
      'Connected with reason code 0',
      'request: {"ask": "ping"} -> response: {"message": "pong", "received": {"ask": "ping"}}',
    ]);
  });

  it('puts a question that is no JSON into raw', async (t) => {
    const { url } = await startService(t, (request, response) => {
      void text(request).then((message) => response.end(JSON.stringify({ message })));
    });
    const { ask } = await startAgent(t, url);
    assert.deepEqual(JSON.parse(await ask('hello')), {
      message: '{"raw":"hello"}',
      received: { raw: 'hello' },
    });
  });

  it('refuses a question that is no UTF-8, and asks the service nothing', async (t) => {
    let calls = 0;
    const { url } = await startService(t, (_request, response) => response.end(`${++calls}`));
    const { ask, status } = await startAgent(t, url);
    assert.equal(await ask(Buffer.from('ção', 'latin1')), '{"error": "the request is not UTF-8"}');
    assert.deepEqual([status(), calls], ['400', 0]);
  });

  it('reads the answer of the service in the charset that it names, and guesses at none', async (t) => {
    const { url } = await startService(t, (request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://x');
      const charset = searchParams.get('charset');
      const coding = searchParams.get('coding');
      if (charset !== null) response.setHeader('content-type', `application/json; charset="${charset}"`);
      if (coding !== null) response.setHeader('content-encoding', coding);
      response.end(Buffer.from('{"message":"ção"}', searchParams.get('is') === 'utf8' ? 'utf8' : 'latin1'));
    });
    const { ask, status } = await startAgent(t, url, { call: `GET ${url}/`, reply: '$.message' });
    assert.equal(await ask('{"charset":"ISO-8859-1"}'), '"ção"');
    assert.equal(await ask('{"charset":"UTF-8","is":"utf8"}'), '"ção"');
    assert.equal(await ask('{"is":"utf8"}'), '"ção"');
    for (const [question, fault] of [
      ['{}', 'is not UTF-8'],
      ['{"charset":"UTF-8"}', 'is not UTF-8'],
      ['{"charset":"x-klingon"}', 'is not X-KLINGON'],
      ['{"coding":"gzip","is":"utf8"}', 'has the Content-Encoding gzip'],
    ] as const) {
      assert.equal(await ask(question), `{"error": "the answer of ${url}/ ${fault}"}`);
      assert.equal(status(), '502');
    }
  });

  it('puts the members of a question into the query where the method has no body', async (t) => {
    const { url } = await startService(t, (request, response) => {
      response.end(JSON.stringify({ message: `${request.method} ${request.url}` }));
    });
    const { ask } = await startAgent(t, url, { call: `GET ${url}/ping?key=1`, reply: '$.message' });
    assert.equal(await ask('{"ask":"pi ng","n":2,"no":null}'), '"GET /ping?key=1&ask=pi+ng&n=2"');
    assert.equal(await ask('null'), '"GET /ping?key=1"');
  });

  it('drops nothing from the query that is nested, and says what has no place there', async (t) => {
    const { url } = await startService(t, (request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://x');
      response.end(JSON.stringify({ message: [...searchParams] }));
    });
    const { ask, status } = await startAgent(t, url, { call: `GET ${url}/ping`, reply: '$.message' });
    assert.deepEqual(JSON.parse(await ask('{"list":[1,"x",{"y":2}],"deep":{"a":[true]}}')), [
      ['list', '1'],
      ['list', 'x'],
      ['list', '{"y":2}'],
      ['deep', '{"a":[true]}'],
    ]);
    for (const question of ['"text"', '[1]', '7']) {
      assert.match(await ask(question), /^\{"error": "the question is no object/);
      assert.equal(status(), '400');
    }
  });

  it('puts values into the path, and takes from nobody what the file says', async (t) => {
    const { url } = await startService(t, (request, response) => {
      response.end(JSON.stringify({ message: `${request.method} ${request.url}` }));
    });
    const call = `GET ${url}/rooms/:id/lamps/:n?unit=lux`;
    const { ask, status } = await startAgent(t, url, { call, reply: '$.message' });
    assert.equal(
      await ask('{"id":"küche 1?","n":2,"unit":"evil","more":1}'),
      '"GET /rooms/k%C3%BCche%201%3F/lamps/2?unit=lux&more=1"',
    );
    for (const id of ['..', '.', '', ' ', '../x', 'a/b', 'a\\b', '\0', null, { a: 1 }, [1]]) {
      assert.match(await ask(JSON.stringify({ id, n: 1 })), /^\{"error": "the question has no id that can/);
      assert.equal(status(), '400');
    }
    const post = await startAgent(t, url, { call: `POST ${url}/rooms/:id?a=1`, reply: '$.message' });
    assert.equal(await post.ask('{"id":7,"a":2}'), '"POST /rooms/7?a=1"');
    assert.match(await post.ask('{}'), /has no id/);
  });

  it('tells the status of the service beside its answer, and in it where the mapping says so', async (t) => {
    const { url } = await startService(t, (request, response) => {
      void text(request).then((body) => response.writeHead(Number(body)).end('{"field":"age"}'));
    });
    const { ask, status } = await startAgent(t, url, { reply: { bad: '$.field' } });
    assert.deepEqual([await ask('422'), status()], ['{"field": "age"}', '422']);
    assert.deepEqual([await ask('201'), status()], ['{"bad": "age"}', '201']);
    assert.deepEqual([await ask('200'), status()], ['{"bad": "age"}', undefined]);
    const mapped = await startAgent(t, url, { reply: { code: '$status', why: '$answer' } });
    assert.equal(await mapped.ask('422'), '{"code": 422, "why": {"field": "age"}}');
    const gone = await startAgent(t, url, { call: 'POST http://127.0.0.1:9/', reply: { code: '$status' } });
    assert.deepEqual([await gone.ask('1'), gone.status()], ['{"code": 502}', '502']);
  });

  it('tells an answer that is no JSON with its status', async (t) => {
    const { url } = await startService(t, (_request, response) => response.writeHead(418).end('<p>tea</p>'));
    const { ask } = await startAgent(t, url);
    assert.equal(await ask('{}'), '{"status_code": 418, "text": "<p>tea</p>"}');
  });

  it('tells a failure of the service as the service does', async (t) => {
    const { url } = await startService(t, (_request, response) =>
      response.writeHead(500).end('{"error":"broken"}'),
    );
    const { ask } = await startAgent(t, url);
    assert.equal(await ask('{}'), '{"error": "broken"}');
  });

  it('tells a service that is not there', async (t) => {
    const { server, url } = await startService(t, () => {});
    server.close();
    const { ask, agent } = await startAgent(t, url);
    assert.equal(await ask('{}'), `{"error": "${url}/ping cannot be reached: nothing listens there"}`);
    assert.equal(agent.counters.callsFailed, 1);
  });

  it('tells a service that says nothing, breaks off, or says too much', async (t) => {
    const { url } = await startService(t, (request, response) => {
      if (request.url === '/broken') {
        response.writeHead(200, { 'content-length': 100 }).write('{');
        setImmediate(() => response.destroy());
      } else if (request.url === '/large') response.end('x'.repeat(2000));
    });
    const silent = await startAgent(t, url, { timeoutMs: 50 });
    assert.equal(await silent.ask('{}'), `{"error": "${url}/ping did not answer within 50 ms"}`);
    const broken = await startAgent(t, url, { call: `POST ${url}/broken` });
    assert.match(await broken.ask('{}'), /^\{"error": "http.*\/broken cannot be reached: UND_ERR_SOCKET"\}$/);
    const large = await startAgent(t, url, { call: `POST ${url}/large`, limits: { maxAnswerBytes: 1999 } });
    assert.equal(await large.ask('{}'), `{"error": "the answer of ${url}/large has more than 1999 bytes"}`);
  });

  it('refuses a question that is too large, and says so', async (t) => {
    const { ask, agent } = await startAgent(t, 'http://127.0.0.1:9', { limits: { maxRequestBytes: 300 } });
    const error = 'the request has 302 bytes, more than maxRequestBytes (300)';
    assert.equal(await ask(JSON.stringify('x'.repeat(300))), JSON.stringify({ error }).replace(':', ': '));
    assert.equal(agent.counters.refusedLarge, 1);
  });

  it('answers with null where the mapping leads nowhere, and survives an answer that is nested too deeply', async (t) => {
    const depth = 100_000;
    const { url } = await startService(t, (request, response) =>
      response.end(request.url === '/deep' ? `${'['.repeat(depth)}${']'.repeat(depth)}` : '{}'),
    );
    assert.equal(await (await startAgent(t, url, { reply: '$.none' })).ask('{}'), 'null');
    const deep = await startAgent(t, url, { call: `POST ${url}/deep`, reply: '$answer' });
    assert.match(await deep.ask('{}'), /is nested too deeply"\}$/);
  });

  it('gives the questions that it has their answers before it stops', async (t) => {
    const asked = Promise.withResolvers<() => void>();
    const { url } = await startService(t, (_request, response) =>
      asked.resolve(() => response.end('{"message":"at last"}')),
    );
    const { agent, ask } = await startAgent(t, url);
    const answer = ask('{}');
    const release = await asked.promise;
    assert.equal(agent.inFlight, 1);
    const stopped = agent.stop(60_000);
    release();
    assert.deepEqual(JSON.parse(await answer), { message: 'at last', received: {} });
    await stopped;
    await assert.rejects(ask('{}', 50), { code: 'NO_RESPONDER' });
  });

  it('ends the call when nobody waits for its answer any more', async (t) => {
    const called = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const { url } = await startService(t, (_request, response) => {
      called.resolve();
      response.once('close', left.resolve);
    });
    const { ask } = await startAgent(t, url);
    // Both ends know when the time is over, and either may be the first to say so.
    const asking = ask('{}', 1500).then(
      (answer) => (JSON.parse(answer) as { error: { code: string } }).error.code,
      (error: RecadoError) => error.code,
    );
    await called.promise;
    assert.deepEqual(await Promise.all([asking, left.promise]), ['ANSWER_TIMEOUT', undefined]);
  });

  it('ends the call when the caller has left before its time', async (t) => {
    const called = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const { url } = await startService(t, (_request, response) => {
      called.resolve();
      response.once('close', left.resolve);
    });
    const { ask } = await startAgent(t, url);
    const leaving = new AbortController();
    const asked = assert.rejects(ask('{}', 60_000, leaving.signal), /enough/);
    await called.promise;
    leaving.abort(new Error('enough'));
    await Promise.all([asked, left.promise]);
  });
});
