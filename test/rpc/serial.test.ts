import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ManualClock } from '../helpers/manual-clock.ts';
import { BusError } from '../../src/bus/bus-error.ts';
import type { Bus, BusEvent, BusMessage, OutgoingMessage } from '../../src/bus/bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { Broker } from '../../src/mqtt/index.ts';
import { createRequester, type Answer, type Requester, type RequesterOptions } from '../../src/rpc/index.ts';

const SETTLE_MS = 100;
const QUARANTINE_MS = 1000;
const TIMEOUT_MS = 500;
/** Timers come up to so much later. */
const TICK_MS = 10;

/** Lets all promises that can settle do so. */
const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const text = ({ payload }: { payload: Uint8Array }): string => Buffer.from(payload).toString();

/** A broker in this process, as it looks before MQTT 5 unless properties are told to travel. */
class Rig {
  readonly clock = new ManualClock();
  readonly requester: Requester;
  /** The requests that came to the responder. */
  readonly requests: BusMessage[] = [];
  readonly listeners = new Set<(event: BusEvent) => void>();
  /** Of the next publish of the requester, instead of what the broker says. */
  publishError: Error | undefined;
  /** Holds PUBACK back. */
  acknowledgement: Promise<void> | undefined;
  readonly #bus: Bus;

  constructor(broker: Broker, options: RequesterOptions & { isMqtt5?: boolean }) {
    const { isMqtt5 = false, ...limits } = options;
    this.#bus = embedBus(broker);
    this.requester = createRequester(this.#wrap(isMqtt5), {
      clock: this.clock,
      settleMs: SETTLE_MS,
      quarantineMs: QUARANTINE_MS,
      timeoutMs: TIMEOUT_MS,
      correlation: { responseTopic: 'answers' },
      ...limits,
    });
  }

  static async open(t: TestContext, options: RequesterOptions & { isMqtt5?: boolean } = {}): Promise<Rig> {
    const broker = new Broker();
    await broker.start();
    const rig = new Rig(broker, options);
    t.after(async () => {
      rig.requester.close();
      await broker.close();
    });
    await rig.#bus.subscribe('requests', { qos: 1 }, (message) => rig.requests.push(message));
    return rig;
  }

  /** Asks, and notes what became of it. */
  ask(
    payload: string,
    options: { timeoutMs?: number; caller?: string; signal?: AbortSignal } = {},
  ): { end?: string } {
    const noted: { end?: string } = {};
    this.requester.request('requests', payload, options).then(
      (answer: Answer) => (noted.end = text(answer)),
      (error: Error & { code?: string }) => (noted.end = error.code ?? error.message),
    );
    return noted;
  }

  async answer(payload: string, request?: BusMessage): Promise<void> {
    const { correlationData } = request?.properties ?? {};
    const properties = correlationData === undefined ? {} : { correlationData };
    await this.#bus.publish({ topicName: 'answers', payload: Buffer.from(payload), qos: 1, properties });
    await turns();
  }

  async keep(payload: string): Promise<void> {
    await this.#bus.publish({ topicName: 'answers', payload: Buffer.from(payload), qos: 1, retain: true });
  }

  /** Time goes on in steps, with all that follows from it. */
  async pass(ms: number): Promise<void> {
    for (let gone = 0; gone < ms; gone += TICK_MS) {
      await turns();
      this.clock.advance(TICK_MS);
    }
    await turns();
  }

  /** The payloads of the requests that were sent. */
  get sent(): string[] {
    return this.requests.map(text);
  }

  #wrap(isMqtt5: boolean): Bus {
    const bus = this.#bus;
    return {
      protocolVersion: isMqtt5 ? 5 : 4,
      isConnected: true,
      takesMore: true,
      counters: bus.counters,
      publish: async (message: OutgoingMessage) => {
        const error = this.publishError;
        this.publishError = undefined;
        if (error !== undefined) throw error;
        const receipt = await bus.publish(isMqtt5 ? message : { ...message, properties: {} });
        await this.acknowledgement;
        return isMqtt5 ? receipt : { matched: undefined };
      },
      send: (message) => bus.send(message),
      subscribe: (...args) => bus.subscribe(...args),
      watch: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
      close: () => bus.close(),
    };
  }
}

