import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { agentWill } from '../../src/services/agent/http-service-agent.ts';
import type { NewTokenWish } from '../../src/accounts/token-accounts.ts';
import { comeIn, endOf, listen, refusalOf, say, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type Answer, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { offerThroughHub, serveThroughHub } from '../helpers/hub-agent.ts';
import { WireDevice } from '../helpers/wire-device.ts';
import { EventStreamReader } from '../helpers/event-stream.ts';
import { until } from '../helpers/until.ts';

const ROOT = 'a-token-of-the-configuration';
const ADMIN = { authorization: `Bearer ${ROOT}` };

const LAMP = {
  recado: 2,
  id: 'lamp',
  token: 'whatever-a-trusted-network-needs-none',
  description: { commands: { blink: { kind: 'action' }, level: { kind: 'read' } } },
};

/** A hub with one token in its configuration, by which others are made. */
function startHub(t: TestContext, change: (config: MutableConfig) => void = () => {}): Promise<TestHub> {
  return startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    change(config);
  });
}

type Made = { readonly text: string; readonly id: string; readonly headers: Record<string, string> };

async function make(hub: TestHub, wish: Partial<NewTokenWish>): Promise<Made> {
  const { expiresAt: _, ...body } = { name: 'a test', roles: ['viewer'], ...wish };
  const { status, body: token } = await hub.call('POST', '/api/v1/tokens', body, ADMIN);
  assert.equal(status, 201);
  const { token: text, id } = token as { token: string; id: string };
  return { text, id, headers: { authorization: `Bearer ${text}` } };
}

async function revoke(hub: TestHub, { id }: Made): Promise<void> {
  const { status } = await hub.call('DELETE', `/api/v1/tokens/${id}`, undefined, ADMIN);
  assert.equal(status, 204);
}

/** A framed device that is there. */
async function connectDevice(t: TestContext, hub: TestHub, hello: object): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(`${JSON.stringify(hello)}\n`);
  await until('an answer to the hello', () => device.text.includes('\n'));
  return device;
}

const statusOf = async (answer: Promise<Answer>): Promise<number> => (await answer).status;

