import { Inflight } from '../session/inflight.ts';
import { MessageQueue } from '../session/message-queue.ts';
import { PacketIdSet } from '../session/packet-id-set.ts';
import { QueuedMessage } from '../session/queued-message.ts';
import { Session } from '../session/session.ts';
import type { StoredSession } from '../session/session-store.ts';
import { MAX_UINT_32 } from '../codec/control-packet.ts';
import { BrokerError } from './broker-error.ts';
import type { Engine } from './engine.ts';
import type { ClientInfo } from './hooks.ts';
import { setSessionTimer } from './session-lifecycle.ts';
import { noteSession, stateOfRestored } from './store-notes.ts';

/** Takes in what outlived the last broker. Sessions whose time has passed meanwhile end. */
export async function restoreSessions(engine: Engine): Promise<void> {
  const { store } = engine;
  if (store === undefined) return;
  let stored;
  try {
    stored = await store.load();
  } catch (error) {
    throw new BrokerError('MQTT_STORE_FAILED', 'the stored sessions could not be read', { cause: error });
  }
  const nowMs = engine.clock.now();
  for (const message of stored.retained) {
    if (message.expiresAtMs <= nowMs) {
      store.deleteRetained(message.topicName);
      engine.commits.note();
      continue;
    }
    const { sizeBytes, expiresAtMs } = message;
    const expires = expiresAtMs === Infinity ? undefined : expiresAtMs;
    engine.retained.set(message.topicName, { message, sizeBytes, expiresAtMs: expires });
  }
  for (const record of stored.sessions) restoreSession(engine, record, nowMs);
}

function restoreSession(engine: Engine, record: StoredSession, nowMs: number): void {
  const { clientId, sessionExpiryInterval, userName } = record;
  const client: ClientInfo = {
    clientId,
    userName,
    protocolVersion: 5,
    peer: { transport: 'stream', address: '', port: 0, certificate: undefined },
    listener: '',
  };
  const session = new Session(client, { options: engine.options, hooks: engine.hooks }, undefined);
  session.expiryInterval = sessionExpiryInterval;
  // One whose client was connected when the broker ended begins to wait now.
  const awayMs = record.disconnectedAtMs === undefined ? 0 : nowMs - record.disconnectedAtMs;
  const leftMs = sessionExpiryInterval === MAX_UINT_32 ? Infinity : sessionExpiryInterval * 1000 - awayMs;
  if (leftMs <= 0) {
    engine.store?.deleteSession(clientId);
    engine.commits.note();
    return;
  }
  session.expiresAtMs = engine.clock.monotonic() + leftMs;
  for (const { filter, options } of record.subscriptions) {
    if (engine.subscriptions.add(session, filter, options)) session.subscriptionCount++;
  }
  for (const {
    message,
    qos,
    retain,
    subscriptionIdentifiers,
    sequence,
    packetId,
    isReleased,
  } of record.queued) {
    const queued = new QueuedMessage(message, qos, retain, subscriptionIdentifiers, sequence, undefined);
    queued.isReleased = isReleased;
    session.nextSequence = Math.max(session.nextSequence, sequence + 1);
    const isInflight =
      packetId !== 0 &&
      (session.inflight ??= new Inflight()).restore(packetId, stateOfRestored(queued), queued);
    if (!isInflight) (session.queue ??= new MessageQueue()).push(queued);
  }
  for (const packetId of record.receivedPacketIds) (session.received ??= new PacketIdSet()).add(packetId);
  engine.sessions.set(clientId, session);
  if (record.disconnectedAtMs === undefined) noteSession(engine, session);
  setSessionTimer(engine, session);
}
