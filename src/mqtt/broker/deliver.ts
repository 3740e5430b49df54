import { publishFirstByte } from '../codec/publish-flags.ts';
import { Inflight, InflightState } from '../session/inflight.ts';
import { MessageQueue } from '../session/message-queue.ts';
import { QueuedMessage } from '../session/queued-message.ts';
import type { Route } from '../topics/route.ts';
import type { ClientSession } from './client-session.ts';
import type { SharedGroup } from '../topics/shared-group.ts';
import { BYTES_A_STEP_SHIFT, IDENTIFIERS_A_STEP_SHIFT } from '../topics/work-meter.ts';
import type { Engine } from './engine.ts';
import type { Publication } from './publication.ts';
import { transmit } from './transmit.ts';

type Group = SharedGroup<ClientSession> | undefined;

const NONE: readonly QueuedMessage[] = [];

/** Instead of a count: the topic is not matched, because too many filters lie on its way. */
export const TOO_WIDE = -1;

/**
 * Sends a message to everyone whose subscriptions match.
 *
 * @param publisher - the session that it came from; undefined for the server's own, and for Wills
 * @returns to how many it went, those that are away included; or `TOO_WIDE`
 */
export function deliver(
  engine: Engine,
  publication: Publication,
  publisher: ClientSession | undefined,
): number {
  const { subscribers, denials, sharedGroups, isTooWide } = engine.topics.matches(publication.entry!);
  if (isTooWide) return TOO_WIDE;
  const { dirtyCount } = engine;
  let count = 0;
  for (let index = 0; index < subscribers.length; index++) {
    let match = subscribers[index]!;
    if (match.subscriber === publisher) {
      if (match.noLocal) continue; // [MQTT-3.8.3-3]
      if (match.ownMessages !== undefined) match = match.ownMessages;
      count++;
      if (publication.fields.qos === 2) publication.own.push({ route: match, group: undefined });
      else deliverTo(engine, publication, publisher, match, undefined);
      continue;
    }
    deliverTo(engine, publication, match.subscriber, match, undefined);
    count++;
  }
  engine.flushCrowdLast(dirtyCount, publisher?.connection);
  if (sharedGroups.length > 0) count += deliverToGroups(engine, publication, sharedGroups, publisher);
  for (const { denial, times } of denials) denial.count += times;
  engine.work +=
    denials.length + count * (1 + ((publication.packetEnd - publication.packetStart) >> BYTES_A_STEP_SHIFT));
  return count;
}

/** Fewer groups cost less than it does to remember who has been asked about. */
const MANY_GROUPS = 16;

/** @returns to how many of them it went */
function deliverToGroups(
  engine: Engine,
  publication: Publication,
  groups: readonly SharedGroup<ClientSession>[],
  publisher: ClientSession | undefined,
): number {
  const { sharedChoice } = engine;
  const rankOf = groups.length < MANY_GROUPS ? sharedChoice.rankOf : sharedChoice.rankOncePerClient();
  let count = 0;
  for (const group of groups) if (deliverShared(engine, publication, group, publisher, rankOf)) count++;
  return count;
}

/** Sends a message to one member of a Shared Subscription: one that is there, else one that comes back. */
export function deliverShared(
  engine: Engine,
  publication: Publication,
  group: SharedGroup<ClientSession>,
  publisher: ClientSession | undefined,
  rankOf = engine.sharedChoice.rankOf,
): boolean {
  const match = group.choose(rankOf, publication.topicName);
  if (match === undefined) return false;
  const { subscriber } = match;
  if (subscriber === publisher && publication.fields.qos === 2) publication.own.push({ route: match, group });
  else deliverTo(engine, publication, subscriber, match, group);
  return true;
}

/** What goes back to the client that it came from at QoS 2, after it has its PUBREC. */
export function deliverOwn(engine: Engine, publication: Publication, publisher: ClientSession): void {
  for (const { route, group } of publication.own) deliverTo(engine, publication, publisher, route, group);
}

/**
 * Sends a message to one session: now, or when its client can take it.
 *
 * @param group - the Shared Subscription that chose it
 */