describe('a token', () => {
  it('is shown once, and is not told again by anything', async (t) => {
    const hub = await startHub(t);
    const made = await hub.call('POST', '/api/v1/tokens', { name: 'grafana', roles: ['viewer'] }, ADMIN);
    const { token, id } = made.body as { token: string; id: string };
    assert.match(token, /^rcd_[0-9a-f]{12}_[\w-]{43}$/);
    assert.equal(made.headers.get('cache-control'), 'no-store');
    const listed = await hub.call('GET', '/api/v1/tokens', undefined, ADMIN);
    const secret = token.split('_').slice(2).join('_');
    assert.ok(listed.text.includes(id) && !listed.text.includes(secret) && !listed.text.includes('digest'));
    const used = await hub.call('GET', '/api/v1/session', undefined, { authorization: `Bearer ${token}` });
    assert.equal((used.body as { principal: string }).principal, `token:${id}`);
    assert.ok(!JSON.stringify(hub.logged).includes(secret));
  });

  it('that is wrong, unknown, revoked or expired opens nothing, and is told alike', async (t) => {
    const hub = await startHub(t);
    const [good, revoked] = [await make(hub, {}), await make(hub, {})];
    await revoke(hub, revoked);
    const brief = await hub.call(
      'POST',
      '/api/v1/tokens',
      { name: 'brief', roles: ['viewer'], expiresInSeconds: 1 },
      ADMIN,
    );
    const { token: expired } = brief.body as { token: string };
    const expiredHeaders = { authorization: `Bearer ${expired}` };
    await until(
      'it has expired',
      async () => (await statusOf(hub.call('GET', '/api/v1/devices', undefined, expiredHeaders))) === 401,
    );
    const wrong = `${good.text.slice(0, -1)}${good.text.endsWith('A') ? 'B' : 'A'}`;
    const unknown = good.text.replace(good.id, 'ffffffffffff');
    const answers = new Set<string>();
    for (const text of [wrong, unknown, revoked.text, expired, good.text.toUpperCase(), `${good.text}A`]) {
      const { status, text: said } = await hub.call('GET', '/api/v1/devices', undefined, {
        authorization: `Bearer ${text}`,
      });
      answers.add(`${status} ${said}`);
    }
    assert.equal(answers.size, 1);
    assert.match([...answers].join(), /^401 /);
    assert.equal(await statusOf(hub.call('GET', '/api/v1/devices', undefined, good.headers)), 200);
  });

  it('in the address is none', async (t) => {
    const hub = await startHub(t, (config) => (config.http.trustedNetworks = []));
    const { text } = await make(hub, {});
    for (const name of ['token', 'access_token', 'authorization'])
      assert.equal(await statusOf(hub.call('GET', `/api/v1/devices?${name}=${text}`)), 401);
  });

  it('is made only by who administers, and never with more than there is', async (t) => {
    const hub = await startHub(t);
    const wish = { name: 'x', roles: ['admin'] };
    for (const role of ['viewer', 'operator', 'device', 'agent'] as const) {
      const { headers } = await make(hub, { roles: [role] });
      assert.equal(await statusOf(hub.call('POST', '/api/v1/tokens', wish, headers)), 403, role);
      assert.equal(await statusOf(hub.call('GET', '/api/v1/tokens', undefined, headers)), 403, role);
    }
    const narrow = await make(hub, { roles: ['admin'], scopes: [{ devices: ['*'] }] });
    assert.equal(await statusOf(hub.call('POST', '/api/v1/tokens', wish, narrow.headers)), 403);
    for (const wrong of [
      { ...wish, roles: ['let-in'] },
      { ...wish, roles: [] },
      { ...wish, name: '' },
      { ...wish, name: 'x\u001b[2J' },
      { ...wish, name: 'two\nlines' },
      { ...wish, scopes: [{ devices: ['\u202e*'] }] },
      { ...wish, id: 'mine' },
      { ...wish, scopes: [{ devices: [] }] },
      { ...wish, scopes: [{ verb: 'read' }] },
      { ...wish, expiresInSeconds: -1 },
    ])
      assert.equal(
        await statusOf(hub.call('POST', '/api/v1/tokens', wrong, ADMIN)),
        400,
        JSON.stringify(wrong),
      );
  });

  it('cannot be made from a trusted network: where somebody is says not who it is', async (t) => {
    const hub = await startTestHub(t);
    const wish = { name: 'x', roles: ['admin'] };
    assert.equal(await statusOf(hub.call('POST', '/api/v1/tokens', wish)), 403);
    assert.equal(await statusOf(hub.call('GET', '/api/v1/devices')), 200);
  });
});

