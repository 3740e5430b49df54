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

type Rig = {
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
async function open(t: TestContext, options: RequesterOptions = {}): Promise<Rig> {
  const broker = new Broker();
  await broker.start();
  const bus = embedBus(broker);
  const clock = new ManualClock();
  const listeners = new Set<(event: BusEvent) => void>();
  const rig: Rig = {
    clock,
    filters: [],
    published: [],
    denial: undefined,
    version: 5,
    requester: createRequester(
      {
        get protocolVersion() {
          return rig.version;
        },
        isConnected: true,
        takesMore: true,
        counters: bus.counters,
        publish(message) {
          rig.published.push(message);
          return bus.publish(message);
        },
        send: (message) => bus.send(message),
        async subscribe(filter, ...rest) {
          const { denial } = rig;
          rig.denial = undefined;
          if (denial !== undefined) throw denial;
          const subscription = await bus.subscribe(filter, ...rest);
          rig.filters.push(filter);
          const unsubscribe = (): Promise<void> => {
            rig.filters.splice(rig.filters.indexOf(filter), 1);
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
  const responder = createResponder(bus, { answersBelow: ['my/rpc', 'recado/rpc/answers'] });
  await responder.serve('echo/+', ({ payload }) => payload, { responseTopic: 'answers' });
  t.after(async () => {
    rig.requester.close();
    assert.deepEqual([listeners.size, rig.filters.length, clock.pending], [0, 0, 0], 'nothing stays behind');
    await broker.close();
  });
  return rig;
}

describe('subscriptions to answers', () => {
  it('are made once over MQTT 5, for all topics', async (t) => {
    const { requester, filters, published } = await open(t, { prefix: 'my/rpc' });
    assert.deepEqual(filters, []);
    await Promise.all(['a', 'b', 'a'].map((topic) => requester.request(`echo/${topic}`, 'x')));
    assert.equal(filters.length, 1);
    assert.match(filters[0] ?? '', /^my\/rpc\/answers\/([0-9a-f]{24})\/\1$/);
    const data = published.map(({ properties }) => Buffer.from(properties?.correlationData ?? []).toString());
    assert.equal(new Set(data).size, 3);
    for (const each of data) assert.match(each, /^[1-3]-[0-9a-f]{16}$/);
  });

  it('are made for each topic before MQTT 5, as many as may be, and end when they are idle', async (t) => {
    const rig = await open(t, { correlation: 'topic', maxAnswerTopics: 2, idleMs: 1000 });
    const { requester, filters, clock } = rig;
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

  it('shares what may be in flight between callers that are named', async (t) => {
    const { requester, clock } = await open(t, { maxInFlight: 8, timeoutMs: 1000 });
    const ask = (caller: string): Promise<unknown> =>
      requester.request('nobody', 'x', { caller, failsWithoutResponder: false });
    const asked = Array.from({ length: 7 }, () => ask('greedy').catch(String));
    await assert.rejects(ask('greedy'), { code: 'TOO_MANY_REQUESTS' });
    asked.push(ask('other').catch(String));
    assert.equal(requester.inFlight, 8);
    clock.advance(2000);
    await Promise.all(asked);
    const again = ask('greedy').catch(String);
    assert.equal(requester.inFlight, 1);
    clock.advance(2000);
    await again;
  });

  it('fail those who need them, and are tried again', async (t) => {
    for (const correlation of ['mqtt5', 'topic', { responseTopic: 'answers' }] as const) {
      const rig = await open(t, { correlation, settleMs: 0 });
      rig.denial = new BusError('BROKER_DENIED', 'no');
      const asked = [1, 2].map(() => rig.requester.request('echo/a', 'x'));
      for (const each of await Promise.allSettled(asked))
        assert.equal(each.status === 'rejected' && (each.reason as BusError).code, 'BROKER_DENIED');
      const again = rig.requester.request('echo/a', 'x');
      await turns();
      rig.clock.advance(TICK_MS);
      assert.equal(Buffer.from((await again).payload).toString(), 'x');
    }
  });

  it('that the broker takes back fail what is on its way, and are made again', async (t) => {
    for (const correlation of ['mqtt5', 'topic', { responseTopic: 'answers' }] as const) {
      const rig = await open(t, { correlation, settleMs: 0, quarantineMs: 0 });
      const asked = rig.requester.request('silent', 'x', { failsWithoutResponder: false });
      await turns();
      rig.clock.advance(TICK_MS);
      const topicFilter = rig.filters[0] ?? '';
      rig.filters.length = 0;
      rig.tell({
        type: 'subscription-denied',
        topicFilter,
        error: new BusError('BROKER_DENIED', 'no more'),
      });
      await assert.rejects(asked, { code: 'BROKER_DENIED' });
      const again = rig.requester.request('echo/a', 'x');
      await turns();
      rig.clock.advance(TICK_MS);
      await again;
      assert.deepEqual(rig.filters, [topicFilter.replace('silent', 'echo/a')]);
    }
  });
});

describe('a requester whose broker is not known yet', () => {
  it('waits until it is, and then does as that broker can', async (t) => {
    for (const version of [4, 5] as const) {
      const rig = await open(t);
      rig.version = undefined;
      const asked = rig.requester.request('echo/a', 'x');
      const late = assert.rejects(rig.requester.request('echo/a', 'x', { timeoutMs: 10 }), {
        code: 'BROKER_OFFLINE',
      });
      await turns();
      rig.clock.advance(10 + TICK_MS);
      await late;
      assert.equal(rig.published.length, 0);
      rig.version = version;
      rig.tell({ type: 'connected', protocolVersion: version, isSessionPresent: false });
      await asked;
      assert.match(rig.published[0]?.topicName ?? '', version === 5 ? /^echo\/a$/ : /^echo\/a\/requests\//);
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
