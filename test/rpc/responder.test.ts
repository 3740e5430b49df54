import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ManualClock } from '../helpers/manual-clock.ts';
import type { Bus, BusMessage, MessageProperties } from '../../src/bus/bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { Broker } from '../../src/mqtt/index.ts';
import {
  createRequester,
  createResponder,
  type Responder,
  type ResponderOptions,
} from '../../src/rpc/index.ts';

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const TICK_MS = 10;

type Rig = {
  readonly bus: Bus;
  readonly clock: ManualClock;
  readonly responder: Responder;
  readonly answers: BusMessage[];
  readonly ask: (payload: string, properties?: MessageProperties) => Promise<void>;
};

async function open(t: TestContext, options: ResponderOptions = {}): Promise<Rig> {
  const broker = new Broker();
  await broker.start();
  const bus = embedBus(broker);
  const clock = new ManualClock();
  const responder = createResponder(bus, { clock, answersBelow: ['answers'], ...options });
  const answers: BusMessage[] = [];
  await bus.subscribe('answers/#', { qos: 1 }, (message) => answers.push(message));
  t.after(() => broker.close());
  return {
    bus,
    clock,
    responder,
    answers,
    async ask(payload, properties = { responseTopic: 'answers/1' }) {
      await bus.publish({ topicName: 'requests', payload: Buffer.from(payload), qos: 1, properties });
      await turns();
    },
  };
}

/** A handler that ends when it is told to. */
function held(): { handler: () => Promise<string>; release: () => void; calls: () => number } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  const handler = async (): Promise<string> => {
    calls++;
    await promise;
    return 'done';
  };
  return { handler, release: resolve, calls: () => calls };
}

const payloads = (answers: readonly BusMessage[]): string[] =>
  answers.map(({ payload }) => Buffer.from(payload).toString());

describe('the time of a request', () => {
  it('is what its caller says, or what the broker left of it', async (t) => {
    const { responder, ask } = await open(t);
    const seen: number[] = [];
    await responder.serve('requests', ({ deadlineMs }) => {
      seen.push(deadlineMs);
      return '';
    });
    const responseTopic = 'answers/1';
    await ask('', { responseTopic });
    await ask('', { responseTopic, userProperties: [['deadline-ms', '1500']] });
    await ask('', { responseTopic, userProperties: [['deadline-ms', '1500']], messageExpiryInterval: 1 });
    await ask('', { responseTopic, userProperties: [['deadline-ms', 'soon']], messageExpiryInterval: 7 });
    assert.deepEqual(seen, [30_000, 1500, 1000, 7000]);
  });

  it('ends the work, and then an answer is of no use', async (t) => {
    const { responder, ask, clock, answers } = await open(t);
    const work = held();
    let signal: AbortSignal | undefined;
    await responder.serve('requests', (request) => {
      signal = request.signal;
      return work.handler();
    });
    await ask('', { responseTopic: 'answers/1', messageExpiryInterval: 1 });
    assert.equal(signal?.aborted, false);
    clock.advance(1000 + TICK_MS);
    assert.equal((signal.reason as { code?: string }).code, 'ANSWER_TIMEOUT');
    work.release();
    await turns();
    assert.deepEqual([answers.length, responder.counters.late, responder.running], [0, 1, 0]);
  });

  it('over without the caller having named it is answered with an error, once', async (t) => {
    const { responder, ask, clock, answers } = await open(t);
    const work = held();
    await responder.serve('requests', work.handler, { timeoutMs: 100 });
    await ask('');
    clock.advance(100 + TICK_MS);
    await turns();
    work.release();
    await turns();
    const error = { code: 'ANSWER_TIMEOUT', message: 'the time for this request is over', status: 504 };
    assert.deepEqual(payloads(answers), [JSON.stringify({ error })]);
    assert.deepEqual(answers[0]?.properties.userProperties, [
      ['status', '504'],
      ['error', 'ANSWER_TIMEOUT'],
    ]);
  });

  it('does not keep an answer from a topic that all answers share: the requester waits for it', async (t) => {
    const { responder, ask, clock, answers } = await open(t);
    const work = held();
    await responder.serve('requests', work.handler, { responseTopic: 'answers/all' });
    await ask('', { messageExpiryInterval: 1, correlationData: Buffer.from('c') });
    clock.advance(2000);
    work.release();
    await turns();
    assert.deepEqual(payloads(answers), ['done']);
    assert.deepEqual([...(answers[0]?.properties.correlationData ?? [])], [...Buffer.from('c')]);
    assert.equal(responder.counters.late, 1);
  });

  it('that was over before its turn costs no work', async (t) => {
    const { responder, ask, clock } = await open(t, { maxConcurrent: 1 });
    const work = held();
    await responder.serve('requests', work.handler);
    await ask('1');
    await ask('2', { responseTopic: 'answers/2', messageExpiryInterval: 1 });
    await ask('3');
    clock.advance(1000 + TICK_MS);
    work.release();
    await turns();
    assert.deepEqual([work.calls(), responder.counters.expired, responder.counters.answered], [2, 1, 2]);
  });
});

