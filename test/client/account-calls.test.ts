import assert from 'node:assert/strict';
import { afterEach, describe, it, type TestContext } from 'node:test';
import { createClient, ProblemError, type Client, type CookieJar } from '../../src/client/index.ts';
import { failureOf } from '../helpers/client-answers.ts';
import { answerJson, closeServers, serveAnswers } from '../helpers/serve-answers.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';

afterEach(closeServers);

const ROOT = 'a-token-of-the-configuration';
const PASSWORD = 'correct horse battery';

async function startHub(t: TestContext): Promise<{ hub: TestHub; admin: Client }> {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.http.trustedNetworks = [];
  });
  return { hub, admin: createClient({ url: hub.url, token: ROOT }) };
}

/** The cookies of one server, whatever they say of themselves. */
function keepCookies(): CookieJar & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    getCookieString: () => [...kept].map((pair) => pair.join('=')).join('; '),
    setCookie: async (cookie) => {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      if (value === '') kept.delete(name);
      else kept.set(name, value);
    },
  };
}

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  const failure = await failureOf(call);
  assert.ok(failure instanceof ProblemError, String(failure));
  return failure.code;
};

describe('the client of a hub with accounts', () => {
  it('makes users, changes them and removes them', async (t) => {
    const { admin } = await startHub(t);
    const made = await admin.users.create({ name: 'ann', password: PASSWORD, roles: ['viewer'] });
    assert.deepEqual(
      { ...made, createdAt: '', passwordAt: '' },
      {
        name: 'ann',
        roles: ['viewer'],
        scopes: [],
        createdAt: '',
        passwordAt: '',
      },
    );
    assert.equal(
      await codeOf(admin.users.create({ name: 'ann', password: PASSWORD, roles: ['viewer'] })),
      'USER_EXISTS',
    );
    const scopes = [{ verbs: ['read' as const], devices: ['pump-*'] }];
    assert.deepEqual((await admin.users.change('ann', { roles: ['operator'], scopes })).scopes, scopes);
    assert.deepEqual((await admin.users.get('ann')).roles, ['operator']);
    assert.deepEqual(
      (await admin.users.list()).map(({ name }) => name),
      ['ann'],
    );
    await admin.users.remove('ann');
    assert.equal(await codeOf(admin.users.get('ann')), 'USER_UNKNOWN');
    assert.ok((await failureOf(admin.users.get('..'))) instanceof TypeError);
  });

  it('makes tokens, which open what they are for, and takes them back', async (t) => {
    const { hub, admin } = await startHub(t);
    const made = await admin.tokens.create({ name: 'grafana', roles: ['viewer'], expiresInSeconds: 60 });
    const { token, ...told } = made;
    const grafana = createClient({ url: hub.url, token });
    const who = await grafana.session.whoAmI();
    assert.deepEqual([who.principal, who.provenBy, who.roles], [`token:${made.id}`, 'token', ['viewer']]);
    assert.equal(await codeOf(grafana.tokens.list()), 'FORBIDDEN');
    const [listed] = await admin.tokens.list();
    assert.deepEqual({ ...listed, lastUsedAt: null }, told);
    await admin.tokens.revoke(made.id);
    assert.equal(await codeOf(grafana.session.whoAmI()), 'UNAUTHENTICATED');
    assert.equal(await codeOf(admin.tokens.revoke(made.id)), 'TOKEN_UNKNOWN');
  });

  it('is a person who has signed in, with a jar of its own for the cookie', async (t) => {
    const { hub, admin } = await startHub(t);
    await admin.users.create({ name: 'ann', password: PASSWORD, roles: ['admin'] });
    const cookies = keepCookies();
    const ann = createClient({ url: hub.url, cookies });
    assert.equal(await codeOf(ann.session.whoAmI()), 'UNAUTHENTICATED');
    assert.equal((await ann.session.signIn({ name: 'Ann', password: PASSWORD })).principal, 'user:ann');
    assert.deepEqual([...cookies.kept.keys()], ['recado_session']);
    assert.equal((await ann.session.whoAmI()).provenBy, 'session');
    const events = ann.events();
    assert.equal((await events.next()).value?.type, 'connected');
    await events.return();
    await ann.users.create({ name: 'bob', password: PASSWORD, roles: ['viewer'] });
    await ann.session.signOut();
    assert.equal(cookies.kept.size, 0);
    assert.equal(await codeOf(ann.session.whoAmI()), 'UNAUTHENTICATED');
  });

  it('tells a wrong password as that, and not that a token is missing', async (t) => {
    const { hub, admin } = await startHub(t);
    await admin.users.create({ name: 'ann', password: PASSWORD, roles: ['viewer'] });
    const ann = createClient({ url: hub.url, cookies: keepCookies() });
    const wrong = await failureOf(ann.session.signIn({ name: 'ann', password: 'wrong' }));
    assert.equal(String(wrong), 'ProblemError: Name or password is wrong. (UNAUTHENTICATED, status 401)');
    await ann.session.signIn({ name: 'ann', password: PASSWORD });
    const change = { password: `${PASSWORD} staple`, currentPassword: 'wrong' };
    assert.match(String(await failureOf(ann.users.change('ann', change))), /Name or password is wrong\. \(/);
    await ann.users.change('ann', { ...change, currentPassword: PASSWORD });
    assert.match(String(await failureOf(ann.session.whoAmI())), /or sign in/);
  });

  it('reads the audit, page by page as far as it is wanted', async (t) => {
    const { admin } = await startHub(t);
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5'])
      await admin.users.create({ name, password: PASSWORD, roles: ['viewer'] });
    const page = await admin.audit.list({ limit: 2 });
    assert.deepEqual(
      page.entries.map(({ target }) => target),
      ['a5', 'a4'],
    );
    const next = await admin.audit.list({ limit: 2, cursor: page.nextCursor });
    assert.deepEqual(
      next.entries.map(({ target }) => target),
      ['a3', 'a2'],
    );
    const all: string[] = [];
    for await (const { action, target } of admin.audit.all({ limit: 2 })) all.push(`${action} ${target}`);
    assert.deepEqual(
      all,
      ['a5', 'a4', 'a3', 'a2', 'a1'].map((name) => `createUser ${name}`),
    );
  });

  it('sends the cookie of its page where it has no token, and none where it has one', async () => {
    const asked: (string | undefined)[] = [];
    const hub = await serveAnswers((_, response) => answerJson(response, 200, { users: [] }));
    const fetch: typeof globalThis.fetch = (url, init) => {
      asked.push(init?.credentials);
      return globalThis.fetch(url, init);
    };
    await createClient({ url: hub.url, fetch }).users.list();
    await createClient({ url: hub.url, fetch, token: 'x' }).users.list();
    assert.deepEqual(asked, ['include', undefined]);
  });
});
