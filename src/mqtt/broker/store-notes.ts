import { InflightState } from '../session/inflight.ts';
import type { QueuedMessage } from '../session/queued-message.ts';
import type { Session } from '../session/session.ts';
import type { SubscriptionOptions } from '../topics/subscription-match.ts';
import type { TopicFilter } from '../topics/topic-filter.ts';
import type { Engine } from './engine.ts';
import type { SessionStore } from '../session/session-store.ts';

/** Notes the session itself: it is new, its client came or left, or it is to live longer or shorter. */
export function noteSession(engine: Engine, session: Session): void {
  const store = storeFor(engine, session);
  if (store === undefined) return;
  store.saveSession({
    clientId: session.clientId,
    userName: session.client.userName,
    sessionExpiryInterval: session.expiryInterval,
    disconnectedAtMs: session.connection === undefined ? engine.clock.now() : undefined,
  });
}

/** A message waits for the client, was sent to it, or was released. */
export function noteQueued(engine: Engine, session: Session, queued: QueuedMessage): void {
  storeFor(engine, session)?.saveQueued(session.clientId, queued);
}

/** A message is done with. */
export function forgetQueued(engine: Engine, session: Session, queued: QueuedMessage): void {
  storeFor(engine, session)?.deleteQueued(session.clientId, queued.sequence);
}

/** A QoS 2 message came in and is not released. */
export function noteReceived(engine: Engine, session: Session, packetId: number): void {
  storeFor(engine, session)?.saveReceivedPacketId(session.clientId, packetId);
}

export function forgetReceived(engine: Engine, session: Session, packetId: number): void {
  storeFor(engine, session)?.deleteReceivedPacketId(session.clientId, packetId);
}

export function noteSubscription(
  engine: Engine,
  session: Session,
  filter: TopicFilter,
  options: SubscriptionOptions,
): void {
  storeFor(engine, session)?.saveSubscription(session.clientId, filter, options);
}

export function forgetSubscription(engine: Engine, session: Session, filter: TopicFilter): void {
  storeFor(engine, session)?.deleteSubscription(session.clientId, filter);
}

/** A session has begun to outlive its connection: notes all that it has. */
export function noteWholeSession(engine: Engine, session: Session): void {
  if (engine.store === undefined) return;
  noteSession(engine, session);
  for (const { filter, options } of engine.subscriptions.subscriptionsOf(session)) {
    noteSubscription(engine, session, filter, options);
  }
  for (const queued of session.queue ?? []) noteQueued(engine, session, queued);
  for (const queued of session.inflight?.messages() ?? []) noteQueued(engine, session, queued);
}

/** Forgets a session with all that it has; also one that ends with its connection may have lived longer before. */
export function forgetSession(engine: Engine, session: Session): void {
  if (engine.store === undefined || session.local !== undefined) return;
  engine.store.deleteSession(session.clientId);
  countNote(engine, session);
}

/** Where to note something of a session; undefined when it ends with its connection, or with the broker. */
function storeFor(engine: Engine, session: Session): SessionStore | undefined {
  if (engine.store === undefined || session.expiryInterval === 0) return undefined;
  countNote(engine, session);
  return engine.store;
}

function countNote(engine: Engine, session: Session): void {
  engine.notes++;
  engine.commits.note();
  if (session.connection !== undefined) engine.commits.holdBack(session.connection);
}

/** What a restored message waits for. */
export function stateOfRestored(queued: QueuedMessage): InflightState {
  if (queued.qos === 1) return InflightState.PUBACK;
  return queued.isReleased ? InflightState.PUBCOMP : InflightState.PUBREC;
}
