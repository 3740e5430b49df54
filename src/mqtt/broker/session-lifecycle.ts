import { addressParty } from '../../base/networks.ts';
import { KeptKind } from '../../base/kept-kinds.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import { WheelTimer } from '../../base/timer-wheel.ts';
import { MAX_UINT_32 } from '../codec/control-packet.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { InflightState } from '../session/inflight.ts';
import type { QuotaLimits } from '../session/quota.ts';
import type { KeptWill } from '../session/session-store.ts';
import type { QueuedMessage } from '../session/queued-message.ts';
import { ClientSession, willCost } from './client-session.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import { ConnectionState, type Connection } from './connection/connection.ts';
import type { EndCause, EndDetail } from './connection/end-causes.ts';
import { deliverShared } from './deliver.ts';
import { EngineState, type Engine } from './engine.ts';
import type { ClientInfo, DisconnectCause } from './hooks.ts';
import { shown } from '../../base/log-budget.ts';
import { publishWill } from './publish-will.ts';

/** Steps of a turn: of a session that ends, beside its subscriptions; of a message that another member gets. */
const END_STEPS = 16;
const MOVE_STEPS = 4;

/** What a CONNECT asks of the session it will have. */
type SessionRequest = {
  readonly client: ClientInfo;
  readonly cleanStart: boolean;
  /** Seconds, not above the listener's maximum. */
  readonly expiryInterval: number;
  readonly quota: QuotaLimits;
};

/** Why a connection gets no session. */
type AttachFailure = { readonly cause: EndCause; readonly detail?: EndDetail };

/**
 * Gives a connection its session: the one that is there, or a new one (section 3.1.2.4). Another connection with the
 * same Client Identifier is ended first [MQTT-3.1.4-3].
 *
 * @returns whether a session was there and goes on
 */
export function attachSession(
  engine: Engine,
  connection: Connection,
  { client, cleanStart, expiryInterval, quota }: SessionRequest,
): Result<boolean, AttachFailure> {
  const { will } = connection;
  const earlier = engine.sessions.get(client.clientId);
  takeOver(engine, client);
  let session = engine.sessions.get(client.clientId);
  // An observer of the takeover has brought its client back: that one came later.
  if (session?.connection !== undefined) return fail({ cause: 'taken-over' });
  // A session belongs to the user who made it: nobody else gets its messages. One that was to end with its connection
  // is found here only when an observer of that end brings the next one: it has ended.
  const { acceptor } = connection;
  const goesOn =
    !cleanStart && session?.outlivesConnection === true && isOwner(session, client, acceptor.hooks);
  if (session !== undefined && !goesOn) {
    endSession(engine, session);
    session = undefined;
  }
  // An observer has ended the connection meanwhile.
  if (connection.state === ConnectionState.CLOSED) return fail({ cause: 'refused' });
  const isPresent = session !== undefined;
  if (session === undefined) {
    session = new ClientSession(client, acceptor, undefined, engine.openParty(client));
    const refusal = findRoom(engine, session, will);
    if (refusal !== undefined) {
      session.releaseAll();
      return fail({ cause: 'refused', detail: { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason: refusal } });
    }
    // An observer of a session that yielded has brought this one's client, or ended the connection.
    if (engine.sessions.has(client.clientId) || connection.state !== ConnectionState.CONNECTING) {
      session.releaseAll();
      return fail({ cause: 'taken-over' });
    }
    engine.sessions.set(client.clientId, session);
  }
  const livedLonger = session.expiryInterval > 0;
  if (session.timer !== undefined) engine.wheel.clear(session.timer);
  engine.away.delete(session);
  session.will = undefined; // [MQTT-3.1.3-9]: the client is back before its Will was due
  const receiveWasAsked = session.hooks.authorizeReceive.length > 0;
  session.client = client;
  session.options = acceptor.options;
  session.hooks = acceptor.hooks;
  session.isOwnerProven = acceptor.hooks.provesUserNames;
  session.expiryInterval = expiryInterval;
  session.expiresAtMs = Number.POSITIVE_INFINITY;
  session.disconnectedAtMs = undefined;
  session.connect(connection);
  session.quota.begin(quota, session.received);
  connection.session = session;
  session.bookWill(will);
  connection.holdWillFor(session.party);
  if (livedLonger && expiryInterval === 0) engine.notes.forgetSession(session);
  else engine.notes.noteSession(session);
  // The CONNACK says that the session before it is gone: not before the store has forgotten it.
  if (earlier?.hasEnded === true && earlier.outlivesConnection) engine.commits.holdBack(connection);
  if (isPresent) {
    engine.subscriptions.welcome(session);
    // What was denied to it before may be allowed now, and the other way round.
    const isAsked = session.hooks.authorizeReceive.length > 0;
    if (isAsked || receiveWasAsked) engine.subscriptions.forgetVerdicts(session);
  }
  return succeed(isPresent);
}

