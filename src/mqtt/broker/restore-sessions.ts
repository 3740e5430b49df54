import { Inflight, InflightState } from '../session/inflight.ts';
import { MessageQueue } from '../session/message-queue.ts';
import { PacketIdSet } from '../session/packet-id-set.ts';
import { QueuedMessage } from '../session/queued-message.ts';
import { ClientSession } from './client-session.ts';
import type {
  KeptWill,
  QueuedRecord,
  SharedFilter,
  StoredSession,
  StoredWill,
} from '../session/session-store.ts';
import type { StoredMessage } from '../session/stored-message.ts';
import { MAX_UINT_32 } from '../codec/control-packet.ts';
import { BrokerError } from './broker-error.ts';
import { EngineState, type Engine } from './engine.ts';
import type { ClientInfo } from './hooks.ts';
import { publishWill } from './publish-will.ts';
import { setSessionTimer } from './session-lifecycle.ts';

/** What is to be done when everything has been read: nothing is noted before, and everybody is there. */
type Afterwards = {
  readonly expiredTopics: string[];
  readonly expiredClientIds: string[];
  /** Whose clients were connected when the broker ended. */
  readonly lostConnection: ClientSession[];
  readonly dueWills: { readonly session: ClientSession; readonly will: KeptWill }[];
  readonly shared: { readonly queued: QueuedMessage; readonly filter: SharedFilter }[];
};

/**
 * Takes in what outlived the last broker. Sessions whose time has passed meanwhile end. Clients that were connected
 * when it ended have lost their connection: their sessions begin to wait now, and so do their Wills, which a server
 * may publish after its restart (section 3.1.2.5). Nothing was stored of sessions that were to end with their
 * connection, and their Wills are lost with them.
 */
export async function restoreSessions(engine: Engine): Promise<void> {
  const { store } = engine;
  if (store === undefined) return;
  const nowMs = engine.clock.now();
  const afterwards: Afterwards = {
    expiredTopics: [],
    expiredClientIds: [],
    lostConnection: [],
    dueWills: [],
    shared: [],
  };
  try {
    const { sessions, retained } = store.load();
    for await (const piece of retained) {
      if (engine.state === EngineState.CLOSED) return;
      for (const message of piece) restoreRetained(engine, message, nowMs, afterwards);
    }
    for await (const piece of sessions) {
      if (engine.state === EngineState.CLOSED) return;
      for (const record of piece) restoreSession(engine, record, nowMs, afterwards);
    }
  } catch (error) {
    throw new BrokerError('MQTT_STORE_FAILED', 'the stored sessions could not be read', { cause: error });
  }
  conclude(engine, afterwards);
}

function conclude(engine: Engine, afterwards: Afterwards): void {
  const { expiredTopics, expiredClientIds, lostConnection, dueWills, shared } = afterwards;
  const leftAt = ({ disconnectedAtMs = 0 }: ClientSession): number => disconnectedAtMs;
  const inOrder = [...engine.sessions.values()].toSorted((one, other) => leftAt(one) - leftAt(other));
  for (const session of inOrder) engine.away.add(session);
  for (const topicName of expiredTopics) engine.notes.forgetRetained(topicName);
  for (const clientId of expiredClientIds) engine.notes.forgetStoredSession(clientId);
  for (const { queued, filter } of shared) queued.group = engine.subscriptions.sharedGroup(filter);
  for (const session of lostConnection) engine.notes.noteSession(session);
  for (const { session, will } of dueWills) {
    publishWill(engine, session, will);
    // It is not to be published again; an observer may have ended it.
    if (engine.sessions.get(session.clientId) === session) engine.notes.noteSession(session);
  }
}

function restoreRetained(
  engine: Engine,
  message: StoredMessage,
  nowMs: number,
  { expiredTopics }: Afterwards,
): void {
  const { topicName, sizeBytes, expiresAtMs } = message;
  if (expiresAtMs <= nowMs) {
    expiredTopics.push(topicName);
    return;
  }
  const expires = expiresAtMs === Infinity ? undefined : expiresAtMs;
  const booking = { party: engine.ownParty, isDecided: true };
  engine.retained.set(topicName, { message, sizeBytes, expiresAtMs: expires, booking });
}

