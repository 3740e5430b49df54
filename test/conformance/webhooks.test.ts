import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it, type TestContext } from 'node:test';
import { Webhooks } from '../../src/api/webhooks/webhooks.ts';
import { systemClock } from '../../src/base/clock.ts';
import { KeptKind } from '../../src/base/kept-kinds.ts';
import { createClient, type Client, type Webhook } from '../../src/client/index.ts';
import type { EventInterest } from '../../src/devices/events.ts';
import { MemoryWebhookStore } from '../../src/devices/webhook-store.ts';
import { recordingLogger } from '../helpers/recording-logger.ts';
import { closeServers, serveAnswers, serveBytes, type SeenRequest } from '../helpers/serve-answers.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const ROOT = 'a-token-of-the-configuration';

afterEach(closeServers);

type Rig = { readonly hub: TestHub; readonly client: Client };

async function startRig(t: TestContext, change: (config: MutableConfig) => void = () => {}): Promise<Rig> {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.http.trustedNetworks = [];
    config.webhooks.allowedNetworks = ['127.0.0.0/8'];
    change(config);
  });
  return { hub, client: createClient({ url: hub.url, token: ROOT }) };
}

type Receiver = { readonly url: string; readonly seen: SeenRequest[]; readonly statuses: number[] };

/** A receiver that answers the statuses one after another, and then 204. */
async function startReceiver(...statuses: number[]): Promise<Receiver> {
  const answer = (_request: SeenRequest, response: ServerResponse): void => {
    response.writeHead(statuses.shift() ?? 204).end();
  };
  return { ...(await serveAnswers(answer)), statuses };
}

type Told = { readonly id: string; readonly event: string; readonly data: Record<string, unknown> };

const eventsOf = ({ body }: SeenRequest): Told[] =>
  (JSON.parse(body) as { data: { events: Told[] } }).data.events;
const toldTo = ({ seen }: Receiver): Told[] => seen.flatMap(eventsOf);

/** A device that comes by each of its connections anew. */
async function bringDevice(t: TestContext, { hub }: Rig, id: string): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(`${JSON.stringify({ recado: 2, id, description: { commands: {} } })}\n`);
  await until('an answer to the hello', () => device.text.includes('\n'));
  return device;
}

const statusOf = async ({ client }: Rig, { id }: Webhook): Promise<Webhook['status']> =>
  (await client.webhooks.get(id)).status;

function signatureOf({ headers, body }: SeenRequest, secret: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const text = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
}

