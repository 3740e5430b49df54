import type { ConnectPacket, WillMessage } from '../../src/mqtt/codec/connect.ts';
import type { RetainHandling, SubscriptionRequest } from '../../src/mqtt/codec/subscribe.ts';
import type { ProtocolVersion, QoS } from '../../src/mqtt/codec/control-packet.ts';
import type { ModelMessage } from './model-session.ts';
import { PADDING, type SimulatedClient } from './simulated-client.ts';
import type { SimulatedLink } from './simulated-link.ts';
import { expectThat } from './simulation-failure.ts';
import { FILTERS, TOPICS } from './simulation-rules.ts';
import { packetBytesOf, publishPacket, type SimulationWorld } from './simulation-world.ts';
import { settle } from './settle.ts';

type Step = (world: SimulationWorld, client: SimulatedClient) => void;

const NEVER = 0xffff_ffff;
const MANY_TICKS = 400;

/** What a client does, and how often of all. */
const CLIENT_STEPS: readonly (readonly [number, Step])[] = [
  [34, publish],
  [12, subscribe],
  [5, unsubscribe],
  [10, answer],
  [6, drop],
  [4, disconnect],
  [3, takeOver],
  [6, stall],
  [2, ping],
];
const CLIENT_WEIGHT = CLIENT_STEPS.reduce((sum, [weight]) => sum + weight, 0);

/** Something happens, anything at all. */
export async function takeStep(world: SimulationWorld): Promise<void> {
  const kind = world.random(100);
  if (kind < 8) passTime(world);
  else if (kind < 12) publishFromProgram(world);
  else if (kind < 14) toggleLocal(world);
  else if (kind < 16) settle(world);
  else if (kind < 18 && world.store !== undefined) await world.crash();
  else takeClientStep(world, world.pick(world.clients));
}

function takeClientStep(world: SimulationWorld, client: SimulatedClient): void {
  if (client.link === undefined) {
    if (world.chance(60)) connect(world, client);
    return;
  }
  if (!client.isOn) return;
  let at = world.random(CLIENT_WEIGHT);
  for (const [weight, step] of CLIENT_STEPS) {
    at -= weight;
    if (at >= 0) continue;
    step(world, client);
    return;
  }
}

function passTime(world: SimulationWorld): void {
  const ticks = world.chance(15) ? world.random(MANY_TICKS) : 1 + world.random(12);
  world.trace(`${ticks} ticks pass`);
  world.passTime(ticks);
}

function drawMessage(world: SimulationWorld, publisher: string, maximumQos: number): ModelMessage {
  const { rules } = world;
  const retain = world.chance(20);
  const isClearing = retain && world.chance(25);
  const length = world.random(rules.maxPayloadBytes);
  return world.makeMessage({
    topicName: world.pick(TOPICS),
    qos: world.random(maximumQos + 1) as QoS,
    retain,
    publisher,
    ...(isClearing ? { payload: '' } : { payload: PADDING.repeat(length) }),
    expiryInterval: rules.hasExpiry && world.chance(30) ? 1 + world.random(6) : undefined,
    hasProperties: world.chance(20),
    sequence: 0,
    expiresAtMs: Infinity,
    retainedUntil: -1,
  });
}

function connect(world: SimulationWorld, client: SimulatedClient): void {
  const version = world.pick<ProtocolVersion>([3, 4, 4, 5, 5, 5, 5]);
  const cleanStart = world.chance(25);
  const isFive = version === 5;
  const will = world.chance(30) ? drawWill(world, client, isFive) : undefined;
  const willMessage = will === undefined ? undefined : willOf(world, will, isFive);
  const keepAlive = world.pick([0, 0, 1, 5, 30]);
  const properties = isFive
    ? {
        ...(world.chance(75) ? { sessionExpiryInterval: world.pick([0, 1, 10, 60, NEVER]) } : {}),
        ...(world.chance(50) ? { receiveMaximum: world.pick([1, 2, 5, 100]) } : {}),
        ...(world.chance(25) ? { maximumPacketSize: world.pick([60, 100, 300]) } : {}),
        ...(world.chance(50) ? { topicAliasMaximum: world.pick([1, 2, 10]) } : {}),
      }
    : {};
  world.trace(`${client.clientId} connects${will === undefined ? '' : `, Will ${will.text}`}`);
  const names = { clientId: client.clientId, userName: undefined, password: undefined };
  const packet: ConnectPacket = {
    type: 'connect',
    protocolVersion: version,
    cleanStart,
    keepAlive,
    properties,
    willMessage,
    ...names,
  };
  world.openLink(client, packet, will);
}

