import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { succeed } from '../../src/base/result.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { decodeFrame, FrameType } from '../../src/services/wire/frame.ts';
import { Upstream } from '../../src/services/agent/upstream.ts';
import { offerThroughHub } from '../helpers/hub-agent.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { openServicesRig, openTarget, readBody, talkRaw, type ServicesRig } from '../helpers/services-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { StillWires } from '../helpers/still-wires.ts';
import { until } from '../helpers/until.ts';

/** A target whose every byte the test says. */
async function openRawTarget(rig: ServicesRig, onData: (socket: Socket, text: string) => void) {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => onData(socket, data.toString('latin1')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rig.onClose(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Loses the frames that it is told to; as a broker may at QoS 0. */
function loseFrames(bus: Bus, isLost: (type: number) => boolean): void {
  const send = bus.send.bind(bus);
  bus.send = (message) => {
    const frame = decodeFrame(message.payload);
    return typeof frame !== 'string' && isLost(frame.type) ? succeed(undefined) : send(message);
  };
}

describe('heads', () => {
  it('of 60,000 bytes pass both ways, through the whole hub', async (t) => {
    const hub = await startTestHub(t);
    const text = 'x'.repeat(60_000);
    const server = createServer({ maxHeaderSize: 100_000 }, (request, response) => {
      response.setHeader('x-long', text).end(String(request.headers['x-long']?.length));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => void server.close());
    await offerThroughHub(t, hub, 'shop', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const { received } = await talkRaw(
      hub.url,
      `GET /services/shop/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: ${text}\r\n\r\n`,
    );
    assert.match(received, /^HTTP\/1\.1 200[^]*\r\n\r\n60000$/);
    assert.ok(received.includes(`x-long: ${text}\r\n`));
  });

  it('that are larger than the agent takes are told at once: 431', async (t) => {
    const rig = await openServicesRig(t);
    await rig.startAgent(await openTarget(rig, (_, response) => response.end()), { maxHeadBytes: 1000 });
    const answer = await fetch(`${rig.serviceUrl}/`, { headers: { 'x-long': 'x'.repeat(1000) } });
    assert.equal(answer.headers.get('x-code'), 'HEAD_TOO_LARGE');
  });

  it('of answers that are larger than the hub takes are a bad answer', async (t) => {
    const rig = await openServicesRig(t, { limits: { maxHeadBytes: 1000 } });
    const target = await openTarget(rig, (_, response) => {
      response.setHeader('x-long', 'x'.repeat(1000)).end();
    });
    await rig.startAgent(target);
    const answer = await fetch(`${rig.serviceUrl}/`, { method: 'POST' });
    assert.equal(answer.headers.get('x-code'), 'BAD_ANSWER');
  });
});

describe('a target that', () => {
  it('switches to a protocol that nobody asked for gives a bad answer at once', async (t) => {
    const rig = await openServicesRig(t);
    const url = await openRawTarget(rig, (socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    await rig.startAgent(url);
    const answer = await fetch(`${rig.serviceUrl}/`, { method: 'POST' });
    assert.equal(answer.headers.get('x-code'), 'BAD_ANSWER');
  });

  /** Answers so many requests of each connection, and then closes it when it gets another one. */
  async function openClosingTarget(rig: ServicesRig, answers: number) {
    const asked: string[] = [];
    const counts = new WeakMap<Socket, number>();
    const url = await openRawTarget(rig, (socket, text) => {
      const count = (counts.get(socket) ?? 0) + 1;
      counts.set(socket, count);
      const [line = ''] = text.split('\r\n', 1);
      asked.push(`${line.split(' ')[0]} ${text.slice(text.indexOf('\r\n\r\n') + 4)}`);
      if (count > answers) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    await rig.startAgent(url);
    const ask = async (method: string, body: string) => {
      const answer = await fetch(`${rig.serviceUrl}/`, { method, body });
      return answer.headers.get('x-code') ?? (await answer.text());
    };
    return { asked, ask };
  }

  it('closes a kept connection on a request gets it once more only if it is idempotent', async (t) => {
    const { asked, ask } = await openClosingTarget(await openServicesRig(t), 1);
    assert.equal(await ask('PUT', 'first'), 'ok');
    assert.equal(await ask('PUT', 'second'), 'ok');
    assert.deepEqual(asked, ['PUT first', 'PUT second', 'PUT second']);
    for (const method of ['POST', 'PATCH']) {
      asked.length = 0;
      assert.equal(await ask(method, 'first'), 'ok');
      assert.equal(await ask(method, 'second'), 'TARGET_DOWN');
      assert.deepEqual(asked, [`${method} first`, `${method} second`]);
    }
  });

  it('does a POST of a kept connection and then closes it does it once', async (t) => {
    const rig = await openServicesRig(t);
    const atWork: Socket[] = [];
    let done = 0;
    const target = await openTarget(rig, (request, response) => {
      if (request.method === 'GET') return response.end('ok');
      done++;
      return atWork.push(request.socket);
    });
    await rig.startAgent(target);
    for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
      assert.equal(await (await fetch(`${rig.serviceUrl}/`)).text(), 'ok');
      done = 0;
      const asked = fetch(`${rig.serviceUrl}/`, { method: 'POST', body: 'once' });
      const socket = await until('it is being done', () => atWork.pop());
      socket[end]();
      assert.equal((await asked).headers.get('x-code'), 'TARGET_DOWN', end);
      assert.equal(done, 1, end);
    }
  });

  it('had closed a kept connection when a request was written to it gets that over another one', async (t) => {
    const rig = await openServicesRig(t);
    const sockets = new Set<Socket>();
    const asked: string[] = [];
    const url = await openTarget(rig, (request, response) => {
      sockets.add(request.socket);
      void readBody(request).then((body) => {
        asked.push(`${request.method} ${body.toString()}`);
        response.end('ok');
      });
    });
    let close = (): void => {};
    /** Whether the connection is new is asked for as the last thing before a request is written. */
    class WatchedUpstream extends Upstream {
      override get isConnectionNew(): boolean {
        close();
        return super.isConnectionNew;
      }
    }
    await rig.startAgent(url, { upstream: new WatchedUpstream(url) });
    for (const end of ['destroy', 'resetAndDestroy'] as const) {
      assert.equal(await (await fetch(`${rig.serviceUrl}/`)).text(), 'ok');
      asked.length = 0;
      close = () => {
        close = () => {};
        for (const socket of sockets) socket[end]();
      };
      const answer = await fetch(`${rig.serviceUrl}/`, { method: 'POST', body: 'once' });
      assert.equal(await answer.text(), 'ok', end);
      assert.deepEqual(asked, ['POST once'], end);
    }
  });

  it('closes a new connection under a request gets it once more only if it is idempotent', async (t) => {
    const { asked, ask } = await openClosingTarget(await openServicesRig(t), 0);
    assert.equal(await ask('POST', 'once'), 'TARGET_DOWN');
    assert.deepEqual(asked, ['POST once']);
    asked.length = 0;
    assert.equal(await ask('PUT', 'twice'), 'TARGET_DOWN');
    assert.deepEqual(asked, ['PUT twice', 'PUT twice']);
  });

  it('closes a kept connection under a body that is not at hand any more does not get the request again', async (t) => {
    const rig = await openServicesRig(t);
    const { asked, ask } = await openClosingTarget(rig, 1);
    assert.equal(await ask('POST', 'first'), 'ok');
    assert.equal(await ask('POST', 'x'.repeat(1_000_000)), 'TARGET_DOWN');
    assert.equal(asked.filter((text) => text.startsWith('POST ')).length, 2);
  });
});

describe('an agent that stood still', () => {
  it('does not do what came meanwhile, and begins anew', async (t) => {
    const rig = await openServicesRig(t);
    let asked = 0;
    const target = await openTarget(rig, (_, response) => {
      asked++;
      response.end('done');
    });
    let standsStill = false;
    let missedMs = 0;
    const clock: Clock = {
      ...systemClock,
      monotonic: () => systemClock.monotonic() + missedMs,
      setTicker: (periodMs, call) => systemClock.setTicker(periodMs, () => standsStill || call()),
    };
    await rig.startAgent(target, { clock });
    const { epoch } = rig.service!.agents.get('one')!;
    standsStill = true;
    missedMs = 10_000;
    const answer = await fetch(`${rig.serviceUrl}/`, { method: 'POST' });
    // It was not touched, so it may be asked again, and is, as soon as the agent has announced itself anew.
    assert.ok(
      ['done', 'AGENT_LOST', 'NO_AGENT'].includes(answer.headers.get('x-code') ?? (await answer.text())),
    );
    await until('it begins anew', () => rig.service!.agents.get('one')!.epoch !== epoch);
    assert.ok(asked <= 1);
    standsStill = false;
    const before = asked;
    assert.equal(await (await fetch(`${rig.serviceUrl}/`)).text(), 'done');
    assert.equal(asked, before + 1);
  });
});

describe('messages that a broker loses', () => {
  /** Time goes on only while nothing is on its way: what is slow on a busy machine is not lost. */
  async function openRig(t: TestContext) {
    const clock = new ManualClock();
    const wires = new StillWires(t, clock);
    const rig = await openServicesRig(t, { clock });
    const passUntil = async (isOver: () => boolean): Promise<void> => {
      while (!isOver()) await wires.pass(250);
    };
    return { rig, passUntil };
  }

  async function openLossy(t: TestContext, isLost: (type: number) => boolean, side: 'hub' | 'agent') {
    const { rig, passUntil } = await openRig(t);
    const asked: string[] = [];
    const target = await openTarget(rig, (request, response) => {
      asked.push(request.method ?? '');
      void readBody(request).then(() => response.end(Buffer.alloc(request.url === '/large' ? 600_000 : 10)));
    });
    const { bus } = await rig.startAgent(target);
    loseFrames(side === 'hub' ? rig.hubBus : bus, isLost);
    const ask = async (method: string, path = '/', body?: string) => {
      const init = { method, ...(body !== undefined && { body }) };
      let isOver = false;
      const outcome = fetch(`${rig.serviceUrl}${path}`, init)
        .then(async (answer) => answer.headers.get('x-code') ?? (await answer.bytes()).length)
        .catch(() => 'cut')
        .finally(() => (isOver = true));
      await passUntil(() => isOver);
      return outcome;
    };
    return { rig, asked, ask, passUntil };
  }

  /** Loses the first of a type. */
  function firstOf(wanted: number): (type: number) => boolean {
    let isOver = false;
    return (type) => {
      if (isOver || type !== wanted) return false;
      isOver = true;
      return true;
    };
  }

  it('a REQUEST: is sent again whatever its method, because the target has seen nothing', async (t) => {
    let requests = 0;
    // An agent that has had nothing of this hub could not tell.
    const isSecond = (type: number): boolean => type === FrameType.REQUEST && ++requests === 2;
    const { rig, asked, ask } = await openLossy(t, isSecond, 'hub');
    assert.equal(await ask('GET'), 10);
    await rig.startAgent(await openTarget(rig, (_, response) => response.end('other')), { id: 'two' });
    rig.service!.agents.get('two')!.lastTurn = 1000;
    assert.equal(await ask('POST', '/', 'body'), 5);
    assert.deepEqual(asked, ['GET']);
    assert.equal(rig.service!.counters.retries, 1);
  });

  it('a RESPONSE: a safe method is sent again, and a POST fails', async (t) => {
    for (const [method, outcome] of [
      ['GET', 10],
      ['POST', 'AGENT_LOST'],
    ] as const) {
      const { rig, ask } = await openLossy(t, firstOf(FrameType.RESPONSE), 'agent');
      const spare = await openTarget(rig, (_, response) => response.end(Buffer.alloc(10)));
      await rig.startAgent(spare, { id: 'two' });
      rig.service!.agents.get('two')!.lastTurn = 1000;
      assert.equal(await ask(method), outcome, method);
    }
  });

  it('a DATA, a CREDIT: the answer is cut, and never passed on with a hole', async (t) => {
    const data = await openLossy(t, firstOf(FrameType.DATA), 'agent');
    assert.equal(await data.ask('GET', '/large'), 'cut');
    const credit = await openLossy(t, firstOf(FrameType.CREDIT), 'hub');
    assert.equal(await credit.ask('GET', '/large'), 'cut');
    await credit.passUntil(() => credit.rig.hub.inFlightCount === 0);
  });

  it('a CANCEL: the agent asks after the request, and lets the target go', async (t) => {
    const { rig, passUntil } = await openRig(t);
    let isHeld = false;
    const target = await openTarget(rig, () => (isHeld = true));
    const { agent } = await rig.startAgent(target);
    loseFrames(rig.hubBus, firstOf(FrameType.CANCEL));
    const leaving = new AbortController();
    const left = fetch(`${rig.serviceUrl}/`, { signal: leaving.signal }).catch(() => {});
    await until('the target has it', () => isHeld);
    leaving.abort();
    await left;
    await passUntil(() => agent.inFlightCount === 0);
  });
});