describe('a webhook', () => {
  it('is told what it asked for, signed, in order, and of nothing else', async (t) => {
    const rig = await startRig(t);
    const receiver = await startReceiver();
    const url = `${receiver.url}/hook?key=a-secret-of-the-receiver`;
    const made = await rig.client.webhooks.create({
      url,
      title: 'The app',
      events: { device: 'lamp', kind: 'presence,description' },
    });
    await bringDevice(t, rig, 'pump');
    await bringDevice(t, rig, 'lamp');
    await until('both events', () => toldTo(receiver).length === 2);
    assert.deepEqual(
      toldTo(receiver)
        .map(({ event, data }) => `${event} ${String(data['deviceId'])}`)
        .toSorted(),
      ['description lamp', 'presence lamp'],
    );
    const ids = toldTo(receiver).map(({ id }) => Number(id.split('-')[1]));
    assert.deepEqual(
      ids,
      [...ids].sort((a, b) => a - b),
    );
    for (const request of receiver.seen) {
      assert.equal(request.method, 'POST');
      assert.equal(request.url, '/hook?key=a-secret-of-the-receiver');
      assert.equal(request.headers['content-type'], 'application/json');
      assert.match(String(request.headers['webhook-id']), /^msg_\w+$/);
      const age = Date.now() / 1000 - Number(request.headers['webhook-timestamp']);
      assert.ok(age < 300 && age > -5);
      assert.equal(request.headers['webhook-signature'], signatureOf(request, made.secret!));
      assert.equal((JSON.parse(request.body) as { type: string }).type, 'device.events');
    }
    const [listed] = await rig.client.webhooks.list();
    const { secret, ...rest } = made;
    assert.deepEqual({ ...listed, deliveredAt: null }, rest);
    assert.match(secret!, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const logged = JSON.stringify(rig.hub.logged);
    assert.ok(!logged.includes(secret!) && !logged.includes('a-secret-of-the-receiver'));
    await until('its metrics', async () => {
      const headers = { authorization: `Bearer ${ROOT}` };
      const { text } = await rig.hub.call('GET', '/metrics', undefined, headers);
      assert.match(text, /^recado_webhooks\{status="active"\} 1$/m);
      return /^recado_webhooks_events_total 2$/m.test(text);
    });
  });

  it('is told again what was not taken, the same with the same id, before all that came later', async (t) => {
    const rig = await startRig(t);
    const receiver = await startReceiver(500, 302);
    const made = await rig.client.webhooks.create({ url: receiver.url, events: { kind: 'presence' } });
    await bringDevice(t, rig, 'one');
    await until('a first try', () => receiver.seen.length > 0);
    const failing = await until('its failure', async () => {
      const shown = await rig.client.webhooks.get(made.id);
      return shown.lastFailure === null ? undefined : shown;
    });
    assert.equal(failing.status, 'failing');
    assert.match(failing.lastFailure!.detail, /^it answered (500|302)/);
    await bringDevice(t, rig, 'two');
    await until('what came later', () => toldTo(receiver).some(({ data }) => data['deviceId'] === 'two'));
    const [first, ...again] = receiver.seen;
    for (const retry of again.slice(0, 2)) {
      assert.equal(retry.headers['webhook-id'], first!.headers['webhook-id']);
      assert.equal(retry.body, first!.body);
    }
    assert.deepEqual(
      toldTo(receiver).map(({ data }) => data['deviceId']),
      ['one', 'one', 'one', 'two'],
    );
    await until('that it is well', async () => (await statusOf(rig, made)) === 'active');
    const logged = rig.hub.logged.map(({ text }) => text).filter((text) => text.includes('webhook'));
    assert.deepEqual(
      logged.map((text) => text.replace(made.id, 'ID')),
      ['webhook ID fails: it answered 500', 'webhook ID is delivered again'],
    );
  });

  it('whose receiver wants no more is dead, and when it is revived goes on where that was', async (t) => {
    const rig = await startRig(t);
    const receiver = await startReceiver(204, 410);
    const made = await rig.client.webhooks.create({ url: receiver.url, events: { kind: 'presence' } });
    await bringDevice(t, rig, 'one');
    await until('the first', () => receiver.seen.length === 1);
    await bringDevice(t, rig, 'two');
    const dead = await until('its end', async () => {
      const shown = await rig.client.webhooks.get(made.id);
      return shown.status === 'dead' ? shown : undefined;
    });
    assert.deepEqual(
      [dead.lastFailure?.status, dead.lastFailure?.attempts, dead.nextAttemptAt],
      [410, 1, null],
    );
    await bringDevice(t, rig, 'three');
    assert.equal((await rig.client.webhooks.change(made.id, { status: 'active' })).lastFailure, null);
    await until('the rest', () => toldTo(receiver).some(({ data }) => data['deviceId'] === 'three'));
    assert.deepEqual(
      toldTo(receiver).map(({ data }) => data['deviceId']),
      ['one', 'two', 'two', 'three'],
    );
  });

  it('that fails for too long is dead; one that is paused is told later', async (t) => {
    const rig = await startRig(t, (config) => {
      config.webhooks.giveUpMs = 10;
    });
    const gone = await startReceiver(...Array.from({ length: 100 }, () => 503));
    const paused = await startReceiver();
    const failing = await rig.client.webhooks.create({ url: gone.url });
    const other = await rig.client.webhooks.create({ url: paused.url, events: { kind: 'presence' } });
    await rig.client.webhooks.change(other.id, { status: 'paused' });
    await bringDevice(t, rig, 'one');
    await until('its end', async () => (await statusOf(rig, failing)) === 'dead');
    assert.deepEqual([await statusOf(rig, other), paused.seen.length], ['paused', 0]);
    await rig.client.webhooks.change(other.id, { status: 'active' });
    await until('what came meanwhile', () => toldTo(paused).length === 1);
    assert.equal(toldTo(paused)[0]!.event, 'presence');
  });

  it('outlives the hub, with its secret, and tells that there is a gap', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'recado-webhooks-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const keep = (config: MutableConfig): void => {
      config.inMemory = false;
      config.dataDir = folder;
    };
    const first = await startRig(t, keep);
    const receiver = await startReceiver();
    const made = await first.client.webhooks.create({ url: receiver.url, events: { kind: 'presence' } });
    await bringDevice(t, first, 'one');
    await until('the first', () => receiver.seen.length === 1);
    await first.hub.server.close();
    const second = await startRig(t, keep);
    await until('the gap', () => toldTo(receiver).some(({ event }) => event === 'reset'));
    await bringDevice(t, second, 'two');
    await until('what is new', () => toldTo(receiver).some(({ data }) => data['deviceId'] === 'two'));
    const last = receiver.seen.at(-1)!;
    assert.equal(last.headers['webhook-signature'], signatureOf(last, made.secret!));
    await second.client.webhooks.remove(made.id);
    assert.deepEqual(await second.client.webhooks.list(), []);
  });

  it('that cannot be read when the hub starts does not stop it, and is read when somebody asks', async (t) => {
    const { hub } = await startRig(t);
    const { feed, ledger } = hub.server.hub;
    const store = new MemoryWebhookStore();
    await store.write({
      put: {
        id: 'a',
        url: 'http://a.example/',
        events: {},
        secret: '',
        status: 'paused',
        createdBy: 'x',
        createdAt: 1,
      },
    });
    const load = store.load.bind(store);
    store.load = async () => Promise.reject(new Error('no disk'));
    const { log, lines } = recordingLogger();
    const interestOf = (): EventInterest => ({ devices: undefined, kinds: undefined });
    const options = { maxWebhooks: 1, allowedNetworks: [], timeoutMs: 1000, giveUpMs: 1000 };
    const parts = { feed, ledger, store, options, interestOf, clock: systemClock, log };
    const webhooks = new Webhooks(parts);
    await webhooks.start();
    assert.match(lines.map(({ text }) => text).join(), /webhooks cannot be read/);
    await assert.rejects(webhooks.list(), /no disk/);
    await assert.rejects(webhooks.remove('a'), /no disk/);
    store.load = load;
    assert.deepEqual(
      (await Promise.all([webhooks.list(), webhooks.list()])).map((list) => list.length),
      [1, 1],
    );
    await webhooks.close();
  });

  it('of who may not read everything, or manage, is not made', async (t) => {
    const rig = await startRig(t);
    const receiver = await startReceiver();
    for (const scopes of [[{ verbs: ['manage'] }], [{ devices: ['lamp'] }]]) {
      const { body } = await rig.hub.call(
        'POST',
        '/api/v1/tokens',
        { name: 'x', roles: ['admin'], scopes },
        { authorization: `Bearer ${ROOT}` },
      );
      const narrow = createClient({ url: rig.hub.url, token: body.token });
      await assert.rejects(narrow.webhooks.create({ url: receiver.url }), { code: 'FORBIDDEN' });
    }
  });
});

