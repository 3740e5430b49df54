import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import type { AgentLimits } from '../../src/services/options.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { encodeAnnouncement } from '../../src/services/wire/announcement.ts';
import { encodeHead, type RequestHead, type ResponseHead } from '../../src/services/wire/message-heads.ts';
import { announcementTopic, inTopic, outTopic } from '../../src/services/wire/service-topics.ts';
import {
  decodeFrame,
  encodeFrame,
  FrameType,
  type Frame,
  type FrameParts,
} from '../../src/services/wire/frame.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { openServicesRig, openTarget, SERVICE, talkRaw, type ServicesRig } from '../helpers/services-rig.ts';
import { until } from '../helpers/until.ts';

const PREFIX = 'recado/services';
const bytes = (text: string): Buffer => Buffer.from(text);

/** Frames that came, decoded; those that are none fail the test. */
async function collect(bus: Bus, topicFilter: string): Promise<Frame[]> {
  const frames: Frame[] = [];
  await bus.subscribe(topicFilter, { qos: 1 }, ({ payload }) => {
    const frame = decodeFrame(payload);
    assert.ok(typeof frame !== 'string');
    frames.push(frame);
  });
  return frames;
}

/** An agent whose every frame the test says. */
async function openFakeAgent(rig: ServicesRig, id = 'fake') {
  const { hubBus: bus } = rig;
  const { hubId } = rig.hub;
  const frames = await collect(bus, inTopic(PREFIX, SERVICE, id, hubId));
  const announcement = {
    epoch: 1,
    isHealthy: true,
    isLeaving: false,
    maxInFlight: 10,
    creditBytes: 1000,
    maxHeadBytes: 65_536,
  };
  const topicName = announcementTopic(PREFIX, SERVICE, id);
  await bus.publish({ topicName, payload: encodeAnnouncement(announcement), qos: 1, retain: true });
  let sequence = 0;
  const send = async (parts: Omit<FrameParts, 'sequence'> & { sequence?: number }): Promise<void> => {
    const payload = encodeFrame({ sequence: sequence++, ...parts });
    await bus.publish({ topicName: outTopic(PREFIX, SERVICE, hubId, id), payload });
  };
  const answer = (head: Partial<ResponseHead>, body = '', isLast = true): Promise<void> =>
    send({
      type: FrameType.RESPONSE,
      request: frames[0]!.request,
      isLast,
      head: encodeHead({ status: 200, headers: [], ...head }),
      body: bytes(body),
    });
  return { frames, send, answer };
}

/** A request, and what becomes of it: status and body, or `cut`. */
function ask(rig: ServicesRig): Promise<string> {
  return new Promise((resolve) => {
    const call = httpRequest(`${rig.serviceUrl}/`, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () =>
        resolve(`${String(response.headers['x-code'] ?? response.statusCode)} ${text}`),
      );
      response.on('error', () => resolve('cut'));
    });
    call.on('error', () => resolve('cut'));
    call.end();
  });
}

async function openAsked(t: TestContext) {
  const rig = await openServicesRig(t);
  const agent = await openFakeAgent(rig);
  const outcome = ask(rig);
  await until('the agent is asked', () => agent.frames.length > 0);
  return { rig, ...agent, outcome, request: agent.frames[0]!.request };
}