describe('a responder', () => {
  it('waits at its end for its handlers, but not for ever', async (t) => {
    const { responder, ask, clock } = await open(t, { closeTimeoutMs: 500 });
    const work = held();
    await responder.serve('requests', work.handler);
    await ask('');
    let isClosed = false;
    const closed = responder.close().then(() => (isClosed = true));
    await turns();
    assert.equal(isClosed, false);
    clock.advance(500);
    await closed;
    await ask('');
    assert.equal(work.calls(), 1);
    assert.equal(clock.pending, 0);
  });

  it('counts answers that could not be published', async (t) => {
    const { responder, ask, bus } = await open(t);
    const work = held();
    await responder.serve('requests', work.handler);
    await ask('');
    await bus.close();
    work.release();
    await turns();
    assert.deepEqual([responder.counters.unsent, responder.counters.answered], [1, 0]);
  });

  it('stops one of its services', async (t) => {
    const { responder, ask, answers } = await open(t);
    const service = await responder.serve('requests', () => 'x');
    await ask('');
    await service.stop();
    await ask('');
    assert.equal(answers.length, 1);
  });

  it('subscribes to nothing when it may not subscribe to all', async (t) => {
    const { responder, ask, bus } = await open(t);
    const subscribe: Bus['subscribe'] = (filter, ...rest) =>
      filter.includes('+') ? Promise.reject(new Error('denied')) : bus.subscribe(filter, ...rest);
    const half = createResponder({ ...fieldsOf(bus), subscribe });
    await assert.rejects(
      half.serve('requests', () => 'x'),
      /denied/,
    );
    await ask('');
    assert.equal(half.counters.received, 0);
    await responder.close();
  });
});

function fieldsOf(bus: Bus): Bus {
  return {
    protocolVersion: bus.protocolVersion,
    isConnected: bus.isConnected,
    takesMore: bus.takesMore,
    counters: bus.counters,
    publish: (...args) => bus.publish(...args),
    send: (message) => bus.send(message),
    subscribe: (...args) => bus.subscribe(...args),
    watch: (...args) => bus.watch(...args),
    close: () => bus.close(),
  };
}

