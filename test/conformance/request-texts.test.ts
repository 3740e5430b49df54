import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { describe, it, type TestContext } from 'node:test';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';
import { until } from '../helpers/until.ts';
import type { Json } from '../helpers/json.ts';

type Sent = { readonly body: Uint8Array; readonly headers?: Record<string, string> };

const JSON_BODY = Buffer.from('{"input":"Ação"}');
const LATIN1 = Buffer.from('{"input":"A\u00e7\u00e3o"}', 'latin1');

/** What a body must not say of itself, and what it must be. */
const REFUSED: Readonly<Record<string, Sent & { readonly status: number }>> = {
  gzip: { body: gzipSync(JSON_BODY), headers: { 'content-encoding': 'gzip' }, status: 415 },
  'two encodings': { body: JSON_BODY, headers: { 'content-encoding': 'gzip, br' }, status: 415 },
  latin1: { body: LATIN1, headers: { 'content-type': 'application/json; charset=iso-8859-1' }, status: 415 },
  'latin1 in quotes': {
    body: LATIN1,
    headers: { 'content-type': 'application/json;Charset="ISO-8859-1"' },
    status: 415,
  },
  'utf-16': {
    body: Buffer.from('\ufeff{"input":1}', 'utf16le'),
    headers: { 'content-type': 'application/json; charset=utf-16' },
    status: 415,
  },
  'bytes that are no UTF-8': { body: LATIN1, status: 400 },
  'half a character': { body: Buffer.concat([JSON_BODY, Buffer.of(0xc3)]), status: 400 },
  'half of a pair': { body: Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), status: 400 },
};
const TAKEN: readonly Sent[] = [
  { body: JSON_BODY },
  { body: JSON_BODY, headers: { 'content-type': 'application/json; charset=UTF-8' } },
  { body: JSON_BODY, headers: { 'content-type': 'application/json;charset="utf8"' } },
  { body: JSON_BODY, headers: { 'content-encoding': 'identity' } },
];

async function startHub(t: TestContext) {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.11');
  await device.handshake();
  await until('it is listed', async () => (await hub.call('GET', '/devices')).text === '["DE11"]');
  const send = async ({ body, headers }: Sent): Promise<Response> =>
    fetch(`${hub.url}/api/v1/devices/DE11/commands/setar-musica`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: new Uint8Array(body),
    });
  return { hub, device, send };
}

describe('the body of a command', () => {
  it('is UTF-8 as it is: all else is refused, and reaches no device', async (t) => {
    const { device, send } = await startHub(t);
    for (const [what, { status, ...sent }] of Object.entries(REFUSED)) {
      const answer = await send(sent);
      const problem = (await answer.json()) as Json;
      const code = status === 415 ? 'MEDIA_TYPE_UNSUPPORTED' : 'REQUEST_INVALID';
      assert.deepEqual([answer.status, problem.code], [status, code], what);
      const isCoded = sent.headers?.['content-encoding'] !== undefined;
      assert.equal(answer.headers.get('accept-encoding'), isCoded ? 'identity' : null, what);
    }
    assert.equal(device.text, '');
    device.serve(({ Entrada }) => JSON.stringify({ Resposta: Entrada }));
    for (const sent of TAKEN) assert.equal(((await (await send(sent)).json()) as Json).output, 'Ação');
  });

  it('is told what is wrong with it in plain words', async (t) => {
    const { hub } = await startHub(t);
    const post = async (body: string, type = 'application/json'): Promise<string> => {
      const url = `${hub.url}/api/v1/devices/DE11/commands/setar-musica`;
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
      return ((await answer.json()) as Json).detail;
    };
    assert.equal(await post('{'), 'The body is not JSON.');
    // Without a bound it would hold everybody up for as long as a hundred bodies that are not nested.
    const nested = '['.repeat(500_000) + ']'.repeat(500_000);
    assert.equal(await post(nested), 'The body is nested deeper than 1000 levels.');
    assert.match(await post('{"input":{"__proto__":1}}'), /has a member `__proto__`/);
    assert.equal(await post('[]'), 'The request does not fit: the body must be an object.');
    assert.equal(await post('null'), 'The request does not fit: the body must be an object.');
    assert.equal(
      await post('{"timeoutMs":0}'),
      'The request does not fit: timeoutMs of the body must be at least 1.',
    );
    assert.equal(
      await post('{"a":1}'),
      'The request does not fit: the body has members that are not known: a.',
    );
    assert.match(await post('a', 'appl'), /Content-Type of the body cannot be read/);
    const { body } = await hub.call('GET', '/api/v1/devices?status=x');
    assert.equal(
      body.detail,
      'The request does not fit: status of the query must be one of online, offline.',
    );
    const long = await hub.call('GET', `/api/v1/devices/${'x'.repeat(65)}`);
    assert.match(long.body.detail, /: deviceId of the path must not be longer than 64 characters\.$/);
    const without = await hub.call('POST', '/api/v1/commands', { select: {} });
    assert.equal(without.body.detail, 'The request does not fit: the body has no member command.');
  });
});
