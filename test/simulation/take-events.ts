import type { QoS } from '../../src/mqtt/codec/control-packet.ts';
import { acceptDrop, acceptReceipt } from './model-receipt.ts';
import type { ModelMessage, ModelSession } from './model-session.ts';
import type { BrokerEvent } from './simulated-broker.ts';
import { PADDING } from './simulated-client.ts';
import { packetBytesOf, type SimulationWorld } from './simulation-world.ts';
import { expectThat, fail } from './simulation-failure.ts';

const KEEP_ALIVE_TIMEOUT = 0x8d;

/**
 * Takes what the broker has said since the last time. A message is told after everything that came of it, so what
 * came of a Will is looked at when the Will has been.
 */
export function takeEvents(world: SimulationWorld): void {
  const events = world.broker.takeEvents();
  let begin = 0;
  for (let index = 0; index < events.length; index++) {
    const event = events[index]!;
    if (event.kind === 'disconnected') takeDisconnected(world, event);
    if (event.kind !== 'published') continue;
    const text = textOf(event.payload);
    if (!event.isClients) takeWill(world, text);
    for (; begin < index; begin++) takeConsequence(world, events[begin]!, text);
  }
  for (; begin < events.length; begin++) takeConsequence(world, events[begin]!, undefined);
  expectLocalsServed(world);
  const late = world.model.wills.find(({ dueAtMs }) => dueAtMs <= world.clock.now());
  expectThat(
    late === undefined,
    () => `the Will ${late?.message.text} of ${late?.clientId} was not published`,
  );
}

function takeConsequence(world: SimulationWorld, event: BrokerEvent, currentText: string | undefined): void {
  if (event.kind === 'dropped') takeDropped(world, event, currentText);
  else if (event.kind === 'local') takeLocal(world, event);
}

/** Only this end's timeouts are told by the broker; all other ends the model knows before. */
function takeDisconnected(
  world: SimulationWorld,
  { clientId, by, reasonCode }: Extract<BrokerEvent, { kind: 'disconnected' }>,
): void {
  if (by !== 'server' || reasonCode !== KEEP_ALIVE_TIMEOUT) return;
  const client = world.clients.find((one) => one.clientId === clientId);
  const link = client?.link;
  world.trace(`  ${clientId} is gone by its Keep Alive`);
  if (client === undefined || link === undefined) fail(`${clientId} has no connection to time out`);
  const dueMs = link.lastBytesMs + link.keepAliveMs;
  expectThat(
    link.isAttached && link.keepAliveMs > 0 && dueMs <= world.clock.now(),
    () => `${clientId} was sent away ${dueMs - world.clock.now()} ms before its Keep Alive had passed`,
  );
  world.detach(client, link, true, '0x8d');
}

function takeWill(world: SimulationWorld, text: string): void {
  const { model } = world;
  // What this program publishes is in the model before it is in the broker. No Will has an empty payload.
  if (text === '' || world.messages.get(text)?.publisher === 'program') return;
  const at = model.wills.findIndex(({ message }) => message.text === text);
  const will = model.wills[at];
  if (will === undefined) fail(`the Will ${text} was published and must not be`);
  expectThat(will.dueAtMs <= world.clock.now(), () => `the Will ${text} was published too early`);
  world.trace(`  the Will ${text} is published`);
  model.wills.splice(at, 1);
  if (will.message.retain) model.retain(will.message);
  model.publish(will.message, undefined);
}

function takeDropped(
  world: SimulationWorld,
  { topicName, clientId, why }: Extract<BrokerEvent, { kind: 'dropped' }>,
  currentText: string | undefined,
): void {
  world.trace(`  dropped for ${clientId} on ${topicName}: ${why}`);
  const client = world.clients.find((one) => one.clientId === clientId);
  const session = client?.session;
  // Its session ended just now.
  if (client === undefined || session === undefined) return;
  // Its connection may have ended in the same tick, after this.
  const link = client.link ?? world.leaving.findLast((one) => one.clientId === clientId)?.link;
  acceptDrop(world.model, session, topicName, why, {
    nowMs: world.clock.now(),
    hasQueueFull: isQueueFull(world, session),
    mayHaveStalled: link === undefined || link.wire.hasBlocked || world.store !== undefined,
    isTooLarge: (message: ModelMessage, qos: QoS, identifiers: readonly number[]) =>
      link !== undefined && packetBytesOf(message, link.version, qos, identifiers) > link.maximumPacketSize,
    current: currentText === undefined ? undefined : world.messages.get(currentText),
  });
}

/** What may wait is what is not acknowledged; what waits for Shared Subscriptions is not known here. */
function isQueueFull({ rules, model }: SimulationWorld, session: ModelSession): boolean {
  for (const { members } of model.groups.values()) {
    if (members.some(({ clientId }) => clientId === session.clientId)) return true;
  }
  let count = 0;
  let bytes = 0;
  for (const one of session.owed) {
    if (one.dropped !== undefined && !one.isReceived) continue;
    count++;
    bytes += one.sizeBytes + (one.message.hasProperties ? 100 : 10);
  }
  for (const { topics } of session.walks) {
    for (const topic of topics.keys()) {
      const message = model.retained.get(topic);
      if (message === undefined) continue;
      count++;
      bytes += message.payload.length + 270;
    }
  }
  // The one that is dropped is among them.
  return count > rules.maxQueuedMessages || bytes > rules.maxQueuedBytes;
}

function takeLocal(world: SimulationWorld, event: Extract<BrokerEvent, { kind: 'local' }>): void {
  const { clientId, topicName, payload, qos, retain } = event;
  const session = world.model.localSessions.find((one) => one.clientId === clientId);
  if (session === undefined) fail(`${clientId} got ${payload} and is not subscribed`);
  const text = textOf(payload);
  const message = world.messages.get(text);
  const rest = { dup: false, packetId: 0, identifiers: [] };
  const { key } = acceptReceipt(world.model, session, { text, message, topicName, qos, retain, ...rest });
  session.owed = session.owed.filter((one) => one.key !== key);
}

/** This program gets at once what is published. */
function expectLocalsServed({ model }: SimulationWorld): void {
  for (const { clientId, owed } of model.localSessions) {
    const left = owed.find(({ isRequired }) => isRequired);
    expectThat(left === undefined, () => `${clientId} did not get ${left?.message.text}`);
  }
}

function textOf(payload: string): string {
  const end = payload.indexOf(PADDING);
  return end < 0 ? payload : payload.slice(0, end);
}
