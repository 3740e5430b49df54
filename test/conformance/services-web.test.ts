import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { offerThroughHub, serveThroughHub } from '../helpers/hub-agent.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';

const TOKEN = 'a-token-that-is-long-enough';

type Heard = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
};

/** As a browser asks, which says what host it means. */
function ask(
  hub: TestHub,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(`${hub.url}${path}`, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    call.on('error', reject).end();
  });
}

/** Says what it was asked, and sends on to where the path says. */
const application: RequestListener = (request, response) => {
  const host = request.headers.host ?? '';
  if (request.url === '/old') response.writeHead(302, { location: `http://${host}/new?x` });
  if (request.url === '/cookie') {
    response.setHeader('set-cookie', [
      'session=1; Path=/; HttpOnly',
      'recado_session=forged; Path=/',
      'here=1',
    ]);
    response.setHeader('refresh', '3; url=/new');
  }
  response.end(JSON.stringify({ url: request.url, headers: request.headers }));
};

async function startHub(t: TestContext, change: (config: MutableConfig) => void = () => {}) {
  const hub = await startTestHub(t, (config) => {
    config.services.hosts = { 'Billing.example': 'billing' };
    change(config);
  });
  const target = await serveThroughHub(t, hub, 'billing', application);
  const seen = async (path: string, headers: Record<string, string> = {}) => {
    const { text } = await ask(hub, path, headers);
    return JSON.parse(text) as { url: string; headers: Record<string, string | undefined> };
  };
  return { hub, target, seen };
}

describe('a web application below /services/billing', () => {
  it('sends its pages and cookies to where callers find it, and never says where it is', async (t) => {
    const { hub, target } = await startHub(t);
    const moved = await ask(hub, '/services/billing/old');
    assert.deepEqual([moved.status, moved.headers['location']], [302, '/services/billing/new?x']);
    const { headers } = await ask(hub, '/services/billing/cookie');
    assert.deepEqual(headers['set-cookie'], [
      'session=1; HttpOnly; Path=/services/billing',
      'here=1; Path=/services/billing',
    ]);
    assert.equal(headers['refresh'], '3; url=/services/billing/new');
    assert.doesNotMatch(JSON.stringify([moved.headers, headers]), new RegExp(new URL(target).host));
  });

  it('is told who asks, for what host and under which prefix', async (t) => {
    const { hub, seen } = await startHub(t, ({ http }) => (http.tokens = [TOKEN]));
    const { host } = new URL(hub.url);
    const { headers } = await seen('/services/billing/', {
      authorization: `Bearer ${TOKEN}`,
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-prefix': '/evil',
      'x-real-ip': '192.0.2.1',
      forwarded: 'for=192.0.2.1',
    });
    assert.deepEqual(
      ['for', 'host', 'proto', 'prefix'].map((what) => headers[`x-forwarded-${what}`]),
      ['127.0.0.1', host, 'http', '/services/billing'],
    );
    assert.deepEqual(
      [headers['forwarded'], headers['x-real-ip']],
      [`for=127.0.0.1;host="${host}";proto=http`, undefined],
    );
  });

  it('and of a proxy that the hub trusts, who asked that one', async (t) => {
    const { hub, seen } = await startHub(t, ({ http }) => {
      http.trustedProxies = ['127.0.0.1'];
      http.trustedNetworks = ['192.0.2.0/24'];
    });
    const byProxy = {
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-host': 'public.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-prefix': '/hub',
    };
    const { headers } = await seen('/services/billing/', byProxy);
    assert.deepEqual(
      ['for', 'host', 'proto', 'prefix'].map((what) => headers[`x-forwarded-${what}`]),
      ['192.0.2.1, 127.0.0.1', 'public.example', 'https', '/hub/services/billing'],
    );
    assert.equal(
      (await ask(hub, '/services/billing/old', byProxy)).headers['location'],
      '/hub/services/billing/new?x',
    );
  });

  it('never sees the cookie of the hub', async (t) => {
    const { seen } = await startHub(t);
    const { headers } = await seen('/services/billing/', { cookie: 'recado_session=secret; session=1' });
    assert.equal(headers['cookie'], 'session=1');
  });

  it('is shown with a slash, from which its addresses begin', async (t) => {
    const { hub, seen } = await startHub(t);
    const page = await ask(hub, '/services/billing?x', { accept: 'text/html,*/*' });
    assert.deepEqual([page.status, page.headers['location']], [308, 'billing/?x']);
    assert.equal((await seen('/services/billing?x')).url, '/?x');
    assert.equal((await seen('/services/billing/', { accept: 'text/html' })).url, '/');
  });
});

