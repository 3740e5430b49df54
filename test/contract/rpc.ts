import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Bus, BusMessage } from '../../src/bus/bus.ts';
import {
  AnswerError,
  createRequester,
  createResponder,
  readAnswerError,
  type Answer,
  type CorrelationChoice,
  type ReceivedRequest,
  type Requester,
  type RequesterOptions,
  type Responder,
  type ResponderOptions,
} from '../../src/rpc/index.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { until } from '../helpers/until.ts';

/** Where requester and responder meet. */
export type RpcRig = {
  /** A new bus to the broker of this rig; the suite closes it. */
  readonly open: () => Promise<Bus>;
  readonly close: () => Promise<void>;
};

type Claims = {
  readonly isMqtt5: boolean;
  readonly openRig: () => Promise<RpcRig>;
  readonly skip: string | false;
};

/** Longer than any of these tests takes. */
const NEVER_MS = 60_000;
/** The requester looks for what is due now and then. */
const TICK_MS = 10;
const MEBIBYTE = 1024 * 1024;

const text = ({ payload }: { payload: Uint8Array }): string => Buffer.from(payload).toString();
const newTopic = (): string => `rpc/${randomUUID()}`;

/** Requests and responses over every kind of bus run this suite. */
export function describeRpc(name: string, { isMqtt5, openRig, skip }: Claims): void {
  describe(`requests over ${name}`, { skip }, () => {
    let rig: RpcRig;
    let asking: Bus;
    let answering: Bus;
    before(async () => {
      rig = await openRig();
      [asking, answering] = [await rig.open(), await rig.open()];
    });
    after(async () => {
      await Promise.all([asking.close(), answering.close()]);
      await rig.close();
    });

    function newRequester(t: TestContext, options: RequesterOptions = {}): Requester {
      const requester = createRequester(asking, { timeoutMs: NEVER_MS, settleMs: 1, ...options });
      t.after(() => requester.close());
      return requester;
    }

    function newResponder(t: TestContext, options: ResponderOptions = {}): Responder {
      const responder = createResponder(answering, options);
      t.after(() => responder.close());
      return responder;
    }

    const ways: readonly (readonly [string, (topic: string) => CorrelationChoice])[] = [
      ['auto', () => 'auto'],
      ['topic', () => 'topic'],
      ['envelope', () => 'envelope'],
      ['a fixed response topic', (topic) => ({ responseTopic: `${topic}/response` })],
      ...(isMqtt5 ? [['mqtt5', (): CorrelationChoice => 'mqtt5'] as const] : []),
    ];

    for (const [way, correlationFor] of ways) {
      describe(`by ${way}`, () => {
        it('get their answers, many at once and in any order', async (t) => {
          const topic = newTopic();
          const responder = newResponder(t);
          await responder.serve(
            topic,
            async ({ payload, topicName }) => {
              const number = Number(JSON.parse(text({ payload })));
              if (number % 3 === 0) await new Promise((resolve) => setTimeout(resolve, number % 7));
              return JSON.stringify({ number, topicName });
            },
            { responseTopic: `${topic}/response` },
          );
          const requester = newRequester(t, { correlation: correlationFor(topic) });
          const numbers = Array.from({ length: 60 }, (_, index) => index);
          const answers = await Promise.all(numbers.map((number) => requester.request(topic, `${number}`)));
          assert.deepEqual(
            answers.map((answer) => JSON.parse(text(answer)) as unknown),
            numbers.map((number) => ({ number, topicName: topic })),
          );
          assert.ok(answers.every(({ durationMs }) => durationMs > 0));
          const { answered, strays, late } = requester.counters;
          assert.deepEqual([answered, strays, late, requester.inFlight], [60, 0, 0, 0]);
          await until('their acknowledgements', () => responder.counters.answered === 60);
          assert.equal(responder.counters.received, 60);
        });

        it('keep every byte, both ways', async (t) => {
          const topic = newTopic();
          const got: Uint8Array[] = [];
          const answer = Buffer.alloc(MEBIBYTE, 'é\0"');
          await newResponder(t).serve(
            topic,
            ({ payload }) => {
              got.push(payload);
              return answer;
            },
            { responseTopic: `${topic}/response` },
          );
          const requester = newRequester(t, { correlation: correlationFor(topic) });
          const payloads = [
            Buffer.alloc(0),
            Buffer.from('text, {not JSON'),
            Buffer.from('{"n":1}'),
            Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index)),
            Buffer.alloc(MEBIBYTE, 7),
          ];
          for (const payload of payloads) {
            const { payload: back } = await requester.request(topic, payload);
            assert.ok(answer.equals(back));
            assert.ok(payload.equals(got.at(-1) ?? Buffer.from('nothing')));
          }
        });

        it('fail by their time when nobody answers, and the answer that comes late is counted', async (t) => {
          const topic = newTopic();
          const release = Promise.withResolvers<void>();
          const begun = Promise.withResolvers<void>();
          const fixedTopic = `${topic}/response`;
          // It answers by itself: a responder of ours would know that nobody waits any more.
          await answerByHand(
            answering,
            topic,
            async (answer) => {
              begun.resolve();
              await release.promise;
              await answer('late');
            },
            fixedTopic,
          );
          const clock = new ManualClock();
          const requester = newRequester(t, { correlation: correlationFor(topic), clock });
          const asked = requester.request(topic, '{"ask":"slow"}');
          await begun.promise;
          clock.advance(NEVER_MS + TICK_MS);
          await assert.rejects(asked, { code: 'ANSWER_TIMEOUT', status: 504 });
          release.resolve();
          await until('the late answer', () => requester.counters.late === 1);
          const { timedOut, answered, strays } = requester.counters;
          assert.deepEqual([timedOut, answered, strays, requester.inFlight], [1, 0, 0, 0]);
        });

        it('end with the signal of their caller, and with the requester', async (t) => {
          const topic = newTopic();
          const begun: (() => void)[] = [];
          const responder = newResponder(t);
          await responder.serve(
            topic,
            async ({ signal }) => {
              begun.shift()?.();
              await new Promise((resolve) => signal.addEventListener('abort', resolve));
              return 'nobody hears this';
            },
            { responseTopic: `${topic}/response` },
          );
          const requester = newRequester(t, { correlation: correlationFor(topic) });
          const aborting = new AbortController();
          const first = new Promise<void>((resolve) => begun.push(resolve));
          const asked = requester.request(topic, 'x', { signal: aborting.signal });
          await first;
          aborting.abort(new Error('enough'));
          await assert.rejects(asked, /enough/);
          await assert.rejects(requester.request(topic, 'x', { signal: aborting.signal }), /enough/);
          const second = requester.request(topic, 'y');
          requester.close();
          await assert.rejects(second, { code: 'REQUESTER_CLOSED' });
          await assert.rejects(requester.request(topic, 'z'), { code: 'REQUESTER_CLOSED' });
          assert.deepEqual([requester.counters.abandoned, requester.inFlight], [1, 0]);
        });

        it(`fail ${isMqtt5 ? 'at once' : 'by their time'} when there is no responder`, async (t) => {
          const topic = newTopic();
          const requester = newRequester(t, { correlation: correlationFor(topic) });
          const asked = requester.request(topic, '{"ask":"ping"}', isMqtt5 ? {} : { timeoutMs: 500 });
          await assert.rejects(asked, { code: isMqtt5 ? 'NO_RESPONDER' : 'ANSWER_TIMEOUT' });
          assert.equal(requester.counters.noResponder, isMqtt5 ? 1 : 0);
        });

        it('wait for a responder where they are told to', async (t) => {
          const topic = newTopic();
          const requester = newRequester(t, { correlation: correlationFor(topic) });
          const asked = requester.request(topic, 'x', { timeoutMs: 500, failsWithoutResponder: false });
          await assert.rejects(asked, { code: 'ANSWER_TIMEOUT' });
        });
      });
    }

    it('tell the responder of the time, the trace and their properties, where these travel', async (t) => {
      const topic = newTopic();
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const seen: ReceivedRequest[] = [];
      await newResponder(t).serve(topic, (request) => {
        seen.push(request);
        return { payload: 'yes', properties: { contentType: 'text/plain', userProperties: [['a', '1']] } };
      });
      const requester = newRequester(t);
      const asked = { timeoutMs: 5000, traceparent, properties: { contentType: 'application/x' } };
      const answer = await requester.request(topic, 'x', asked);
      const [request] = seen;
      assert.equal(request?.signal.aborted, false);
      if (isMqtt5) {
        assert.deepEqual(
          [request?.traceparent, request?.properties.contentType],
          [traceparent, 'application/x'],
        );
        assert.ok((request?.deadlineMs ?? 0) <= 5000, `${request?.deadlineMs}`);
        assert.equal(answer.properties.contentType, 'text/plain');
        assert.deepEqual(answer.properties.userProperties, [
          ['a', '1'],
          ['traceparent', traceparent],
        ]);
      }
      await requester.request(topic, '{}', { ...asked, correlation: 'envelope' });
      assert.equal(seen[1]?.traceparent, traceparent);
      assert.ok((seen[1]?.deadlineMs ?? 0) <= 5000);
    });

    it('are told of failures', async (t) => {
      const topic = newTopic();
      const failures: Error[] = [
        new AnswerError('TANK_EMPTY', 'the tank is empty', { status: 409 }),
        new Error('a secret of the responder'),
      ];
      const responder = newResponder(t);
      await responder.serve(topic, () => {
        throw failures.shift() ?? new Error('no more failures');
      });
      const requester = newRequester(t);
      const told = async (): Promise<unknown[]> => {
        const error = readAnswerError(await requester.request(topic, 'x'));
        return [error?.code, error?.status, error?.message];
      };
      assert.deepEqual(await told(), ['TANK_EMPTY', 409, 'the tank is empty']);
      assert.deepEqual(await told(), ['INTERNAL', 500, 'the responder failed; its log says why']);
      await until('their acknowledgements', () => responder.counters.answered === 2);
      assert.equal(responder.counters.failed, 2);
    });

    it('are shared by the responders of a group', async (t) => {
      const topic = newTopic();
      const counts = [0, 0];
      const second = await rig.open();
      const others = createResponder(second);
      t.after(async () => {
        await others.close();
        await second.close();
      });
      const serve = (responder: Responder, index: number): Promise<unknown> =>
        responder.serve(topic, () => String(counts[index]!++), { group: 'workers' });
      await Promise.all([serve(newResponder(t), 0), serve(others, 1)]);
      const requester = newRequester(t);
      const answers: Answer[] = [];
      for (let index = 0; index < 20; index++) answers.push(await requester.request(topic, 'x'));
      assert.equal(counts[0]! + counts[1]!, 20);
      assert.ok(counts[0]! > 0 && counts[1]! > 0, counts.join(' and '));
    });

    it('over the limits are refused on both sides', async (t) => {
      const topic = newTopic();
      const release = Promise.withResolvers<void>();
      const responder = newResponder(t, { maxConcurrent: 1, maxWaiting: 1 });
      await responder.serve(topic, async ({ payload }) => {
        await release.promise;
        return payload;
      });
      const requester = newRequester(t, { maxInFlight: 3 });
      const asked = ['1', '2', '3'].map((payload) => requester.request(topic, payload));
      await assert.rejects(requester.request(topic, '4'), { code: 'TOO_MANY_REQUESTS', status: 429 });
      const refused = readAnswerError(await Promise.race(asked));
      assert.deepEqual([refused?.code, refused?.status], ['TOO_MANY_REQUESTS', 429]);
      assert.deepEqual([responder.running, responder.waiting], [1, 1]);
      release.resolve();
      assert.deepEqual((await Promise.all(asked.slice(0, 2))).map(text), ['1', '2']);
      await asked[2];
      assert.deepEqual([requester.counters.refusedFull, responder.counters.refusedFull], [1, 1]);
    });

    it('are only made on topics without wildcards, and with a time', async (t) => {
      const requester = newRequester(t);
      for (const topic of ['', 'a/+', '#'])
        await assert.rejects(requester.request(topic, 'x'), { code: 'TOPIC_INVALID' }, topic);
      const correlation = { responseTopic: 'a/#' };
      await assert.rejects(requester.request('a', 'x', { correlation }), { code: 'TOPIC_INVALID' });
      for (const timeoutMs of [0, Number.NaN, Number.POSITIVE_INFINITY])
        await assert.rejects(requester.request('a', 'x', { timeoutMs }), { code: 'REQUEST_INVALID' });
      if (!isMqtt5)
        await assert.rejects(requester.request('a', 'x', { correlation: 'mqtt5' }), {
          code: 'REQUEST_INVALID',
        });
    });

    it('that are answered on a topic with wildcards are not taken for requests', async (t) => {
      const root = newTopic();
      const responder = newResponder(t);
      await responder.serve(`${root}/#`, ({ topicName }) => topicName, { responseTopic: `${root}/response` });
      const requester = newRequester(t);
      for (const correlation of ['auto', 'topic', 'envelope', { responseTopic: `${root}/response` }] as const)
        assert.equal(text(await requester.request(`${root}/a/b`, 'x', { correlation })), `${root}/a/b`);
      assert.equal(responder.counters.received, 4);
    });

    it('that nobody can answer, and those that the broker kept, are counted', async (t) => {
      const topic = newTopic();
      await answering.publish({ topicName: topic, payload: Buffer.from('old'), retain: true, qos: 1 });
      const responder = newResponder(t);
      await responder.serve(topic, () => 'x');
      await until('the retained one', () => responder.counters.retained === 1);
      await asking.publish({ topicName: topic, payload: new Uint8Array(0), retain: true, qos: 1 });
      await asking.publish({
        topicName: topic,
        payload: Buffer.from('{"answerTo":"a/#","payload":1}'),
        qos: 1,
      });
      await until('both', () => responder.counters.unanswerable === 2);
      assert.equal(responder.counters.received, 0);
    });

    it('end in order when the responder closes', async (t) => {
      const topic = newTopic();
      const responder = newResponder(t, { maxConcurrent: 1 });
      const begun = Promise.withResolvers<void>();
      await responder.serve(topic, async ({ signal }) => {
        begun.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return 'the last';
      });
      const requester = newRequester(t);
      const first = requester.request(topic, '1');
      await begun.promise;
      const second = requester.request(topic, '2');
      await until('the second waits', () => responder.waiting === 1);
      await responder.close();
      assert.equal(text(await first), 'the last');
      assert.equal(readAnswerError(await second)?.code, 'RESPONDER_CLOSED');
      await assert.rejects(
        responder.serve(topic, () => ''),
        { code: 'RESPONDER_CLOSED' },
      );
    });
  });
}

/** A responder without ours: it answers where the request says, or on the fixed topic. */
async function answerByHand(
  bus: Bus,
  topic: string,
  respond: (answer: (payload: string) => Promise<unknown>) => Promise<unknown>,
  fixedTopic: string,
): Promise<void> {
  const take = (message: BusMessage): void => {
    const { responseTopic, correlationData } = message.properties;
    const envelope = /"answerTo":"([^"]+)"/.exec(text(message))?.[1];
    const addressed =
      message.topicName === topic ? undefined : message.topicName.replace('/requests/', '/answers/');
    const topicName = addressed ?? envelope ?? responseTopic ?? fixedTopic;
    const properties = correlationData === undefined ? {} : { correlationData };
    void respond((payload) => bus.publish({ topicName, payload: Buffer.from(payload), qos: 1, properties }));
  };
  for (const filter of [topic, `${topic}/requests/#`]) await bus.subscribe(filter, { qos: 1 }, take);
}