/** Books a new session, for which another one may have to yield; why there is no room, where there is none. */
function findRoom(engine: Engine, session: ClientSession, will: KeptWill | undefined): string | undefined {
  const { party, cost } = session;
  // No session that yields makes room for a Will.
  if (will !== undefined && !party.makeRoomFor(KeptKind.WILL, willCost(will)))
    return 'the server keeps as many Wills as it may';
  if (!session.book()) {
    // Only one of its own makes room for it, and only one that is enough.
    const oldest = engine.away.oldestOf(party);
    const isEnough = oldest !== undefined && party.hasRoomFor(KeptKind.SESSION, cost - oldest.cost);
    if (!isEnough || !yieldOldest(engine, oldest) || !session.book())
      return 'the server keeps as many sessions as it may';
  }
  const { maxSessions } = engine.options;
  const isFull = engine.sessions.size >= maxSessions && !yieldOldest(engine, engine.away.findYielding(party));
  return isFull ? `maxSessions is ${maxSessions}` : undefined;
}

/** Ends a session for another one; false where there is none that yields. */
function yieldOldest(engine: Engine, session: ClientSession | undefined): boolean {
  if (session === undefined) return false;
  const clientId = shown(session.clientId);
  engine.stats.sessionsYielded++;
  const text = `the session of ${clientId}, whose client has been away longest, has made room for another`;
  engine.logBudget.write(
    'sessions that yield',
    { clientId },
    text,
    addressParty(session.client.peer.address),
  );
  endSession(engine, session);
  return true;
}

/** A DISCONNECT says how long the session shall live. */
export function changeSessionExpiry(connection: Connection, seconds: number): void {
  const { engine, session } = connection;
  if (session === undefined) return;
  const before = session.expiryInterval;
  session.expiryInterval = Math.min(seconds, connection.acceptor.options.maximumSessionExpiryInterval);
  if (before > 0 && session.expiryInterval === 0) engine.notes.forgetSession(session);
}

/** A session loses its connection: its Will is published or waits, and it ends or goes on alone. */
export function detachSession(connection: Connection, cause: DisconnectCause): void {
  const { engine, session, client, will } = connection;
  if (session === undefined || session.connection !== connection) return;
  session.disconnect();
  connection.will = undefined;
  for (const hook of connection.acceptor.hooks.onDisconnected) {
    engine.observe(hook.name, 'onDisconnected', () => hook.onDisconnected(client!, cause));
  }
  const who = { clientId: shown(session.clientId), by: cause.by };
  const { address } = connection.transport.peer;
  engine.logBudget.write(
    'clients that left',
    who,
    `client left: ${shown(cause.reason)}`,
    addressParty(address),
  );
  const nowMs = engine.clock.monotonic();
  const hasTime = hasTimeLeft(engine);
  if (will !== undefined) {
    const delaySeconds = Math.min(will.willDelayInterval, session.expiryInterval);
    if ((delaySeconds === 0 && hasTime) || session.hasEnded) publishWill(engine, session, will);
    else if (session.connection === undefined) session.will = { ...will, dueMs: nowMs + delaySeconds * 1000 };
  }
  // An observer may have ended it, or brought its client back.
  if (session.hasEnded || session.connection !== undefined) return;
  session.bookWill(session.will);
  if (!session.outlivesConnection && hasTime) {
    endSession(engine, session);
    return;
  }
  session.expiresAtMs =
    session.expiryInterval === MAX_UINT_32 ? Infinity : nowMs + session.expiryInterval * 1000;
  session.disconnectedAtMs = engine.clock.now();
  engine.away.add(session);
  session.owesMove = !hasTime;
  if (hasTime) moveSharedMessages(engine, session, false);
  engine.notes.noteSession(session);
  setSessionTimer(engine, session);
}

/**
 * Of a thousand clients that leave at once, those for whom this turn has no time leave all the same: what is to be done
 * for their sessions their timers do, in turns.
 */
function hasTimeLeft(engine: Engine): boolean {
  if (engine.work < engine.workLimit || engine.state === EngineState.CLOSED) return true;
  engine.turnLater();
  return false;
}

/** One that waited only for its turn is not taken back by a client that comes. */
function publishDueWill(engine: Engine, clientId: string): void {
  const session = engine.sessions.get(clientId);
  const will = session?.will;
  if (session === undefined || will === undefined || will.dueMs > engine.clock.monotonic()) return;
  session.will = undefined;
  session.bookWill(undefined);
  publishWill(engine, session, will);
}