describe('where a webhook may post', () => {
  it('is no inner address in whatever spelling, unless it is allowed', async (t) => {
    const rig = await startRig(t, (config) => {
      config.webhooks.allowedNetworks = [];
    });
    const hosts =
      '127.0.0.1 127.1 2130706433 0x7f.1 0.0.0.0 10.1.2.3 172.31.0.1 192.168.0.1 169.254.169.254 100.64.0.1 224.0.0.1 ' +
      '[::1] [::] [::ffff:127.0.0.1] [::ffff:a00:1] [fe80::1] [fd00::1] [64:ff9b::7f00:1] [2002:7f00:1::] [ff02::1]';
    for (const host of hosts.split(' ')) {
      const made = rig.client.webhooks.create({ url: `http://${host}/` });
      await assert.rejects(made, { code: 'REQUEST_INVALID' }, host);
    }
    for (const url of [
      'ftp://app.example/',
      'app.example',
      'https://me:pw@app.example/',
      'https://a.example/#x',
    ])
      await assert.rejects(rig.client.webhooks.create({ url }), { code: 'REQUEST_INVALID' }, url);
    assert.deepEqual(await rig.client.webhooks.list(), []);
  });

  it('is asked of the address that a name leads to, when it is used', async (t) => {
    const rig = await startRig(t, (config) => {
      config.webhooks.allowedNetworks = [];
    });
    const receiver = await startReceiver();
    const url = receiver.url.replace('127.0.0.1', 'localhost');
    const made = await rig.client.webhooks.create({ url, events: { kind: 'presence' } });
    await bringDevice(t, rig, 'one');
    await until('its failure', async () => (await statusOf(rig, made)) === 'failing');
    const { lastFailure } = await rig.client.webhooks.get(made.id);
    assert.match(lastFailure!.detail, /is no address of the public internet, and webhooks\.allowedNetworks/);
    assert.equal(receiver.seen.length, 0);
  });

  it('is not where a receiver sends it on to', async (t) => {
    const rig = await startRig(t);
    const elsewhere = await startReceiver();
    const { url } = await serveAnswers((_request, response) => {
      response.writeHead(307, { location: elsewhere.url }).end();
    });
    const made = await rig.client.webhooks.create({ url, events: { kind: 'presence' } });
    await bringDevice(t, rig, 'one');
    await until('its failure', async () => (await statusOf(rig, made)) === 'failing');
    assert.equal(elsewhere.seen.length, 0);
  });
});