describe('a service with a host name of its own', () => {
  const host = 'BILLING.example:80';

  it('has all paths of it, as they are', async (t) => {
    const { hub, seen } = await startHub(t);
    assert.equal((await seen('/', { host })).url, '/');
    for (const path of ['/api/v1/devices', '/services/other/x', '/mqtt', '/openapi.json', '//x?y', '/%2e'])
      assert.equal((await ask(hub, path, { host })).text.includes(`"url":"${path}"`), path !== '/%2e', path);
    const { headers } = await seen('/', { host });
    assert.deepEqual([headers['x-forwarded-host'], headers['x-forwarded-prefix']], [host, undefined]);
    assert.equal((await ask(hub, '/', { host, accept: 'text/html' })).status, 200);
  });

  it('keeps redirects and cookies as the service has them', async (t) => {
    const { hub } = await startHub(t);
    assert.equal((await ask(hub, '/old', { host })).headers['location'], '/new?x');
    const { headers } = await ask(hub, '/cookie', { host });
    assert.deepEqual(headers['set-cookie'], ['session=1; HttpOnly; Path=/', 'here=1']);
  });

  it('is nothing that a page of another origin may use', async (t) => {
    const { hub } = await startHub(t);
    const statusOf = async (headers: Record<string, string>) =>
      (await ask(hub, '/', { host, ...headers })).status;
    assert.equal(await statusOf({ origin: `http://${host}` }), 200);
    assert.equal(await statusOf({ origin: hub.url }), 403);
    const devices = await ask(hub, '/api/v1/devices', { origin: 'http://billing.example' });
    assert.equal(devices.status, 403);
  });

  it('is not there for a name that nobody gave it', async (t) => {
    const { hub } = await startHub(t);
    assert.equal((await ask(hub, '/none', { host: 'localhost' })).status, 404);
    assert.equal((await ask(hub, '/', { host: 'x.billing.example' })).status, 403);
  });
});

describe('pages of services', () => {
  const policyOf = async (hub: TestHub, path: string, headers: Record<string, string> = {}) =>
    (await ask(hub, path, { authorization: `Bearer ${TOKEN}`, ...headers })).headers[
      'content-security-policy'
    ];
  const SANDBOX = 'sandbox allow-scripts allow-forms';

  it('are kept from acting as whoever looks at them, as soon as there is a token', async (t) => {
    const { hub } = await startHub(t, ({ http }) => {
      http.tokens = [TOKEN];
    });
    assert.equal(await policyOf(hub, '/services/billing/'), SANDBOX);
    assert.equal(await policyOf(hub, '/', { host: 'billing.example' }), undefined);
  });

  it('are not where there is none, or services.sameOrigin says so', async (t) => {
    const open = await startHub(t);
    assert.equal(await policyOf(open.hub, '/services/billing/'), undefined);
    const same = await startHub(t, ({ http, services }) => {
      http.tokens = [TOKEN];
      services.sameOrigin = true;
    });
    assert.equal(await policyOf(same.hub, '/services/billing/'), undefined);
  });
});

it('what goes wrong behind an agent says nothing of where that is', async (t) => {
  const { hub } = await startHub(t);
  const silent = createTcpServer((socket) => socket.once('data', () => socket.end('no HTTP')));
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  t.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  await offerThroughHub(t, hub, 'odd', `http://127.0.0.1:${port}`);
  const odd = await ask(hub, '/services/odd/');
  assert.equal(odd.status, 502);
  silent.close();
  const gone = await ask(hub, '/services/odd/', {}, 'POST');
  assert.equal(gone.status, 502);
  assert.doesNotMatch(odd.text + gone.text, new RegExp(`127\\.0\\.0\\.1|${port}`));
  assert.match(gone.text, /The target (?:cannot be reached|ended)/);
});