async function begin(rig: Rig, payload: string): Promise<{ end?: string }> {
  const asked = rig.ask(payload);
  await turns();
  assert.deepEqual(rig.sent, [payload]);
  return asked;
}

describe('a fixed pair', () => {
  it('sends one request at a time, and callers take turns', async (t) => {
    const rig = await Rig.open(t, { timeoutMs: 60_000 });
    const asked = ['a1', 'a2', 'a3'].map((payload) => rig.ask(payload, { caller: 'a' }));
    asked.push(rig.ask('b1', { caller: 'b' }));
    for (let count = 1; count <= 4; count++) {
      await rig.pass(SETTLE_MS + TICK_MS);
      assert.equal(rig.sent.length, count);
      await rig.answer(`to ${rig.sent.at(-1)}`);
    }
    assert.deepEqual(rig.sent, ['a1', 'b1', 'a2', 'a3']);
    assert.deepEqual(
      asked.map(({ end }) => end),
      ['to a1', 'to a2', 'to a3', 'to b1'],
    );
  });

  it('gives nobody a second answer that comes before the topic was quiet', async (t) => {
    const rig = await Rig.open(t, { timeoutMs: 60_000 });
    const asked = ['1', '2'].map((payload) => rig.ask(payload));
    await turns();
    await rig.answer('to 1');
    await rig.pass(SETTLE_MS - TICK_MS);
    await rig.answer('to 1, once more');
    await rig.pass(SETTLE_MS - TICK_MS);
    assert.deepEqual(rig.sent, ['1'], 'it was not quiet for so long');
    await rig.pass(2 * TICK_MS);
    await rig.answer('to 2');
    assert.deepEqual(
      asked.map(({ end }) => end),
      ['to 1', 'to 2'],
    );
    assert.equal(rig.requester.counters.strays, 1);
  });

  it('waits for nothing where it is told so, or the topic was quiet before', async (t) => {
    const eager = await Rig.open(t, { settleMs: 0 });
    const asked = ['1', '2', '3'].map((payload) => eager.ask(payload));
    for (const payload of ['1', '2', '3']) {
      await turns();
      assert.equal(eager.sent.at(-1), payload);
      await eager.answer(`to ${payload}`);
    }
    assert.deepEqual(
      asked.map(({ end }) => end),
      ['to 1', 'to 2', 'to 3'],
    );
    const rig = await Rig.open(t);
    await begin(rig, '1');
    await rig.answer('to 1');
    await rig.pass(SETTLE_MS);
    rig.ask('2');
    await turns();
    assert.deepEqual(rig.sent, ['1', '2']);
  });

  it('waits after a timeout for the late answer, which nobody gets', async (t) => {
    const rig = await Rig.open(t);
    const first = await begin(rig, 'first');
    const second = rig.ask('second', { timeoutMs: 60_000 });
    await rig.pass(TIMEOUT_MS);
    assert.deepEqual([first.end, rig.sent], ['ANSWER_TIMEOUT', ['first']]);
    await rig.answer('to the first');
    await rig.pass(SETTLE_MS + TICK_MS);
    assert.deepEqual(rig.sent, ['first', 'second']);
    await rig.answer('to the second');
    assert.equal(second.end, 'to the second');
    const { late, strays, answered, timedOut } = rig.requester.counters;
    assert.deepEqual({ late, strays, answered, timedOut }, { late: 1, strays: 0, answered: 1, timedOut: 1 });
  });

  it('waits no longer than the quarantine, and the same after a caller left by its signal', async (t) => {
    const rig = await Rig.open(t, { timeoutMs: 60_000 });
    const aborting = new AbortController();
    const first = rig.ask('first', { signal: aborting.signal });
    await rig.pass(SETTLE_MS + TICK_MS);
    aborting.abort(new Error('enough'));
    rig.ask('second');
    await rig.pass(QUARANTINE_MS - TICK_MS);
    assert.deepEqual([first.end, rig.sent], ['enough', ['first']]);
    await rig.pass(2 * TICK_MS);
    assert.deepEqual(rig.sent, ['first', 'second']);
  });

  it('counts waiting as waiting: who did not get a turn in time is told so', async (t) => {
    const rig = await Rig.open(t, { maxWaiting: 2 });
    const [first, second, third] = ['1', '2', '3'].map((payload) => rig.ask(payload));
    await turns();
    assert.equal(third?.end, 'TOO_MANY_REQUESTS');
    await rig.pass(TIMEOUT_MS + TICK_MS);
    assert.deepEqual([first?.end, second?.end, rig.sent], ['ANSWER_TIMEOUT', 'ANSWER_TIMEOUT', ['1']]);
    const asked = rig.requester.request('requests', '5', { timeoutMs: 20 });
    const told = assert.rejects(asked, /did not get its turn within 20 ms; it was not sent/);
    await rig.pass(50);
    await told;
    assert.equal(rig.requester.counters.refusedFull, 1);
  });

  it('is not in quarantine when the broker never had the request', async (t) => {
    const rig = await Rig.open(t);
    const first = rig.ask('first');
    rig.publishError = new BusError('BROKER_OFFLINE', 'away');
    const second = rig.ask('second');
    await rig.pass(SETTLE_MS + TICK_MS);
    assert.deepEqual([first.end, rig.sent], ['BROKER_OFFLINE', ['second']]);
    await rig.answer('yes');
    assert.equal(second.end, 'yes');
  });

  it('expects a second answer when the request may have been sent twice', async (t) => {
    const rig = await Rig.open(t);
    const acknowledgement = Promise.withResolvers<void>();
    rig.acknowledgement = acknowledgement.promise;
    await begin(rig, 'first');
    for (const listener of rig.listeners)
      listener({ type: 'lost', error: new BusError('BROKER_LOST', 'cut') });
    acknowledgement.resolve();
    await turns();
    await rig.answer('to the first');
    rig.ask('second', { timeoutMs: 60_000 });
    await rig.pass(QUARANTINE_MS - TICK_MS);
    assert.deepEqual(rig.sent, ['first']);
    await rig.answer('to the first');
    assert.equal(rig.requester.counters.late, 1);
    await rig.pass(SETTLE_MS + TICK_MS);
    assert.deepEqual(rig.sent, ['first', 'second']);
  });

  it('rests to the end when the connection is lost after the caller left: two answers may come', async (t) => {
    const rig = await Rig.open(t);
    rig.acknowledgement = new Promise(() => {});
    await begin(rig, 'first');
    await rig.pass(TIMEOUT_MS + TICK_MS);
    for (const listener of rig.listeners)
      listener({ type: 'lost', error: new BusError('BROKER_LOST', 'cut') });
    rig.ask('second', { timeoutMs: 60_000 });
    await rig.answer('to the first');
    await rig.pass(QUARANTINE_MS - 4 * TICK_MS);
    await rig.answer('to the first');
    assert.deepEqual(rig.sent, ['first']);
    await rig.pass(SETTLE_MS + 4 * TICK_MS);
    assert.deepEqual(rig.sent, ['first', 'second']);
  });
});