function drawWill(world: SimulationWorld, client: SimulatedClient, isFive: boolean): ModelMessage {
  const drawn = drawMessage(world, `will of ${client.clientId}`, world.rules.maximumQos);
  // The text tells what was published: a Will must have one. A full store of retained messages takes none either.
  const retain = drawn.retain && world.rules.maxRetainedMessages > TOPICS.length;
  const properties = isFive ? {} : { expiryInterval: undefined, hasProperties: false };
  return world.makeMessage({
    ...drawn,
    ...properties,
    text: `${drawn.text}w`,
    payload: drawn.payload || PADDING,
    retain,
  });
}

function willOf(world: SimulationWorld, will: ModelMessage, isFive: boolean): WillMessage {
  const packet = publishPacket(will, 1, false);
  const { topicName, payload, qos, retain } = packet;
  const delay = world.pick([0, 0, 1, 5, 100]);
  const properties = isFive
    ? { ...packet.properties, ...(delay > 0 ? { willDelayInterval: delay } : {}) }
    : {};
  return { topicName, payload, qos, retain, properties };
}

function takeOver(world: SimulationWorld, client: SimulatedClient): void {
  client.previous = client.link;
  connect(world, client);
  while (client.link?.isAttached === false) world.hand(client, true);
  client.previous = undefined;
}

function publish(world: SimulationWorld, client: SimulatedClient): void {
  for (let count = world.chance(30) ? 1 + world.random(6) : 1; count > 0; count--) publishOne(world, client);
}

function publishOne(world: SimulationWorld, client: SimulatedClient): void {
  const link = client.link!;
  const drawn = drawMessage(world, client.clientId, link.serverMaximumQos);
  const isFive = link.version === 5;
  const message = isFive
    ? drawn
    : world.makeMessage({ ...drawn, expiryInterval: undefined, hasProperties: false });
  const { qos } = message;
  if (qos > 0 && client.outbound.size >= link.serverReceiveMaximum) return;
  const packetId = qos === 0 ? 0 : client.takePacketId();
  const packet = publishPacket(message, packetId, false);
  if (qos > 0) client.outbound.set(packetId, { packet, message, isReleased: false });
  if (packetBytesOf(message, link.version, qos, []) > link.serverMaximumPacketSize) return;
  link.send(isFive ? withAlias(world, link, packet) : packet, message);
}

function withAlias(
  world: SimulationWorld,
  link: SimulatedLink,
  packet: ReturnType<typeof publishPacket>,
): ReturnType<typeof publishPacket> {
  const { topicName } = packet;
  const maximum = Math.min(link.serverTopicAliasMaximum, 4);
  if (maximum === 0 || world.chance(50)) return packet;
  const known = link.aliasOfTopic.get(topicName);
  if (known !== undefined && world.chance(70)) {
    return { ...packet, topicName: '', properties: { ...packet.properties, topicAlias: known } };
  }
  const topicAlias = known ?? 1 + world.random(maximum);
  for (const [topic, alias] of link.aliasOfTopic) if (alias === topicAlias) link.aliasOfTopic.delete(topic);
  link.aliasOfTopic.set(topicName, topicAlias);
  return { ...packet, properties: { ...packet.properties, topicAlias } };
}

function subscribe(world: SimulationWorld, client: SimulatedClient): void {
  const link = client.link!;
  const isFive = link.version === 5;
  const filters = world.rules.hasShared ? FILTERS : FILTERS.filter((filter) => !filter.startsWith('$share'));
  const subscriptions: SubscriptionRequest[] = [];
  for (let count = 1 + world.random(2); count > 0; count--) {
    const topicFilter = world.pick(filters);
    client.filters.add(topicFilter);
    subscriptions.push({
      topicFilter,
      qos: world.random(3) as QoS,
      noLocal: isFive && !topicFilter.startsWith('$share') && world.chance(20),
      retainAsPublished: isFive && world.chance(30),
      retainHandling: isFive ? world.pick<RetainHandling>([0, 0, 0, 1, 2]) : 0,
    });
  }
  const properties = isFive && world.chance(40) ? { subscriptionIdentifier: 1 + world.random(300) } : {};
  const packetId = takeRequestId(client, link);
  link.send({ type: 'subscribe', packetId, properties, subscriptions });
}

