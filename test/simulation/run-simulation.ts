import type { Connection } from '../../src/mqtt/broker/connection/connection.ts';
import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import { isServed } from './model-receipt.ts';
import { expectThat } from './simulation-failure.ts';
import { settle } from './settle.ts';
import { takeStep } from './simulation-steps.ts';
import { SimulationWorld, type SimulationFaults } from './simulation-world.ts';
import { SimulatedWire } from './simulated-wire.ts';

/** Of what happened before a failure. */
const TRACED_LINES = 2000;
/** Longer than any session lives that does not live for ever. */
const ALL_EXPIRED_TICKS = 4 * 125;

/**
 * Runs one seed to its end.
 *
 * @throws {Error} with what was wrong, what happened before, and how to have it happen again
 */
export async function runSimulation(seed: number, faults: SimulationFaults = {}): Promise<SimulationWorld> {
  const world = new SimulationWorld(seed, faults);
  let step = 0;
  try {
    await world.start();
    for (; step < world.rules.steps; step++) {
      await takeStep(world);
      world.pulse();
      expectCounts(world);
    }
    finish(world);
    return world;
  } catch (error) {
    const lines = world.traced.slice(-TRACED_LINES).join('\n');
    const command = `SIMULATION_SEED=${seed} node --test test/simulation/simulation.test.ts`;
    const what = error instanceof Error ? error.message : String(error);
    const rules = JSON.stringify(world.rules);
    const text = `seed ${seed}, step ${step}: ${what}\n${rules}\n${lines}\nAgain: ${command}`;
    throw new Error(text, { cause: error });
  }
}

/** What the broker counts must be what the model has. */
function expectCounts({ broker: { broker }, model, rules, sessions }: SimulationWorld): void {
  const { counts } = broker;
  expectThat(
    counts.sessions === model.sessions.size,
    () => `${counts.sessions} sessions, not ${model.sessions.size}`,
  );
  expectThat(
    counts.subscriptions === model.subscriptionCount,
    () => `${counts.subscriptions} subscriptions, not ${model.subscriptionCount}`,
  );
  expectThat(
    counts.retainedMessages === model.retained.size,
    () => `${counts.retainedMessages} retained messages, not ${model.retained.size}`,
  );
  let queuedBytes = 0;
  for (const { queue } of sessions.values()) queuedBytes += queue?.bytes ?? 0;
  expectThat(
    counts.queuedBytes === queuedBytes,
    () => `${counts.queuedBytes} bytes are queued, not ${queuedBytes}`,
  );
  for (const { client, queuedCount, inflightCount, subscriptionCount, isConnected } of broker.sessions()) {
    const { clientId } = client;
    const session = model.sessions.get(clientId);
    expectThat(session !== undefined, () => `${clientId} has a session and must not`);
    expectThat(
      isConnected === session.isConnected,
      () => `${clientId} is ${isConnected ? '' : 'not '}connected`,
    );
    expectThat(
      subscriptionCount === session.subscriptions.size,
      () => `${clientId} has ${subscriptionCount} subscriptions`,
    );
    // Messages that are sent again wait too, and are in flight as well.
    const most = rules.maxQueuedMessages + inflightCount;
    expectThat(queuedCount <= most, () => `${clientId} has ${queuedCount} messages queued`);
    expectThat(
      inflightCount <= rules.maxInflightMessages,
      () => `${clientId} has ${inflightCount} in flight`,
    );
  }
}

/** All come back once more and get what is left for them; then all leave, and nothing must be left of them. */
function finish(world: SimulationWorld): void {
  settle(world);
  world.trace('all come back');
  for (const client of world.clients) {
    if (client.link === undefined) world.openLink(client, plainConnect(client.clientId, false), undefined);
  }
  settle(world);
  for (const delivery of world.model.groups.values()) {
    expectThat(isServed(world.model, delivery), () => `nobody got ${delivery.key}`);
  }
  const { broker } = world;
  world.trace('all leave');
  for (const clientId of broker.locals.keys()) broker.locals.get(clientId)!.unsubscribe();
  world.model.localSessions = [];
  const expires = world.chance(20);
  for (const client of world.clients) {
    world.breakLink(client);
    const isLasting = (client.session?.expiresAtMs ?? 0) === Infinity;
    if (!isLasting && expires) continue;
    world.openLink(client, plainConnect(client.clientId, true), undefined);
    client.link!.send({ type: 'disconnect', reasonCode: 0, properties: {} });
  }
  settle(world);
  if (expires) world.passTime(ALL_EXPIRED_TICKS);
  settle(world);
  expectNothingLeft(world);
}

function plainConnect(clientId: string, cleanStart: boolean): ConnectPacket {
  const rest = { willMessage: undefined, userName: undefined, password: undefined };
  const properties = cleanStart ? {} : { sessionExpiryInterval: 60 };
  return { type: 'connect', protocolVersion: 5, cleanStart, keepAlive: 0, properties, clientId, ...rest };
}

function expectNothingLeft(world: SimulationWorld): void {
  const { broker } = world.broker;
  expectCounts(world);
  const { connections, sessions, subscriptions, queuedBytes } = broker.counts;
  const left = `${connections} connections, ${sessions} sessions, ${subscriptions} subscriptions, ${queuedBytes} bytes`;
  expectThat(connections + sessions + subscriptions + queuedBytes === 0, () => `left are ${left}`);
  // One more connection, to look at what all of them share.
  const wire = new SimulatedWire({
    later: world.broker.later,
    maxUnreadBytes: 1000,
    keepsBuffers: false,
    fault: undefined,
  });
  wire.connect(broker);
  const { engine } = wire.receiver as Connection;
  wire.breakOff();
  expectThat(engine.wheel.size === 0, () => `${engine.wheel.size} timers are set`);
  const publication = engine.takePublication();
  engine.givePublication();
  expectThat(publication === world.firstPublication, () => 'a publication was not given back');
}