describe('a request that was perhaps sent twice', () => {
  async function askTwice(rig: Rig): Promise<{ end?: string }> {
    const asked = await begin(rig, 'first');
    for (const listener of rig.listeners)
      listener({ type: 'lost', error: new BusError('BROKER_LOST', 'cut') });
    return asked;
  }

  it('is rested from to the end when its caller left: neither answer is another one', async (t) => {
    const rig = await Rig.open(t);
    rig.acknowledgement = new Promise(() => {});
    await askTwice(rig);
    await rig.pass(TIMEOUT_MS + TICK_MS);
    const second = rig.ask('second', { timeoutMs: 60_000 });
    await rig.answer('to the first');
    await rig.pass(SETTLE_MS + 2 * TICK_MS);
    assert.deepEqual(rig.sent, ['first']);
    await rig.answer('to the first');
    await rig.pass(QUARANTINE_MS);
    assert.deepEqual([second.end, rig.sent], [undefined, ['first', 'second']]);
  });

  it('is rested from when nobody got its second copy', async (t) => {
    const rig = await Rig.open(t);
    const refusal = Promise.withResolvers<void>();
    rig.acknowledgement = refusal.promise;
    const first = await askTwice(rig);
    refusal.reject(new BusError('BROKER_DENIED', 'no more'));
    await rig.pass(SETTLE_MS);
    rig.acknowledgement = undefined;
    const second = rig.ask('second', { timeoutMs: 60_000 });
    await rig.answer('to the first');
    await rig.pass(SETTLE_MS + 2 * TICK_MS);
    assert.deepEqual([first.end, second.end, rig.sent], ['BROKER_DENIED', undefined, ['first']]);
    await rig.pass(QUARANTINE_MS);
    assert.deepEqual(rig.sent, ['first', 'second']);
  });
});

