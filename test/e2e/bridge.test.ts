import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import {
  agentYaml,
  gatewayYaml,
  seedBroker,
  seedMosquittoSettings,
  skipWithoutPaho,
  startAgentProgram,
  startGatewayProgram,
  startSeedApi,
  startSeedRoute,
} from '../helpers/bridge-programs.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { until } from '../helpers/until.ts';
import { openBrokerOnTcp, type BrokerOnTcp } from '../helpers/broker-on-tcp.ts';

const ANSWER = { response: { message: 'pong', received: { ask: 'ping' } } };
const AGENT_LINE = 'request: {"ask": "ping"} -> response: {"message": "pong", "received": {"ask": "ping"}}';
const API_LINE = 'Topic: api/ping/response, Message: {"message": "pong", "received": {"ask": "ping"}}';

type TestBroker = Pick<BrokerOnTcp, 'url' | 'close'>;

/** As the seed runs it: two lines of configuration. */
async function openMosquitto(): Promise<TestBroker> {
  const mosquitto = await new Mosquitto({ settings: seedMosquittoSettings() }).start();
  return { url: mosquitto.url, close: () => mosquitto.remove() };
}

const BROKERS = [
  { name: 'Recado', open: openBrokerOnTcp, skip: skipWithoutPaho },
  { name: 'Mosquitto', open: openMosquitto, skip: skipWithoutPaho || whyNoMosquitto() },
];

async function startApi1(t: TestContext, isSeed: boolean, broker: string) {
  if (!isSeed) return startGatewayProgram(t, gatewayYaml({ broker }));
  const { program, url } = await startSeedApi(t, 'api_1', seedBroker(broker));
  await program.waitForLine('Subscribed');
  return { program, url };
}

async function startAgent(
  t: TestContext,
  isSeed: boolean,
  { broker, api2 }: { broker: string; api2: string },
) {
  if (!isSeed) return startAgentProgram(t, agentYaml({ broker, api2 }));
  const program = startSeedRoute(t, 'agent', [...seedBroker(broker), '--url', `${api2}/ping`]);
  await program.waitForLine('Subscribed');
  return program;
}

for (const { name, open, skip } of BROKERS) {
  describe(`fixed routes over ${name}`, { skip }, () => {
    let broker: TestBroker;
    before(async () => void (broker = await open()));
    after(() => broker.close());

    for (const [seedApi, seedAgent] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ] as const) {
      const [api, agent] = [
        seedApi ? "the seed's API 1" : 'recado gateway',
        seedAgent ? "the seed's agent" : 'recado agent',
      ];
      it(`${api} and ${agent} bring GET /ping to API 2 and back`, async (t) => {
        const { url: api2 } = await startSeedApi(t, 'api_2');
        const [first, second] = await Promise.all([
          startApi1(t, seedApi, broker.url),
          startAgent(t, seedAgent, { broker: broker.url, api2 }),
        ]);
        for (let times = 0; times < 3; times++) {
          const answer = await fetch(`${first.url}/ping`);
          assert.equal(answer.status, 200);
          assert.deepEqual(await answer.json(), ANSWER);
        }
        const countLines = (): number => second.lines.filter((line) => line === AGENT_LINE).length;
        await until('the line of each exchange', () => countLines() >= 3);
        await first.program.waitForLine(API_LINE);
        assert.equal(countLines(), 3, 'each question is asked once');
      });
    }

    it('the clients of the seed say hello on my/topic', async (t) => {
      const subscriber = startSeedRoute(t, 'client_a', seedBroker(broker.url));
      await subscriber.waitForLine('Subscribed');
      const publisher = startSeedRoute(t, 'client_b', seedBroker(broker.url));
      await subscriber.waitForLine('my/topic Hello from client B! Hello Again');
      assert.equal(await publisher.exit(), 0);
    });
  });
}

describe('the body of an answer', { skip: skipWithoutPaho }, () => {
  it('is, letter by letter, the one that callers of the seed know', async (t) => {
    const broker = await openBrokerOnTcp();
    t.after(() => broker.close());
    const { url: api2 } = await startSeedApi(t, 'api_2');
    const { url } = await startGatewayProgram(t, gatewayYaml({ broker: broker.url }));
    const without = await fetch(`${url}/ping`);
    assert.equal(without.status, 504);
    assert.equal(await without.text(), '{"error":"timeout waiting MQTT response"}');
    assert.match(without.headers.get('content-type') ?? '', /^application\/json/);
    await startAgentProgram(t, agentYaml({ broker: broker.url, api2 }));
    // An agent that comes right after a failure is of use at once: nobody got the question, so no answer can be late.
    const answer = await fetch(`${url}/ping`);
    assert.equal(await answer.text(), '{"response":{"message":"pong","received":{"ask":"ping"}}}');
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  });
});