function restoreSession(engine: Engine, record: StoredSession, nowMs: number, afterwards: Afterwards): void {
  const { clientId, sessionExpiryInterval, userName } = record;
  const client: ClientInfo = {
    clientId,
    userName,
    protocolVersion: 5,
    peer: { transport: 'stream', address: '', port: 0, certificate: undefined },
    listener: '',
  };
  const rules = { options: engine.options, hooks: engine.hooks };
  const session = new ClientSession(client, rules, undefined, engine.openParty(client));
  session.isOwnerProven = record.isOwnerProven;
  session.expiryInterval = sessionExpiryInterval;
  session.disconnectedAtMs = record.disconnectedAtMs ?? nowMs;
  // A clock that was set back since makes nobody wait for longer than it asked for.
  const awayMs = Math.max(0, nowMs - session.disconnectedAtMs);
  const leftMs = sessionExpiryInterval === MAX_UINT_32 ? Infinity : sessionExpiryInterval * 1000 - awayMs;
  const hasEnded = leftMs <= 0;
  if (record.will !== undefined) restoreWill(engine, session, record.will, { nowMs, hasEnded, afterwards });
  if (hasEnded) {
    afterwards.expiredClientIds.push(clientId);
    session.releaseAll();
    return;
  }
  session.expiresAtMs = engine.clock.monotonic() + leftMs;
  for (const { filter, options } of record.subscriptions) {
    if (engine.subscriptions.add(session, filter, options)) session.bookSubscription(filter.topicFilter);
  }
  for (const queued of record.queued) restoreQueued(engine, session, queued, afterwards);
  session.charge();
  session.bookWill(session.will);
  session.bookMessages();
  for (const packetId of record.receivedPacketIds) (session.received ??= new PacketIdSet()).add(packetId);
  engine.sessions.set(clientId, session);
  if (record.disconnectedAtMs === undefined) afterwards.lostConnection.push(session);
  setSessionTimer(engine, session);
}

/** A Will is due when its delay has passed, or its session has ended [MQTT-3.1.2-8]. */
function restoreWill(
  engine: Engine,
  session: ClientSession,
  { dueAtMs, ...will }: StoredWill,
  { nowMs, hasEnded, afterwards }: { nowMs: number; hasEnded: boolean; afterwards: Afterwards },
): void {
  const delayMs = Math.min(will.willDelayInterval, session.expiryInterval) * 1000;
  const leftMs = dueAtMs === undefined ? delayMs : Math.min(delayMs, dueAtMs - nowMs);
  if (hasEnded || leftMs <= 0) afterwards.dueWills.push({ session, will });
  else session.will = { ...will, dueMs: engine.clock.monotonic() + leftMs };
}

function restoreQueued(
  engine: Engine,
  session: ClientSession,
  record: QueuedRecord,
  { shared }: Afterwards,
): void {
  const { message, qos, retain, subscriptionIdentifiers, sequence, group, packetId, isReleased } = record;
  const queued = new QueuedMessage(message, qos, retain, subscriptionIdentifiers, sequence, undefined);
  if (group !== undefined) shared.push({ queued, filter: group });
  queued.isReleased = isReleased;
  session.nextSequence = Math.max(session.nextSequence, sequence + 1);
  const isInflight =
    packetId !== 0 &&
    (session.inflight ??= new Inflight()).restore(packetId, stateOfRestored(queued), queued);
  if (!isInflight) (session.queue ??= new MessageQueue(engine.queued)).push(queued);
}

/** What a restored message waits for. */
function stateOfRestored({ qos, isReleased }: QueuedMessage): InflightState {
  if (qos === 1) return InflightState.PUBACK;
  return isReleased ? InflightState.PUBCOMP : InflightState.PUBREC;
}