describe('the hub, with an agent that', () => {
  it('repeats a frame, takes it once', async (t) => {
    const { answer, send, outcome, request } = await openAsked(t);
    await answer({}, 'a', false);
    const data = { type: FrameType.DATA, request, sequence: 1, body: bytes('b') };
    await send(data);
    await send(data);
    await send({ type: FrameType.DATA, request, sequence: 2, isLast: true });
    assert.equal(await outcome, '200 ab');
  });

  it('has a frame lost, does not pass the rest for the whole', async (t) => {
    const { answer, send, outcome, request } = await openAsked(t);
    await answer({}, 'a', false);
    await send({ type: FrameType.DATA, request, sequence: 2, isLast: true });
    assert.equal(await outcome, 'cut');
  });

  const unfit: readonly [string, Partial<ResponseHead> | string][] = [
    ['a header that would be two', { headers: [['a', 'b\r\nc: d']] }],
    ['a status that is none', { status: 99 }],
    ['no JSON', 'x'],
  ];
  for (const [name, head] of unfit) {
    it(`answers with ${name}, tells the caller and the agent`, async (t) => {
      const { rig, answer, send, outcome, request, frames } = await openAsked(t);
      if (typeof head === 'string')
        await send({ type: FrameType.RESPONSE, request, isLast: true, head: bytes(head) });
      else await answer(head);
      assert.match(await outcome, /^BAD_ANSWER /);
      await until('the agent is told', () => frames.at(-1)?.type === FrameType.CANCEL);
      assert.equal(rig.hub.inFlightCount, 0);
    });
  }

  it('sends more than it said, or less, cuts the connection', async (t) => {
    for (const [bodyBytes, body] of [
      [1, 'ab'],
      [3, 'ab'],
    ] as const) {
      const { answer, outcome } = await openAsked(t);
      await answer({ bodyBytes }, body);
      assert.equal(await outcome, 'cut');
    }
  });

  it('sends more than it has credit for, cuts the connection', async (t) => {
    const rig = await openServicesRig(t, { limits: { initialCreditBytes: 1000 } });
    const { frames, answer, send } = await openFakeAgent(rig);
    const { socket } = await talkRaw(
      rig.url,
      `GET /services/${SERVICE}/ HTTP/1.1\r\nHost: h\r\n\r\n`,
      () => frames.length > 0,
    );
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await answer({}, 'x'.repeat(1000), false);
    await send({ type: FrameType.DATA, request: frames[0]!.request, body: Buffer.alloc(100_000) });
    await closed;
    assert.equal(rig.hub.inFlightCount, 0);
  });

  it('does not have the request, is not listened to', async (t) => {
    const { rig, answer, outcome, request } = await openAsked(t);
    const other = await openFakeAgent(rig, 'other');
    const head = encodeHead({ status: 200, headers: [] });
    await other.send({ type: FrameType.RESPONSE, request, isLast: true, head, body: bytes('false') });
    assert.equal(rig.hub.counters.stray, 1);
    await answer({}, 'true');
    assert.equal(await outcome, '200 true');
  });

  it('is no agent, counts what makes no sense', async (t) => {
    const rig = await openServicesRig(t);
    const publish = (topicName: string, text: string) =>
      rig.hubBus.publish({ topicName, payload: bytes(text), qos: 1 });
    await publish(announcementTopic(PREFIX, SERVICE, 'x'), '{}');
    await publish(outTopic(PREFIX, SERVICE, rig.hub.hubId, 'x'), 'a frame of nobody');
    assert.equal(rig.service, undefined);
    await openFakeAgent(rig);
    await publish(outTopic(PREFIX, SERVICE, rig.hub.hubId, 'fake'), 'no frame');
    assert.deepEqual(rig.hub.counters, { malformed: 2, stray: 1 });
  });
});