describe('what the broker has kept on the response topic', () => {
  it('is no answer', async (t) => {
    const rig = await Rig.open(t);
    await rig.keep('old');
    const first = await begin(rig, 'first');
    assert.deepEqual([first.end, rig.requester.counters.strays], [undefined, 1]);
    await rig.answer('new');
    assert.equal(first.end, 'new');
  });
});

describe('a fixed pair over MQTT 5', () => {
  const isMqtt5 = true;

  it('runs in parallel once Correlation Data came back, and takes nothing without it', async (t) => {
    const rig = await Rig.open(t, { isMqtt5 });
    const first = await begin(rig, '0');
    await rig.answer('to 0', rig.requests[0]);
    assert.equal(first.end, 'to 0');
    const asked = ['1', '2', '3'].map((payload) => rig.ask(payload));
    await turns();
    assert.deepEqual(rig.sent, ['0', '1', '2', '3']);
    await rig.answer('whose?');
    for (const index of [3, 1, 2]) await rig.answer(`to ${index}`, rig.requests[index]);
    await rig.answer('twice', rig.requests[2]);
    assert.deepEqual(
      asked.map(({ end }) => end),
      ['to 1', 'to 2', 'to 3'],
    );
    assert.deepEqual([rig.requester.counters.strays, rig.requester.counters.answered], [2, 4]);
  });

  it('stays so: answers without it are for nobody', async (t) => {
    const rig = await Rig.open(t, { isMqtt5 });
    await begin(rig, '0');
    await rig.answer('to 0', rig.requests[0]);
    for (let round = 0; round < 3; round++) {
      const lost = rig.ask('1');
      await turns();
      await rig.answer('to whom?');
      await rig.pass(TIMEOUT_MS + TICK_MS);
      assert.equal(lost.end, 'ANSWER_TIMEOUT');
    }
    const asked = ['2', '3'].map((payload) => rig.ask(payload));
    await turns();
    for (const request of rig.requests.slice(-2)) await rig.answer(`to ${text(request)}`, request);
    assert.deepEqual(
      asked.map(({ end }) => end),
      ['to 2', 'to 3'],
    );
    assert.equal(rig.requester.counters.strays, 3);
  });

  it('runs in parallel from the beginning by a setting, where that can be', async (t) => {
    const correlation = { responseTopic: 'answers', parallel: true };
    const rig = await Rig.open(t, { isMqtt5, correlation });
    const asked = ['0', '1'].map((payload) => rig.ask(payload));
    await turns();
    assert.deepEqual(rig.sent, ['0', '1']);
    await rig.answer('whose?');
    for (const request of rig.requests.toReversed()) await rig.answer(`to ${text(request)}`, request);
    assert.deepEqual(
      asked.map(({ end }) => end),
      ['to 0', 'to 1'],
    );
    const old = await Rig.open(t, { correlation });
    for (const payload of ['0', '1']) old.ask(payload);
    await turns();
    assert.deepEqual(old.sent, ['0'], 'before MQTT 5 nothing travels with an answer');
  });

  it('leaves answers to others alone', async (t) => {
    const rig = await Rig.open(t, { isMqtt5 });
    const asked = await begin(rig, '0');
    await rig.answer('to another requester', {
      ...rig.requests[0]!,
      properties: { correlationData: Buffer.from('1-x') },
    });
    assert.equal(asked.end, undefined);
    await rig.answer('to 0');
    assert.deepEqual([asked.end, rig.requester.counters.strays], ['to 0', 1]);
  });

  it('goes on, while it rests, with an answer that says whose it is', async (t) => {
    const rig = await Rig.open(t, { isMqtt5 });
    await begin(rig, '0');
    await rig.pass(TIMEOUT_MS);
    rig.ask('1');
    await turns();
    await rig.answer('to 0', rig.requests[0]);
    assert.deepEqual([rig.sent, rig.requester.counters.late], [['0', '1'], 1]);
  });
});