describe('what webhooks may take of the hub', () => {
  it('is no answer that does not come, and no answer without end', async (t) => {
    const rig = await startRig(t, (config) => {
      config.webhooks.timeoutMs = 300;
    });
    let cut = 0;
    const silent = await serveBytes(() => {});
    const endless = await serveBytes((socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write('x'.repeat(65_536)));
      };
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.on('drain', more);
        more();
      });
      socket.on('close', () => cut++);
    });
    const slow = await rig.client.webhooks.create({ url: silent, events: { kind: 'presence' } });
    await rig.client.webhooks.create({ url: endless, events: { kind: 'presence' } });
    await bringDevice(t, rig, 'one');
    await until('the end of the endless', () => cut > 0);
    await until('the failure of the silent', async () => (await statusOf(rig, slow)) === 'failing');
    const { lastFailure } = await rig.client.webhooks.get(slow.id);
    assert.equal(lastFailure!.detail, 'no answer came within 300 ms');
  });

  it('is as many as the configuration says, and what they are booked for is given back', async (t) => {
    const rig = await startRig(t, (config) => {
      config.webhooks.maxWebhooks = 2;
    });
    const { url } = await startReceiver();
    const kept = (): number => rig.hub.server.hub.ledger.totals()[KeptKind.WEBHOOK]!.count;
    const [one] = [await rig.client.webhooks.create({ url }), await rig.client.webhooks.create({ url })];
    await assert.rejects(rig.client.webhooks.create({ url }), { code: 'WEBHOOKS_FULL' });
    assert.equal(kept(), 2);
    await rig.client.webhooks.remove(one.id);
    assert.equal(kept(), 1);
    await assert.rejects(rig.client.webhooks.get(one.id), { code: 'WEBHOOK_UNKNOWN' });
    await rig.client.webhooks.create({ url });
  });

  it('is one delivery at a time, of a bounded size, and who is too slow is told what it missed', async (t) => {
    const rig = await startRig(t, (config) => {
      config.events.maxKeptEvents = 1024;
    });
    const waiting: ServerResponse[] = [];
    const receiver = await serveAnswers((_request, response) => waiting.push(response));
    await rig.client.webhooks.create({ url: receiver.url, events: { kind: 'reading' } });
    const feed = rig.hub.server.hub.feed;
    const report = (value: number): void =>
      feed.publishReading('sensor', { metric: 'm', value, unit: undefined, time: 0 });
    report(0);
    await until('the first', () => waiting.length === 1);
    for (let value = 1; value <= 5000; value++) report(value);
    waiting.shift()!.end();
    const told = (): Told[] => receiver.seen.flatMap(eventsOf);
    await until('the last', () => {
      waiting.shift()?.end();
      return told().at(-1)?.data['value'] === 5000;
    });
    const missed = told().filter(({ event }) => event === 'missed');
    assert.equal(missed.length, 1);
    const readings = told().filter(({ event }) => event === 'reading');
    assert.equal(readings.length + Number(missed[0]!.data['count']), 5001);
    for (const { body } of receiver.seen) assert.ok(body.length < 70_000);
  });
});
