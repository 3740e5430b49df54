import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Bus, BusMessage, MessageProperties, SubscribeOptions } from '../../src/bus/bus.ts';
import type { QoS } from '../../src/mqtt/codec/control-packet.ts';
import { until } from '../helpers/until.ts';

/** What a kind of bus must offer to be held against the contract. */
export type BusRig = {
  /** A new bus to the broker of this rig; the suite closes it. */
  open(options?: { maxQueuedMessages?: number; timeoutMs?: number }): Promise<Bus>;
  /** Takes the broker away and brings it back; absent where a bus and its broker live and die together. */
  readonly broker?: { kill(): Promise<void>; start(): Promise<unknown> };
  close(): Promise<void>;
};

type Claims = {
  /** Over MQTT 5: properties travel, and the broker says whether anybody was there. */
  readonly isMqtt5: boolean;
  readonly openRig: () => Promise<BusRig>;
  readonly skip: string | false;
};

const ALL_QOS: readonly QoS[] = [0, 1, 2];
const MEBIBYTE = 1024 * 1024;
const NEVER_MS = 60_000;

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (message: BusMessage): string => Buffer.from(message.payload).toString();
const newTopic = (): string => `contract/${randomUUID()}`;

/** Every kind of `Bus` runs this suite. */
export function describeBus(name: string, { isMqtt5, openRig, skip }: Claims): void {
  describe(name, { skip }, () => {
    let rig: BusRig;
    let bus: Bus;
    before(async () => {
      rig = await openRig();
      bus = await rig.open();
    });
    after(async () => {
      await bus.close();
      await rig.close();
    });

    /** Subscribes, and collects. */
    async function collect(
      topicFilter: string,
      options: SubscribeOptions = {},
      on: Bus = bus,
    ): Promise<{ messages: BusMessage[]; texts: () => string[]; unsubscribe: () => Promise<void> }> {
      const messages: BusMessage[] = [];
      const subscription = await on.subscribe(topicFilter, options, (message) => messages.push(message));
      return { messages, texts: () => messages.map(text), unsubscribe: () => subscription.unsubscribe() };
    }

    /** After this, everything that was published before on this bus has come to it. */
    async function flush(on: Bus = bus): Promise<void> {
      const topicName = newTopic();
      const { messages, unsubscribe } = await collect(topicName, { qos: 0 }, on);
      await on.publish({ topicName, payload: bytes('flush') });
      await until('the flush message', () => messages.length > 0);
      await unsubscribe();
    }

    describe('a message', () => {
      for (const qos of ALL_QOS) {
        it(`arrives at QoS ${qos}`, async () => {
          const topicName = newTopic();
          const { messages } = await collect(topicName, { qos });
          await bus.publish({ topicName, payload: bytes('hello'), qos });
          await until('the message', () => messages.length > 0);
          await flush();
          assert.equal(messages.length, 1);
          const [message] = messages;
          assert.deepEqual(
            [message?.topicName, message?.qos, message?.retain, message && text(message)],
            [topicName, qos, false, 'hello'],
          );
          assert.equal((message?.packetId ?? 0) > 0, qos > 0);
        });
      }

      it('arrives at most at the QoS of the subscription', async () => {
        const topicName = newTopic();
        const { messages } = await collect(topicName, { qos: 0 });
        await bus.publish({ topicName, payload: bytes('x'), qos: 2 });
        await until('the message', () => messages.length > 0);
        assert.equal(messages[0]?.qos, 0);
      });

      for (const [what, payload] of [
        ['empty', new Uint8Array(0)],
        ['with every byte', Uint8Array.from({ length: 256 }, (_, index) => index)],
        ['of a mebibyte', randomBytes(MEBIBYTE)],
        ['in a part of a larger buffer', new Uint8Array([9, 9, 1, 2, 3, 9]).subarray(2, 5)],
      ] as const) {
        it(`keeps its payload, ${what}`, async () => {
          const topicName = newTopic();
          const { messages } = await collect(topicName, { qos: 1 });
          await bus.publish({ topicName, payload, qos: 1 });
          await until('the message', () => messages.length > 0);
          assert.ok(Buffer.from(payload).equals(messages[0]?.payload ?? Buffer.from('missing')));
        });
      }

      it('comes in its order', async () => {
        const topicName = newTopic();
        const { texts } = await collect(topicName, { qos: 1 });
        const expected = Array.from({ length: 500 }, (_, index) => String(index));
        await Promise.all(expected.map((each) => bus.publish({ topicName, payload: bytes(each), qos: 1 })));
        await until('all messages', () => texts().length === expected.length);
        assert.deepEqual(texts(), expected);
      });

      it('needs a topic without wildcards', async () => {
        for (const topicName of ['', 'a/+', '#', 'a\0b'])
          await assert.rejects(bus.publish({ topicName, payload: bytes('x') }), { code: 'TOPIC_INVALID' });
      });
    });

    describe('a message that nobody acknowledges', () => {
      it('arrives in its order, and its payload is the sender’s again', async () => {
        const topicName = newTopic();
        const { texts } = await collect(topicName);
        const payload = Buffer.alloc(4);
        const expected = Array.from({ length: 500 }, (_, index) => String(1000 + index));
        for (const each of expected) {
          payload.write(each);
          assert.deepEqual(bus.send({ topicName, payload }), { ok: true, value: undefined });
        }
        await until('all messages', () => texts().length === expected.length);
        assert.deepEqual(texts(), expected);
      });

      it('needs a topic without wildcards, and a bus that is open', async () => {
        const codeOf = (on: Bus, topicName: string): unknown => {
          const sent = on.send({ topicName, payload: bytes('x') });
          return sent.ok || sent.failure.code;
        };
        assert.equal(codeOf(bus, 'a/+'), 'TOPIC_INVALID');
        const closed = await rig.open();
        await closed.close();
        assert.equal(codeOf(closed, 'a'), 'BUS_CLOSED');
      });
    });

    describe('properties', () => {
      const properties: MessageProperties = {
        payloadFormatIndicator: 1,
        messageExpiryInterval: 600,
        contentType: 'application/json',
        responseTopic: 'answers/1',
        correlationData: Uint8Array.from([0, 255, 1]),
        userProperties: [
          ['z', '1'],
          ['a', '2'],
          ['a', '3'],
          ['', ''],
          ['__proto__', 'é€😀'],
        ],
      };

      it(isMqtt5 ? 'travel, in order' : 'do not travel', async () => {
        const topicName = newTopic();
        const { messages } = await collect(topicName, { qos: 1 });
        await bus.publish({ topicName, payload: bytes('x'), qos: 1, properties });
        await until('the message', () => messages.length > 0);
        const { correlationData, ...others } = messages[0]?.properties ?? {};
        const { correlationData: expectedData, ...expected } = properties;
        assert.deepEqual({ ...others }, isMqtt5 ? expected : {});
        if (isMqtt5) assert.deepEqual([...(correlationData ?? [])], [...(expectedData ?? [])]);
      });
    });

    describe('what the broker says about a message', () => {
      it('is nothing at QoS 0', async () => {
        assert.deepEqual(await bus.publish({ topicName: newTopic(), payload: bytes('x') }), {
          matched: undefined,
        });
      });

      it('is whether anybody was there', async () => {
        const topicName = newTopic();
        const publish = async (): Promise<boolean | undefined> =>
          (await bus.publish({ topicName, payload: bytes('x'), qos: 1 })).matched;
        assert.equal(await publish(), isMqtt5 ? false : undefined);
        const { unsubscribe } = await collect(topicName);
        assert.equal(await publish(), isMqtt5 ? true : undefined);
        await unsubscribe();
        assert.equal(await publish(), isMqtt5 ? false : undefined);
      });
    });

    describe('a retained message', () => {
      it('comes to a later subscription, until it is emptied', async () => {
        const topicName = newTopic();
        await bus.publish({ topicName, payload: bytes('kept'), qos: 1, retain: true });
        const first = await collect(topicName, { qos: 1 });
        await until('the retained message', () => first.messages.length > 0);
        assert.deepEqual([first.messages[0]?.retain, first.texts()[0]], [true, 'kept']);
        await bus.publish({ topicName, payload: new Uint8Array(0), qos: 1, retain: true });
        const second = await collect(`${topicName}/#`, { qos: 1 });
        await flush();
        assert.deepEqual(second.texts(), []);
      });

      it('comes to a second subscription of the same filter too', async () => {
        const topicName = newTopic();
        await bus.publish({ topicName, payload: bytes('kept'), qos: 1, retain: true });
        const first = await collect(topicName, { qos: 1 });
        await until('it has come to the first', () => first.messages.length > 0);
        const second = await collect(topicName, { qos: 1 });
        await until('it has come to the second', () => second.messages.length > 0);
        await flush();
        if (isMqtt5) assert.equal(first.messages.length, 1);
        assert.equal(second.messages.length, 1);
        await bus.publish({ topicName, payload: new Uint8Array(0), retain: true });
      });
    });

    describe('subscriptions', () => {
      it('may have wildcards', async () => {
        const root = newTopic();
        const plus = await collect(`${root}/+/c`);
        const hash = await collect(`${root}/#`);
        for (const end of ['a/c', 'a/b', 'a/b/c', ''])
          await bus.publish({ topicName: end === '' ? root : `${root}/${end}`, payload: bytes(end) });
        await flush();
        if (isMqtt5) assert.equal(plus.messages.length, 1);
        assert.deepEqual([...new Set(plus.texts())], ['a/c']);
        assert.deepEqual([...new Set(hash.texts())], ['a/c', 'a/b', 'a/b/c', '']);
      });

      it('that overlap give each handler its message', async () => {
        const root = newTopic();
        const all = await Promise.all(
          [`${root}/a`, `${root}/+`, `${root}/#`, `${root}/a`].map((filter) => collect(filter, { qos: 1 })),
        );
        await bus.publish({ topicName: `${root}/a`, payload: bytes('x'), qos: 1 });
        await until('each has it', () => all.every(({ messages }) => messages.length > 0));
        await flush();
        if (isMqtt5)
          assert.deepEqual(
            all.map(({ messages }) => messages.length),
            [1, 1, 1, 1],
          );
      });

      it('may be shared', async () => {
        const topicName = newTopic();
        const other = await rig.open();
        const shares = [
          await collect(`$share/group/${topicName}`, { qos: 1 }),
          await collect(`$share/group/${topicName}`, { qos: 1 }, other),
        ];
        for (let index = 0; index < 10; index++)
          await bus.publish({ topicName, payload: bytes(String(index)), qos: 1 });
        const all = (): string[] => shares.flatMap(({ texts }) => texts());
        await until('all messages', () => all().length >= 10);
        await Promise.all([flush(), flush(other)]);
        assert.deepEqual(
          all()
            .map(Number)
            .sort((a, b) => a - b),
          [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        );
        await other.close();
      });

      it('stop at once', async () => {
        const topicName = newTopic();
        const stopped = await collect(topicName, { qos: 1 });
        const going = await collect(topicName, { qos: 1 });
        await bus.publish({ topicName, payload: bytes('before'), qos: 1 });
        await until('both have it', () => going.messages.length + stopped.messages.length === 2);
        // Not awaited: what counts is the call.
        const stopping = stopped.unsubscribe();
        await Promise.all([stopping, bus.publish({ topicName, payload: bytes('after'), qos: 1 })]);
        await until('the other has it', () => going.messages.length === 2);
        assert.deepEqual([stopped.texts(), going.texts()], [['before'], ['before', 'after']]);
        await going.unsubscribe();
        await bus.publish({ topicName, payload: bytes('nobody'), qos: 1 });
        await flush();
        assert.deepEqual(going.texts(), ['before', 'after']);
      });

      it('end quietly when they end twice', async () => {
        const { unsubscribe } = await collect(newTopic());
        await Promise.all([unsubscribe(), unsubscribe()]);
      });

      it('survive a handler that throws', async () => {
        const topicName = newTopic();
        await bus.subscribe(topicName, {}, () => {
          throw new Error('a mistake in a handler');
        });
        const { messages } = await collect(topicName);
        await bus.publish({ topicName, payload: bytes('x') });
        await until('the other handler has it', () => messages.length === 1);
      });

      it('need a valid filter', async () => {
        for (const filter of ['', 'a#', 'a/#/b', 'a+', '$share//a', '$share/g'])
          await assert.rejects(collect(filter), { code: 'TOPIC_INVALID' }, filter);
      });
    });

    describe('patience', () => {
      it('ends with the signal', async () => {
        const reason = new Error('enough');
        const signal = AbortSignal.abort(reason);
        const topicName = newTopic();
        await assert.rejects(bus.publish({ topicName, payload: bytes('x') }, { signal }), reason);
        await assert.rejects(collect(topicName, { signal }), reason);
      });
    });

    describe('close', () => {
      it('settles everything, and everything after it', async () => {
        const closing = await rig.open();
        const topicName = newTopic();
        const seen = await collect(topicName, {}, closing);
        const publishes = Array.from({ length: 300 }, () =>
          closing.publish({ topicName: newTopic(), payload: bytes('x'), qos: 2 }),
        );
        const subscribed = collect(newTopic(), {}, closing);
        const settled = Promise.allSettled([...publishes, subscribed]);
        await closing.close();
        // A bus may be quicker than its end; what it could not do any more it says.
        for (const each of await settled)
          if (each.status === 'rejected') assert.equal((each.reason as { code: string }).code, 'BUS_CLOSED');
        await assert.rejects(closing.publish({ topicName, payload: bytes('x') }), { code: 'BUS_CLOSED' });
        await assert.rejects(collect(topicName, {}, closing), { code: 'BUS_CLOSED' });
        await bus.publish({ topicName, payload: bytes('x') });
        await Promise.all([flush(), closing.close()]);
        assert.deepEqual([seen.messages.length, closing.isConnected], [0, false]);
      });
    });

    describe('a broker that goes and comes back', () => {
      it('finds the subscriptions again, and what waited', async (t) => {
        if (rig.broker === undefined) return t.skip('this bus and its broker live and die together');
        const staying = await rig.open({ timeoutMs: NEVER_MS });
        const types: string[] = [];
        staying.watch(({ type }) => types.push(type));
        const topicName = newTopic();
        const { texts } = await collect(topicName, { qos: 1 }, staying);
        await rig.broker.kill();
        await until('it is lost', () => types.includes('lost'));
        const late = staying.publish({ topicName, payload: bytes('late'), qos: 1 });
        const waiting = collect(`${topicName}/more`, { qos: 1 }, staying);
        await rig.broker.start();
        await late;
        await waiting;
        await until('the message', () => texts().length > 0);
        assert.deepEqual(texts(), ['late']);
        assert.deepEqual([types[0], types.at(-1)], ['lost', 'connected']);
        assert.deepEqual([staying.isConnected, staying.counters.reconnected], [true, 1]);
        await staying.close();
      });

      it('is not waited for for ever, and only so much waits', async (t) => {
        if (rig.broker === undefined) return t.skip('this bus and its broker live and die together');
        const small = await rig.open({ maxQueuedMessages: 2, timeoutMs: NEVER_MS });
        await rig.broker.kill();
        await until('it is lost', () => !small.isConnected);
        const topicName = newTopic();
        const publish = (patience = {}): Promise<unknown> =>
          small.publish({ topicName, payload: bytes('x'), qos: 1 }, patience);
        await assert.rejects(publish({ timeoutMs: 1 }), { code: 'BROKER_OFFLINE' });
        await assert.rejects(collect(topicName, { timeoutMs: 1 }, small), { code: 'BROKER_OFFLINE' });
        const aborting = new AbortController();
        const first = publish({ signal: aborting.signal });
        const second = publish();
        await assert.rejects(publish(), { code: 'TOO_MANY_MESSAGES' });
        aborting.abort(new Error('enough'));
        await assert.rejects(first, /enough/);
        const third = publish();
        await rig.broker.start();
        await Promise.all([second, third]);
        assert.deepEqual(
          { ...small.counters },
          { ...small.counters, refusedFull: 1, givenUp: 2, published: 2 },
        );
        await small.close();
      });
    });
  });
}
