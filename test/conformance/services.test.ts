import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { describe, it } from 'node:test';
import { openServicesRig, openTarget, readBody, SERVICE, talkRaw } from '../helpers/services-rig.ts';
import { until } from '../helpers/until.ts';

/** Says what it was asked. */
const echo: RequestListener = (request, response) => {
  void readBody(request).then((body) => {
    const { method, url, rawHeaders } = request;
    response.end(JSON.stringify({ method, url, rawHeaders, body: body.toString('latin1') }));
  });
};

type Echo = { method: string; url: string; rawHeaders: string[]; body: string };

function headersOf({ rawHeaders }: Echo): Map<string, string> {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  return new Map(names.map((name, index) => [name.toLowerCase(), rawHeaders[index * 2 + 1] ?? '']));
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a request through a service', () => {
  it('arrives with method, path, query, headers and body as they were', async (t) => {
    const rig = await openServicesRig(t);
    await rig.startAgent(await openTarget(rig, echo));
    const answer = await fetch(`${rig.serviceUrl}/a/b%20c?x=1&x=2`, {
      method: 'PUT',
      body: 'hello',
      headers: { 'x-one': 'ä', 'content-type': 'text/plain' },
    });
    const seen = (await answer.json()) as Echo;
    assert.deepEqual(
      [answer.status, seen.method, seen.url, seen.body],
      [200, 'PUT', '/a/b%20c?x=1&x=2', 'hello'],
    );
    const headers = headersOf(seen);
    assert.equal(headers.get('x-one'), 'ä');
    assert.equal(headers.get('content-type'), 'text/plain');
    assert.equal(headers.get('content-length'), '5');
    assert.match(headers.get('forwarded') ?? '', /^for=127\.0\.0\.1;host="127\.0\.0\.1:\d+";proto=http$/);
    assert.match(headers.get('traceparent') ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it('keeps a traceparent that it has, and adds itself behind the proxies that are believed', async (t) => {
    const rig = await openServicesRig(t);
    rig.place = { sandbox: 'off', isProxy: true };
    await rig.startAgent(await openTarget(rig, echo));
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const headers = { traceparent, forwarded: 'for=192.0.2.1' };
    const seen = (await (await fetch(`${rig.serviceUrl}/`, { headers })).json()) as Echo;
    const forwarded = seen.rawHeaders.filter(
      (_, index, all) => all[index - 1]?.toLowerCase() === 'forwarded',
    );
    assert.equal(headersOf(seen).get('traceparent'), traceparent);
    assert.deepEqual([forwarded.length, forwarded[0]], [2, 'for=192.0.2.1']);
  });

  it('reaches the path below the URL of the agent, and / when there is none', async (t) => {
    const rig = await openServicesRig(t);
    const target = await openTarget(rig, echo);
    await rig.startAgent(`${target}/base/`);
    const urls: string[] = [];
    for (const path of ['', '?q', '/', '//other.example/x']) {
      const { received } = await talkRaw(
        rig.url,
        `GET /services/${SERVICE}${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
      );
      urls.push(/"url":"([^"]*)"/.exec(received)?.[1] ?? received);
    }
    assert.deepEqual(urls, ['/base/', '/base/?q', '/base/', '/base//other.example/x']);
  });

  it('loses the headers of the connection, those that it names, and the Host', async (t) => {
    const rig = await openServicesRig(t);
    await rig.startAgent(await openTarget(rig, echo));
    const { received } = await talkRaw(
      rig.url,
      `GET /services/${SERVICE}/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\n` +
        'Keep-Alive: timeout=9\r\nTE: trailers\r\nProxy-Authorization: Basic eA==\r\nUpgrade: h2c\r\nX-Kept: 1\r\n\r\n',
    );
    const seen = JSON.parse(received.slice(received.indexOf('{'), received.lastIndexOf('}') + 1)) as Echo;
    const headers = headersOf(seen);
    assert.deepEqual(
      ['x-secret', 'keep-alive', 'te', 'proxy-authorization', 'upgrade'].filter((name) => headers.has(name)),
      [],
    );
    assert.equal(headers.get('x-kept'), '1');
    assert.match(headers.get('host') ?? '', /^127\.0\.0\.1:\d+$/);
  });

  it('has a body of unknown length in chunks, and one that came whole with its length', async (t) => {
    const rig = await openServicesRig(t);
    await rig.startAgent(await openTarget(rig, echo));
    const send = async (parts: readonly string[]): Promise<Echo> => {
      const call = httpRequest(`${rig.serviceUrl}/`, { method: 'POST' });
      const answered = once(call, 'response') as Promise<[IncomingMessage]>;
      for (const part of parts) {
        call.write(part);
        await until('the part left', () => call.writableLength === 0);
      }
      call.end();
      const [response] = await answered;
      return JSON.parse((await readBody(response)).toString()) as Echo;
    };
    const parts = await send(['one ', 'two ', 'three']);
    assert.equal(parts.body, 'one two three');
    const { received } = await talkRaw(
      rig.url,
      `POST /services/${SERVICE}/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n` +
        '5\r\nhello\r\n0\r\n\r\n',
    );
    assert.match(received, /"content-length","5"/i);
    assert.doesNotMatch(received, /"transfer-encoding"/i);
  });

  it('is answered with status, headers in their order, duplicates apart, and the body', async (t) => {
    const rig = await openServicesRig(t);
    const target = await openTarget(rig, (_request, response) => {
      response.writeHead(418, [
        'X-B',
        '1',
        'Set-Cookie',
        'a=1',
        'X-A',
        '2',
        'Set-Cookie',
        'b=2',
        'Connection',
        'x-hop',
        'X-Hop',
        '3',
      ]);
      response.end('teapot');
    });
    await rig.startAgent(target);
    const answer = await fetch(`${rig.serviceUrl}/`);
    assert.deepEqual([answer.status, await answer.text()], [418, 'teapot']);
    const place = `Path=/services/${SERVICE}`;
    assert.deepEqual(answer.headers.getSetCookie(), [`a=1; ${place}`, `b=2; ${place}`]);
    assert.deepEqual([answer.headers.get('x-a'), answer.headers.get('x-hop')], ['2', null]);
  });

  it('HEAD, 204 and 304 have no body, and leave the connection in order', async (t) => {
    const rig = await openServicesRig(t);
    const target = await openTarget(rig, (request, response) => {
      const status = Number(/\d+/.exec(request.url ?? '')?.[0] ?? 200);
      response.writeHead(status, status === 204 ? {} : { 'content-length': '5', etag: '"e"' });
      response.end(status === 200 ? 'hello' : undefined);
    });
    await rig.startAgent(target);
    const line = (method: string, path: string, connection: string): string =>
      `${method} /services/${SERVICE}${path} HTTP/1.1\r\nHost: h\r\nConnection: ${connection}\r\n\r\n`;
    const { received } = await talkRaw(
      rig.url,
      line('HEAD', '/', 'keep-alive') +
        line('GET', '/204', 'keep-alive') +
        line('GET', '/304', 'keep-alive') +
        line('GET', '/', 'close'),
    );
    const heads = received.split(/(?=HTTP\/1\.1 )/);
    assert.deepEqual(
      heads.map((head) => head.slice(9, 12)),
      ['200', '204', '304', '200'],
    );
    assert.deepEqual(
      heads.map((head) => head.split('\r\n\r\n')[1]),
      ['', '', '', 'hello'],
    );
    assert.deepEqual(
      heads.map((head) => /content-length: 5/i.test(head)),
      [true, false, true, true],
    );
  });

  it('passes bodies of every size around the borders of pieces and windows, both ways', async (t) => {
    const chunkBytes = 1024;
    const rig = await openServicesRig(t, { limits: { chunkBytes, initialCreditBytes: 4096 } });
    const target = await openTarget(rig, (request, response) => {
      void readBody(request).then((body) => response.end(body));
    });
    await rig.startAgent(target, { chunkBytes, initialCreditBytes: 4096 });
    for (const size of [0, 1, 1023, 1024, 1025, 2048, 4095, 4096, 4097, 8192, 65_536, 100_000]) {
      const body = randomBytes(size);
      const answer = await fetch(`${rig.serviceUrl}/`, { method: 'POST', body });
      assert.equal(sha256(await answer.bytes()), sha256(body), `${size} bytes`);
    }
    assert.equal(rig.hub.inFlightCount, 0);
  });

  it('leaves nothing of a large body in the memory of the hub, whether or not anything is collected', async (t) => {
    const rig = await openServicesRig(t);
    const target = await openTarget(rig, (request, response) => {
      void readBody(request).then((body) => response.end(sha256(body)));
    });
    await rig.startAgent(target);
    const pieces: Buffer[] = [];
    rig.front.prependListener('request', (request: IncomingMessage) => {
      request.on('data', (piece: Buffer) => void pieces.push(piece));
    });
    const body = randomBytes(16 * 1024 * 1024);
    const answer = await fetch(`${rig.serviceUrl}/`, { method: 'POST', body });
    assert.equal(await answer.text(), sha256(body));
    const leftBytes = pieces.reduce((sum, piece) => sum + piece.buffer.byteLength, 0);
    // The beginning was kept to send it again, and is left to the collector, as small pieces are.
    assert.ok(leftBytes < body.length / 16, `${leftBytes} bytes in ${pieces.length} pieces`);
  });

  it('many at once do not mix', async (t) => {
    const rig = await openServicesRig(t);
    const target = await openTarget(rig, (request, response) => {
      void readBody(request).then((body) => response.end(body));
    });
    await rig.startAgent(target);
    await rig.startAgent(target, { id: 'two' });
    const bodies = Array.from({ length: 60 }, (_, index) => randomBytes(index * 7001));
    const answers = await Promise.all(
      bodies.map(async (body) => {
        const answer = await fetch(`${rig.serviceUrl}/`, { method: 'POST', body });
        return sha256(await answer.bytes());
      }),
    );
    assert.deepEqual(answers, bodies.map(sha256));
  });

  it('events come as they are sent', async (t) => {
    const rig = await openServicesRig(t);
    let stream: ServerResponse | undefined;
    const target = await openTarget(rig, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      stream = response;
    });
    await rig.startAgent(target);
    const answer = await fetch(`${rig.serviceUrl}/events`);
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    const reader = answer.body!.getReader();
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      stream!.write(event);
      const { value } = await reader.read();
      assert.equal(Buffer.from(value ?? []).toString(), event);
    }
    stream!.end();
    assert.equal((await reader.read()).done, true);
  });

  it('Expect: 100-continue is answered by the hub and not passed on', async (t) => {
    const rig = await openServicesRig(t);
    await rig.startAgent(await openTarget(rig, echo));
    const call = httpRequest(`${rig.serviceUrl}/`, {
      method: 'POST',
      headers: { expect: '100-continue', 'content-length': '2' },
    });
    call.flushHeaders();
    const answered = once(call, 'response') as Promise<[IncomingMessage]>;
    await once(call, 'continue');
    call.end('ok');
    const [response] = await answered;
    const seen = JSON.parse((await readBody(response)).toString()) as Echo;
    assert.deepEqual([seen.body, headersOf(seen).has('expect')], ['ok', false]);
  });
});

describe('flow control', () => {
  it('a caller who does not read stops the service, and others go on', async (t) => {
    const rig = await openServicesRig(t);
    let sent = 0;
    const piece = Buffer.alloc(16 * 1024);
    const target = await openTarget(rig, (request, response) => {
      if (request.url !== '/endless') {
        response.end('quick');
        return;
      }
      const send = (): void => {
        while (!response.destroyed && response.write(piece)) sent += piece.length;
        if (!response.destroyed) response.once('drain', send);
      };
      send();
    });
    await rig.startAgent(target);
    const call = httpRequest(`${rig.serviceUrl}/endless`);
    call.end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.pause();
    let last = -1;
    await until('the service stands still', async () => {
      const before = sent;
      // Other requests take their turn meanwhile: that the number stays shows that nothing moves.
      for (let index = 0; index < 20; index++) await (await fetch(`${rig.serviceUrl}/quick`)).text();
      last = sent;
      return before === sent;
    });
    // Sockets of the system take a few mebibytes; an endless body would have gone on.
    assert.ok(last < 64 * 1024 * 1024, `${last} bytes`);
    call.destroy();
    await until('the request ends', () => rig.hub.inFlightCount === 0);
  });

  it('a target that does not read stops the caller', async (t) => {
    const rig = await openServicesRig(t);
    let held: IncomingMessage | undefined;
    const target = await openTarget(rig, (request, response) => {
      held = request;
      request.on('end', () => response.end('done'));
    });
    await rig.startAgent(target);
    const call = httpRequest(`${rig.serviceUrl}/`, { method: 'POST' });
    const answered = once(call, 'response') as Promise<[IncomingMessage]>;
    const size = 24 * 1024 * 1024;
    call.end(Buffer.alloc(size));
    await until('the target has it', () => held !== undefined);
    const counters = rig.service!.counters;
    let before = -1;
    await until('nothing moves', async () => {
      const isStill = before === counters.requestBytes && before > 0;
      before = counters.requestBytes;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return isStill;
    });
    assert.ok(counters.requestBytes < size);
    held!.resume();
    const [response] = await answered;
    assert.equal((await readBody(response)).toString(), 'done');
    assert.equal(counters.requestBytes, size);
  });
});
