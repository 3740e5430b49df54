import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { startBridgeServer } from '../../src/api/start-bridge-server.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { BRIDGE_SERVER_CONFIG } from '../../src/bridge/server-config.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { loadConfigOrThrow } from '../../src/config/load-config.ts';
import { Broker } from '../../src/mqtt/index.ts';
import {
  AnswerError,
  createResponder,
  type ReceivedRequest,
  type RequestHandler,
} from '../../src/rpc/index.ts';
import { folderWith } from '../helpers/bridge-programs.ts';
import { until } from '../helpers/until.ts';

type Rig = {
  readonly url: string;
  readonly broker: Broker;
  readonly printed: string[];
  /** Answers questions on `q`. */
  readonly serve: (answer: RequestHandler) => Promise<void>;
  readonly call: (
    method: string,
    path: string,
    body?: string | Buffer,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; text: string; body: Problem; headers: Headers }>;
  readonly health: () => Promise<Health>;
};

type Problem = { readonly code?: string; readonly detail?: string; readonly error?: string };
type Health = {
  readonly broker: string;
  readonly inFlight: number;
  readonly counters: Record<string, number>;
};

async function startRig(t: TestContext, routes: string, more = ''): Promise<Rig> {
  const folder = folderWith(t, {
    'gateway.yaml': `http: { port: 0, maxBodyBytes: 300000 }\n${more}\nroutes:\n${routes}`,
  });
  const sources = { file: 'gateway.yaml', folder, environment: {} };
  const config = loadConfigOrThrow(BRIDGE_SERVER_CONFIG, sources, 'the gateway');
  const broker = new Broker();
  await broker.start();
  const bus = embedBus(broker);
  const printed: string[] = [];
  const gateway = await startBridgeServer(config, {
    bus,
    log: silentLogger,
    print: (line) => printed.push(line),
  });
  const responder = createResponder(embedBus(broker));
  t.after(async () => {
    await responder.close();
    await gateway.close();
    await broker.close();
  });
  const call: Rig['call'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(`${gateway.url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, text, body: JSON.parse(text) as Problem, headers: answer.headers };
  };
  return {
    url: gateway.url,
    broker,
    printed,
    serve: async (answer) => void (await responder.serve('q', answer, { responseTopic: 'a' })),
    call,
    health: async () => (await call('GET', '/healthz')).body as unknown as Health,
  };
}

function route(line: string, more = ''): string {
  return `  - { route: ${line}, request: q, response: a, timeoutMs: 60000${more} }\n`;
}

const echo = ({ payload }: ReceivedRequest): string => Buffer.from(payload).toString();

describe('what a gateway asks', () => {
  const ROUTES = [
    route('GET /query'),
    route('POST /body'),
    route(
      'PUT /rooms/:id/:what',
      ', payload: { room: $params.id, what: "$params.what", on: $query.on, b: "$body.list[1]", all: $body, fixed: $$x }',
    ),
    route('DELETE /rooms/:name', ', payload: $params, reply: { asked: $request, got: $.name, none: $.none }'),
  ].join('');

  it('is the body, or else the query', async (t) => {
    const { serve, call } = await startRig(t, ROUTES);
    await serve(echo);
    assert.equal((await call('GET', '/query?a=1&b=x%20y&b=z')).text, '{"a": "1", "b": ["x y", "z"]}');
    assert.equal((await call('GET', '/query')).text, '{}');
    assert.equal(
      (await call('POST', '/body?a=1', '{"x" : 1e400}')).text,
      '{"x" : 1e400}',
      'letter by letter',
    );
    assert.equal((await call('POST', '/body?a=1')).text, '{"a": "1"}');
    assert.equal((await call('POST', '/body', '[1]', { 'content-type': 'application/json' })).text, '[1]');
  });

  it('is {"raw": …} when the body is no JSON, whatever its type', async (t) => {
    const { serve, call } = await startRig(t, ROUTES);
    await serve(echo);
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'image/png'])
      assert.equal(
        (await call('POST', '/body', 'a=1&b', { 'content-type': type })).text,
        '{"raw":"a=1&b"}',
        type,
      );
  });

  it('is nothing where the body is no UTF-8, or says that it is something else', async (t) => {
    const { serve, call } = await startRig(t, ROUTES);
    let asked = 0;
    await serve(() => String(++asked));
    const latin1 = Buffer.from('{"a":"ção"}', 'latin1');
    for (const [body, headers, status, code] of [
      [latin1, {}, 400, 'REQUEST_INVALID'],
      [latin1, { 'content-type': 'application/json; charset=iso-8859-1' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
      ['a', { 'content-type': 'text/plain; charset=utf-16' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
      ['a', { 'content-encoding': 'gzip' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ] as const) {
      const answer = await call('POST', '/body', body, headers);
      assert.deepEqual([answer.status, answer.body.code], [status, code]);
    }
    assert.equal(asked, 0);
    assert.equal(
      (await call('POST', '/body', '"é"', { 'content-type': 'text/plain; charset=UTF-8' })).text,
      '1',
    );
  });

  it('has no path with an empty :name', async (t) => {
    const { serve, call } = await startRig(t, ROUTES);
    let asked = 0;
    await serve(() => String(++asked));
    for (const path of ['/rooms/', '/rooms//', '/rooms//lamp', '/rooms/1/']) {
      for (const method of ['PUT', 'DELETE']) {
        const { status, body } = await call(method, path);
        assert.deepEqual([status, body.code], [404, 'ROUTE_UNKNOWN'], `${method} ${path}`);
      }
    }
    assert.equal(asked, 0);
  });

  it('is made by the mapping of body, query and path', async (t) => {
    const { serve, call } = await startRig(t, ROUTES);
    await serve(echo);
    const answer = await call('PUT', '/rooms/a%2Fb/lamp?on=true', '{"list":[1,{"x":2}]}');
    assert.deepEqual(JSON.parse(answer.text), {
      room: 'a/b',
      what: 'lamp',
      on: 'true',
      b: { x: 2 },
      all: { list: [1, { x: 2 }] },
      fixed: '$x',
    });
    assert.deepEqual(JSON.parse((await call('PUT', '/rooms/1/2')).text), {
      room: '1',
      what: '2',
      fixed: '$x',
    });
    assert.deepEqual(JSON.parse((await call('DELETE', '/rooms/9')).text), { asked: { name: '9' }, got: '9' });
  });
});

describe('what a gateway answers', () => {
  const PING = route('GET /ping', ', reply: { response: $answer }');

  it('is the answer, also one that is no JSON or speaks of an error', async (t) => {
    const { serve, call, printed } = await startRig(t, PING);
    const answers = ['{"a":1}', 'pong', '{"error":{"code":"X","message":"y"}}', ''];
    await serve(() => answers.shift() ?? '');
    assert.equal((await call('GET', '/ping')).text, '{"response":{"a":1}}');
    assert.equal((await call('GET', '/ping')).text, '{"response":{"raw":"pong"}}');
    assert.equal((await call('GET', '/ping')).text, '{"response":{"error":{"code":"X","message":"y"}}}');
    assert.equal((await call('GET', '/ping')).text, '{"response":{"raw":""}}');
    assert.deepEqual(printed.slice(0, 3), [
      'Connected with reason code 0',
      'Topic: a, Message: {"a": 1}',
      'Topic: a, Message: {"raw": "pong"}',
    ]);
  });

  it('is no answer where it is no UTF-8', async (t) => {
    const { serve, call } = await startRig(t, PING);
    await serve(() => Buffer.from('ção', 'latin1'));
    const { status, body } = await call('GET', '/ping');
    assert.deepEqual([status, body.code, body.detail], [502, 'BAD_ANSWER', 'The answer is not UTF-8.']);
  });

  it('has the status that the agent tells, or that stands in it', async (t) => {
    const routes = [
      PING,
      route('POST /ping', ', status: $.code, reply: { is: $status }'),
      route('PUT /ping', ', status: 202'),
    ];
    const { serve, call, url } = await startRig(t, routes.join(''));
    const told = (payload: string, status: string) => ({
      payload,
      properties: { userProperties: [['status', status]] as const },
    });
    const answers = [
      told('{"field":"age"}', '422'),
      told('{"a":1}', '99'),
      '{"code":418}',
      '{}',
      told('{"code":404}', '500'),
      told('{}', '500'),
      '{"code":"404"}',
      '{"code":700}',
      told('{}', '500'),
    ];
    await serve(() => answers.shift() ?? '');
    const ask = async (method: string): Promise<unknown[]> => {
      const { status, text } = await call(method, '/ping');
      return [status, text];
    };
    assert.deepEqual(await ask('GET'), [422, '{"response":{"field":"age"}}']);
    assert.deepEqual(await ask('GET'), [200, '{"response":{"a":1}}']);
    assert.deepEqual(await ask('POST'), [418, '{"is":418}']);
    assert.deepEqual(await ask('POST'), [200, '{"is":200}']);
    assert.deepEqual(await ask('POST'), [404, '{"is":404}']);
    assert.deepEqual(await ask('POST'), [500, '{"is":500}']);
    for (const wrong of ['404', '700']) assert.equal((await ask('POST'))[0], 502, wrong);
    assert.deepEqual(await ask('PUT'), [202, '{}']);
    answers.push(told('{}', '204'));
    const empty = await fetch(`${url}/ping`);
    assert.deepEqual([empty.status, await empty.text()], [204, '']);
  });

  it('is a problem where the agent itself says so', async (t) => {
    const { serve, call, health } = await startRig(t, PING);
    const errors = [
      new AnswerError('TOO_MANY_REQUESTS', 'busy', { status: 429 }),
      new AnswerError('TANK_EMPTY', 'no water', { status: 409 }),
      new AnswerError('ANSWER_TIMEOUT', 'late', { status: 504 }),
    ];
    await serve(() => Promise.reject(errors.shift() ?? new Error('none')));
    const busy = await call('GET', '/ping');
    assert.deepEqual(
      [busy.status, busy.body.code, busy.headers.get('retry-after')],
      [429, 'TOO_MANY_REQUESTS', '1'],
    );
    const empty = await call('GET', '/ping');
    assert.deepEqual([empty.status, empty.body.detail], [409, 'no water']);
    assert.equal((await call('GET', '/ping')).text, '{"error":"timeout waiting MQTT response"}');
    const { counters } = await health();
    assert.deepEqual([counters['failed'], counters['timedOut'], counters['refusedFull']], [2, 1, 1]);
  });

  it('is the answer of an agent that comes while the caller waits', async (t) => {
    const { serve, call, health } = await startRig(t, route('GET /ping'));
    const answer = call('GET', '/ping');
    await until('it was asked in vain', async () => ((await health()).counters['askedAgain'] ?? 0) > 0);
    await serve(() => '"at last"');
    assert.equal((await answer).text, '"at last"');
  });

  it('is a problem when a limit is reached, and the limit is named', async (t) => {
    const limits = 'limits: { maxInFlight: 2, maxAnswerBytes: 256 }';
    const { serve, call, health } = await startRig(t, `${PING}${route('POST /ping')}`, limits);
    const waiting: ((text: string) => void)[] = [];
    await serve(() => new Promise((resolve) => waiting.push(resolve)));
    const answers = [call('GET', '/ping'), call('GET', '/ping')];
    await until('both are asked', async () => (await health()).inFlight === 2);
    const third = await call('GET', '/ping');
    assert.deepEqual(
      [third.status, third.body.code, third.headers.get('retry-after')],
      [429, 'TOO_MANY_REQUESTS', '1'],
    );
    assert.match(third.body.detail ?? '', /maxInFlight/);
    await until('the first has come', () => waiting.length > 0);
    waiting.shift()?.(JSON.stringify('x'.repeat(255)));
    await until('the second has come', () => waiting.length > 0);
    waiting.shift()?.('"fits"');
    const [large, fits] = await Promise.all(answers);
    assert.deepEqual([large?.status, large?.body.code], [502, 'BAD_ANSWER']);
    assert.match(large?.body.detail ?? '', /257 bytes, more than maxAnswerBytes \(256\)/);
    assert.equal(fits?.text, '{"response":"fits"}');
    const body = await call('POST', '/ping', 'x'.repeat(300_001));
    assert.deepEqual([body.status, body.body.code], [413, 'BODY_TOO_LARGE']);
    assert.equal((await health()).counters['refusedFull'], 1);
  });

  it('is a problem when something is nested too deeply', async (t) => {
    const { serve, call } = await startRig(
      t,
      `${route('POST /in', ', payload: [$body]')}${PING}`,
      'limits: { maxAnswerBytes: 1000000 }',
    );
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    await serve(() => deep);
    const asked = await call('POST', '/in', deep);
    assert.deepEqual([asked.status, asked.body.code], [400, 'REQUEST_INVALID']);
    const answered = await call('GET', '/ping');
    assert.deepEqual([answered.status, answered.body.code], [502, 'BAD_ANSWER']);
  });

  it('is nothing to a caller who has left, whose place is free again and whose question is given up', async (t) => {
    const { serve, url, health } = await startRig(t, route('GET /ping'));
    const asked = Promise.withResolvers<AbortSignal>();
    await serve(({ signal }) => new Promise(() => asked.resolve(signal)));
    const caller = request(`${url}/ping`).end();
    caller.on('error', () => {});
    const signal = await asked.promise;
    caller.destroy();
    await until('the gateway has seen it', async () => (await health()).counters['left'] === 1);
    await until('the responder as well', () => signal.aborted);
    assert.equal((signal.reason as { code?: string }).code, 'REQUEST_CANCELLED');
    assert.equal((await health()).inFlight, 0);
  });

  it('is no answer to a web page of another site, nor to a name that is not local', async (t) => {
    const { call, url } = await startRig(t, PING);
    const crossSite = await call('GET', '/ping', undefined, { origin: 'https://evil.example' });
    assert.deepEqual([crossSite.status, crossSite.body.code], [403, 'FORBIDDEN']);
    const rebound = request(`${url}/ping`, { headers: { host: 'evil.example' } }).end();
    const [answer] = (await once(rebound, 'response')) as [{ statusCode: number; resume(): void }];
    answer.resume();
    assert.equal(answer.statusCode, 403);
  });

  it('is what it would be without the offer of another protocol, which is not taken up', async (t) => {
    const { url } = await startRig(t, PING);
    const asked = request(`${url}/healthz`, {
      headers: { connection: 'upgrade, http2-settings', upgrade: 'h2c' },
    });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    assert.equal(answer.resume().statusCode, 200);
  });

  it('is a problem where there is no route, and the health at /healthz', async (t) => {
    const { call } = await startRig(t, PING);
    for (const path of ['/pong', '/ping/']) {
      const { status, body } = await call('GET', path);
      assert.deepEqual([status, body.code], [404, 'ROUTE_UNKNOWN'], path);
    }
    const { status, text } = await call('GET', '/healthz');
    assert.equal(status, 200);
    assert.match(
      text,
      /^\{"status":"ok","name":"recado-gateway","version":"[^"]+","broker":"connected","inFlight":0/,
    );
  });
});
