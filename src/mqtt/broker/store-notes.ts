import { InflightState } from '../session/inflight.ts';
import type { QueuedMessage } from '../session/queued-message.ts';
import type { Session } from '../session/session.ts';
import type { SubscriptionOptions } from '../topics/subscription-match.ts';
import type { TopicFilter } from '../topics/topic-filter.ts';
import type { Engine } from './engine.ts';
import type { SessionStore, StoredWill } from '../session/session-store.ts';
import type { StoredMessage } from '../session/stored-message.ts';
import type { WillMessage } from '../codec/connect.ts';

/** What a note costs besides the bytes of its texts, about: the fields of a record, and its place. */
const NOTE_BYTES = 128;

/**
 * Notes the session itself: it is new, its client came or left, its Will was published, or it is to live longer or
 * shorter.
 */
export function noteSession(engine: Engine, session: Session): void {
  const { clientId, connection, disconnectedAtMs } = session;
  const will = storedWillOf(engine, session);
  const store = storeFor(engine, session, NOTE_BYTES + (will === undefined ? 0 : willBytes(will.message)));
  if (store === undefined) return;
  store.saveSession({
    clientId,
    userName: session.client.userName,
    sessionExpiryInterval: session.expiryInterval,
    disconnectedAtMs: connection === undefined ? disconnectedAtMs : undefined,
    will,
  });
}

function storedWillOf({ clock }: Engine, { connection, will }: Session): StoredWill | undefined {
  if (connection?.willMessage !== undefined) return { message: connection.willMessage, dueAtMs: undefined };
  if (will === undefined) return undefined;
  return { message: will.message, dueAtMs: Math.round(clock.now() + will.dueMs - clock.monotonic()) };
}

function willBytes({ topicName, payload, properties }: WillMessage): number {
  const { correlationData, userProperties = [] } = properties;
  let bytes = topicName.length + payload.length + (correlationData?.length ?? 0);
  for (const [name, value] of userProperties) bytes += name.length + value.length;
  return bytes;
}

/** A message waits for the client, or is sent to it: with its body, once. */
export function noteQueued(engine: Engine, session: Session, queued: QueuedMessage): void {
  const store = storeFor(engine, session);
  if (store === undefined) return;
  engine.commits.noteBody(queued.message);
  store.saveQueued(session.clientId, queued);
}

/** A message that was noted has been sent, or released. */
export function noteProgress(engine: Engine, session: Session, queued: QueuedMessage): void {
  const { sequence, packetId, isReleased } = queued;
  storeFor(engine, session)?.updateQueued(session.clientId, sequence, packetId, isReleased);
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

/** Forgets a session with all that it has; also one that ends with its connection may have lived longer before. */
export function forgetSession(engine: Engine, session: Session): void {
  if (engine.store === undefined || session.local !== undefined) return;
  engine.store.deleteSession(session.clientId);
  countNote(engine, session, NOTE_BYTES);
}

/** Forgets a session that came from the store, and had expired. */
export function forgetStoredSession(engine: Engine, clientId: string): void {
  engine.store?.deleteSession(clientId);
  engine.notes++;
  engine.commits.note(NOTE_BYTES);
}

/** A message is retained in place of its topic's last one. */
export function noteRetained(engine: Engine, message: StoredMessage): void {
  if (engine.store === undefined) return;
  engine.store.saveRetained(message);
  engine.notes++;
  engine.commits.note(NOTE_BYTES);
  engine.commits.noteBody(message);
}

/** A topic's retained message was removed, or has expired. */
export function forgetRetained(engine: Engine, topicName: string): void {
  if (engine.store === undefined) return;
  engine.store.deleteRetained(topicName);
  engine.notes++;
  engine.commits.note(NOTE_BYTES);
}

/** Where to note something of a session; undefined when it ends with its connection, or with the broker. */
function storeFor(engine: Engine, session: Session, bytes = NOTE_BYTES): SessionStore | undefined {
  if (engine.store === undefined || session.expiryInterval === 0) return undefined;
  countNote(engine, session, bytes);
  return engine.store;
}

function countNote(engine: Engine, session: Session, bytes: number): void {
  engine.notes++;
  engine.commits.note(bytes);
  if (session.connection !== undefined) engine.commits.holdBack(session.connection);
}

/** What a restored message waits for. */
export function stateOfRestored(queued: QueuedMessage): InflightState {
  if (queued.qos === 1) return InflightState.PUBACK;
  return queued.isReleased ? InflightState.PUBCOMP : InflightState.PUBREC;
}