describe('the hub', () => {
  const heads = [
    'POST /services/billing/ HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf ',
    'GET /services/billing/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ];
  for (const head of heads) {
    it(`sends what came together in the order of its numbers: ${head.slice(0, 4).trim()} first`, async (t) => {
      const rig = await openServicesRig(t);
      const { frames } = await openFakeAgent(rig);
      const { hostname, port } = new URL(rig.url);
      const sockets = [0, 1].map(() => connect(Number(port), hostname).on('error', () => {}));
      t.after(() => sockets.forEach((socket) => socket.destroy()));
      let connected = 0;
      rig.front.on('connection', () => connected++);
      await until('both are connected', () => connected === 2);
      sockets[0]!.write(head);
      sockets[1]!.write('GET /services/billing/later HTTP/1.1\r\nHost: h\r\n\r\n');
      const numbers = (): number[] =>
        frames.filter(({ type }) => type === FrameType.REQUEST).map(({ request }) => request);
      await until('both are sent', () => numbers().length === 2);
      assert.deepEqual(numbers(), [1, 2]);
    });
  }
});

describe('the agent, with a hub that', () => {
  async function openFakeHub(t: TestContext, limits: Partial<AgentLimits> = {}, clock: Clock = systemClock) {
    const rig = await openServicesRig(t, { clock });
    const held: [IncomingMessage, ServerResponse][] = [];
    const target = await openTarget(rig, (request, response) => void held.push([request, response]));
    const { agent } = await rig.startAgent(target, limits);
    const topicName = inTopic(PREFIX, SERVICE, 'one', 'fakehub');
    const send = (parts: FrameParts) => rig.hubBus.publish({ topicName, payload: encodeFrame(parts) });
    const ask = (request: number, change: Partial<RequestHead> = {}, isLast = true, more = {}) => {
      const head = encodeHead({ method: 'GET', target: '/', headers: [], ...change });
      const { epoch } = rig.service!.agents.get('one')!;
      const numbers = { epoch, timeoutMs: 60_000, creditBytes: 100_000, ...more };
      return send({ type: FrameType.REQUEST, request, sequence: 0, isLast, head, ...numbers });
    };
    const listen = () => collect(rig.hubBus, outTopic(PREFIX, SERVICE, 'fakehub', 'one'));
    return { rig, agent, held, send, ask, listen };
  }

  const failureOf = ({ body }: Frame): string =>
    (JSON.parse(Buffer.from(body).toString()) as { code: string }).code;

  it('sends a request twice, also when it is over: the target has it once', async (t) => {
    const { agent, held, ask, listen } = await openFakeHub(t);
    const frames = await listen();
    await ask(5);
    await ask(5);
    await until('the target has it', () => held.length > 0);
    held[0]![1].end('once');
    await until('it is answered', () => frames.length > 0);
    await ask(5);
    await ask(4);
    await ask(6);
    await until('the target has the next', () => held.length > 1);
    assert.deepEqual([held.length, agent.counters.requests], [2, 2]);
  });

  it('goes round with its numbers, is understood', async (t) => {
    const { held, ask, listen } = await openFakeHub(t);
    await listen();
    for (const [index, request] of [3_000_000_000, 4_294_967_295, 1, 2_000_000_000].entries()) {
      await ask(request);
      await until('the target has it', () => held.length === index + 1);
    }
  });

  it('leaves out a frame, is told', async (t) => {
    const { held, ask, send, listen } = await openFakeHub(t);
    const frames = await listen();
    await ask(1, { method: 'POST' }, false);
    await send({ type: FrameType.DATA, request: 1, sequence: 1, body: bytes('begun') });
    await until('the target has it', () => held.length > 0);
    await send({ type: FrameType.DATA, request: 1, sequence: 3, isLast: true });
    await until('it is told', () => frames.some(({ type }) => type === FrameType.FAILURE));
    assert.equal(failureOf(frames.at(-1)!), 'bad-request');
    await until('the target is let go', () => held[0]![0].destroyed);
  });

  it('is meant for an earlier connection of it, is told that the target has seen nothing', async (t) => {
    const { rig, agent, held, ask, listen } = await openFakeHub(t);
    const frames = await listen();
    const { epoch } = rig.service!.agents.get('one')!;
    await ask(1, {}, true, { epoch: (epoch % 1000) + 1001 });
    await until('it is told', () => frames.length > 0);
    assert.match(Buffer.from(frames[0]!.body).toString(), /"code":"lost".*"isUntouched":true/);
    assert.deepEqual([held.length, agent.inFlightCount], [0, 0]);
  });

  it('asks about requests that are not here, is told whether the target can have seen them', async (t) => {
    const { held, ask, send, listen } = await openFakeHub(t);
    const frames = await listen();
    await ask(5);
    await until('the target has it', () => held.length > 0);
    held[0]![1].end('done');
    await until('it is answered', () => frames.length > 0);
    for (const request of [4, 5, 6]) await send({ type: FrameType.PROBE, request, sequence: 1 });
    await until('all are told', () => frames.length === 4);
    const told = frames.slice(1).map(({ body }) => JSON.parse(Buffer.from(body).toString()) as object);
    assert.deepEqual(
      told.map((failure) => Object.values(failure)),
      [false, false, true].map((isUntouched) => [
        'lost',
        'The agent does not have the request.',
        isUntouched,
      ]),
    );
  });

  it('has not sent a request yet, or only to an earlier agent, is not told that it may be done again', async (t) => {
    const { held, ask, send, listen } = await openFakeHub(t);
    const frames = await listen();
    await send({ type: FrameType.PROBE, request: 7, sequence: 1 });
    await until('it is told', () => frames.length === 1);
    assert.match(Buffer.from(frames[0]!.body).toString(), /"code":"lost".*"isUntouched":false/);
    await send({ type: FrameType.PROBE, request: 8, sequence: 0 });
    await until('it is told', () => frames.length === 2);
    assert.deepEqual([frames[1]!.type, frames[1]!.request, frames[1]!.sequence], [FrameType.STATE, 8, 0]);
    await ask(8);
    await until('the target has it', () => held.length === 1);
  });

  it('asks for what is no request, is told, and the target has nothing', async (t) => {
    const { held, ask, listen } = await openFakeHub(t);
    const frames = await listen();
    const bad: Partial<RequestHead>[] = [
      { target: 'http://other/' },
      { headers: [['a', 'b\nc: d']] },
      { method: 'CONNECT' },
      { target: '/../x' },
    ];
    for (const [index, change] of bad.entries()) await ask(index + 1, change);
    await until('all are told', () => frames.length === bad.length);
    assert.deepEqual(frames.map(failureOf), ['bad-request', 'bad-request', 'bad-request', 'forbidden']);
    assert.equal(held.length, 0);
  });

  it('has vanished, asks after it, and lets the target go', async (t) => {
    const clock = new ManualClock();
    const { agent, held, ask } = await openFakeHub(t, { probeAfterMs: 20 }, clock);
    await ask(1);
    await until('the target has it', () => held.length > 0);
    clock.advance(200);
    await until('the target is let go', () => held[0]![0].destroyed);
    assert.equal(agent.inFlightCount, 0);
  });

  it('is silent in the middle of a body, lets the target go after the time for it', async (t) => {
    const { agent, held, ask, listen } = await openFakeHub(t, { idleTimeoutMs: 100 });
    const frames = await listen();
    await ask(1, { method: 'POST' }, false);
    await until('it is told', () => frames.length > 0);
    assert.equal(failureOf(frames[0]!), 'answer-timeout');
    await until('the target is let go', () => held[0] === undefined || held[0][0].destroyed);
    assert.equal(agent.inFlightCount, 0);
  });

  it('grants more than was sent, is told', async (t) => {
    const { held, ask, send, listen } = await openFakeHub(t);
    const frames = await listen();
    await ask(1);
    await until('the target has it', () => held.length > 0);
    held[0]![1].write('ten bytes.');
    await until('the answer begins', () => frames.length > 0);
    await send({ type: FrameType.CREDIT, request: 1, sequence: 1, creditBytes: 4_000_000 });
    await until('it is told', () => frames.at(-1)!.type === FrameType.FAILURE);
    assert.equal(failureOf(frames.at(-1)!), 'bad-request');
  });
});
