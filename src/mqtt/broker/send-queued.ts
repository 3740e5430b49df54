import { PacketType } from '../codec/control-packet.ts';
import { writeAcknowledgement } from '../codec/acknowledgement.ts';
import { publishFirstByte } from '../codec/publish-flags.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { Inflight, InflightState } from '../session/inflight.ts';
import { MessageQueue } from '../session/message-queue.ts';
import type { QueuedMessage } from '../session/queued-message.ts';
import { BYTES_A_STEP_SHIFT } from '../topics/work-meter.ts';
import type { ClientSession, SessionConnection } from './client-session.ts';
import type { Engine } from './engine.ts';
import { transmit } from './transmit.ts';

/** Sends what waits in a session, as much as its client takes. */
export function sendQueued(engine: Engine, session: ClientSession): void {
  const { connection, queue } = session;
  if (connection === undefined) return;
  if (queue !== undefined && queue.count > 0) {
    session.inflight ??= new Inflight();
    // An observer of a drop may end it.
    while (session.connection === connection && connection.outbox.takesMore) {
      const queued = queue.first;
      if (queued === undefined) break;
      const isResent = queued.packetId !== 0;
      if (isResent ? !session.quota.mayResend() : queued.qos > 0 && !maySendNext(session, queued)) break;
      queue.shift();
      sendOne(engine, session, connection, queued);
    }
    session.bookMessages();
  }
  engine.retainedDeliveries.goOnFor(session);
}

function maySendNext(session: ClientSession, { message, group }: QueuedMessage): boolean {
  if (!session.quota.maySend(session.inflight)) return false;
  const isKept = session.outlivesConnection || group !== undefined;
  return !isKept || session.mayKeepInflight(message.sizeBytes);
}

/**
 * Has what was sent before and not acknowledged sent again, when a client comes back [MQTT-4.4.0-1]: PUBREL at once,
 * PUBLISH with DUP and the identifier it had, before everything else and no more at a time than the client takes.
 */
export function sendAgain(engine: Engine, session: ClientSession, connection: SessionConnection): void {
  const { inflight } = session;
  if (inflight === undefined || inflight.count === 0) return;
  const messages = inflight.messages();
  for (const { packetId } of messages) {
    if (inflight.stateOf(packetId) === InflightState.PUBCOMP) sendPubrel(connection, packetId);
  }
  const queue = (session.queue ??= new MessageQueue(engine.queued));
  // Those that an earlier connection did not live to send again.
  queue.removeWhere(({ packetId }) => packetId !== 0);
  for (const queued of messages.toReversed()) {
    queued.wasResent = false;
    if (inflight.stateOf(queued.packetId) !== InflightState.PUBCOMP) queue.pushFirst(queued);
  }
}

function sendOne(
  engine: Engine,
  session: ClientSession,
  connection: SessionConnection,
  queued: QueuedMessage,
): void {
  const { message, qos, retain, subscriptionIdentifiers } = queued;
  const nowMs = engine.clock.now();
  const isResent = queued.packetId !== 0;
  const inflight = session.inflight!;
  // One that was sent is sent again also when it has expired: the client may hold its identifier.
  if (!isResent && message.expiresAtMs <= nowMs) {
    engine.countDrop(message.topicName, session, 'expired');
    engine.notes.forgetQueued(session, queued);
    return;
  }
  if (isResent) {
    // The client has answered meanwhile: the message had reached it over the earlier connection.
    if (inflight.messageOf(queued.packetId) !== queued) return;
    if (inflight.stateOf(queued.packetId) === InflightState.PUBCOMP) return; // [MQTT-4.3.3-6]
    session.quota.countResent();
    queued.wasResent = true;
  } else if (qos > 0) {
    const state = qos === 1 ? InflightState.PUBACK : InflightState.PUBREC;
    const mustBeKept = session.outlivesConnection || queued.group !== undefined;
    queued.packetId = inflight.add(state, mustBeKept ? queued : undefined);
    engine.notes.noteProgress(session, queued); // first: what is sent waits for the store
  }
  const publication = engine.takePublication();
  try {
    publication.takeStored(message, nowMs);
    engine.work += 1 + (message.sizeBytes >> BYTES_A_STEP_SHIFT);
    const firstByte = publishFirstByte(qos, isResent, retain);
    if (transmit(connection, publication, firstByte, subscriptionIdentifiers, queued.packetId)) {
      if (qos === 0) engine.notes.forgetQueued(session, queued);
      if (!isResent) queued.onSent?.(queued.packetId);
      return;
    }
  } finally {
    engine.givePublication();
  }
  if (isResent) session.quota.uncountResent();
  engine.countDrop(message.topicName, session, 'packet-too-large');
  if (isResent && qos === 2) {
    release(engine, session, connection, queued);
    return;
  }
  if (qos > 0) inflight.remove(queued.packetId);
  engine.notes.forgetQueued(session, queued);
}

/** The client may hold the identifier of a message that it cannot be sent again: it must not meet another there. */
function release(
  engine: Engine,
  session: ClientSession,
  connection: SessionConnection,
  queued: QueuedMessage,
): void {
  session.inflight!.setState(queued.packetId, InflightState.PUBCOMP);
  queued.isReleased = true;
  queued.wasResent = false;
  engine.notes.noteProgress(session, queued);
  sendPubrel(connection, queued.packetId);
}

function sendPubrel({ engine, outbox, version }: SessionConnection, packetId: number): void {
  engine.stats.othersSent++;
  writeAcknowledgement(outbox.writer(), PacketType.PUBREL, packetId, ReasonCode.SUCCESS, version);
  outbox.written();
}
