import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { KeptKind } from '../../src/base/kept-kinds.ts';
import { serveThroughHub } from '../helpers/hub-agent.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';
import { until } from '../helpers/until.ts';

/** A caller that has connected, and says nothing. */
async function callFrom(t: TestContext, hub: TestHub, localAddress: string): Promise<Socket> {
  const socket = connect({ port: Number(new URL(hub.url).port), host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket.resume();
}

async function statusFrom(hub: TestHub, localAddress: string): Promise<number | undefined> {
  const request = httpRequest(`${hub.url}/healthz`, { localAddress, agent: false });
  request.end();
  const [{ statusCode }] = (await once(request, 'response')) as [{ statusCode?: number }];
  return statusCode;
}

/** A hub with little memory, and a device that answers nothing. */
async function startWithMute(t: TestContext): Promise<TestHub> {
  const hub = await startTestHub(t, ({ memory, devices }) => {
    memory.maxKeptBytes = 32 * 1024 * 1024;
    devices.maxQueuedPerCaller = 500;
    devices.maxQueuedInvocations = 500;
  });
  const device = connect(hub.tcpPort, '127.0.0.1').resume();
  t.after(() => device.destroy());
  device.write('{"recado":2,"id":"mute","description":{"commands":{"do":{"input":{}}}}}\n');
  await until('the device is there', () => hub.server.hub.devices.get('mute')?.isOnline === true);
  return hub;
}

function commandOf(input: unknown): string {
  const body = JSON.stringify({ input, timeoutMs: 600_000 });
  const head =
    'POST /api/v1/devices/mute/commands/do HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json';
  return `${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

const kept = (hub: TestHub, kind: KeptKind): { bytes: number; count: number; refusals: number } =>
  hub.server.hub.ledger.totals()[kind]!;

const countOpen = (sockets: readonly Socket[]): number => sockets.filter(({ closed }) => !closed).length;

describe('limits of the HTTP server', () => {
  it('one address holds half of the connections, and a newcomer comes in however many it holds', async (t) => {
    const hub = await startTestHub(t, (config) => (config.http.maxConnections = 20));
    const greedy: Socket[] = [];
    for (let left = 30; left > 0; left--) greedy.push(await callFrom(t, hub, '127.0.0.2'));
    await until('the others are closed', () => countOpen(greedy) === 10);
    const more: Socket[] = [];
    for (const address of ['127.0.0.3', '127.0.0.4', '127.0.0.5']) {
      for (let left = 6; left > 0; left--) more.push(await callFrom(t, hub, address));
    }
    assert.equal(await statusFrom(hub, '127.0.0.9'), 200);
    await until('no more than there may be', () => countOpen([...greedy, ...more]) <= 20);
    const told = hub.logged.filter(({ text }) => text.includes('http.maxConnections is 20: raise it'));
    assert.equal(told.length, 1);
    const metrics = await hub.call('GET', '/metrics');
    assert.match(metrics.text, /recado_kept_refused_total\{kind="http_connection"\} [1-9]/);
  });

  it('one address has no more than http.maxConnectionsPerAddress, and is told once in the log', async (t) => {
    const hub = await startTestHub(t, (config) => (config.http.maxConnectionsPerAddress = 2));
    const [first] = [await callFrom(t, hub, '127.0.0.2'), await callFrom(t, hub, '127.0.0.2')];
    const more = [await callFrom(t, hub, '127.0.0.2'), await callFrom(t, hub, '127.0.0.2')];
    await until('the others are closed', () => countOpen(more) === 0);
    assert.equal(await statusFrom(hub, '127.0.0.3'), 200);
    const { text } = await hub.call('GET', '/metrics');
    assert.match(text, /recado_http_connections_refused_total\{reason="too-many-from-address"\} 2/);
    const told = hub.logged.filter((line) => line.text.includes('http.maxConnectionsPerAddress is 2'));
    assert.equal(told.length, 1);
    first.destroy();
    await until('its place is free', () => statusFrom(hub, '127.0.0.2').catch(() => undefined));
  });

  it('and behind a trusted proxy that is the address that it tells', async (t) => {
    const hub = await startTestHub(t, ({ http }) => {
      http.maxConnectionsPerAddress = 1;
      http.trustedProxies = ['127.0.0.1'];
      http.trustedNetworks = ['192.0.2.0/24'];
    });
    const ask = async (socket: Socket, address: string, path = 'devices'): Promise<string> => {
      socket.write(`GET /api/v1/${path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${address}\r\n\r\n`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      return answer.toString();
    };
    const [first, second, third] = [
      await callFrom(t, hub, '127.0.0.1'),
      await callFrom(t, hub, '127.0.0.1'),
      await callFrom(t, hub, '127.0.0.1'),
    ];
    for (const kept of [first, second, third, first])
      assert.match(await ask(kept, '192.0.2.1'), /^HTTP\/1\.1 200 /, 'one after the other');
    assert.match(await ask(first, '192.0.2.1', 'events'), /^HTTP\/1\.1 200 /);
    assert.match(await ask(second, '192.0.2.2'), /^HTTP\/1\.1 200 /);
    const tooMany = /^HTTP\/1\.1 429 [^]*\r\nretry-after: 1\r\n[^]*TOO_MANY_REQUESTS/;
    assert.match(await ask(third, '192.0.2.1'), tooMany, 'while another one lasts');
    first.destroy();
    await until('its place is free', async () => (await ask(third, '192.0.2.1')).includes(' 200 OK'));
  });

  it('and whom its headers do not clearly name has no places of the proxy, which all others need', async (t) => {
    const hub = await startTestHub(t, ({ http }) => {
      http.maxConnections = 20;
      http.trustedProxies = ['127.0.0.1'];
    });
    const ask = async (headers: string): Promise<string> => {
      const socket = await callFrom(t, hub, '127.0.0.1');
      socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`);
      const [answer] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [
        Buffer | boolean,
      ];
      return String(answer);
    };
    for (let left = 30; left > 0; left--) {
      assert.match(await ask('X-Forwarded-For: 198.51.100.1\r\nX-Client-IP: 192.0.2.9'), /^HTTP\/1\.1 200 /);
      assert.match(await ask('X-Forwarded-For: 192.0.2.2\r\nConnection: close'), /^HTTP\/1\.1 200 /);
    }
  });

  it('or the address that a balancer tells by the PROXY protocol', async (t) => {
    const hub = await startTestHub(t, ({ http }) => {
      http.maxConnectionsPerAddress = 1;
      http.proxyProtocol = true;
      http.trustedProxies = ['127.0.0.1'];
    });
    const come = async (address: string): Promise<Socket> => {
      const socket = await callFrom(t, hub, '127.0.0.1');
      socket.write(`PROXY TCP4 ${address} 127.0.0.1 1 2\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      return socket;
    };
    for (const address of ['192.0.2.1', '192.0.2.2'])
      assert.match(String((await once(await come(address), 'data'))[0]), /^HTTP\/1\.1 200 /);
    const refused = await come('192.0.2.1');
    await once(refused, 'close');
    assert.equal(refused.bytesRead, 0);
  });

  it('a connection that ends gives its place back', async (t) => {
    const hub = await startTestHub(t, (config) => (config.http.maxConnections = 16));
    for (let round = 0; round < 10; round++) {
      const socket = await callFrom(t, hub, '127.0.0.2');
      assert.equal(await statusFrom(hub, '127.0.0.2'), 200);
      socket.destroy();
      await until('it is closed', async () =>
        (await hub.call('GET', '/metrics')).text.includes('kept_things{kind="http_connection"} 1'),
      );
    }
  });

  it('bodies of requests have a sum, and a caller that finds it full is told 429', async (t) => {
    const hub = await startTestHub(t, (config) => {
      config.http.maxBodyBytes = 8 * 1024 * 1024;
      config.memory.maxKeptBytes = 64 * 1024 * 1024;
    });
    const head = (bytes: number): string =>
      `POST /api/v1/devices/x/commands/y HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`;
    const answers: string[] = [];
    for (let count = 0; count < 3; count++) {
      const socket = await callFrom(t, hub, '127.0.0.2');
      socket.on('data', (bytes) => answers.push(bytes.toString('latin1')));
      socket.write(head(2 * 1024 * 1024));
    }
    await until('two are refused', () => answers.length === 2);
    assert.match(answers[0] ?? '', /^HTTP\/1\.1 429 /);
    assert.match(answers[0] ?? '', /retry-after: 1/);
    assert.equal(
      (await hub.call('POST', '/api/v1/devices/x/commands/y', { input: 'x'.repeat(9000) })).status,
      404,
    );
  });

  it('a body that does not come ends its connection', async (t) => {
    const hub = await startTestHub(t, (config) => (config.http.bodyTimeoutMs = 100));
    const socket = await callFrom(t, hub, '127.0.0.2');
    socket.write(
      'POST /api/v1/devices/x/commands/y HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n',
    );
    socket.write('Content-Length: 100\r\n\r\n{');
    await once(socket, 'close');
    assert.equal((await hub.call('GET', '/metrics')).text.includes('kept_things{kind="body"} 0'), true);
  });

  it('commands have a sum, and a caller that finds it full is told 429', async (t) => {
    const hub = await startWithMute(t);
    const caller = await callFrom(t, hub, '127.0.0.2');
    caller.write(commandOf('x'.repeat(3500)).repeat(280));
    await until('some are refused', () => kept(hub, KeptKind.INVOCATION).refusals > 0);
    const other = await callFrom(t, hub, '127.0.0.2');
    other.write(commandOf('x'.repeat(3500)));
    const [answer] = (await once(other, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 429 [^]*TOO_MANY_INVOCATIONS/);
    assert.match(answer.toString(), /retry-after: 1/);
    caller.destroy();
    await until('they are given back', () => kept(hub, KeptKind.INVOCATION).bytes === 0);
  });

  it('a body whose answer waits behind another is given back when its connection closes', async (t) => {
    const hub = await startWithMute(t);
    const caller = await callFrom(t, hub, '127.0.0.2');
    caller.write(commandOf(1));
    caller.write(commandOf('x'.repeat(9000)).replace('/mute/', '/none/'));
    await until('it waits', () => kept(hub, KeptKind.BODY).count === 1);
    caller.destroy();
    await until('it is given back', () => kept(hub, KeptKind.BODY).bytes === 0);
  });

  it('answers have a sum: who sends requests and does not read is closed, and gives all back', async (t) => {
    const hub = await startWithMute(t);
    const caller = await callFrom(t, hub, '127.0.0.2');
    caller.write(commandOf(1));
    caller.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50));
    await until('they wait', () => kept(hub, KeptKind.ANSWER).count === 50);
    const closed = once(caller, 'close');
    caller.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000));
    await closed;
    await until('they are given back', () => kept(hub, KeptKind.ANSWER).bytes === 0);
    assert.ok(kept(hub, KeptKind.ANSWER).refusals > 0);
    assert.equal(await statusFrom(hub, '127.0.0.2'), 200);
  });

  it('answers that come when their caller has gone are not booked any more', async (t) => {
    const hub = await startWithMute(t);
    const caller = await callFrom(t, hub, '127.0.0.2');
    caller.write(commandOf(1).repeat(20));
    await until('they are asked', () => kept(hub, KeptKind.INVOCATION).count === 20);
    caller.destroy();
    await until('they are cancelled', () => kept(hub, KeptKind.INVOCATION).count === 0);
    // Their answers are made in the next turns of the event loop.
    assert.equal(await statusFrom(hub, '127.0.0.3'), 200);
    await until('the connections are closed', () => kept(hub, KeptKind.HTTP_CONNECTION).count === 0);
    assert.equal(kept(hub, KeptKind.ANSWER).count, 0);
  });

  it('requests for a service that wait behind others end with their connection', async (t) => {
    const hub = await startTestHub(t);
    await serveThroughHub(t, hub, 'mute', () => {});
    const caller = await callFrom(t, hub, '127.0.0.2');
    caller.write('GET /services/mute/ HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(5));
    const inFlight = () => hub.server.hub.services?.serviceHub?.inFlightCount;
    await until('they run', () => inFlight() === 5);
    caller.destroy();
    await until('they are given back', () => kept(hub, KeptKind.FRAME).bytes === 0);
    await until('they have ended', () => inFlight() === 0);
  });

  it('a caller that has proven who it is loses its connections too where it holds most', async (t) => {
    const token = 'a-token-that-is-long-enough-to-be-one';
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = [token];
      config.http.maxBodyBytes = 8 * 1024 * 1024;
      // Nothing but the want of room may close them.
      config.http.bodyTimeoutMs = 3_600_000;
      config.memory.maxKeptBytes = 64 * 1024 * 1024;
    });
    const begin = async (address: string, bytes: number, more = ''): Promise<Socket> => {
      const socket = await callFrom(t, hub, address);
      const head =
        'POST /api/v1/devices/x/commands/y HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json';
      socket.write(`${head}\r\n${more}Content-Length: ${bytes}\r\n\r\n`);
      return socket;
    };
    const greedy: Socket[] = [];
    for (let left = 3; left > 0; left--)
      greedy.push(await begin('127.0.0.2', 1024 * 1024, `Authorization: Bearer ${token}\r\n`));
    await until('they are booked', () => kept(hub, KeptKind.BODY).count === 3);
    hub.server.hub.ledger.open('somebody').charge(KeptKind.BODY, 2_000_000);
    await begin('127.0.0.3', 1_300_000);
    await until('one of them is closed', () => countOpen(greedy) === 2);
    assert.deepEqual([kept(hub, KeptKind.BODY).count, kept(hub, KeptKind.BODY).refusals], [4, 0]);
  });

  it('heads that do not come whole are booked, and closed where there is no room', async (t) => {
    const hub = await startTestHub(t, ({ memory }) => (memory.maxKeptBytes = 16 * 1024 * 1024));
    const head = `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(50_000)}`;
    const waiting: Socket[] = [];
    for (let index = 0; index < 250; index++) {
      const socket = await callFrom(t, hub, `127.0.2.${1 + (index % 5)}`);
      waiting.push(socket);
      // The second head of half of them: Node tells of the first.
      socket.write(
        `${index % 2 === 0 ? 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' : ''}${head.slice(0, 40)}`,
      );
    }
    await until('nothing is asked', () => kept(hub, KeptKind.HTTP_CONNECTION).count === 250);
    const { limitBytes } = hub.server.hub.ledger.totals()[KeptKind.PARTIAL]!;
    for (const socket of waiting) socket.write(head.slice(40));
    await until('some are closed', () => countOpen(waiting) < 250);
    assert.ok(kept(hub, KeptKind.PARTIAL).refusals > 0);
    assert.ok(kept(hub, KeptKind.PARTIAL).count > 0);
    assert.ok(kept(hub, KeptKind.PARTIAL).bytes <= limitBytes);
    assert.equal(await statusFrom(hub, '127.0.0.9'), 200);
    for (const socket of waiting) socket.destroy();
    await until('all is given back', () => kept(hub, KeptKind.PARTIAL).bytes === 0);
  });

  it('large heads of requests are booked until they are answered', async (t) => {
    const hub = await startWithMute(t);
    await serveThroughHub(t, hub, 'mute', () => {});
    const head = `Host: localhost\r\nX-Large: ${'x'.repeat(10_000)}\r\n`;
    const command = await callFrom(t, hub, '127.0.0.2');
    command.write(commandOf(1).replace('Host: localhost\r\n', head));
    const service = await callFrom(t, hub, '127.0.0.2');
    service.write(`GET /services/mute/ HTTP/1.1\r\n${head}\r\n`);
    await until('the head of a command is booked', () => kept(hub, KeptKind.BODY).bytes > 10_000);
    await until('the head of a service is booked', () => kept(hub, KeptKind.FRAME).bytes > 20_000);
    command.destroy();
    service.destroy();
    await until(
      'they are given back',
      () => kept(hub, KeptKind.BODY).bytes + kept(hub, KeptKind.FRAME).bytes === 0,
    );
  });

  it('a large answer that there is no room for is refused, and the output of a command is not', async (t) => {
    const hub = await startWithMute(t);
    const full = hub.server.hub.ledger.open('somebody');
    full.charge(KeptKind.ANSWER, 3_900_000);
    assert.equal((await hub.call('GET', '/openapi.json')).status, 429);
    const device = await WireDevice.connect(t, hub.tcpPort);
    device.send('{"recado":2,"id":"talker","description":{"commands":{"do":{}}}}\n');
    await until('it is there', () => hub.server.hub.devices.get('talker')?.isOnline === true);
    const answer = hub.call('POST', '/api/v1/devices/talker/commands/do', {});
    await until('it is asked', () => device.text.includes('"cmd"'));
    const id = /"cmd":"([^"]+)"/.exec(device.text)?.[1];
    device.send(`{"re":"${id}","output":"${'x'.repeat(10_000)}"}\n`);
    assert.equal((await answer).status, 200);
    full.release(KeptKind.ANSWER, 3_900_000);
    assert.equal((await hub.call('GET', '/openapi.json')).status, 200);
    await until('nothing is kept', () => kept(hub, KeptKind.ANSWER).bytes === 0);
  });
});