describe('what a token may', () => {
  it('over HTTP is what its roles and scopes permit, also by the old routes', async (t) => {
    const hub = await startHub(t);
    await connectDevice(t, hub, LAMP);
    await connectDevice(t, hub, { ...LAMP, id: 'pump-1' });
    const viewer = await make(hub, {});
    const operator = await make(hub, { roles: ['operator'], scopes: [{ devices: ['pump-*'] }] });
    const can = (token: Made, method: string, path: string, body?: object): Promise<number> =>
      statusOf(hub.call(method, path, body, token.headers));
    const commands = '/api/v1/devices/lamp/commands';

    assert.equal(await can(viewer, 'GET', '/api/v1/devices/lamp'), 200);
    assert.equal(await can(viewer, 'GET', '/metrics'), 200);
    assert.equal(await can(viewer, 'POST', `${commands}/blink`, { timeoutMs: 20 }), 403);
    assert.equal(await can(viewer, 'DELETE', '/api/v1/devices/lamp'), 403);
    assert.equal(await can(viewer, 'GET', '/devices/lamp/commands/description'), 200);
    for (const [method, path] of [
      ['GET', '/devices/lamp/commands/2'],
      ['POST', '/devices/lamp/commands/1'],
      ['PATCH', '/devices/lamp/commands/1/5'],
    ] as const)
      assert.equal(await can(viewer, method, path), 403, `${method} ${path}`);

    assert.equal(await can(operator, 'GET', '/api/v1/devices/pump-1'), 200);
    assert.equal(
      await can(operator, 'POST', '/api/v1/devices/pump-1/commands/blink', { timeoutMs: 20 }),
      504,
    );
    for (const path of ['/api/v1/devices/lamp', '/api/v1/devices/lamp/telemetry', commands, '/metrics'])
      assert.equal(await can(operator, 'GET', path), 403, path);
    assert.equal(await can(operator, 'GET', '/api/v1/devices/nobody'), 403);
    assert.equal(await can(operator, 'DELETE', '/api/v1/devices/pump-1'), 403);
    assert.equal(await can(operator, 'POST', `${commands}/blink`), 403);
    assert.equal(
      await can(operator, 'POST', `/api/v1/devices/${encodeURIComponent('lamp')}/commands/blink`),
      403,
    );
    assert.equal(await can(operator, 'POST', '/api/v1/devices/%6Camp/commands/blink'), 403);
    const { body } = await hub.call('GET', '/api/v1/devices', undefined, operator.headers);
    const { devices, total } = body as { devices: { deviceId: string }[]; total: number };
    assert.deepEqual([devices.map(({ deviceId }) => deviceId), total], [['pump-1'], 1]);
    assert.deepEqual((await hub.call('GET', '/devices', undefined, operator.headers)).body, ['pump-1']);
  });

  it('over MQTT is to subscribe for who reads, and to publish for who commands', async (t) => {
    const hub = await startHub(t);
    const url = urlOf(hub.server, 'mqtt');
    const [viewer, operator, device] = [
      await make(hub, {}),
      await make(hub, { roles: ['operator'] }),
      await make(hub, { roles: ['device'] }),
    ];
    const reader = await comeIn(t, url, { username: 'any name', password: viewer.text });
    const messages = await listen(reader, 'house/#');
    const writer = await comeIn(t, url, { username: 'x', password: operator.text });
    await say(writer, 'house/lamp', 'on');
    await until('the message', () => messages.length > 0);
    assert.deepEqual(messages, ['house/lamp on']);
    await assert.rejects(reader.publishAsync('house/lamp', 'off', { qos: 1 }), { code: 135 });
    const none = await comeIn(t, url, { username: 'x', password: device.text });
    const [granted] = await none.subscribeAsync('house/#', { qos: 0 }).catch(() => []);
    assert.equal(granted, undefined);
    assert.equal(await refusalOf(t, url, { username: 'x', password: 'rcd_000000000000_wrong' }), 134);
    assert.equal(await refusalOf(t, url, { username: `token:${viewer.id}`, password: 'x' }), 134);
    assert.equal(await refusalOf(t, url), 135);
    assert.equal(await refusalOf(t, url, { protocolVersion: 4, username: 'ann', password: viewer.id }), 4);
  });

  it('lets a device come in as the ids that it names, and an agent offer its services', async (t) => {
    const hub = await startHub(t);
    const device = await make(hub, { roles: ['device'], scopes: [{ devices: ['pump-*'] }] });
    const pump = await connectDevice(t, hub, { ...LAMP, id: 'pump-7', token: device.text });
    assert.match(pump.text, /"ok":true/);
    const other = await connectDevice(t, hub, { ...LAMP, id: 'lamp', token: device.text });
    assert.match(other.text, /"ok":false.*FORBIDDEN/);
    const untrusted = await connectDevice(t, hub, { ...LAMP, id: 'lamp' });
    assert.match(untrusted.text, /DEVICE_TOKEN_INVALID/);
    const viewer = await make(hub, {});
    const reader = await connectDevice(t, hub, { ...LAMP, id: 'pump-7', token: viewer.text });
    assert.match(reader.text, /"ok":false.*FORBIDDEN/);

    const agent = await make(hub, { roles: ['agent'], scopes: [{ services: ['billing'] }] });
    const url = urlOf(hub.server, 'mqtt');
    const client = await comeIn(t, url, { clientId: 'box', username: 'x', password: agent.text });
    const announce = (service: string): Promise<unknown> => {
      const will = agentWill(service, 'box');
      return client.publishAsync(will.topicName, Buffer.from(will.payload), { qos: 1, retain: true });
    };
    await announce('billing');
    await assert.rejects(announce('shop'), { code: 135 });
    await assert.rejects(client.publishAsync('house/lamp', 'off', { qos: 1 }), { code: 135 });
  });
});

