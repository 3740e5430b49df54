import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { connect } from 'mqtt';
import { refusalOf, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const ROOT = 'a-token-of-the-configuration';
const AWAY = { 'x-forwarded-for': '192.0.2.9' };
const COOKIE = { cookie: `recado_session=${'x'.repeat(43)}` };
const PERSON = { name: 'ann', password: 'correct horse battery' };

function startHub(t: TestContext, change: (config: MutableConfig) => void = () => {}): Promise<TestHub> {
  return startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.http.trustedProxies = ['127.0.0.1'];
    change(config);
  });
}

const warned = ({ logged }: TestHub): string[] =>
  logged.flatMap(({ text }) => /^a \w+ came over [\w -]+ without TLS/.exec(text)?.[0] ?? []);

describe('a secret that comes without TLS', () => {
  it('over HTTP is warned of, once for each kind, and not as what it is', async (t) => {
    const hub = await startHub(t);
    const ask = (headers: Record<string, string>) => hub.call('GET', '/api/v1/devices', undefined, headers);
    const signIn = (headers: Record<string, string>) => hub.call('POST', '/api/v1/session', PERSON, headers);
    await ask(AWAY);
    assert.deepEqual(warned(hub), []);
    for (let times = 0; times < 3; times++) {
      await ask({ ...AWAY, authorization: `Bearer ${ROOT}` });
      await ask({ ...AWAY, ...COOKIE });
      await signIn(AWAY);
    }
    assert.deepEqual(warned(hub), [
      'a token came over HTTP without TLS',
      'a cookie came over HTTP without TLS',
      'a password came over HTTP without TLS',
    ]);
    for (const secret of [ROOT, PERSON.password, 'x'.repeat(43)])
      assert.ok(!JSON.stringify(hub.logged).includes(secret));
  });

  it('from this machine, or behind a proxy that has TLS, is not', async (t) => {
    const hub = await startHub(t);
    for (const headers of [{}, { ...AWAY, 'x-forwarded-proto': 'https' }]) {
      const ask = { ...headers, ...COOKIE, authorization: `Bearer ${ROOT}` };
      await hub.call('GET', '/api/v1/devices', undefined, ask);
      await hub.call('POST', '/api/v1/session', PERSON, headers);
    }
    assert.deepEqual(warned(hub), []);
  });

  it('over MQTT through WebSocket is warned of by the same rule', async (t) => {
    const hub = await startHub(t);
    const url = urlOf(hub.server, 'mqtt-websocket');
    const come = async (headers: Record<string, string>): Promise<void> => {
      const client = connect(url, {
        username: 'ann',
        password: 'x',
        reconnectPeriod: 0,
        wsOptions: { headers },
      });
      t.after(() => client.end(true));
      client.on('error', () => undefined);
      await new Promise((resolve) => client.once('packetreceive', resolve));
    };
    await come({});
    await come({ ...AWAY, 'x-forwarded-proto': 'https' });
    assert.deepEqual(warned(hub), []);
    await come(AWAY);
    assert.deepEqual(warned(hub), ['a password came over mqtt-websocket without TLS']);
  });

  const [outside] = Object.values(networkInterfaces()).flatMap((all = []) =>
    all.filter(({ internal, family }) => !internal && family === 'IPv4'),
  );
  const skip = outside === undefined && 'this machine has no address that others reach';
  it('over the ports of MQTT and of devices is warned of', { skip }, async (t) => {
    const hub = await startHub(t, ({ mqtt, gateways: { socket } }) => {
      mqtt.host = '0.0.0.0';
      socket.host = '0.0.0.0';
      mqtt.trustedNetworks = [`${outside!.address}/32`];
      socket.trustedNetworks = [`${outside!.address}/32`];
    });
    const at = (port: number): string => `mqtt://${outside!.address}:${port}`;
    await refusalOf(t, at(hub.mqttPort), { username: 'ann', password: `rcd_0123456789ab_${'x'.repeat(43)}` });
    const device = await WireDevice.connect(t, hub.tcpPort, outside!.address);
    device.send(
      `${JSON.stringify({ recado: 2, id: 'a', token: 'secret', description: { commands: {} } })}\n`,
    );
    await until('an answer to the hello', () => device.text.includes('\n'));
    assert.deepEqual(warned(hub), [
      'a token came over mqtt without TLS',
      'a token came over the port of devices without TLS',
    ]);
  });
});

it('the cookie is Secure where the browser speaks TLS with whom it reaches', async (t) => {
  const hub = await startHub(t);
  await hub.server.hub.accounts.users.create({ ...PERSON, roles: ['viewer'], scopes: [] });
  const cookieOf = async (headers: Record<string, string>): Promise<string> =>
    (await hub.call('POST', '/api/v1/session', PERSON, headers)).headers.get('set-cookie') ?? '';
  assert.doesNotMatch(await cookieOf({}), /Secure/);
  assert.doesNotMatch(await cookieOf({ ...AWAY, 'x-forwarded-proto': 'http' }), /Secure/);
  assert.match(await cookieOf({ ...AWAY, 'x-forwarded-proto': 'https' }), /; Secure$/);
  assert.match(await cookieOf({ ...AWAY, 'x-forwarded-proto': 'HTTPS, http' }), /; Secure$/);
  const open = await startTestHub(t, (config) => (config.http.tokens = [ROOT]));
  await open.server.hub.accounts.users.create({ ...PERSON, roles: ['viewer'], scopes: [] });
  const forged = await open.call('POST', '/api/v1/session', PERSON, { 'x-forwarded-proto': 'https' });
  assert.doesNotMatch(forged.headers.get('set-cookie') ?? '', /Secure/);
});
