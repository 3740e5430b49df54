import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { IPublishPacket } from 'mqtt';
import type { AssignableRole } from '../../src/accounts/permissions.ts';
import { createClient, ProblemError, type Client, type Scope } from '../../src/client/index.ts';
import { failureOf } from '../helpers/client-answers.ts';
import { comeIn, passwordLines, TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const ROOT = 'a-token-of-the-configuration';
const PASSWORD = 'correct horse battery';

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  const failure = await failureOf(call);
  assert.ok(failure instanceof ProblemError, String(failure));
  return failure.code;
};

const urlOf = ({ mqttPort }: TestHub): string => `mqtt://127.0.0.1:${mqttPort}`;

async function hear(
  t: TestContext,
  hub: TestHub,
  filter: string,
): Promise<(readonly [Buffer, IPublishPacket])[]> {
  const heard: (readonly [Buffer, IPublishPacket])[] = [];
  const client = await comeIn(t, urlOf(hub));
  client.on('message', (_, payload, packet) => heard.push([payload, packet]));
  await client.subscribeAsync({ [filter]: { qos: 2, rap: true } });
  return heard;
}

describe('topics over the API', () => {
  it('are published to as by a client of MQTT 5, byte by byte', async (t) => {
    const hub = await startTestHub(t);
    const { topics } = createClient({ url: hub.url });
    const heard = await hear(t, hub, 'lab/#');
    const bytes = Buffer.from([0, 0xff, 0xfe, 0x0d, 0x0a, 0x80]);
    const userProperties = [
      ['by', 'Ana & Maria'],
      ['by', 'ç=☃'],
    ] as const;
    const asked = { qos: 2, contentType: 'application/cbor', userProperties, expirySeconds: 90 };
    assert.deepEqual(await topics.publish('lab/a', bytes, asked), { isMatched: true });
    assert.deepEqual(await topics.publish('nobody', 'x'), { isMatched: false });
    assert.deepEqual(await topics.publish('lab//', '', { retain: true }), { isMatched: true });
    await until('both came', () => heard.length === 2);
    const [payload, { topic, qos, retain, properties }] = heard[0]!;
    assert.deepEqual([payload, topic, qos, retain], [bytes, 'lab/a', 2, false]);
    assert.equal(properties?.contentType, 'application/cbor');
    assert.equal(properties.messageExpiryInterval, 90);
    assert.deepEqual({ ...properties.userProperties }, { by: ['Ana & Maria', 'ç=☃'] });
    assert.deepEqual([heard[1]![1].topic, heard[1]![1].retain, heard[1]![0].length], ['lab//', true, 0]);
  });

  it('keep what is retained there: listed, read, replaced, taken away', async (t) => {
    const hub = await startTestHub(t);
    const { topics } = createClient({ url: hub.url });
    const client = await comeIn(t, urlOf(hub));
    const properties = { contentType: 'text/html', userProperties: { by: 'me' } };
    await client.publishAsync('page', '<script>', { qos: 1, retain: true, properties });
    await topics.put('lab/1', Buffer.from([0, 0xff]), { qos: 1, contentType: 'image/png' });
    await topics.put('lab/2/x', '{}', { expirySeconds: 3600 });
    const { payload, contentType } = await topics.get('lab/1');
    assert.deepEqual([...payload, contentType], [0, 0xff, 'image/png']);
    const page = await hub.call('GET', '/api/v1/topics/page');
    assert.deepEqual([page.status, page.text], [200, '<script>']);
    // What anybody has published does not act as who is signed in.
    assert.equal(page.headers.get('content-security-policy'), "default-src 'none'; sandbox");
    assert.equal(page.headers.get('mqtt-user-properties'), 'by=me');
    const { topics: listed } = await topics.list({ filter: 'lab/#' });
    const { expires, ...second } = listed[1]!;
    assert.ok(Math.abs(Date.parse(expires!) - Date.now() - 3_600_000) < 60_000);
    assert.deepEqual(
      [listed[0], second],
      [
        {
          topic: 'lab/1',
          qos: 1,
          payloadBytes: 2,
          contentType: 'image/png',
          userProperties: [],
          expires: null,
        },
        { topic: 'lab/2/x', qos: 0, payloadBytes: 2, contentType: null, userProperties: [] },
      ],
    );
    const heard = await hear(t, hub, 'lab/1');
    await until('it was retained', () => heard.length === 1);
    await topics.clear('lab/1');
    await until('they are told', () => heard.length === 2 && heard[1]![0].length === 0);
    assert.equal(await codeOf(topics.get('lab/1')), 'RETAINED_UNKNOWN');
    await topics.clear('lab/1');
    assert.equal((await hub.call('PUT', '/api/v1/topics/lab')).body.code, 'REQUEST_INVALID');
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    await fetch(`${hub.url}/api/v1/topics/form`, { method: 'PUT', body: 'a=b', headers: form });
    assert.equal(
      (await topics.list({ filter: 'form' })).topics[0]!.contentType,
      null,
      'curl says it unasked',
    );
  });

  it('are reached whatever they are, or are said to be wrong', async (t) => {
    const hub = await startTestHub(t);
    const { topics } = createClient({ url: hub.url });
    const odd = ['/', '//', 'a/', '/a', 'a/../b', './..', 'a%2Fb', 'ç ☃ 😀', '$own/x', 'é'.repeat(2000)];
    for (const topic of odd) await topics.put(topic, topic);
    for (const topic of odd) assert.equal(Buffer.from((await topics.get(topic)).payload).toString(), topic);
    assert.equal((await hub.call('GET', '/api/v1/topics/a/b%2Fc')).body.code, 'RETAINED_UNKNOWN');
    for (const wrong of ['a/+', '#', 'a\0b'])
      assert.equal(await codeOf(topics.publish(wrong, 'x')), 'TOPIC_INVALID', wrong);
    for (const wrong of ['a#', '$share/g/a'])
      assert.equal(await codeOf(topics.list({ filter: wrong })), 'TOPIC_INVALID');
    for (const query of ['?qos=3', '?expirySeconds=0', '?retain=yes'])
      assert.equal((await hub.call('POST', `/api/v1/topics/a${query}`)).status, 400, query);
    const gzip = { 'content-encoding': 'gzip' };
    assert.equal((await hub.call('POST', '/api/v1/topics/a', {}, gzip)).status, 415);
  });

  it('come in pages, in one order, whatever comes or goes meanwhile', async (t) => {
    const hub = await startTestHub(t);
    const { topics } = createClient({ url: hub.url });
    const names = Array.from({ length: 1500 }, (_, index) => `many/${(index * 7919) % 1500}`);
    for (const topicName of names) hub.server.hub.broker!.publish({ topicName, payload: 'x', retain: true });
    const first = await topics.list({ filter: 'many/+', limit: 700 });
    await topics.clear(first.topics.at(-1)!.topic);
    await topics.put('many/00', 'before the cursor');
    await topics.put('many/zz', 'behind it');
    const seen = first.topics.map(({ topic }) => topic);
    const rest = { filter: 'many/+', limit: 300, cursor: first.nextCursor };
    for await (const { topic } of topics.all(rest)) seen.push(topic);
    assert.deepEqual(seen, [...names, 'many/zz'].toSorted());
    for (const cursor of ['x', Buffer.from('many/00').toString('base64url')])
      assert.equal(await codeOf(topics.list({ cursor })), 'REQUEST_INVALID', cursor);
  });
});