describe('a caller that leaves', () => {
  const cancel = (bus: Bus, payload: object): Promise<unknown> =>
    bus.publish({ topicName: 'requests/cancel', payload: Buffer.from(JSON.stringify(payload)) });
  const properties = (id: string): MessageProperties => ({
    responseTopic: 'answers/1',
    correlationData: Buffer.from(id),
  });

  it('ends the work that it asked for, and no other', async (t) => {
    const { responder, ask, bus, answers } = await open(t, { maxConcurrent: 2 });
    const work = held();
    const signals: AbortSignal[] = [];
    await responder.serve('requests', ({ signal }) => {
      signals.push(signal);
      return work.handler();
    });
    for (const id of ['a', 'b', 'c', 'd']) await ask('', properties(id));
    for (const id of ['b', 'c']) await cancel(bus, { answerTo: 'answers/1', id });
    for (const other of [
      { answerTo: 'answers/2', id: 'a' },
      { answerTo: 'answers/1' },
      { answerTo: 'answers/1', id: 'b' },
    ])
      await cancel(bus, other);
    await turns();
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false, true],
    );
    assert.equal((signals[1]! as { reason: { code?: string } }).reason.code, 'REQUEST_CANCELLED');
    assert.deepEqual([responder.waiting, responder.counters.cancelled], [1, 2]);
    work.release();
    await turns();
    const answered = answers.map((each) => Buffer.from(each.properties.correlationData ?? []).toString());
    assert.deepEqual(answered.toSorted(), ['a', 'd']);
  });

  it('is all that is heard of beside a topic: other requests there are not its own', async (t) => {
    const { responder, bus, answers } = await open(t);
    const heard: string[] = [];
    const note = (name: string) => () => {
      heard.push(name);
      return name;
    };
    await responder.serve('requests', note('requests'), { responseTopic: 'answers/all' });
    await responder.serve('requests/cancel', note('requests/cancel'), { responseTopic: 'answers/other' });
    await bus.publish({ topicName: 'requests/cancel', payload: Buffer.from('of another program'), qos: 1 });
    await cancel(bus, { answerTo: 'answers/1', id: 'x' });
    await turns();
    assert.deepEqual(heard, ['requests/cancel', 'requests/cancel']);
    assert.deepEqual(
      answers.map(({ topicName }) => topicName),
      ['answers/other', 'answers/other'],
    );
  });

  it('leaves an error on a topic that all answers share: the requester waits for it', async (t) => {
    const { responder, ask, bus, answers } = await open(t);
    const work = held();
    await responder.serve('requests', work.handler, { responseTopic: 'answers/all' });
    await ask('', { correlationData: Buffer.from('a') });
    await cancel(bus, { answerTo: 'answers/all', id: 'a' });
    await turns();
    work.release();
    await turns();
    assert.deepEqual(payloads(answers), [
      '{"error":{"code":"REQUEST_CANCELLED","message":"the caller has left","status":499}}',
    ]);
  });

  it('says so itself, in every way in which it asks', async (t) => {
    for (const correlation of ['mqtt5', 'topic', 'envelope', { responseTopic: 'answers/all' }] as const) {
      const { responder, bus } = await open(t, { answersBelow: ['recado/rpc/answers'] });
      const begun = Promise.withResolvers<AbortSignal>();
      await responder.serve(
        'requests',
        async ({ signal }) => {
          begun.resolve(signal);
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return 'nobody hears this';
        },
        { responseTopic: 'answers/all', group: 'workers' },
      );
      const requester = createRequester(bus, { correlation });
      const aborting = new AbortController();
      const asked = requester.request('requests', '{}', { signal: aborting.signal });
      const signal = await begun.promise;
      aborting.abort(new Error('enough'));
      await assert.rejects(asked, /enough/);
      await turns();
      assert.deepEqual(
        [signal.aborted, responder.counters.cancelled],
        [true, 1],
        JSON.stringify(correlation),
      );
      requester.close();
    }
  });
});

describe('a topic that looks like one with an address', () => {
  it('is answered as every other where it is served by its name', async (t) => {
    const { responder, bus, answers } = await open(t);
    const topicName = 'factory/requests/line1/plc/read';
    const seen: string[] = [];
    const handler = ({ topicName: asked }: { topicName: string }): string => {
      seen.push(asked);
      return 'x';
    };
    await responder.serve(topicName, handler, { responseTopic: 'answers/all' });
    await bus.publish({ topicName, payload: Buffer.from(''), qos: 1 });
    await bus.publish({ topicName: `${topicName}/requests/a/b/c`, payload: Buffer.from(''), qos: 1 });
    await turns();
    assert.deepEqual(seen, [topicName, topicName]);
    assert.deepEqual(
      answers.map((each) => each.topicName),
      ['answers/all'],
    );
  });
});

describe('requests that wait', () => {
  it('have a sum of bytes', async (t) => {
    const { responder, ask, answers } = await open(t, { maxConcurrent: 1, maxWaitingBytes: 10 });
    const work = held();
    await responder.serve('requests', work.handler);
    for (const payload of ['the first', '123456', '12345', '1234']) await ask(payload);
    assert.deepEqual([responder.waiting, responder.counters.refusedFull, answers.length], [2, 1, 1]);
    assert.match(payloads(answers)[0] ?? '', /"TOO_MANY_REQUESTS"/);
    work.release();
    await turns();
    assert.equal(responder.counters.answered, 4);
    for (const payload of ['1', '2']) await ask(payload);
    assert.equal(responder.counters.refusedFull, 1, 'what has left counts no more');
  });
});
