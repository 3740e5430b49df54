import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ManualClock } from '../helpers/manual-clock.ts';
import { BusError } from '../../src/bus/bus-error.ts';
import type { Bus, BusEvent, OutgoingMessage } from '../../src/bus/bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import { Broker } from '../../src/mqtt/index.ts';
import {
  createRequester,
  createResponder,
  type Requester,
  type RequesterOptions,
} from '../../src/rpc/index.ts';

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const TICK_MS = 10;

type Bench = {
  readonly clock: ManualClock;
  readonly requester: Requester;
  /** Filters that are subscribed to, in order. */
  readonly filters: string[];
  readonly published: OutgoingMessage[];
  /** Why the next subscription is denied. */
  denial: Error | undefined;
  version: ProtocolVersion | undefined;
  readonly tell: (event: BusEvent) => void;
};

/** A requester, and a responder that gives back what it gets, on `echo/+`. */
async function open(t: TestContext, options: RequesterOptions = {}): Promise<Bench> {
  const broker = new Broker();
  await broker.start();
  const bus = embedBus(broker);
  const clock = new ManualClock();
  const listeners = new Set<(event: BusEvent) => void>();
  const bench: Bench = {
    clock,
    filters: [],
    published: [],
    denial: undefined,
    version: 5,
    requester: createRequester(
      {
        get protocolVersion() {
          return bench.version;
        },
        isConnected: true,
        counters: bus.counters,
        publish(message) {
          bench.published.push(message);
          return bus.publish(message);
        },
        async subscribe(filter, ...rest) {
          const { denial } = bench;
          bench.denial = undefined;
          if (denial !== undefined) throw denial;
          const subscription = await bus.subscribe(filter, ...rest);
          bench.filters.push(filter);
          const unsubscribe = (): Promise<void> => {
            bench.filters.splice(bench.filters.indexOf(filter), 1);
            return subscription.unsubscribe();
          };
          return { ...subscription, unsubscribe };
        },
        watch(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        close: () => bus.close(),
      } satisfies Bus,
      { clock, ...options },
    ),
    tell(event) {
      for (const listener of listeners) listener(event);
    },
  };
  await createResponder(bus).serve('echo/+', ({ payload }) => payload);
  t.after(async () => {
    bench.requester.close();
    assert.deepEqual(
      [listeners.size, bench.filters.length, clock.pending],
      [0, 0, 0],
      'nothing stays behind',
    );
    await broker.close();
  });
  return bench;
}

describe('subscriptions to answers', () => {
  it('are made once over MQTT 5, for all topics', async (t) => {
    const { requester, filters, published } = await open(t, { prefix: 'my/rpc' });
    assert.deepEqual(filters, []);
    await Promise.all(['a', 'b', 'a'].map((topic) => requester.request(`echo/${topic}`, 'x')));
    assert.equal(filters.length, 1);
    assert.match(filters[0] ?? '', /^my\/rpc\/answers\/[0-9a-f]{24}$/);
    const data = published.map(({ properties }) => Buffer.from(properties?.correlationData ?? []).toString());
    assert.equal(new Set(data).size, 3);
    for (const each of data) assert.match(each, /^[1-3]-[0-9a-f]{16}$/);
  });

  it('are made for each topic before MQTT 5, as many as may be, and end when they are idle', async (t) => {
    const bench = await open(t, { correlation: 'topic', maxAnswerTopics: 2, idleMs: 1000 });
    const { requester, filters, clock } = bench;
    await Promise.all(['a', 'b', 'a'].map((topic) => requester.request(`echo/${topic}`, 'x')));
    const [a, b] = [/^echo\/a\/answers\//, /^echo\/b\/answers\//];
    assert.equal(filters.length, 2);
    await requester.request('echo/a', 'x');
    await requester.request('echo/c', 'x');
    assert.ok(filters.some((filter) => a.test(filter)) && !filters.some((filter) => b.test(filter)));
    clock.advance(2000);
    assert.deepEqual(filters, []);
    const waiting = ['1', '2'].map((topic) =>
      requester.request(`nobody/${topic}`, 'x', { failsWithoutResponder: false, timeoutMs: 500 }),
    );
    await turns();
    await assert.rejects(requester.request('echo/a', 'x'), { code: 'TOO_MANY_REQUESTS' });
    const ends = Promise.allSettled(waiting);
    clock.advance(500 + TICK_MS);
    assert.ok((await ends).every(({ status }) => status === 'rejected'));
    await requester.request('echo/a', 'x');
    assert.equal(requester.counters.refusedFull, 1);
  });

  it('fail those who need them, and are tried again', async (t) => {
    for (const correlation of ['mqtt5', 'topic', { responseTopic: 'answers' }] as const) {
      const bench = await open(t, { correlation, settleMs: 0 });
      bench.denial = new BusError('BROKER_DENIED', 'no');
      const asked = [1, 2].map(() => bench.requester.request('echo/a', 'x'));
      for (const each of await Promise.allSettled(asked))
        assert.equal(each.status === 'rejected' && (each.reason as BusError).code, 'BROKER_DENIED');
      const again = bench.requester.request('echo/a', 'x');
      await turns();
      bench.clock.advance(TICK_MS);
      assert.equal(Buffer.from((await again).payload).toString(), 'x');
    }
  });

  it('that the broker takes back fail what is on its way, and are made again', async (t) => {
    for (const correlation of ['mqtt5', 'topic', { responseTopic: 'answers' }] as const) {
      const bench = await open(t, { correlation, settleMs: 0, quarantineMs: 0 });
      const asked = bench.requester.request('silent', 'x', { failsWithoutResponder: false });
      await turns();
      bench.clock.advance(TICK_MS);
      const topicFilter = bench.filters[0] ?? '';
      bench.filters.length = 0;
      bench.tell({
        type: 'subscription-denied',
        topicFilter,
        error: new BusError('BROKER_DENIED', 'no more'),
      });
      await assert.rejects(asked, { code: 'BROKER_DENIED' });
      const again = bench.requester.request('echo/a', 'x');
      await turns();
      bench.clock.advance(TICK_MS);
      await again;
      assert.deepEqual(bench.filters, [topicFilter.replace('silent', 'echo/a')]);
    }
  });
});

describe('a requester whose broker is not known yet', () => {
  it('waits until it is, and then does as that broker can', async (t) => {
    for (const version of [4, 5] as const) {
      const bench = await open(t);
      bench.version = undefined;
      const asked = bench.requester.request('echo/a', 'x');
      const late = assert.rejects(bench.requester.request('echo/a', 'x', { timeoutMs: 10 }), {
        code: 'BROKER_OFFLINE',
      });
      await turns();
      bench.clock.advance(10 + TICK_MS);
      await late;
      assert.equal(bench.published.length, 0);
      bench.version = version;
      bench.tell({ type: 'connected', protocolVersion: version, isSessionPresent: false });
      await asked;
      assert.match(bench.published[0]?.topicName ?? '', version === 5 ? /^echo\/a$/ : /^echo\/a\/requests\//);
    }
  });
});

describe('what a request carries', () => {
  it('is its time, in whole seconds and exactly, and what it was given', async (t) => {
    const { requester, published } = await open(t);
    const properties = { contentType: 'a/b', userProperties: [['mine', '1']] as const };
    await requester.request('echo/a', 'x', { timeoutMs: 1001, traceparent: '00-1', properties, qos: 2 });
    const { properties: sent, qos } = published[0] ?? assert.fail('nothing was sent');
    assert.deepEqual(
      [qos, sent?.messageExpiryInterval, sent?.contentType, sent?.userProperties],
      [
        2,
        2,
        'a/b',
        [
          ['deadline-ms', '1001'],
          ['traceparent', '00-1'],
          ['mine', '1'],
        ],
      ],
    );
  });
});
