import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';

const TOKEN = 'a-token-of-the-configuration';
const APP = 'https://app.example:8443';
const ALLOW_ORIGIN = 'access-control-allow-origin';

function startHub(t: TestContext, allowedOrigins: string[], tokens = [TOKEN]): Promise<TestHub> {
  return startTestHub(t, (config) => {
    config.http.tokens = tokens;
    if (tokens.length > 0) config.http.trustedNetworks = [];
    config.http.cors.allowedOrigins = allowedOrigins;
  });
}

const preflight = (origin: string): Record<string, string> => ({
  origin,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,content-type',
});
const corsHeaders = (headers: Headers): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'));

describe('pages of other origins', () => {
  it('may read nothing where none is listed, and a preflight is as any other request', async (t) => {
    const hub = await startHub(t, []);
    for (const [method, headers] of [
      ['OPTIONS', preflight(APP)],
      ['GET', { origin: APP, authorization: `Bearer ${TOKEN}` }],
    ] as const) {
      const answer = await hub.call(method, '/api/v1/devices', undefined, headers);
      assert.deepEqual(corsHeaders(answer.headers), []);
      assert.equal(answer.headers.get('vary'), null);
      assert.equal(answer.status, method === 'GET' ? 200 : 401);
    }
  });

  it('may read answers where theirs is listed, problems too, and be shown what clients need', async (t) => {
    // As a browser never writes it.
    const hub = await startHub(t, ['https://APP.example:8443', 'http://other.example:80']);
    for (const path of ['/api/v1/devices', '/api/v1/devices/none', '/nowhere']) {
      for (const authorization of [`Bearer ${TOKEN}`, 'Bearer wrong']) {
        const { headers } = await hub.call('GET', path, undefined, { origin: APP, authorization });
        assert.equal(headers.get(ALLOW_ORIGIN), APP, path);
        assert.equal(headers.get('vary'), 'Origin');
        const exposed = headers.get('access-control-expose-headers')!.split(', ');
        for (const name of ['Location', 'Retry-After', 'Server-Timing']) assert.ok(exposed.includes(name));
        assert.equal(headers.get('access-control-allow-credentials'), null);
      }
    }
    const other = await hub.call('GET', '/healthz', undefined, { origin: 'http://other.example' });
    assert.equal(other.headers.get(ALLOW_ORIGIN), 'http://other.example');
  });

  it('ask beforehand without any proof, wherever it is, and are told the same everywhere', async (t) => {
    const hub = await startHub(t, [APP]);
    for (const path of ['/api/v1/devices', '/api/v1/devices/a/commands/b', '/nowhere']) {
      const { status, headers, text } = await hub.call('OPTIONS', path, undefined, preflight(APP));
      assert.equal(status, 204);
      assert.equal(text, '');
      assert.equal(headers.get(ALLOW_ORIGIN), APP);
      assert.match(headers.get('access-control-allow-methods')!, /\bPATCH\b/);
      assert.match(headers.get('access-control-allow-headers')!, /\bIdempotency-Key\b/);
    }
    // One that is no preflight is answered as ever.
    assert.equal((await hub.call('OPTIONS', '/nowhere', undefined, { origin: APP })).status, 401);
  });

  it('that only look like a listed one are others', async (t) => {
    const hub = await startHub(t, [APP]);
    const others = [
      'null',
      'http://app.example:8443',
      'https://app.example',
      'https://app.example:8443.evil.example',
      `${APP}/`,
      'https://evil.app.example:8443',
      '*',
      '',
    ];
    for (const origin of others) {
      const asked = await hub.call('OPTIONS', '/api/v1/devices', undefined, preflight(origin));
      assert.deepEqual([asked.status, corsHeaders(asked.headers)], [401, []], origin);
      const read = await hub.call('GET', '/healthz', undefined, { origin });
      assert.deepEqual(corsHeaders(read.headers), [], origin);
      assert.equal(read.headers.get('vary'), 'Origin');
    }
  });

  it('get nothing by where the browser is, or by a cookie', async (t) => {
    for (const allowedOrigins of [[APP], ['*']]) {
      const hub = await startHub(t, allowedOrigins, []);
      const asked = { origin: APP, 'sec-fetch-site': 'cross-site' };
      const trusted = await hub.call('GET', '/api/v1/devices', undefined, asked);
      assert.deepEqual([trusted.status, trusted.body.code], [403, 'FORBIDDEN']);
      assert.equal(trusted.headers.get(ALLOW_ORIGIN), allowedOrigins[0] === '*' ? '*' : APP);
      await hub.server.hub.accounts.users.create({
        name: 'ann',
        password: 'correct horse battery',
        roles: ['admin'],
        scopes: [],
      });
      const body = { name: 'ann', password: 'correct horse battery' };
      const signedIn = await hub.call('POST', '/api/v1/session', body);
      const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!;
      const same = { origin: APP, 'sec-fetch-site': 'same-site', cookie };
      assert.equal((await hub.call('GET', '/api/v1/devices', undefined, { cookie })).status, 200);
      assert.equal((await hub.call('GET', '/api/v1/devices', undefined, same)).status, 403);
    }
  });

  it('of services are the business of the services', async (t) => {
    const hub = await startHub(t, ['*']);
    const headers = { origin: APP, authorization: `Bearer ${TOKEN}` };
    const { status, headers: told } = await hub.call('GET', '/services/none/', undefined, headers);
    assert.deepEqual([status, corsHeaders(told)], [404, []]);
  });
});
