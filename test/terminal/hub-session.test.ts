import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { findFreeTcpPort } from '../helpers/free-ports.ts';
import { answerJson, closeServers, serveAnswers } from '../helpers/serve-answers.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Result } from '../../src/base/result.ts';
import { HubUnreachableError, ProblemError, type ClientError } from '../../src/client/index.ts';
import { HubSession, type HubStatus } from '../../src/terminal/manage/hub-session.ts';

afterEach(closeServers);

async function serveHub(url?: string): ReturnType<typeof serveAnswers> {
  return serveAnswers((_, response) => answerJson(response, 200, { devices: [], total: 0 }), url);
}

function list(session: HubSession): Promise<Result<unknown, ClientError>> {
  return session.call((client) => client.devices.list());
}

async function failureOf(session: HubSession): Promise<ClientError | undefined> {
  const listed = await list(session);
  return listed.ok ? undefined : listed.failure;
}

describe('HubSession', () => {
  test('knows whether the hub is there, since when, and that it was gone', async () => {
    let hub = await serveHub(`http://127.0.0.1:${await findFreeTcpPort()}`);
    const session = new HubSession({ url: hub.url, clock: systemClock });
    const status = (): HubStatus => session.status;
    assert.deepEqual(status(), { kind: 'unknown' });
    await list(session);
    assert.partialDeepStrictEqual(status(), { kind: 'up', wasGone: false });
    await closeServers();
    assert.ok((await failureOf(session)) instanceof HubUnreachableError);
    const gone = status();
    assert.ok(gone.kind === 'gone');
    assert.ok((await failureOf(session)) instanceof HubUnreachableError);
    assert.partialDeepStrictEqual(status(), { kind: 'gone', since: gone.since }, 'the first failure counts');
    hub = await serveHub(hub.url);
    await list(session);
    assert.partialDeepStrictEqual(status(), { kind: 'up', wasGone: true });
  });

  test('a hub that refuses is there', async () => {
    const hub = await serveAnswers((_, response) =>
      answerJson(response, 403, { code: 'FORBIDDEN', status: 403, detail: 'no' }),
    );
    const session = new HubSession({ url: hub.url, clock: systemClock });
    assert.ok((await failureOf(session)) instanceof ProblemError);
    assert.equal(session.status.kind, 'up');
  });

  test('a call that was given up says nothing about the hub', async () => {
    const hub = await serveAnswers(() => {});
    const session = new HubSession({ url: hub.url, clock: systemClock });
    const abort = new AbortController();
    const { signal } = abort;
    const call = session.call((client) => client.devices.list({ signal }), signal);
    abort.abort();
    await assert.rejects(call, { name: 'AbortError' });
    assert.equal(session.status.kind, 'unknown');
  });

  test('asks for a token when the hub does, whoever says so', async () => {
    for (const body of [{ code: 'UNAUTHENTICATED', status: 401, detail: 'who?' }, 'a proxy']) {
      const hub = await serveAnswers((_, response) => answerJson(response, 401, body));
      const session = new HubSession({ url: hub.url, clock: systemClock });
      let asked = 0;
      session.onTokenNeeded = () => asked++;
      assert.ok((await failureOf(session)) !== undefined);
      assert.equal(asked, 1);
    }
  });

  test('a token goes to the hub that it was given for, and to no other one', async () => {
    const first = await serveHub();
    const second = await serveHub();
    const session = new HubSession({ url: 'http://127.0.0.1:9', token: 'start', clock: systemClock });
    session.useUrl(first.url);
    await list(session);
    assert.equal(
      first.seen[0]?.headers.authorization,
      'Bearer start',
      'nobody has seen it yet: it goes to the first hub',
    );
    session.useUrl(second.url);
    await list(session);
    assert.equal(second.seen[0]?.headers.authorization, undefined);
    session.useToken('typed');
    await list(session);
    assert.equal(second.seen[1]?.headers.authorization, 'Bearer typed');
    session.useUrl(first.url);
    await list(session);
    assert.equal(first.seen[1]?.headers.authorization, undefined);
  });

  test('a token that cannot be sent leaves the one before', async () => {
    const hub = await serveHub();
    const session = new HubSession({ url: hub.url, token: 'good', clock: systemClock });
    assert.equal(session.useToken('two words'), false);
    await list(session);
    assert.equal(hub.seen[0]?.headers.authorization, 'Bearer good');
  });
});