export function deliverTo(
  engine: Engine,
  publication: Publication,
  session: ClientSession,
  route: Route,
  group: Group,
): void {
  const { subscriptionIdentifiers } = route;
  engine.work += subscriptionIdentifiers.length >> IDENTIFIERS_A_STEP_SHIFT;
  const { connection } = session;
  if (connection === undefined) {
    deliverAway(engine, publication, session, route, group);
    return;
  }
  const sizeBytes = publication.packetEnd - publication.packetStart;
  const qos = publication.qosBy(route);
  const firstByte = publishFirstByte(qos, false, publication.retainBy(route));
  if (qos === 0) {
    if (session.queue !== undefined && session.queue.qos0Count > 0) {
      enqueue(engine, publication, session, route, group); // [MQTT-4.6.0-5]
      return;
    }
    if (!connection.outbox.reserve(sizeBytes)) {
      engine.countDrop(publication.topicName, session, 'outbox-full');
      return;
    }
    if (!transmit(connection, publication, firstByte, subscriptionIdentifiers, 0)) {
      connection.outbox.unreserve();
      engine.countDrop(publication.topicName, session, 'packet-too-large');
    }
    return;
  }
  const inflight = (session.inflight ??= new Inflight());
  const hasQueue = session.queue !== undefined && session.queue.count > 0;
  const isKept = session.outlivesConnection || group !== undefined;
  const maySend = session.quota.maySend(inflight) && (!isKept || session.mayKeepInflight(sizeBytes));
  if (!connection.outbox.takesMore || hasQueue || !maySend) {
    enqueue(engine, publication, session, route, group);
    return;
  }
  const state = qos === 1 ? InflightState.PUBACK : InflightState.PUBREC;
  const kept = isKept ? makeQueued(engine, publication, session, route, group) : undefined;
  const packetId = inflight.add(state, kept);
  // Noted first: what is sent waits for the store.
  if (kept !== undefined && engine.notes.noteQueued(session, kept)) publication.isNoted = true;
  if (!transmit(connection, publication, firstByte, subscriptionIdentifiers, packetId)) {
    // [MQTT-3.1.2-25]: as if it had been sent and acknowledged.
    inflight.remove(packetId);
    if (kept !== undefined) engine.notes.forgetQueued(session, kept);
    engine.countDrop(publication.topicName, session, 'packet-too-large');
  } else if (publication.onAcknowledged !== undefined) {
    session.expectReceipt(packetId, publication.onAcknowledged);
  }
  if (isKept) session.bookMessages();
}

/** For a client that is not connected, or for this program itself. */
function deliverAway(
  engine: Engine,
  publication: Publication,
  session: ClientSession,
  route: Route,
  group: Group,
): void {
  // A hook, or a subscriber of this program, may have ended it while this message goes round.
  if (session.hasEnded) return;
  const { local } = session;
  if (local !== undefined) {
    const { from } = publication;
    const arrival = { from, qos: publication.qosBy(route), retain: publication.retainBy(route) };
    engine.observe(session.clientId, 'onMessage', () => local(publication, arrival));
    return;
  }
  if (publication.qosBy(route) === 0 && !session.options.queueQos0) {
    engine.countDrop(publication.topicName, session, 'offline');
    return;
  }
  enqueue(engine, publication, session, route, group);
}

function enqueue(
  engine: Engine,
  publication: Publication,
  session: ClientSession,
  route: Route,
  group: Group,
): void {
  const queue = (session.queue ??= new MessageQueue(engine.queued));
  const queued = makeQueued(engine, publication, session, route, group);
  let isTaken = isWithinLimits(engine, session, queue, queued);
  // Messages that have expired make room.
  const expired = isTaken || queue.first === undefined ? NONE : queue.removeExpired(engine.clock.now());
  for (const each of expired) engine.notes.forgetQueued(session, each);
  isTaken ||= expired.length > 0 && isWithinLimits(engine, session, queue, queued);
  if (isTaken) {
    queue.push(queued);
    if (engine.notes.noteQueued(session, queued)) publication.isNoted = true;
  }
  session.bookMessages();
  // Last: an observer of a drop may publish to the same session, or end it.
  for (const { message } of expired) engine.countDrop(message.topicName, session, 'expired');
  if (!isTaken) engine.countDrop(publication.topicName, session, 'queue-full');
}

function isWithinLimits(
  { queued: total, options }: Engine,
  session: ClientSession,
  queue: MessageQueue,
  { message: { sizeBytes } }: QueuedMessage,
): boolean {
  return session.mayQueue(queue, sizeBytes) && total.bytes + sizeBytes <= options.maxTotalQueuedBytes;
}

function makeQueued(
  engine: Engine,
  publication: Publication,
  session: ClientSession,
  route: Route,
  group: Group,
): QueuedMessage {
  const message = publication.stored(engine.clock.now());
  const qos = publication.qosBy(route);
  const retain = publication.retainBy(route);
  const { subscriptionIdentifiers } = route;
  const sequence = session.nextSequence++;
  const queued = new QueuedMessage(message, qos, retain, subscriptionIdentifiers, sequence, group);
  const { onAcknowledged } = publication;
  if (onAcknowledged !== undefined && qos > 0)
    queued.onSent = (packetId) => session.expectReceipt(packetId, onAcknowledged);
  return queued;
}