describe('topics over the API, by rights', () => {
  const start = async (
    t: TestContext,
    change: (config: MutableConfig) => void = () => {},
  ): Promise<{
    hub: TestHub;
    admin: Client;
    as: (role: AssignableRole, scopes?: Scope[]) => Promise<Client>;
  }> => {
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = [ROOT];
      config.http.trustedNetworks = [];
      change(config);
    });
    const admin = createClient({ url: hub.url, token: ROOT });
    return {
      hub,
      admin,
      as: async (role, scopes = []) => {
        const { token } = await admin.tokens.create({ name: role, roles: [role], scopes });
        return createClient({ url: hub.url, token });
      },
    };
  };

  it('are for whom scopes let publish and read there, as over MQTT', async (t) => {
    const { admin, as } = await start(t);
    const viewer = await as('viewer');
    const cellar = await as('operator', [{ topics: ['cellar/#'] }]);
    const lamps = await as('operator', [{ devices: ['lamp-*'] }]);
    for (const topic of ['cellar/1', 'attic/1']) await admin.topics.put(topic, 'x');
    assert.equal((await viewer.topics.list({ filter: '+/1' })).topics.length, 2);
    assert.equal(await codeOf(viewer.topics.put('cellar/1', 'y')), 'FORBIDDEN');
    await cellar.topics.put('cellar/2', 'y');
    assert.equal((await cellar.topics.list({ filter: 'cellar/+' })).topics.length, 2);
    for (const call of [
      () => cellar.topics.list(),
      () => cellar.topics.get('attic/1'),
      () => cellar.topics.clear('attic/1'),
      () => lamps.topics.publish('cellar/1', 'x'),
      () => lamps.topics.get('cellar/1'),
    ])
      assert.equal(await codeOf(call()), 'FORBIDDEN');
    const { entries } = await admin.audit.list();
    const noted = entries.map(({ action, target, status }) => `${action} ${target} ${status}`);
    assert.ok(
      noted.includes('retain cellar/2 200') && noted.includes('clearRetained attic/1 403'),
      String(noted),
    );
    assert.ok(!noted.some((line) => line.includes('Mqtt')), 'once each');
  });

  it("leave alone what is the broker's, the agents' and the devices' own", async (t) => {
    const { admin, hub, as } = await start(t);
    const operator = await as('operator');
    await until('it told its version', () => hub.server.hub.broker!.counts.retainedMessages > 5);
    assert.equal(
      (await admin.topics.list()).topics.some(({ topic }) => topic.startsWith('$SYS')),
      false,
    );
    assert.ok((await operator.topics.list({ filter: '$SYS/#' })).topics.length > 5);
    const version = await operator.topics.get('$SYS/broker/version');
    assert.match(Buffer.from(version.payload).toString(), /^recado /);
    assert.equal(await codeOf(admin.topics.put('$SYS/broker/version', 'mine')), 'FORBIDDEN');
    for (const topic of ['recado/services/billing/agents/a', 'recado/services/x/y/in'])
      assert.equal(await codeOf(operator.topics.put(topic, 'x')), 'FORBIDDEN', topic);
    assert.equal(await codeOf(operator.topics.list({ filter: 'recado/services/#' })), 'FORBIDDEN');
    assert.equal(await codeOf(operator.topics.put('recado/devices/pump/description', '{}')), 'FORBIDDEN');
  });

  it('are held to the rules of a file, by the name that somebody has over MQTT', async (t) => {
    const folder = new TestFolder(t);
    const passwordFile = folder.write('passwords', await passwordLines({ other: PASSWORD }));
    const aclFile = folder.write('acl', 'user ann\ntopic readwrite ann/#\ntopic read shared/#\n');
    const { admin, hub } = await start(t, ({ mqtt }) => Object.assign(mqtt, { passwordFile, aclFile }));
    await admin.users.create({ name: 'ann', password: PASSWORD, roles: ['operator'] });
    let cookie = '';
    const cookies = {
      getCookieString: () => cookie,
      setCookie: (text: string) => (cookie = text.split(';')[0]!),
    };
    const ann = createClient({ url: hub.url, cookies });
    await ann.session.signIn({ name: 'ann', password: PASSWORD });
    await admin.topics.put('shared/1', 'x');
    await admin.topics.put('secret', 'x');
    await ann.topics.put('ann/1', 'x');
    assert.equal(Buffer.from((await ann.topics.get('shared/1')).payload).toString(), 'x');
    assert.equal(await codeOf(ann.topics.put('shared/1', 'y')), 'FORBIDDEN');
    assert.equal(await codeOf(ann.topics.get('secret')), 'FORBIDDEN');
    assert.deepEqual(
      (await ann.topics.list()).topics.map(({ topic }) => topic),
      ['ann/1', 'shared/1'],
    );
  });
});
