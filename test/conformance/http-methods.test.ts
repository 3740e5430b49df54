import assert from 'node:assert/strict';
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { folderWith } from '../helpers/bridge-programs.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { talkRaw } from '../helpers/services-rig.ts';
import { WireDevice } from '../helpers/wire-device.ts';
import { until } from '../helpers/until.ts';
import type { Json } from '../helpers/json.ts';

const EVERY_GET = [
  '/api/v1/devices',
  '/api/v1/devices/DE11',
  '/api/v1/devices/DE11/commands',
  '/api/v1/devices/DE11/telemetry',
  '/api/v1/devices/none',
  '/api/v1/services',
  '/api/v1/health',
  '/healthz',
  '/readyz',
  '/openapi.json',
  '/devices',
  '/devices/',
  '/devices/DE11/commands/description',
];

async function startWithRadio(t: TestContext): Promise<{ hub: TestHub; device: WireDevice }> {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.11');
  await device.handshake();
  await until('it is listed', async () => (await hub.call('GET', '/devices')).body.includes('DE11'));
  return { hub, device };
}

describe('HEAD', () => {
  it('answers as GET does, without the body, on every route', async (t) => {
    const { hub } = await startWithRadio(t);
    for (const path of EVERY_GET) {
      const got = await hub.call('GET', path);
      const { status, text, headers } = await hub.call('HEAD', path);
      assert.deepEqual([status, text], [got.status, ''], path);
      for (const name of ['content-type', 'content-length'])
        assert.equal(headers.get(name), got.headers.get(name), `${path} ${name}`);
    }
    // What the one counts and the other measures is not the same a moment later.
    for (const path of ['/metrics', '/api/v1/hub', '/'])
      assert.equal((await hub.call('HEAD', path)).status, 200);
  });

  it('does no more than GET: what a command does is asked for with POST', async (t) => {
    const { hub } = await startWithRadio(t);
    assert.equal((await hub.call('HEAD', '/devices/DE11/commands/1')).status, 400);
  });
});

