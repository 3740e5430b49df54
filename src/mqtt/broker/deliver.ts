import type { QoS } from '../codec/control-packet.ts';
import { Inflight, InflightState } from '../session/inflight.ts';
import { MessageQueue } from '../session/message-queue.ts';
import { QueuedMessage } from '../session/queued-message.ts';
import type { ClientSession } from './client-session.ts';
import type { SharedGroup } from '../topics/shared-group.ts';
import type { SubscriptionMatch } from '../topics/subscription-match.ts';
import { IDENTIFIERS_A_STEP_SHIFT } from '../topics/work-meter.ts';
import type { Engine } from './engine.ts';
import type { Publication } from './publication.ts';
import { transmit } from './transmit.ts';

/** One way that a message takes to a client: how, and by which subscriptions. */
type Route = {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
  readonly group: SharedGroup<ClientSession> | undefined;
};

/** What a delivery of so many bytes costs more: they are copied. */
const BYTES_A_STEP_SHIFT = 12;

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
  const { subscribers, sharedGroups, isTooWide } = engine.topics.matches(publication.entry!);
  if (isTooWide) return TOO_WIDE;
  let count = 0;
  for (let index = 0; index < subscribers.length; index++) {
    let match = subscribers[index]!;
    if (match.subscriber === publisher) {
      if (match.noLocal) continue; // [MQTT-3.8.3-3]
      if (match.ownMessages !== undefined) match = match.ownMessages;
    }
    deliverMatch(engine, publication, match, undefined);
    count++;
  }
  for (const group of sharedGroups) {
    if (deliverShared(engine, publication, group)) count++;
  }
  engine.work += count * (1 + ((publication.packetEnd - publication.packetStart) >> BYTES_A_STEP_SHIFT));
  return count;
}

/** Sends a message to one member of a Shared Subscription: one that is there, else one that comes back. */
export function deliverShared(
  engine: Engine,
  publication: Publication,
  group: SharedGroup<ClientSession>,
): boolean {
  const match = group.choose(engine.sharedChoice.rankOf, publication.topicName);
  if (match === undefined) return false;
  deliverMatch(engine, publication, match, group);
  return true;
}

function deliverMatch(
  engine: Engine,
  publication: Publication,
  match: SubscriptionMatch<ClientSession>,
  group: SharedGroup<ClientSession> | undefined,
): void {
  const { fields } = publication;
  const qos = match.qos < fields.qos ? match.qos : fields.qos; // [MQTT-3.8.4-8]
  const retain = match.retainAsPublished && fields.retain; // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
  engine.work += match.subscriptionIdentifiers.length >> IDENTIFIERS_A_STEP_SHIFT;
  deliverTo(engine, publication, match.subscriber, qos, retain, match.subscriptionIdentifiers, group);
}

/** Sends a message to one session: now, or when its client can take it. */
export function deliverTo(
  engine: Engine,
  publication: Publication,
  session: ClientSession,
  qos: QoS,
  retain: boolean,
  subscriptionIdentifiers: readonly number[],
  group: SharedGroup<ClientSession> | undefined,
): void {
  const { connection } = session;
  if (connection === undefined) {
    deliverAway(engine, publication, session, { qos, retain, subscriptionIdentifiers, group });
    return;
  }
  if (qos === 0) {
    if (session.queue !== undefined && session.queue.qos0Count > 0) {
      enqueue(engine, publication, session, { qos, retain, subscriptionIdentifiers, group }); // [MQTT-4.6.0-5]
      return;
    }
    if (!connection.outbox.reserve(publication.packetEnd - publication.packetStart)) {
      engine.countDrop(publication.topicName, session, 'outbox-full');
      return;
    }
    if (!transmit(connection, publication, 0, retain, false, subscriptionIdentifiers, 0)) {
      connection.outbox.unreserve();
      engine.countDrop(publication.topicName, session, 'packet-too-large');
    }
    return;
  }
  const inflight = (session.inflight ??= new Inflight());
  const hasQueue = session.queue !== undefined && session.queue.count > 0;
  const isKept = session.outlivesConnection || group !== undefined;
  const sizeBytes = publication.packetEnd - publication.packetStart;
  const maySend = session.quota.maySend(inflight) && (!isKept || session.mayKeepInflight(sizeBytes));
  if (!connection.outbox.takesMore || hasQueue || !maySend) {
    enqueue(engine, publication, session, { qos, retain, subscriptionIdentifiers, group });
    return;
  }
  const state = qos === 1 ? InflightState.PUBACK : InflightState.PUBREC;
  let kept: QueuedMessage | undefined;
  if (isKept) {
    kept = makeQueued(engine, publication, session, { qos, retain, subscriptionIdentifiers, group });
  }
  const packetId = inflight.add(state, kept);
  // Noted first: what is sent waits for the store.
  if (kept !== undefined && engine.notes.noteQueued(session, kept)) publication.isNoted = true;
  if (!transmit(connection, publication, qos, retain, false, subscriptionIdentifiers, packetId)) {
    // [MQTT-3.1.2-25]: as if it had been sent and acknowledged.
    inflight.remove(packetId);
    if (kept !== undefined) engine.notes.forgetQueued(session, kept);
    engine.countDrop(publication.topicName, session, 'packet-too-large');
  }
  if (isKept) session.bookMessages();
}

/** For a client that is not connected, or for this program itself. */
function deliverAway(engine: Engine, publication: Publication, session: ClientSession, route: Route): void {
  // A hook, or a subscriber of this program, may have ended it while this message goes round.
  if (session.hasEnded) return;
  const { local } = session;
  if (local !== undefined) {
    engine.observe(session.clientId, 'onMessage', () => local(publication, route));
    return;
  }
  if (route.qos === 0 && !session.options.queueQos0) {
    engine.countDrop(publication.topicName, session, 'offline');
    return;
  }
  enqueue(engine, publication, session, route);
}

function enqueue(engine: Engine, publication: Publication, session: ClientSession, route: Route): void {
  const queue = (session.queue ??= new MessageQueue(engine.queued));
  const queued = makeQueued(engine, publication, session, route);
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
): QueuedMessage {
  const message = publication.stored(engine.clock.now());
  const { qos, retain, subscriptionIdentifiers, group } = route;
  return new QueuedMessage(message, qos, retain, subscriptionIdentifiers, session.nextSequence++, group);
}