/** Ends a session: its Will is published if it still waits, its messages for a shared subscription go to others. */
export function endSession(engine: Engine, session: ClientSession): void {
  if (!session.end()) return;
  // A subscription of this program is not among them, and its name may be that of a client.
  if (session.local === undefined) engine.sessions.delete(session.clientId);
  if (session.timer !== undefined) engine.wheel.clear(session.timer);
  engine.away.delete(session);
  engine.retainedDeliveries.closeFor(session);
  engine.work += END_STEPS + session.subscriptionCount;
  engine.subscriptions.removeSubscriber(session);
  moveSharedMessages(engine, session, true);
  session.queue?.clear();
  session.releaseAll();
  if (session.expiryInterval > 0) engine.notes.forgetSession(session);
  const { will } = session;
  session.will = undefined;
  if (will !== undefined) publishWill(engine, session, will); // [MQTT-3.1.2-8]
}

/** Sets the timer of a session without connection: to its Will, or to its end. */
export function setSessionTimer(engine: Engine, session: ClientSession): void {
  const dueMs = session.owesMove ? 0 : Math.min(session.will?.dueMs ?? Infinity, session.expiresAtMs);
  if (dueMs === Infinity) return;
  session.timer ??= new WheelTimer(() => onSessionTimer(engine, session));
  engine.wheel.set(session.timer, dueMs);
}

function onSessionTimer(engine: Engine, session: ClientSession): void {
  const nowMs = engine.clock.monotonic();
  if (session.owesMove && session.outlivesConnection) moveSharedMessages(engine, session, false);
  session.owesMove = false;
  const { will } = session;
  if (will !== undefined && will.dueMs <= nowMs) {
    publishDueWill(engine, session.clientId);
    if (!session.hasEnded) engine.notes.noteSession(session); // so that it is not published again after a crash
  }
  if (session.hasEnded || session.connection !== undefined) return;
  if (session.expiresAtMs <= nowMs) {
    if (session.outlivesConnection) engine.stats.sessionsExpired++;
    endSession(engine, session);
    return;
  }
  setSessionTimer(engine, session);
}

/**
 * Whether a session is that of a client, by the hooks that let it in: to one whose owner is proven nobody comes
 * unproven. Names that nothing proves tell no two apart.
 */
export function isOwner(session: ClientSession, { userName }: ClientInfo, hooks: CompiledHooks): boolean {
  return hooks.provesUserNames ? session.client.userName === userName : !session.isOwnerProven;
}

function takeOver(engine: Engine, client: ClientInfo): void {
  const session = engine.sessions.get(client.clientId);
  const earlier = session?.connection;
  if (session !== undefined && earlier !== undefined) {
    engine.takeovers.note(session.client, client);
    // Section 3.1.4: a Will with a delay is not published when the session goes on.
    earlier.end('taken-over', { reason: `another client came as ${client.clientId}` });
  }
  publishDueWill(engine, client.clientId);
}

/**
 * Gives messages of Shared Subscriptions to other members: those that were never sent, and when the session ends
 * also those of QoS 1 that were not acknowledged. QoS 2 must not go to anyone else (section 4.8.2).
 */
function moveSharedMessages(engine: Engine, session: ClientSession, hasEnded: boolean): void {
  const moved: QueuedMessage[] = [];
  if (hasEnded && session.inflight !== undefined) {
    for (const queued of session.inflight.messages()) {
      const isUnanswered = session.inflight.stateOf(queued.packetId) === InflightState.PUBACK;
      if (queued.group !== undefined && isUnanswered) moved.push(queued);
    }
  }
  const { queue } = session;
  if (queue !== undefined && queue.count > 0) {
    const canMove = ({ group, packetId }: QueuedMessage): boolean =>
      group !== undefined && packetId === 0 && (hasEnded || group.size > 1);
    moved.push(...queue.removeWhere(canMove));
    session.bookMessages();
  }
  for (const queued of moved) moveToGroup(engine, session, queued);
}

function moveToGroup(engine: Engine, session: ClientSession, queued: QueuedMessage): void {
  engine.work += MOVE_STEPS;
  const publication = engine.takePublication();
  try {
    publication.takeStored(queued.message, engine.clock.now());
    if (!session.hasEnded) engine.notes.forgetQueued(session, queued);
    const group = engine.subscriptions.sharedGroup(queued.group!);
    if (group !== undefined) deliverShared(engine, publication, group, undefined);
  } finally {
    engine.givePublication();
  }
}