describe('a token that is taken back', () => {
  it('ends its requests, its MQTT connections and its devices at once, and nobody else', async (t) => {
    const hub = await startHub(t, ({ mqtt }) => (mqtt.trustedNetworks = ['127.0.0.1']));
    await offerThroughHub(t, hub, 'slow', await openSilentTarget(t));
    const [gone, stays] = [await make(hub, { roles: ['admin'] }), await make(hub, { roles: ['admin'] })];
    const url = urlOf(hub.server, 'mqtt');
    const [mqtt, otherMqtt] = [
      await comeIn(t, url, { username: 'x', password: gone.text }),
      await comeIn(t, url, { username: 'x', password: stays.text }),
    ];
    const device = await connectDevice(t, hub, { ...LAMP, token: gone.text });
    const [stream, otherStream] = [await openStream(t, hub, gone), await openStream(t, hub, stays)];
    const ended = Promise.all([endOf(mqtt), closeOf(stream), closeOf(device.socket)]);
    await revoke(hub, gone);
    const [reasonCode] = await ended;
    assert.equal(reasonCode, 0x98);
    assert.equal(otherStream.destroyed, false);
    await say(otherMqtt, 'a', 'still here');
    assert.equal(await refusalOf(t, url, { username: 'x', password: gone.text }), 134);
    assert.equal(await statusOf(hub.call('GET', '/api/v1/devices', undefined, gone.headers)), 401);
    const { body } = await hub.call('GET', '/api/v1/devices/lamp', undefined, ADMIN);
    assert.equal((body as { presence: { reason: string } }).presence.reason, 'access-lost');
  });
});

describe('the first account', () => {
  it('makes this machine no trusted network any more, unless that was written', async (t) => {
    const written = ['127.0.0.0/8', '::1/128'];
    for (const networks of [undefined, written]) {
      const hub = await startHub(t, ({ http, mqtt }) => {
        if (networks === undefined) return;
        http.trustedNetworks = [...networks];
        mqtt.trustedNetworks = [...networks];
      });
      const url = urlOf(hub.server, 'mqtt');
      const anonymous = await comeIn(t, url);
      const named = await comeIn(t, url, { username: 'ann', password: 'said and not proven' });
      assert.equal(await statusOf(hub.call('GET', '/api/v1/devices')), 200);
      const end = endOf(named);
      const made = await make(hub, {});
      assert.equal(await end, 0x98, 'a name that nothing has proven is gone in both');
      if (networks === undefined) {
        await until('who came without a proof has gone', () => !anonymous.connected);
        assert.equal(await refusalOf(t, url), 135);
      } else {
        await say(anonymous, 'a', 'still here');
      }
      assert.equal(await statusOf(hub.call('GET', '/api/v1/devices')), networks === undefined ? 401 : 200);
      await revoke(hub, made);
      assert.equal(await statusOf(hub.call('GET', '/api/v1/devices')), 200);
    }
  });
});

