import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { refusalOf, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';

const PASSWORD = 'correct horse battery';

async function openFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recado-first-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** A hub that other machines reach, and of which nothing says who may come in. */
function startOpen(t: TestContext, dataDir: string): Promise<TestHub> {
  return startTestHub(t, (config) => {
    config.inMemory = false;
    config.dataDir = dataDir;
    // A spelling of loopback that the system knows and the check does not: nothing is open in truth.
    for (const part of [config.http, config.mqtt, config.gateways.socket]) part.host = '0x7f000001';
  });
}

function findLink({ logged, url }: TestHub): string {
  const found = logged.flatMap(({ text }) => /http:\/\/\S+(\/setup\/[\w-]{32})/.exec(text)?.[1] ?? []);
  assert.equal(found.length, 1);
  return `${url.replace('0x7f000001', '127.0.0.1')}${found[0]}`;
}

async function send(link: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  const response = await fetch(link, { method: 'POST', headers, body: new URLSearchParams(form) });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

const FORM = { name: 'ann', password: PASSWORD, again: PASSWORD };

describe('the first start where others reach the hub', () => {
  it('lets nobody in, this machine neither, over HTTP and MQTT', async (t) => {
    const hub = await startOpen(t, await openFolder(t));
    const link = findLink(hub);
    const { origin } = new URL(link);
    for (const path of ['/api/v1/devices', '/devices', '/metrics', '/api/v1/session', '/services/x/'])
      assert.equal((await fetch(origin + path)).status, 401, path);
    const mqtt = urlOf(hub.server, 'mqtt').replace('0x7f000001', '127.0.0.1');
    assert.equal(await refusalOf(t, mqtt), 135);
    assert.equal(await refusalOf(t, mqtt, { username: 'ann', password: PASSWORD }), 134);
  });

  it('has a link by which one admin is made, once', async (t) => {
    const folder = await openFolder(t);
    const hub = await startOpen(t, folder);
    const link = findLink(hub);
    const form = await fetch(link);
    assert.equal(form.status, 200);
    assert.equal(form.headers.get('referrer-policy'), 'no-referrer');
    assert.match(
      form.headers.get('content-security-policy') ?? '',
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    assert.match(await form.text(), /<form method="post">/);
    const made = await Promise.all([send(link, FORM), send(link, { ...FORM, name: 'eve' })]);
    const [winner, ...more] = made.filter(({ status }) => status === 200);
    assert.deepEqual([more.length, made.some(({ status }) => status === 404)], [0, true]);
    const cookie = (winner?.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const who = await fetch(`${new URL(link).origin}/api/v1/session`, { headers: { cookie } });
    assert.match(await who.text(), /"roles":\["admin"\]/);
    assert.equal((await fetch(link)).status, 404);
    assert.equal((await send(link, FORM)).status, 404);
    assert.equal(hub.server.hub.accounts.users.size, 1);
    await hub.server.close();
    const again = await startOpen(t, folder);
    assert.ok(!again.logged.some(({ text }) => text.includes('/setup/')));
    assert.equal((await fetch(`${again.url.replace('0x7f000001', '127.0.0.1')}/api/v1/devices`)).status, 401);
  });

  it('keeps the link where what was filled in does not fit, and says what is wrong in both languages', async (t) => {
    const link = findLink(await startOpen(t, await openFolder(t)));
    const wrong = [
      await send(link, { ...FORM, again: 'another one' }),
      await send(link, { ...FORM, password: 'short', again: 'short' }),
      await send(link, { ...FORM, name: '<script>alert(1)</script>' }),
      await send(link, {}),
    ];
    for (const { status, text } of wrong) {
      assert.equal(status, 400);
      assert.match(text, /role="alert"/);
      assert.doesNotMatch(text, /<script|short/);
    }
    const portuguese = { 'accept-language': 'pt-BR,pt;q=0.9,en;q=0.8' };
    assert.match(
      (await send(link, { ...FORM, again: 'x' }, portuguese)).text,
      /As duas senhas são diferentes/,
    );
    assert.match(await (await fetch(link, { headers: portuguese })).text(), /lang="pt-BR"/);
    for (const [form, fault] of [
      [{ ...FORM, password: 'curta', again: 'curta' }, 'Uma senha tem'],
      [{ ...FORM, name: '"<b>' }, 'Um nome começa'],
    ] as const) {
      const { text } = await send(link, form, portuguese);
      assert.ok(text.includes(fault), text);
      assert.ok(text.includes(`value="${form.name.replace('"<b>', '&#34;&#60;b&#62;')}"`), text);
    }
    assert.equal((await send(link, FORM)).status, 200);
  });

  it('is no use to the pages of others, nor to who guesses', async (t) => {
    const hub = await startOpen(t, await openFolder(t));
    const link = findLink(hub);
    assert.equal((await send(link, FORM, { origin: 'http://evil.example' })).status, 403);
    for (const code of ['x', 'A'.repeat(32), ''])
      assert.ok([401, 404].includes((await fetch(link.replace(/[^/]*$/, code))).status), code);
    assert.equal((await send(link, { name: 'x'.repeat(20_000) })).status, 413);
    await hub.server.hub.accounts.users.create({ ...FORM, roles: ['viewer'], scopes: [] });
    assert.equal((await fetch(link)).status, 404, 'there is an account');
  });
});
