import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { device, failureOf, INVOCATION, TIME } from '../helpers/client-answers.ts';
import { answerJson, closeServers, serveAnswers } from '../helpers/serve-answers.ts';
import { createClient, HubAnswerError } from '../../src/client/index.ts';

afterEach(closeServers);

describe('calls', () => {
  test('a page of devices is asked with its filters, and read', async () => {
    const hub = await serveAnswers((_, response) =>
      answerJson(response, 200, { devices: [device('DE1')], nextCursor: 'c2', total: 12 }),
    );
    const page = await createClient({ url: `${hub.url}/` }).devices.list({
      status: 'online',
      gateway: 'socket',
      q: 'a&b',
      limit: 5,
      cursor: 'c+1',
    });
    assert.equal(
      hub.seen[0]?.url,
      '/api/v1/devices?status=online&gateway=socket&q=a%26b&limit=5&cursor=c%2B1',
    );
    assert.equal(page.total, 12);
    assert.equal(page.devices[0]?.presence.status, 'online');
    assert.equal(page.nextCursor, 'c2');
  });

  test('all devices come page by page, and only as far as they are consumed', async () => {
    const hub = await serveAnswers((request, response) => {
      const cursor = new URL(request.url, 'http://x').searchParams.get('cursor');
      if (cursor === null)
        answerJson(response, 200, { devices: [device('DE1'), device('DE2')], nextCursor: 'two', total: 3 });
      else answerJson(response, 200, { devices: [device('DE3')], total: 3 });
    });
    const client = createClient({ url: hub.url });
    const ids: string[] = [];
    for await (const item of client.devices.all({ limit: 2 })) ids.push(item.deviceId);
    assert.deepEqual(ids, ['DE1', 'DE2', 'DE3']);
    assert.deepEqual(
      hub.seen.map((asked) => asked.url),
      ['/api/v1/devices?limit=2', '/api/v1/devices?limit=2&cursor=two'],
    );

    hub.seen.length = 0;
    for await (const item of client.devices.all()) if (item.deviceId === 'DE1') break;
    assert.equal(hub.seen.length, 1);
  });

  test('a hub that names the same next page for ever is not followed for ever', async () => {
    const hub = await serveAnswers((_, response) =>
      answerJson(response, 200, { devices: [], nextCursor: 'same', total: 3 }),
    );
    const failure = await failureOf(createClient({ url: hub.url }).devices.all().next());
    assert.ok(failure instanceof HubAnswerError);
    assert.equal(hub.seen.length, 2);
  });

  test('ids and names are percent-encoded', async () => {
    const hub = await serveAnswers((_, response) =>
      answerJson(response, 200, { output: null, invocation: INVOCATION }),
    );
    await createClient({ url: hub.url }).devices.invoke('a/b ?#é:1', 'x/../y', {
      input: { volume: 3 },
      timeoutMs: 900,
    });
    assert.equal(hub.seen[0]?.url, '/api/v1/devices/a%2Fb%20%3F%23%C3%A9%3A1/commands/x%2F..%2Fy');
    assert.equal(hub.seen[0]?.body, '{"input":{"volume":3},"timeoutMs":900}');
    assert.equal(hub.seen[0]?.headers['content-type'], 'application/json');
  });

  test('names that would reach another address are refused before anything is sent', async () => {
    const hub = await serveAnswers((_, response) => answerJson(response, 200, {}));
    const { devices } = createClient({ url: hub.url });
    for (const id of ['', '.', '..']) {
      assert.ok((await failureOf(devices.forget(id))) instanceof TypeError);
      assert.ok((await failureOf(devices.invoke('DE1', id))) instanceof TypeError);
    }
    assert.equal(hub.seen.length, 0);
  });

  test('a command without input sends none, and null is an input', async () => {
    const hub = await serveAnswers((_, response) =>
      answerJson(response, 200, { output: 'Dispositivo ligado', invocation: INVOCATION }),
    );
    const { devices } = createClient({ url: hub.url });
    const result = await devices.invoke('DE1', 'ligar');
    assert.equal(result.output, 'Dispositivo ligado');
    assert.equal(result.invocation.phases.sent, TIME);
    await devices.invoke('DE1', 'ligar', { input: null });
    assert.deepEqual(
      hub.seen.map((asked) => asked.body),
      ['{}', '{"input":null}'],
    );
  });

  test('one device, its commands, its readings and the health are read', async () => {
    const hub = await serveAnswers(({ url }, response) => {
      const command = {
        name: 'ligar',
        number: 1,
        title: 'Ligar',
        kind: 'action',
        input: null,
        output: null,
        idempotent: false,
        concurrency: 'parallel',
        expectedMs: null,
      };
      const answers: Record<string, unknown> = {
        '/api/v1/devices/DE1': { ...device('DE1'), telemetry: [{ metric: 'temperature', unit: '°C' }] },
        '/api/v1/devices/DE1/commands': { commands: [command] },
        '/api/v1/devices/DE1/telemetry': {
          deviceId: 'DE1',
          readings: [{ metric: 'temperature', value: 25, unit: '°C', time: TIME }],
          unavailable: null,
        },
        '/api/v1/health': { status: 'ok', name: 'recado', version: '0.1.0' },
      };
      answerJson(response, 200, answers[url]);
    });
    const client = createClient({ url: hub.url });
    assert.equal((await client.devices.get('DE1')).telemetry[0]?.unit, '°C');
    assert.equal((await client.devices.commands('DE1'))[0]?.name, 'ligar');
    assert.equal((await client.devices.telemetry('DE1')).readings[0]?.value, 25);
    assert.equal((await client.health()).version, '0.1.0');
  });

  test('forgetting takes an answer without content', async () => {
    const hub = await serveAnswers((_, response) => response.writeHead(204).end());
    await createClient({ url: hub.url }).devices.forget('DE1');
    assert.equal(hub.seen[0]?.method, 'DELETE');
  });

  test('the path of the address stays, and the token goes with each call', async () => {
    const hub = await serveAnswers((_, response) => answerJson(response, 200, { devices: [], total: 0 }));
    await createClient({ url: `${hub.url}/house/`, token: 'secret' }).devices.list();
    assert.equal(hub.seen[0]?.url, '/house/api/v1/devices');
    assert.equal(hub.seen[0]?.headers.authorization, 'Bearer secret');
  });

  test('another fetch can be given', async () => {
    const asked: string[] = [];
    const client = createClient({
      url: 'https://hub.example',
      fetch: async (url) => {
        asked.push(url instanceof Request ? url.url : url.toString());
        return Response.json({ devices: [], total: 0 });
      },
    });
    await client.devices.list();
    assert.deepEqual(asked, ['https://hub.example/api/v1/devices']);
  });
});

describe('options', () => {
  test('each wrong one is named', () => {
    const wrong: [Parameters<typeof createClient>[0], RegExp][] = [
      [{ url: 'hub.local' }, /^url: "hub\.local" is no address/],
      [{ url: 'ftp://hub.local' }, /^url/],
      [{ url: 'http://ana:pw@hub.local' }, /^url: holds a user name or password; use token/],
      [{ url: 'http://hub', token: 'two words' }, /^token/],
      [{ url: 'http://hub', timeoutMs: 0 }, /^timeoutMs: is 0/],
      [{ url: 'http://hub', timeoutMs: Number.NaN }, /^timeoutMs/],
    ];
    for (const [options, message] of wrong)
      assert.throws(() => createClient(options), { name: 'TypeError', message });
  });

  test('a message about the token does not repeat it', () => {
    assert.throws(
      () => createClient({ url: 'http://hub', token: 'my secret' }),
      (error: Error) => !error.message.includes('my secret'),
    );
  });
});
