import type { ModelSession } from './model-session.ts';
import type { SimulatedClient } from './simulated-client.ts';
import { expectThat } from './simulation-failure.ts';
import type { SimulationWorld } from './simulation-world.ts';

const MAX_PULSES = 400;

/** Everyone reads and answers until nobody has anything to say: then all that was owed must have come. */
export function settle(world: SimulationWorld): void {
  world.trace('all read and answer');
  world.isSettling = true;
  for (const { link } of world.clients) if (link !== undefined) link.isStalled = false;
  let pulses = 0;
  for (; isBusy(world) && pulses < MAX_PULSES; pulses++) world.pulse();
  expectThat(pulses < MAX_PULSES, () => 'clients and broker never come to rest');
  world.isSettling = false;
  world.expectEnds();
  for (const client of world.clients) expectServed(client);
  for (const session of world.model.localSessions) expectRetained(session);
}

function isBusy(world: SimulationWorld): boolean {
  return (
    world.broker.hasJobs ||
    world.store?.isCommitting === true ||
    world.clients.some(
      ({ link }) =>
        link !== undefined &&
        (link.outgoing.length > 0 ||
          link.toAnswer.length > 0 ||
          link.wire.bufferedBytes > 0 ||
          link.wire.hasEnded ||
          link.wire.isOver),
    )
  );
}

/** Every request was answered, and every message came, of a client that is connected. */
function expectServed(client: SimulatedClient): void {
  const { link, session, clientId } = client;
  if (link === undefined) return;
  expectThat(link.isConnected, () => `${clientId} got no CONNACK`);
  const [unanswered] = link.awaited.keys();
  expectThat(unanswered === undefined, () => `${clientId} got no ${unanswered}`);
  expectThat(link.pingsAwaited === 0, () => `${clientId} got no PINGRESP`);
  expectThat(client.outbound.size === 0, () => `${clientId} has messages that are not done`);
  if (session === undefined) return;
  const left = session.owed.find(
    ({ isRequired, isReceived, message }) =>
      isRequired && !(isReceived && session.droppedTopics.has(message.topicName)),
  );
  expectThat(
    left === undefined,
    () => `${clientId} did not ${left?.isReceived === true ? 'finish' : 'get'} ${left?.key}`,
  );
  session.owed = [];
  expectRetained(session);
}

function expectRetained(session: ModelSession): void {
  for (const walk of session.walks) {
    const topic = [...walk.topics].find(
      ([topic, isRequired]) => isRequired && !session.droppedTopics.has(topic),
    )?.[0];
    expectThat(topic === undefined, () => `${session.clientId} did not get what is retained on ${topic}`);
  }
  session.walks = [];
  session.droppedTopics.clear();
}