describe('a command that waits for its device', () => {
  it('is not given to it when whoever asked for it has lost the account', async (t) => {
    const hub = await startHub(t);
    const owner = await make(hub, { roles: ['device'] });
    const hello = { ...LAMP, token: owner.text };
    const lamp = await connectDevice(t, hub, hello);
    lamp.socket.destroy();
    await until('the lamp is offline', () => hub.server.hub.devices.get('lamp')?.isOnline === false);
    const [gone, stays] = [
      await make(hub, { roles: ['operator'] }),
      await make(hub, { roles: ['operator'] }),
    ];
    await hub.call(
      'POST',
      '/api/v1/users',
      { name: 'ann', password: '12345678', roles: ['operator'] },
      ADMIN,
    );
    const signedIn = await hub.call('POST', '/api/v1/session', { name: 'ann', password: '12345678' });
    const ann = { cookie: (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
    const ids: string[] = [];
    for (const headers of [gone.headers, ann, stays.headers, ADMIN]) {
      const path = '/api/v1/devices/lamp/commands/blink';
      const { status, body } = await hub.call('POST', path, { queueForMs: 60_000 }, headers);
      assert.equal(status, 202);
      ids.push((body as { invocation: { id: string } }).invocation.id);
    }
    await revoke(hub, gone);
    // Who may do less comes into it as who may do nothing.
    await hub.call('PATCH', '/api/v1/users/ann', { roles: ['viewer'] }, ADMIN);
    const again = await connectDevice(t, hub, hello);
    await until('the last one', () => again.text.includes(ids[3]!));
    assert.deepEqual(
      ids.map((id) => again.text.includes(id)),
      [false, false, true, true],
    );
    const { body } = await hub.call('GET', `/api/v1/invocations/${ids[0]}`, undefined, ADMIN);
    assert.equal((body as { state: string }).state, 'cancelled');
  });
});

describe('streams that somebody without a proof has open', () => {
  it('end with the first account, unless it was written that this network is trusted', async (t) => {
    for (const networks of [undefined, ['127.0.0.0/8', '::1/128']]) {
      const hub = await startHub(t, ({ http, mqtt }) => {
        mqtt.trustedNetworks = ['127.0.0.1'];
        if (networks !== undefined) http.trustedNetworks = [...networks];
      });
      await offerThroughHub(t, hub, 'slow', await openSilentTarget(t));
      const events = await EventStreamReader.open(t, hub.url);
      const service = await openStream(t, hub, { headers: {} });
      await make(hub, {});
      if (networks === undefined) {
        await until('both have ended', () => events.isClosed && service.destroyed);
      } else {
        assert.equal(await statusOf(hub.call('GET', '/api/v1/devices')), 200);
        assert.deepEqual([events.isClosed, service.destroyed], [false, false]);
      }
    }
  });
});

describe('a viewer at a service', () => {
  it('may read, and no header makes more of that; the offer of HTTP/2 is ignored', async (t) => {
    const hub = await startHub(t, ({ mqtt }) => (mqtt.trustedNetworks = ['127.0.0.1']));
    await serveThroughHub(t, hub, 'shop', ({ method, headers }, response) =>
      response.end(JSON.stringify([method, headers['x-http-method-override'] ?? null])),
    );
    const [viewer, operator] = [await make(hub, {}), await make(hub, { roles: ['operator'] })];
    const ask = async (method: string, { headers }: Made, more: Record<string, string>) => {
      const asked = request(`${hub.url}/services/shop/`, { method, headers: { ...headers, ...more } }).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      return answer.statusCode === 200
        ? (JSON.parse(await text(answer)) as unknown)
        : answer.resume().statusCode;
    };
    const override = { 'x-http-method-override': 'DELETE' };
    assert.deepEqual(await ask('GET', viewer, override), ['GET', null]);
    assert.deepEqual(await ask('GET', viewer, { X_HTTP_Method_Override: 'DELETE' }), ['GET', null]);
    assert.deepEqual(await ask('POST', operator, override), ['POST', 'DELETE']);
    assert.deepEqual(await ask('GET', viewer, { connection: 'Upgrade', upgrade: 'h2c' }), ['GET', null]);
    assert.equal(await ask('DELETE', viewer, {}), 403);
    assert.equal(await ask('GET', viewer, { connection: 'Upgrade', upgrade: 'websocket' }), 403);
  });
});

/** A target that begins an answer and does not end it. */
async function openSilentTarget(t: TestContext): Promise<string> {
  const { createServer } = await import('node:http');
  const server = createServer((_request, response) => void response.write('begun')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  return `http://127.0.0.1:${address.port}`;
}

function closeOf(stream: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => void stream.once('close', resolve));
}

async function openStream(t: TestContext, hub: TestHub, { headers }: Pick<Made, 'headers'>) {
  const asked = request(`${hub.url}/services/slow/`, { headers }).end();
  asked.on('error', () => {});
  t.after(() => asked.destroy());
  const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream & { destroyed: boolean }];
  await once(response, 'data');
  response.on('error', () => {});
  return response;
}
