import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { connectBus } from '../../src/bus/client-bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { Broker } from '../../src/mqtt/index.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { createRequester, type Requester, type RequesterOptions } from '../../src/rpc/index.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { fingerprint, seededRandom, serveHostile, type HostileOptions } from './rpc-hostile.ts';

const CALLERS = 64;
const REQUESTS_PER_CALLER = 3;
/** A second answer stays behind the first by less than a response topic has to be quiet. */
const REPEAT_MS = 10;
const SETTLE_MS = 30;
/** Callers leave before this answer comes, or later. */
const LATE_MS = 150;
const TIMEOUTS_MS = [50, 4000] as const;
const QUARANTINE_MS = 400;
const STEP_MS = 5;
const MANNERS = ['never', 'sometimes', 'always'] as const;

type Place = {
  readonly name: string;
  readonly isMqtt5: boolean;
  readonly skip: string | false;
  open(t: TestContext): Promise<Bus[]>;
};

const places: readonly Place[] = [
  {
    name: 'EmbeddedBus',
    isMqtt5: true,
    skip: false,
    async open(t) {
      const broker = new Broker();
      await broker.start();
      t.after(() => broker.close());
      return [embedBus(broker), embedBus(broker)];
    },
  },
  ...([4, 5] as const).map((protocolVersion): Place => ({
    name: `this broker over MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`,
    isMqtt5: protocolVersion === 5,
    skip: false,
    async open(t) {
      const { url, close } = await openBrokerOnTcp();
      t.after(close);
      return openTwo(t, url, protocolVersion);
    },
  })),
  ...([4, 5] as const).map((protocolVersion): Place => ({
    name: `Mosquitto over MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`,
    isMqtt5: protocolVersion === 5,
    skip: whyNoMosquitto(),
    async open(t) {
      const broker = await new Mosquitto({
        settings: ['allow_anonymous true', 'set_tcp_nodelay true'],
      }).start();
      t.after(() => broker.remove());
      return openTwo(t, broker.url, protocolVersion);
    },
  })),
];

async function openTwo(t: TestContext, url: string, protocolVersion: 4 | 5): Promise<Bus[]> {
  const buses = await Promise.all([1, 2].map(() => connectBus(url, { protocolVersion })));
  t.after(() => Promise.all(buses.map((bus) => bus.close())));
  return buses;
}

type Outcomes = { right: number; garbage: number; wrong: number; failed: Record<string, number> };

/** Many callers, each with some requests after each other, and with more or less patience. */
async function ask(
  requester: Requester,
  topics: { request: string; response: string },
  random: () => number,
): Promise<Outcomes> {
  const outcomes: Outcomes = { right: 0, garbage: 0, wrong: 0, failed: {} };
  const [least, most] = TIMEOUTS_MS;
  const askOnce = async (payload: Buffer): Promise<void> => {
    const timeoutMs = least + random() * random() * (most - least);
    const options = { timeoutMs, correlation: { responseTopic: topics.response } };
    try {
      const answer = await requester.request(topics.request, payload, options);
      const text = Buffer.from(answer.payload).toString();
      if (text.includes(fingerprint(payload))) outcomes.right++;
      else if (text.includes('nobody') || text.includes('garbage')) outcomes.garbage++;
      else outcomes.wrong++;
    } catch (error) {
      const { code } = error as { code: string };
      outcomes.failed[code] = (outcomes.failed[code] ?? 0) + 1;
    }
  };
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      for (let number = 0; number < REQUESTS_PER_CALLER; number++)
        await askOnce(Buffer.from(JSON.stringify({ caller, number })));
    }),
  );
  return outcomes;
}

/** After this, all that each of the two has published has come to the other. */
async function settle(buses: readonly Bus[], topicName: string): Promise<void> {
  for (const bus of buses) {
    const other = buses.find((each) => each !== bus) ?? bus;
    const { promise, resolve } = Promise.withResolvers<void>();
    const subscription = flushes.get(other);
    flushes.set(other, subscription ?? { resolve });
    flushes.get(other)!.resolve = resolve;
    if (subscription === undefined)
      await other.subscribe(`${topicName}/${buses.indexOf(other)}`, { qos: 1 }, () =>
        flushes.get(other)?.resolve(),
      );
    await bus.publish({
      topicName: `${topicName}/${buses.indexOf(other)}`,
      payload: new Uint8Array(0),
      qos: 1,
    });
    await promise;
    await new Promise((done) => setImmediate(done));
  }
}
const flushes = new WeakMap<Bus, { resolve: () => void }>();

async function fight(
  t: TestContext,
  place: Place,
  seed: number,
  manner: Pick<HostileOptions, 'correlates'>,
  limits: RequesterOptions = { settleMs: SETTLE_MS, quarantineMs: QUARANTINE_MS },
): Promise<{ outcomes: Outcomes; requester: Requester }> {
  const [asking, answering] = (await place.open(t)) as [Bus, Bus];
  const topic = `hostile/${randomUUID()}`;
  const topics = { request: `${topic}/request`, response: `${topic}/response` };
  // Time goes on only when everything that was sent has come: a busy machine makes no difference.
  const clock = new ManualClock();
  await serveHostile(answering, {
    ...manner,
    random: seededRandom(seed),
    clock,
    requestTopic: topics.request,
    responseTopic: topics.response,
    repeatMs: REPEAT_MS,
    lateMs: LATE_MS,
  });
  const requester = createRequester(asking, { clock, ...limits });
  t.after(() => requester.close());
  const asked = ask(requester, topics, seededRandom(seed + 1));
  const over = new AbortController();
  void asked.then(() => over.abort());
  while (!over.signal.aborted) {
    await settle([asking, answering], `${topic}/settle`);
    clock.advance(STEP_MS);
  }
  return { outcomes: await asked, requester };
}

for (const place of places) {
  describe(`a hostile responder over ${place.name}`, { skip: place.skip }, () => {
    for (const correlates of place.isMqtt5 ? MANNERS : (['never'] as const)) {
      const seeds = place.name === 'EmbeddedBus' ? [1, 2, 3, 4, 5, 6, 7, 8] : [9];
      it(`gives no caller the answer of another, with Correlation Data ${correlates}`, async (t) => {
        for (const seed of seeds) {
          const { outcomes } = await fight(t, place, seed, { correlates });
          assert.equal(outcomes.wrong, 0, `seed ${seed}: ${JSON.stringify(outcomes)}`);
          assert.ok(
            outcomes.right >= (correlates === 'always' ? 100 : 10),
            `seed ${seed}: ${JSON.stringify(outcomes)}`,
          );
        }
      });
    }
  });
}

describe('a hostile responder', () => {
  it('does harm where nothing is done against it', async (t) => {
    const manner = { correlates: 'never' } as const;
    const reckless = { settleMs: 0, quarantineMs: 1 };
    const { outcomes, requester } = await fight(t, places[0]!, 1, manner, reckless);
    assert.ok(outcomes.wrong > 0, JSON.stringify(outcomes));
    assert.ok(requester.counters.strays > 0);
  });
});