function unsubscribe(world: SimulationWorld, client: SimulatedClient): void {
  const link = client.link!;
  const topicFilter = world.chance(80) ? world.pick([...client.filters, 'a/b']) : world.pick(FILTERS);
  const packetId = takeRequestId(client, link);
  link.send({ type: 'unsubscribe', packetId, properties: {}, topicFilters: [topicFilter] });
}

/** One that is in use neither for a message nor for a request. */
function takeRequestId(client: SimulatedClient, { awaited, outgoing }: SimulatedLink): number {
  for (;;) {
    const packetId = client.takePacketId();
    const isUsed =
      awaited.has(`suback ${packetId}`) ||
      awaited.has(`unsuback ${packetId}`) ||
      outgoing.some(({ packet }) => 'packetId' in packet && packet.packetId === packetId);
    if (!isUsed) return packetId;
  }
}

function answer(world: SimulationWorld, client: SimulatedClient): void {
  client.read();
  client.answer(1 + world.random(5));
}

function drop(world: SimulationWorld, client: SimulatedClient): void {
  world.trace(`${client.clientId} drops`);
  world.breakLink(client);
}

function disconnect(world: SimulationWorld, client: SimulatedClient): void {
  const link = client.link!;
  const isFive = link.version === 5;
  const reasonCode = isFive && world.chance(40) ? 4 : 0;
  const mayChange = isFive && (link.connect.properties.sessionExpiryInterval ?? 0) > 0 && world.chance(30);
  const properties = mayChange ? { sessionExpiryInterval: world.pick([0, 2, 60]) } : {};
  link.send({ type: 'disconnect', reasonCode, properties });
}

function stall(world: SimulationWorld, client: SimulatedClient): void {
  const link = client.link!;
  link.isStalled = !link.isStalled;
  world.trace(`${client.clientId} ${link.isStalled ? 'stops to read' : 'reads again'}`);
}

function ping(_world: SimulationWorld, client: SimulatedClient): void {
  client.link!.send({ type: 'pingreq' });
}

function publishFromProgram(world: SimulationWorld): void {
  const message = drawMessage(world, 'program', 2);
  const { topicName, qos, retain, payload } = message;
  // The program is not told when there is no room: it must know the limit.
  const hasRoom = world.rules.maxRetainedMessages > TOPICS.length;
  if (retain && !hasRoom) return;
  world.trace(`the program publishes ${message.text} on ${topicName} q${qos}${retain ? ' retain' : ''}`);
  if (retain) world.model.retain(message);
  const expected = world.model.publish(message, undefined);
  const { properties } = publishPacket(message, 1, false);
  const count = world.broker.broker.publish({ topicName, qos, retain, payload, properties });
  expectThat(count === expected, () => `${message.text} went to ${count} and not to ${expected}`);
  world.takeEvents();
}

function toggleLocal(world: SimulationWorld): void {
  const { broker, model } = world;
  const [clientId] = broker.locals.keys();
  if (clientId !== undefined && world.chance(60)) {
    world.trace(`${clientId} unsubscribes`);
    broker.locals.get(clientId)!.unsubscribe();
    broker.locals.delete(clientId);
    model.localSessions = model.localSessions.filter((one) => one.clientId !== clientId);
    return;
  }
  const name = `local${world.random(1_000_000)}`;
  const filter = world.pick(FILTERS.filter((filter) => !filter.startsWith('$share')));
  world.trace(`${name} subscribes to ${filter}`);
  const options = { qos: world.random(3) as QoS, retainAsPublished: world.chance(50) };
  const rest = {
    shareName: undefined,
    topicFilter: filter,
    noLocal: false,
    retainHandling: 0,
    identifier: 0,
  } as const;
  model.subscribe(model.makeLocal(name), { filter, ...options, ...rest });
  broker.subscribeLocally(name, filter, options);
  world.takeEvents();
}
