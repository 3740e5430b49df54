import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { ManualClock } from '../helpers/manual-clock.ts';
import {
  openServicesRig,
  openTarget,
  readBody,
  SERVICE,
  talkRaw,
  type RigOptions,
  type ServicesRig,
} from '../helpers/services-rig.ts';
import { until } from '../helpers/until.ts';

/** What the hub said in its own words to a request. */
async function failureOf(rig: ServicesRig, init: RequestInit = {}, path = '/'): Promise<string | null> {
  const answer = await fetch(`${rig.serviceUrl}${path}`, init);
  await answer.text();
  return answer.headers.get('x-code');
}

/** A target whose requests wait until the test answers them. */
async function openHeldTarget(
  rig: ServicesRig,
): Promise<{ url: string; held: [IncomingMessage, ServerResponse][] }> {
  const held: [IncomingMessage, ServerResponse][] = [];
  const url = await openTarget(rig, (request, response) => void held.push([request, response]));
  return { url, held };
}

async function openHeld(t: TestContext, options: RigOptions = {}) {
  const rig = await openServicesRig(t, options);
  const target = await openHeldTarget(rig);
  return { rig, ...target };
}

async function unusedPort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the hub itself answers', () => {
  it('404 for a service that nobody has offered', async (t) => {
    const rig = await openServicesRig(t);
    assert.equal(await failureOf(rig), 'SERVICE_UNKNOWN');
  });

  it('503 with Retry-After for one whose agents are gone', async (t) => {
    const { rig, url } = await openHeld(t);
    const one = await rig.startAgent(url);
    await one.stop();
    await until('the agent is gone', () => rig.service?.agents.size === 0);
    const answer = await fetch(`${rig.serviceUrl}/`);
    assert.deepEqual([answer.headers.get('x-code'), answer.headers.get('retry-after')], ['NO_AGENT', '5']);
  });

  it('502 while the target is away, and the answer when it comes back', async (t) => {
    const rig = await openServicesRig(t);
    const port = await unusedPort();
    await rig.startAgent(`http://127.0.0.1:${port}`);
    assert.equal(await failureOf(rig), 'TARGET_DOWN');
    const server = createServer((_request, response) => response.end('back')).listen(port, '127.0.0.1');
    await until('the agent has seen it', () => rig.service?.agents.get('one')?.isHealthy);
    assert.equal(await (await fetch(`${rig.serviceUrl}/`)).text(), 'back');
    server.closeAllConnections();
    server.close();
  });

  it('502 when the target dies with the request, and then knows that it is down', async (t) => {
    const rig = await openServicesRig(t);
    const server = createServer((request) => {
      server.close();
      request.socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await rig.startAgent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    assert.equal(await failureOf(rig, { method: 'POST' }), 'TARGET_DOWN');
    await until('the agent has seen it', () => rig.service?.agents.get('one')?.isHealthy === false);
  });

  it('502 for an answer that is not HTTP', async (t) => {
    const rig = await openServicesRig(t);
    const server = createTcpServer((socket) =>
      socket.on('error', () => {}).on('data', () => socket.write('hello\r\n\r\n')),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    rig.onClose(() => void server.close());
    await rig.startAgent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    assert.equal(await failureOf(rig), 'BAD_ANSWER');
  });

  it('504 when the answer does not begin in time, and the target is let go', async (t) => {
    const clock = new ManualClock();
    const { rig, url, held } = await openHeld(t, { clock, limits: { timeoutMs: 100 } });
    await rig.startAgent(url);
    const failure = failureOf(rig);
    const [request] = await until('the target has it', () => held[0]);
    clock.advance(200);
    assert.equal(await failure, 'ANSWER_TIMEOUT');
    await until('the target is let go', () => request.socket.destroyed);
  });

  it('408 when the body of the request stands still', async (t) => {
    const { rig, url } = await openHeld(t, { limits: { idleTimeoutMs: 100 } });
    await rig.startAgent(url);
    const { received } = await talkRaw(
      rig.url,
      `POST /services/${SERVICE}/ HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf`,
      (text) => text.includes('x-code'),
    );
    assert.match(received, /x-code: BODY_TIMEOUT/);
  });

  it('413 at once by Content-Length, and else while the body streams', async (t) => {
    const { rig, url, held } = await openHeld(t, { limits: { maxRequestBytes: 100_000 } });
    await rig.startAgent(url);
    assert.equal(await failureOf(rig, { method: 'POST', body: new Uint8Array(100_001) }), 'BODY_TOO_LARGE');
    assert.equal(held.length, 0);
    const call = httpRequest(`${rig.serviceUrl}/`, { method: 'POST' });
    const answered = once(call, 'response') as Promise<[IncomingMessage]>;
    call.on('error', () => {});
    call.write(Buffer.alloc(60_000));
    await until('the target has the first half', () => held.length > 0);
    held[0]![0].resume();
    call.write(Buffer.alloc(60_000));
    const [response] = await answered;
    assert.equal(response.headers['x-code'], 'BODY_TOO_LARGE');
    response.resume();
    call.destroy();
    const [request] = held[0]!;
    await until('the target is let go', () => request.destroyed);
  });

  it('413 for what is too large for the agent', async (t) => {
    const { rig, url } = await openHeld(t);
    await rig.startAgent(url, { maxRequestBytes: 10 });
    assert.equal(await failureOf(rig, { method: 'POST', body: '12345678901' }), 'BODY_TOO_LARGE');
  });

  it('429 with Retry-After when an agent, and when a service has as much as it takes', async (t) => {
    const { rig, url, held } = await openHeld(t, { limits: { maxInFlightPerService: 2 } });
    await rig.startAgent(url, { maxInFlight: 1 });
    const first = fetch(`${rig.serviceUrl}/`);
    await until('the first is there', () => held.length === 1);
    const refused = await fetch(`${rig.serviceUrl}/`);
    assert.deepEqual(
      [refused.headers.get('x-code'), refused.headers.get('retry-after')],
      ['TOO_MANY_REQUESTS', '1'],
    );
    await rig.startAgent(url, { id: 'two' });
    const second = fetch(`${rig.serviceUrl}/`);
    await until('the second is there', () => held.length === 2);
    assert.equal(await failureOf(rig), 'TOO_MANY_REQUESTS');
    for (const [, response] of held) response.end();
    await Promise.all([first, second]);
  });

  it('403 to what the agent does not let pass, and to every way out of its path', async (t) => {
    const { rig, url, held } = await openHeld(t);
    await rig.startAgent(`${url}/public`, { rules: ['GET /**'] });
    const paths = ['/../admin', '/%2e%2e/admin', '/a/..%2f..%2fadmin', '/..;/admin', '/a/..%5cadmin', '/./x'];
    for (const path of paths) {
      const line = `GET /services/${SERVICE}${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
      assert.match((await talkRaw(rig.url, line)).received, /x-code: SERVICE_FORBIDDEN/, path);
    }
    assert.equal(await failureOf(rig, { method: 'POST' }), 'SERVICE_FORBIDDEN');
    assert.equal(held.length, 0);
  });

  it('503 when it is stopping', async (t) => {
    const { rig, url } = await openHeld(t);
    await rig.startAgent(url);
    await rig.hub.stop(0);
    assert.equal(await failureOf(rig), 'HUB_STOPPING');
  });
});

describe('an agent that is lost', () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    it(`${method} goes to another one`, async (t) => {
      const { rig, url, held } = await openHeld(t);
      const one = await rig.startAgent(url);
      const body = method === 'PUT' ? { body: 'twice' } : {};
      const answer = fetch(`${rig.serviceUrl}/`, { method, ...body });
      await until('the first has it', () => held.length === 1);
      await rig.startAgent(url, { id: 'two' });
      await one.kill();
      await until('the second has it', () => held.length === 2);
      const [request, response] = held[1]!;
      response.end(await readBody(request));
      assert.equal(await (await answer).text(), method === 'PUT' ? 'twice' : '');
      assert.equal(rig.service!.counters.retries, 1);
    });
  }

  it('POST does not: 502', async (t) => {
    const { rig, url, held } = await openHeld(t);
    const one = await rig.startAgent(url);
    await rig.startAgent(url, { id: 'two' });
    const answer = failureOf(rig, { method: 'POST', body: 'once' });
    await until('it is there', () => held.length === 1);
    const lost = [...rig.service!.agents.values()].find((agent) => agent.link.size === 1)!;
    await (lost.agentId === 'one' ? one.kill() : rig.hubBus.publish(goneMessage(lost.agentId)));
    assert.equal(await answer, 'AGENT_LOST');
    assert.equal(held.length, 1);
  });

  it('a body that is not at hand any more is not sent again: 502', async (t) => {
    const { rig, url, held } = await openHeld(t, { limits: { maxKeptBytes: 1000 } });
    const one = await rig.startAgent(url);
    const answer = failureOf(rig, { method: 'PUT', body: new Uint8Array(5000) });
    await until('it is there', () => held.length === 1);
    await rig.startAgent(url, { id: 'two' });
    await one.kill();
    assert.equal(await answer, 'AGENT_LOST');
  });

  it('in the middle of its answer: the connection is cut, and no answer looks whole', async (t) => {
    const { rig, url, held } = await openHeld(t);
    const one = await rig.startAgent(url);
    for (const version of ['1.1', '1.0']) {
      const count = held.length;
      const line = `GET /services/${SERVICE}/ HTTP/${version}\r\nHost: h\r\n\r\n`;
      const talking = talkRaw(rig.url, line, (text) => text.includes('half of it'));
      await until('the target has it', () => held.length > count);
      held[count]![1].write('half of it');
      const { socket } = await talking;
      const over = new Promise<string>((resolve) => {
        socket.on('end', () => resolve('in order'));
        socket.on('close', (hadError) => resolve(hadError ? 'cut' : 'closed'));
      });
      if (version === '1.1') held[count]![1].destroy();
      else await one.kill();
      assert.equal(await over, 'cut');
    }
  });

  it('with the same id and another epoch: the old requests are lost, new ones go to the new one', async (t) => {
    const { rig, url, held } = await openHeld(t);
    await rig.startAgent(url);
    const lost = failureOf(rig, { method: 'POST' });
    await until('it is there', () => held.length === 1);
    await rig.startAgent(url, { id: 'one' });
    assert.equal(await lost, 'AGENT_LOST');
    const answer = fetch(`${rig.serviceUrl}/`);
    await until('it is there again', () => held.length === 2);
    held[1]![1].end('new');
    assert.equal(await (await answer).text(), 'new');
  });

  it('that leaves in order finishes what it has', async (t) => {
    const { rig, url, held } = await openHeld(t);
    const one = await rig.startAgent(url, { drainMs: 10_000 });
    const answer = fetch(`${rig.serviceUrl}/`);
    await until('it is there', () => held.length === 1);
    const stopped = one.stop();
    await until('the hub knows', () => rig.service?.agents.get('one')?.isLeaving);
    assert.equal(await failureOf(rig), 'NO_AGENT');
    held[0]![1].end('finished');
    assert.equal(await (await answer).text(), 'finished');
    await stopped;
  });
});

describe('a caller who does not read', () => {
  const BYTES = 24 * 2 ** 20;

  async function openUnread(t: TestContext, { limits = {}, ...more }: RigOptions = {}) {
    const rig = await openServicesRig(t, { ...more, limits: { initialCreditBytes: BYTES, ...limits } });
    const url = await openTarget(rig, (_request, response) => response.end(Buffer.alloc(BYTES)));
    await rig.startAgent(url);
    const connected = once(rig.front, 'connection') as Promise<[Socket]>;
    const caller = connect(Number(new URL(rig.url).port), '127.0.0.1').on('error', () => {});
    t.after(() => caller.destroy());
    caller.pause().write(`GET /services/${SERVICE}/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    const [connection] = await connected;
    await until('all of the answer is in the hub', () => rig.service!.counters.responseBytes === BYTES);
    return { rig, caller, connection };
  }

  it('has a request on its way until all of the answer has left', async (t) => {
    const { rig, caller } = await openUnread(t);
    await until('the agent is done with it', () => rig.service!.agents.get('one')!.link.size === 0);
    assert.deepEqual([rig.hub.inFlightCount, rig.service!.places.taken], [1, 1]);
    let bytes = 0;
    caller.on('data', ({ length }: Buffer) => (bytes += length));
    caller.resume();
    await once(caller, 'end');
    assert.ok(bytes > BYTES);
    await until('nothing is left', () => rig.hub.inFlightCount === 0);
    assert.deepEqual([rig.service!.counters.cancelled, rig.service!.counters.failures], [0, 0]);
  });

  it('is cut after the time in which something must move', async (t) => {
    const clock = new ManualClock();
    const { rig, connection } = await openUnread(t, { clock, limits: { idleTimeoutMs: 500 } });
    clock.advance(1000);
    await until('it is cut', () => connection.destroyed);
    assert.deepEqual([rig.hub.inFlightCount, rig.service!.places.taken], [0, 0]);
  });
});

describe('a caller who leaves', () => {
  it('with several requests on one connection: the target is let go of all of them', async (t) => {
    const { rig, url, held } = await openHeld(t);
    await rig.startAgent(url);
    const get = `GET /services/${SERVICE}/ HTTP/1.1\r\nHost: h\r\n\r\n`;
    const { socket } = await talkRaw(rig.url, get.repeat(2), () => held.length === 2);
    socket.destroy();
    await until('nothing is left', () => rig.hub.inFlightCount === 0);
    for (const [request] of held) await until('the target is let go', () => request.socket.destroyed);
  });

  it('before the answer, in its middle, and with half a request: the target is let go each time', async (t) => {
    const { rig, url, held } = await openHeld(t);
    await rig.startAgent(url);
    const leave = async (
      when: (call: ReturnType<typeof httpRequest>, at: number) => Promise<void>,
    ): Promise<void> => {
      const at = held.length;
      const call = httpRequest(`${rig.serviceUrl}/`, {
        method: 'POST',
        headers: { 'content-length': '10' },
      });
      call.on('error', () => {});
      call.write('half ');
      await until('the target has it', () => held.length > at);
      await when(call, at);
      call.destroy();
      const [request] = held[at]!;
      await until('the target is let go', () => request.destroyed || request.socket.destroyed);
      await until('nothing is left', () => rig.hub.inFlightCount === 0);
    };
    await leave(async () => {});
    await leave(async (call) => void call.end('whole'));
    await leave(async (call, at) => {
      call.end('whole');
      const answered = once(call, 'response') as Promise<[IncomingMessage]>;
      held[at]![1].write('half');
      const [response] = await answered;
      response.on('error', () => {});
    });
    assert.equal(rig.service!.counters.cancelled, 3);
    assert.equal(rig.service!.agents.get('one')!.link.size, 0);
  });
});

function goneMessage(agentId: string) {
  const topicName = `recado/services/${SERVICE}/agents/${agentId}`;
  return { topicName, payload: new Uint8Array(0), qos: 1 as const, retain: true };
}
