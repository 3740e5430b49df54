import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import type { DisconnectPacket } from '../../src/mqtt/codec/disconnect.ts';
import type { PublishPacket } from '../../src/mqtt/codec/publish.ts';
import type { SubscribePacket } from '../../src/mqtt/codec/subscribe.ts';
import { finishObligation } from './model-receipt.ts';
import type { ModelMessage } from './model-session.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { SimulatedLink } from './simulated-link.ts';
import type { SimulationWorld } from './simulation-world.ts';
import { fail } from './simulation-failure.ts';

/** The broker is about to have a whole packet: what the model makes of it, and what the answer must be. */
export function applyPacket(
  world: SimulationWorld,
  client: SimulatedClient,
  link: SimulatedLink,
  packet: ControlPacket,
  message: ModelMessage | undefined,
): void {
  world.trace(`  ${client.clientId} → ${describePacket(packet, message)}`);
  if (packet.type === 'connect') {
    applyConnect(world, client, link, packet);
    return;
  }
  const { session } = client;
  if (session === undefined) fail(`model: ${client.clientId} sends ${packet.type} without a session`);
  switch (packet.type) {
    case 'publish':
      applyPublish(world, client, link, packet, message!);
      return;
    case 'puback':
      finishObligation(session, packet.packetId, 1, world.clock.now());
      client.forgetInbound(packet.packetId);
      return;
    case 'pubcomp':
      finishObligation(session, packet.packetId, 2, world.clock.now());
      return;
    case 'pubrel':
      link.awaited.set(`pubcomp ${packet.packetId}`, [
        session.receivedIds.delete(packet.packetId) ? 0 : 0x92,
      ]);
      return;
    case 'subscribe':
      applySubscribe(world, client, link, packet);
      return;
    case 'unsubscribe': {
      const codes = packet.topicFilters.map((filter) =>
        world.model.unsubscribe(session, filter) ? 0 : 0x11,
      );
      link.awaited.set(`unsuback ${packet.packetId}`, link.version === 5 ? codes : []);
      return;
    }
    case 'pingreq':
      link.pingsAwaited++;
      return;
    case 'disconnect':
      applyDisconnect(world, client, link, packet);
      return;
    default:
  }
}

function applyConnect(
  world: SimulationWorld,
  client: SimulatedClient,
  link: SimulatedLink,
  { cleanStart, properties, protocolVersion }: ConnectPacket,
): void {
  const { model, rules } = world;
  const { previous } = client;
  if (previous?.isAttached === true) world.detach(client, previous, true, '0x8e'); // [MQTT-3.1.4-3]
  const never = 0xffff_ffff;
  const asked = protocolVersion === 5 ? (properties.sessionExpiryInterval ?? 0) : cleanStart ? 0 : never;
  link.expectsSessionPresent = model.connect(client.clientId, cleanStart, asked);
  link.isAttached = true;
  const delaySeconds = link.connect.willMessage?.properties.willDelayInterval ?? 0;
  client.session!.will = link.will && { message: link.will, delaySeconds };
  const { serverKeepAlive } = rules;
  const { keepAlive } = link.connect;
  const capped = keepAlive === 0 ? serverKeepAlive : Math.min(keepAlive, serverKeepAlive);
  if (serverKeepAlive > 0) link.keepAliveMs = capped * 1500;
}

function applyPublish(
  { model }: SimulationWorld,
  client: SimulatedClient,
  link: SimulatedLink,
  { qos, packetId }: PublishPacket,
  message: ModelMessage,
): void {
  const session = client.session!;
  const answer = qos === 1 ? `puback ${packetId}` : `pubrec ${packetId}`;
  if (qos === 2 && session.receivedIds.has(packetId)) {
    link.awaited.set(answer, [0]);
    return;
  }
  let code = 0;
  if (message.retain && !model.retain(message)) code = 0x97;
  else if (model.publish(message, session) === 0) code = 0x10;
  if (qos === 2 && code < 0x80) session.receivedIds.add(packetId);
  if (qos > 0) link.awaited.set(answer, [code]);
}

function applySubscribe(
  { model, rules }: SimulationWorld,
  client: SimulatedClient,
  link: SimulatedLink,
  { packetId, properties, subscriptions }: SubscribePacket,
): void {
  const session = client.session!;
  const codes: number[] = [];
  for (const {
    topicFilter: filter,
    qos: asked,
    noLocal,
    retainAsPublished,
    retainHandling,
  } of subscriptions) {
    const qos = asked < rules.maximumQos ? asked : rules.maximumQos;
    const [, shareName] = filter.startsWith('$share/') ? filter.split('/') : [];
    const topicFilter = shareName === undefined ? filter : filter.slice(`$share/${shareName}/`.length);
    const identifier = properties.subscriptionIdentifier ?? 0;
    const options = { qos, noLocal, retainAsPublished, retainHandling, identifier };
    model.subscribe(session, { filter, shareName, topicFilter, ...options });
    codes.push(qos);
  }
  link.awaited.set(`suback ${packetId}`, codes);
}

function applyDisconnect(
  world: SimulationWorld,
  client: SimulatedClient,
  link: SimulatedLink,
  { reasonCode, properties }: DisconnectPacket,
): void {
  const session = client.session!;
  const { sessionExpiryInterval } = properties;
  if (sessionExpiryInterval !== undefined) {
    session.expirySeconds = Math.min(sessionExpiryInterval, world.rules.maximumSessionExpiryInterval);
  }
  world.detach(client, link, reasonCode !== 0); // [MQTT-3.14.4-3]
}

function describePacket(packet: ControlPacket, message: ModelMessage | undefined): string {
  const { type } = packet;
  if (packet.type === 'publish') {
    const { qos, retain, dup, packetId } = packet;
    return `publish ${message?.text} on ${message?.topicName} q${qos}${retain ? ' retain' : ''}${dup ? ' dup' : ''} id ${packetId}`;
  }
  if (packet.type === 'subscribe') return `subscribe ${JSON.stringify(packet.subscriptions)}`;
  if (packet.type === 'unsubscribe') return `unsubscribe ${packet.topicFilters.join(' ')}`;
  if (packet.type === 'connect') {
    const { protocolVersion, cleanStart, keepAlive, properties } = packet;
    return `connect v${protocolVersion} clean ${cleanStart} keepAlive ${keepAlive} ${JSON.stringify(properties)}`;
  }
  return 'packetId' in packet ? `${type} ${packet.packetId}` : type;
}
