import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { openServicesRig, openTarget, SERVICE, talkRaw } from '../helpers/services-rig.ts';

type Seen = { readonly url: string; readonly headers: readonly string[] };

/** A service below a base path, behind an agent with rules. */
async function openBehindRules(t: TestContext, rules: readonly string[]) {
  const rig = await openServicesRig(t);
  const seen: Seen[] = [];
  const target = await openTarget(rig, (request, response) => {
    seen.push({ url: request.url ?? '', headers: request.rawHeaders.map((text) => text.toLowerCase()) });
    response.end('reached');
  });
  await rig.startAgent(`${target}/base`, { rules });
  const ask = async (path: string, headers = '', method = 'GET'): Promise<string> => {
    const line = `${method} /services/${SERVICE}${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${headers}\r\n`;
    const { received } = await talkRaw(rig.url, line);
    return /x-code: (\w+)/i.exec(received)?.[1] ?? received.slice(-7);
  };
  return { seen, ask };
}

it('nothing leads above the base of an agent, or past its rules', async (t) => {
  const { seen, ask } = await openBehindRules(t, ['GET /public/**']);
  assert.equal(await ask('/public/ok'), 'reached');
  for (const path of ['/public/x#/../../secret', '/public/#/../../../../admin', '/public/x#'])
    assert.equal(await ask(path), 'REQUEST_INVALID', path);
  for (const path of [
    '/secret',
    '/public/../secret',
    '/public/..%20/secret',
    '/public/..%09/secret',
    '/public/%252e%252e/secret',
    '/public/..;/secret',
    '/public/..\\secret',
    '/public/x%00',
    '/public/%c0%ae%c0%ae/secret',
  ])
    assert.equal(await ask(path), 'SERVICE_FORBIDDEN', path);
  assert.equal(seen.length, 1);
});

it('the target gets the path in the form that was judged', async (t) => {
  const { seen, ask } = await openBehindRules(t, ['GET /public/**']);
  for (const path of ['/public/100%', '/public/a\\b', '/public/a|b?q=%', '/public/x%2Fy;z'])
    assert.equal(await ask(path), 'reached', path);
  assert.deepEqual(
    seen.map(({ url }) => url),
    ['/base/public/100%25', '/base/public/a%5Cb', '/base/public/a%7Cb?q=%', '/base/public/x%2Fy;z'],
  );
});

it('where COPY and MOVE put something is judged as well, and told as the target has it', async (t) => {
  const { seen, ask } = await openBehindRules(t, ['MOVE /public/**']);
  const move = (to: string): Promise<string> => ask('/public/a', `Destination: ${to}\r\n`, 'MOVE');
  for (const to of [`http://h/services/${SERVICE}/public/b%20c`, `/services/${SERVICE}/public/b`])
    assert.equal(await move(to), 'reached', to);
  const told = seen.map(({ headers }) => headers[headers.indexOf('destination') + 1] ?? '');
  assert.deepEqual(
    told.map((text) => text.replace(/:\d+/, '')),
    ['http://127.0.0.1/base/public/b%20c', 'http://127.0.0.1/base/public/b'],
  );
  const ways = ['secret', 'public/../secret', 'public/..%252fsecret', 'public/%2e%2e/secret', ''];
  for (const to of [...ways.map((way) => `/services/${SERVICE}/${way}`), 'http://other/public/b', 'b'])
    assert.equal(await move(to), 'SERVICE_FORBIDDEN', to);
  assert.equal(seen.length, 2);
});

it('headers that ask for another method or path do not get behind the rules', async (t) => {
  const { seen, ask } = await openBehindRules(t, ['GET /public/**']);
  const overrides = ['X-HTTP-Method-Override: DELETE', 'X_Method_Override: PUT', 'X-Original-URL: /secret'];
  assert.equal(await ask('/public/ok', `${overrides.join('\r\n')}\r\nX-Kept: 1\r\n`), 'reached');
  const names = seen[0]?.headers.filter((_, index) => index % 2 === 0) ?? [];
  assert.deepEqual(
    names.filter((name) => /override|original|kept/.test(name)),
    ['x-kept'],
  );
});