describe('methods that an address does not have', () => {
  it('are 405, with those that it has', async (t) => {
    const { hub } = await startWithRadio(t);
    for (const [method, path, allow] of [
      ['PUT', '/api/v1/devices?limit=1', 'GET, HEAD, OPTIONS'],
      ['POST', '/api/v1/devices/DE11', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
      ['GET', '/api/v1/devices/DE11/commands/ligar', 'POST, OPTIONS'],
      ['PROPFIND', '/openapi.json', 'GET, HEAD, OPTIONS'],
      ['DELETE', '/devices/DE11/commands/3/a/b', 'PATCH, OPTIONS'],
    ] as const) {
      const { status, headers, body } = await hub.call(method, path);
      assert.deepEqual([status, headers.get('allow'), body.code], [405, allow, 'METHOD_NOT_ALLOWED'], path);
      const options = await hub.call('OPTIONS', path);
      assert.deepEqual([options.status, options.headers.get('allow'), options.text], [204, allow, '']);
    }
    for (const method of ['OPTIONS', 'PUT']) {
      const { status, headers } = await hub.call(method, '/api/v1/nothing', 'x');
      assert.deepEqual([status, headers.get('allow')], [404, null]);
    }
  });

  it('and an address with an empty name in it is none', async (t) => {
    const hub = await startTestHub(t);
    for (const [method, path] of [
      ['GET', '/api/v1/devices/'],
      ['GET', '/api/v1/devices//commands'],
      ['POST', '/api/v1/devices/DE11/commands/'],
      ['GET', '/devices//commands/1'],
      ['GET', '/services/'],
      ['GET', '/services//x'],
    ] as const) {
      const { status, body } = await hub.call(method, path);
      assert.deepEqual([status, body.code], [404, 'ROUTE_UNKNOWN'], path);
    }
  });

  it('are told for the whole server by OPTIONS *', async (t) => {
    const hub = await startTestHub(t);
    const { received } = await talkRaw(
      hub.url,
      'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    assert.match(received, /^HTTP\/1\.1 204 [^]*\r\nallow: GET, HEAD, POST, /);
  });
});

describe('a body of no bytes is none, whatever its type', () => {
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    'x/y',
    undefined,
  ]) {
    for (const length of ['Content-Length: 0', 'Transfer-Encoding: chunked']) {
      it(`${type ?? 'no type'}, ${length}`, async (t) => {
        const { hub } = await startWithRadio(t);
        const typed = type === undefined ? '' : `Content-Type: ${type}\r\n`;
        const ask = async (requestLine: string): Promise<string> => {
          const end = length.includes('chunked') ? '0\r\n\r\n' : '';
          const head = `${requestLine} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
          return (await talkRaw(hub.url, `${head}${typed}${length}\r\n\r\n${end}`)).received;
        };
        assert.match(await ask('DELETE /api/v1/devices/none'), /^HTTP\/1\.1 404 [^]*DEVICE_UNKNOWN/);
        assert.match(
          await ask('POST /api/v1/devices/DE11/commands/none'),
          /^HTTP\/1\.1 404 [^]*COMMAND_UNKNOWN/,
        );
      });
    }
  }

  it('and null is no object', async (t) => {
    const { hub } = await startWithRadio(t);
    const { status, body } = await hub.call('POST', '/api/v1/devices/DE11/commands/ligar', null);
    assert.deepEqual([status, body.code], [400, 'REQUEST_INVALID']);
  });
});

describe('the line of a request', () => {
  it('may have the whole address in it, whose host counts (RFC 9112 section 3.2.2)', async (t) => {
    const hub = await startTestHub(t, ({ services }) => (services.hosts = { 'shop.example': 'shop' }));
    const ask = async (target: string): Promise<string> => {
      const text = `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
      return (await talkRaw(hub.url, text)).received;
    };
    assert.match(await ask('http://127.0.0.1/api/v1/devices?limit=1'), /^HTTP\/1\.1 200 /);
    assert.match(await ask('HTTP://localhost:5070/services/none/x'), /^HTTP\/1\.1 404 [^]*SERVICE_UNKNOWN/);
    assert.match(await ask('http://shop.example?x'), /^HTTP\/1\.1 404 [^]*SERVICE_UNKNOWN/);
    assert.match(await ask('http://evil.example/api/v1/devices'), /^HTTP\/1\.1 403 [^]*evil\.example/);
    assert.match(await ask('http://user@localhost/api/v1/devices'), /^HTTP\/1\.1 400 /);
  });

  it('comes without Host in HTTP/1.0, and with an Expect that nobody knows', async (t) => {
    const hub = await startTestHub(t);
    assert.match(
      (await talkRaw(hub.url, 'GET /api/v1/devices HTTP/1.0\r\n\r\n')).received,
      /^HTTP\/1\.1 200 /,
    );
    const asked = request(`${hub.url}/api/v1/devices`, { headers: { expect: 'more' } }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    assert.equal(answer.resume().statusCode, 200);
  });

  it('is not read with a head that is larger than the API takes', async (t) => {
    const hub = await startTestHub(t);
    const { status, body } = await hub.call('GET', '/healthz', undefined, { x: 'x'.repeat(20_000) });
    assert.deepEqual([status, body.code], [431, 'HEAD_TOO_LARGE']);
  });
});

describe('load balancers', () => {
  it('ask without a token by any name, and are told no more than they need', async (t) => {
    const hub = await startTestHub(t, ({ http }) => {
      http.tokens = ['a-token-of-sixteen-or-more'];
      http.trustedNetworks = [];
    });
    const refused = await hub.call('GET', '/api/v1/health');
    assert.equal(refused.status, 401);
    for (const path of ['/healthz', '/readyz']) {
      const text = `GET ${path} HTTP/1.1\r\nHost: lb.example\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: close\r\n\r\n`;
      const { received } = await talkRaw(hub.url, text);
      assert.match(received, /^HTTP\/1\.1 200 [^]*\r\n\r\n\{"status":"ok"\}$/);
      const withToken = { authorization: 'Bearer a-token-of-sixteen-or-more' };
      assert.equal((await hub.call('GET', path, undefined, withToken)).text, '{"status":"ok"}');
    }
  });

  it('are not told what it is that cannot be stored', async (t) => {
    const folder = folderWith(t, { 'sessions.db': 'this is no database'.repeat(1000) });
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = ['a-token-of-sixteen-or-more'];
      config.http.trustedNetworks = [];
      [config.inMemory, config.dataDir] = [false, folder];
    });
    assert.equal((await hub.call('GET', '/readyz')).text, '{"status":"degraded"}');
    const withToken = { authorization: 'Bearer a-token-of-sixteen-or-more' };
    const { text } = await hub.call('GET', '/readyz', undefined, withToken);
    assert.match(text, /"stores":\[\{"name":"sessions","state":"damaged"/);
  });

  it('are told by a hub that stops', async (t) => {
    const { hub, device } = await startWithRadio(t);
    const command = 'POST /api/v1/devices/DE11/commands/ligar HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const running = talkRaw(hub.url, command);
    await device.nextObject();
    const port = Number(new URL(hub.url).port);
    const probe = connect(port, '127.0.0.1');
    let received = '';
    probe.on('data', (bytes) => (received += bytes.toString()));
    probe.write('GET /readyz HTTP/1.1\r\n');
    await once(probe, 'ready');
    // It is taken for idle until the hub has seen the first line.
    await hub.call('GET', '/healthz');
    const closing = hub.server.close();
    await until('it is closed for others', () =>
      fetch(hub.url).then(
        () => false,
        () => true,
      ),
    );
    probe.write('Host: localhost\r\n\r\n');
    await once(probe, 'close');
    assert.match(received, /^HTTP\/1\.1 503 [^]*\r\nconnection: close\r\n[^]*HUB_STOPPING/);
    device.send("{'Resposta': 'ok'}");
    assert.match((await running).received, /^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/);
    await closing;
  });
});

describe('openapi.json', () => {
  it('names its schemas and what opens it, and says that bodies may be left out', async (t) => {
    const hub = await startTestHub(t);
    const { body } = await hub.call('GET', '/openapi.json');
    const { schemas, securitySchemes } = body.components;
    assert.deepEqual(securitySchemes.token.scheme, 'bearer');
    assert.deepEqual(body.security, [{ token: [] }, { session: [] }, {}]);
    assert.deepEqual(body.paths['/healthz'].get.security, []);
    const invoke = body.paths['/api/v1/devices/{deviceId}/commands/{commandName}'].post;
    assert.equal(invoke.requestBody.required, false);
    const refOf = (answer: Json): string => Object.values<Json>(answer.content)[0]?.schema.$ref;
    assert.equal(refOf(invoke.requestBody), '#/components/schemas/CommandCall');
    assert.equal(refOf(invoke.responses['200']), '#/components/schemas/InvocationAnswer');
    assert.equal(refOf(invoke.responses.default), '#/components/schemas/Problem');
    assert.equal(schemas.DevicePage.properties.devices.items.$ref, '#/components/schemas/Device');
    assert.equal(schemas.Device.properties.title.anyOf.length, 2, 'a property that is called title');
    const refs = [...JSON.stringify(body).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    assert.deepEqual(new Set(refs), new Set(Object.keys(schemas)));
  });
});
