import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createClient, ProblemError, type Client } from '../../src/client/index.ts';
import { failureOf } from '../helpers/client-answers.ts';
import { comeIn, endOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const ROOT = 'a-token-of-the-configuration';
const ADMINISTRATIVE_ACTION = 0x98;

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  const failure = await failureOf(call);
  assert.ok(failure instanceof ProblemError, String(failure));
  return failure.code;
};

async function startHub(
  t: TestContext,
): Promise<{ hub: TestHub; url: string; admin: Client; viewer: Client }> {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.http.trustedNetworks = [];
    config.mqtt.trustedNetworks = ['127.0.0.0/8'];
  });
  const admin = createClient({ url: hub.url, token: ROOT });
  const { token } = await admin.tokens.create({ name: 'viewer', roles: ['viewer'] });
  const viewer = createClient({ url: hub.url, token });
  return { hub, url: `mqtt://127.0.0.1:${hub.mqttPort}`, admin, viewer };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Clients of any id, by the bytes of MQTT 3.1.1 themselves; persistent, so that their sessions stay. */
async function comeAsBytes(t: TestContext, hub: TestHub, clientIds: readonly string[]): Promise<void> {
  const { broker } = hub.server.hub;
  await Promise.all(
    clientIds.map(async (clientId) => {
      const id = Buffer.from(clientId);
      const body = Buffer.concat([
        Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 0]),
        Buffer.from([id.length >> 8, id.length & 0xff]),
        id,
      ]);
      const { length } = body;
      const remaining =
        length < 128 ? [length] : [(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
      const socket = connect(hub.mqttPort, '127.0.0.1');
      t.after(() => socket.destroy());
      socket.write(Buffer.concat([Buffer.from([0x10, ...remaining]), body]));
      await until('it is in', () => broker!.session(clientId)?.isConnected === true);
    }),
  );
}

describe('the sessions of the broker, over the API', () => {
  it('are listed and described, and tell addresses to whom manages the hub', async (t) => {
    const { url, admin, viewer } = await startHub(t);
    const pump = await comeIn(t, url, {
      clientId: 'pump',
      clean: false,
      properties: { sessionExpiryInterval: 600 },
    });
    await pump.subscribeAsync(['a/#', 'b'], { qos: 1 });
    const radio = await comeIn(t, url, { clientId: 'radio', protocolVersion: 4 });
    await pump.endAsync(true);
    await until('it is away', async () => (await admin.broker.sessions.get('pump')).status === 'away');
    await radio.publishAsync('a/1', 'x', { qos: 1 });

    const seen = await admin.broker.sessions.get('pump');
    assert.deepEqual(
      { ...seen, key: '' },
      {
        clientId: 'pump',
        key: '',
        status: 'away',
        userName: null,
        protocolVersion: '5.0',
        listener: 'mqtt',
        address: '127.0.0.1',
        subscriptions: 2,
        inFlight: 0,
        queued: 1,
        keptForSeconds: 600,
      },
    );
    const { clients } = await viewer.broker.clients.list();
    assert.deepEqual(
      clients.map(({ clientId, protocolVersion, address }) => [clientId, protocolVersion, address]),
      [['radio', '3.1.1', null]],
    );
    const ids = async (options: Parameters<Client['broker']['sessions']['list']>[0]) =>
      (await admin.broker.sessions.list(options)).sessions.map(({ clientId }) => clientId);
    assert.deepEqual(await ids({}), ['pump', 'radio']);
    assert.deepEqual(await ids({ status: 'away' }), ['pump']);
    assert.deepEqual(await ids({ q: 'RAD' }), ['radio']);
    assert.equal(await codeOf(admin.broker.clients.get('pump')), 'CLIENT_UNKNOWN');
    assert.equal(await codeOf(viewer.broker.clients.disconnect('radio')), 'FORBIDDEN');
  });

  it('end as the caller says: the connection alone, or with the session', async (t) => {
    const { hub, url, admin } = await startHub(t);
    const come = { clientId: 'pump', clean: false, properties: { sessionExpiryInterval: 600 } };
    const kicked = await comeIn(t, url, come);
    const reason = endOf(kicked);
    const listed = await admin.broker.clients.get('pump');
    await admin.broker.clients.disconnect('pump');
    assert.equal(await reason, ADMINISTRATIVE_ACTION);
    await until('it is away', async () => (await admin.broker.sessions.get(listed)).status === 'away');

    const back = await comeIn(t, url, come);
    const end = endOf(back);
    await admin.broker.sessions.end(listed);
    assert.equal(await end, ADMINISTRATIVE_ACTION);
    assert.equal(await codeOf(admin.broker.sessions.get('pump')), 'CLIENT_UNKNOWN');
    await comeIn(t, url, come);
    assert.equal(await codeOf(admin.broker.sessions.end(listed)), 'CLIENT_UNKNOWN', 'it is another session');
    assert.equal(hub.server.hub.broker!.counts.sessions, 1);
    const { entries } = await admin.audit.list();
    assert.deepEqual(
      entries.filter(({ status }) => status === 204).map(({ action, target }) => `${action} ${target}`),
      ['endBrokerSession pump', 'disconnectBrokerClient pump'],
    );
  });

  it('are reached whatever their client ids are', async (t) => {
    const { hub, admin } = await startHub(t);
    const odd = ['..', '.', '~1', 'a/b', 'a%2Fb', 'é ☃ 😀', '"\\', 'ä'.repeat(32_767)];
    await comeAsBytes(t, hub, odd);
    const listed = await collect(admin.broker.sessions.all({ limit: 3 }));
    assert.deepEqual(new Set(listed.map(({ clientId }) => clientId)), new Set(odd));
    for (const session of listed) {
      assert.equal((await admin.broker.sessions.get(session)).clientId, session.clientId);
      if (!/^(\.+|~1|ä+)$/.test(session.clientId))
        assert.equal((await admin.broker.sessions.get(session.clientId)).clientId, session.clientId);
      await admin.broker.sessions.end(session);
    }
    assert.equal(hub.server.hub.broker!.counts.sessions, 0);
  });

  it('a hub that is no broker says so', async (t) => {
    const hub = await startTestHub(t, (config) => {
      config.mqtt.enabled = false;
    });
    for (const list of ['clients', 'sessions', 'clients/x'])
      assert.equal((await hub.call('GET', `/api/v1/broker/${list}`)).body.code, 'NO_BROKER');
  });
});

describe('pages of sessions', () => {
  it('go on where the last one ended, whoever came or went meanwhile', async (t) => {
    const hub = await startTestHub(t);
    const { broker } = hub.server.hub;
    await comeAsBytes(
      t,
      hub,
      Array.from({ length: 12 }, (_, index) => `c${index}`),
    );
    const client = createClient({ url: hub.url });
    const first = await client.broker.sessions.list({ limit: 5 });
    const last = first.sessions.at(-1)!;
    broker!.disconnectClient(last.clientId, { endSession: true });
    await comeAsBytes(t, hub, ['late']);
    const rest = await collect(client.broker.sessions.all({ limit: 5, cursor: first.nextCursor }));
    const ids = [...first.sessions, ...rest].map(({ clientId }) => clientId);
    assert.equal(new Set(ids).size, 13);
    assert.equal(ids.at(-1), 'late');
    assert.equal((await hub.call('GET', '/api/v1/broker/sessions?cursor=bm9ib2R5')).status, 400);
  });
});
