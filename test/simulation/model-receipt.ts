import type { QoS } from '../../src/mqtt/codec/control-packet.ts';
import type { DropReason } from '../../src/mqtt/broker/hooks.ts';
import { qosOf, type ReferenceModel } from './reference-model.ts';
import {
  moveDrop,
  type GroupDelivery,
  type GroupHolder,
  type ModelMessage,
  type ModelSession,
  type Obligation,
} from './model-session.ts';
import { matches } from './naive-match.ts';
import { expectThat, fail } from './simulation-failure.ts';

/** A PUBLISH as a client got it. */
export type Receipt = {
  readonly text: string;
  readonly message: ModelMessage | undefined;
  readonly topicName: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId: number;
  /** Rising; undefined where the version of the connection has none. */
  readonly identifiers: readonly number[] | undefined;
};

/**
 * Finds out why a session gets a message.
 *
 * @throws {SimulationFailure} when there is no reason
 */
export function acceptReceipt(model: ReferenceModel, session: ModelSession, receipt: Receipt): Obligation {
  const obligation =
    findOwed(session, receipt, receipt.text !== '') ??
    findRetained(session, receipt, true) ??
    findOwed(session, receipt, false) ??
    findShared(model, session, receipt) ??
    findRetained(session, receipt, false);
  if (obligation === undefined) fail(explain(model, session, receipt));
  const { packetId } = receipt;
  // Others that had it and were dropped since are not waited for.
  if (packetId > 0) {
    session.owed = session.owed.filter(
      (one) => one === obligation || one.packetId !== packetId || one.isRequired,
    );
  }
  if (obligation.dropped !== undefined && !obligation.isReceived)
    moveDrop(session, obligation, model.options.nowMs());
  obligation.isReceived = true;
  obligation.packetId = packetId;
  if (receipt.qos === 0) session.owed = session.owed.filter((other) => other !== obligation);
  return obligation;
}

/** An acknowledgement that ends it has come to the broker. */
export function finishObligation(session: ModelSession, packetId: number, qos: QoS, nowMs: number): void {
  const at = session.owed.findIndex((one) => one.isReceived && one.packetId === packetId && one.qos === qos);
  const [finished] = at < 0 ? [] : session.owed.splice(at, 1);
  if (finished?.dropped !== undefined) moveDrop(session, finished, nowMs);
}

function findOwed(session: ModelSession, receipt: Receipt, isRequired: boolean): Obligation | undefined {
  for (const one of session.owed) {
    if (!isMessage(one.message, receipt) || !fits(one, receipt)) continue;
    if (one.isReceived && (!receipt.dup || one.packetId !== receipt.packetId)) continue;
    if (one.isReceived || one.isRequired || !isRequired) return one;
  }
  return undefined;
}

function fits(obligation: Obligation, { qos, retain, dup, identifiers }: Receipt): boolean {
  if (obligation.qos !== qos || obligation.retain !== retain) return false;
  // One of several copies may have come before, over a connection without identifiers, and was taken for another.
  return dup || isSameList(obligation.identifiers, identifiers);
}

function isMessage(message: ModelMessage, { text, topicName }: Receipt): boolean {
  return message.topicName === topicName && (message.payload === '' ? text === '' : message.text === text);
}

/** [MQTT-3.3.1-8]: it was retained when the client subscribed, or since, and its topic has not come yet. */
function findRetained(session: ModelSession, receipt: Receipt, isRequired: boolean): Obligation | undefined {
  const { message, topicName, qos, retain, identifiers, packetId } = receipt;
  if (!retain || message?.topicName !== topicName) return undefined;
  const suitable = session.walks.filter(
    (walk) =>
      (!isRequired || walk.topics.get(topicName) === true) &&
      matches(walk.topicFilter, topicName) &&
      message.retainedUntil > walk.startEvent &&
      Math.min(walk.qos, message.qos) === qos &&
      isSameList(walk.identifier === 0 ? [] : [walk.identifier], identifiers),
  );
  let walk = suitable.find(({ done }) => !done.has(topicName));
  if (walk === undefined && suitable.length > 0) {
    // An earlier one may have come for another subscription than was thought.
    walk = session.walks.find(
      ({ topicFilter, done }) => !done.has(topicName) && matches(topicFilter, topicName),
    );
  }
  if (walk === undefined) return undefined;
  walk.done.add(topicName);
  walk.topics.delete(topicName);
  return inFlight(session, `${walk.key} ${message.text}`, message, receipt, packetId);
}

function findShared(model: ReferenceModel, session: ModelSession, receipt: Receipt): Obligation | undefined {
  const deliveries = [...model.groups.values()]
    .filter(({ message }) => isMessage(message, receipt))
    .sort((one, other) => Number(other.isRequired) - Number(one.isRequired));
  const { qos, retain, identifiers, packetId } = receipt;
  const key = `group copy ${model.countCopy()}`;
  const holder = { key, clientId: session.clientId, qos, retain, identifiers, packetId };
  if (receipt.dup) {
    // It had been sent before the broker crashed, and the client has had it.
    const before = deliveries.flatMap(({ holders }) => holders).find((one) => isSameHolder(one, holder));
    if (before !== undefined) return inFlight(session, before.key, deliveries[0]!.message, receipt, packetId);
  }
  // One with an empty payload cannot be told from others of its topic.
  const delivery =
    receipt.text === ''
      ? deliveries.find((one) => isMember(one, holder))
      : placeHolder(deliveries, holder, new Set());
  return delivery === undefined ? undefined : inFlight(session, key, delivery.message, receipt, packetId);
}

function isSameHolder(one: GroupHolder, other: GroupHolder): boolean {
  return one.clientId === other.clientId && one.qos === other.qos && one.packetId === other.packetId;
}

/** Whether somebody got it; a copy that was thought to be of another Shared Subscription counts if that needs none. */
export function isServed(model: ReferenceModel, delivery: GroupDelivery): boolean {
  if (!delivery.isRequired || delivery.holders.length > 0) return true;
  for (const other of model.groups.values()) {
    if (other.message !== delivery.message || (other.isRequired && other.holders.length < 2)) continue;
    const at = other.holders.findIndex((holder) => isMember(delivery, holder));
    if (at < 0) continue;
    delivery.holders.push(...other.holders.splice(at, 1));
    return true;
  }
  return false;
}

/** Where several Shared Subscriptions match, a copy does not say which it came by: any that works out will do. */
function placeHolder(
  deliveries: readonly GroupDelivery[],
  holder: GroupHolder,
  tried: Set<GroupDelivery>,
): GroupDelivery | undefined {
  for (const delivery of deliveries) {
    if (tried.has(delivery) || !isMember(delivery, holder)) continue;
    tried.add(delivery);
    const [first] = delivery.holders;
    if (first !== undefined && !(first.qos === 1 && delivery.mayRepeat)) {
      if (placeHolder(deliveries, first, tried) === undefined) continue;
      delivery.holders.shift();
    }
    delivery.holders.push(holder);
    return delivery;
  }
  return undefined;
}

function isMember({ members, message }: GroupDelivery, holder: GroupHolder): boolean {
  return members.some(({ clientId, subscription }) => {
    if (clientId !== holder.clientId || qosOf(message, subscription) !== holder.qos) return false;
    if ((subscription.retainAsPublished && message.retain) !== holder.retain) return false;
    const { identifier } = subscription;
    return isSameList(identifier === 0 ? [] : [identifier], holder.identifiers);
  });
}

function inFlight(
  session: ModelSession,
  key: string,
  message: ModelMessage,
  { qos, retain, identifiers }: Receipt,
  packetId: number,
): Obligation {
  const sizeBytes = message.topicName.length + message.payload.length;
  const state = { isRequired: false, dropped: undefined, isReceived: true, packetId };
  const obligation = { key, message, qos, retain, identifiers, sizeBytes, ...state };
  if (qos > 0) session.owed.push(obligation);
  return obligation;
}

/** What the model knows of a client's limits. */
export type DropCircumstances = {
  readonly nowMs: number;
  readonly hasQueueFull: boolean;
  readonly mayHaveStalled: boolean;
  /** Whether a copy is larger than the client takes. */
  readonly isTooLarge: (message: ModelMessage, qos: QoS, identifiers: readonly number[]) => boolean;
  /** The message that is being published. */
  readonly current: ModelMessage | undefined;
};

/**
 * The broker says that it dropped a message: nobody waits for it any more.
 *
 * @throws {SimulationFailure} when there was no such message, or no reason to drop it
 */
export function acceptDrop(
  model: ReferenceModel,
  session: ModelSession,
  topicName: string,
  why: DropReason,
  circumstances: DropCircumstances,
): void {
  if (why === 'offline' && !session.isConnected) {
    expectThat(!model.options.queueQos0, () => `the broker keeps nothing of QoS 0 for ${session.clientId}`);
    excuseGroups(model, session, topicName, () => true);
    return;
  }
  // The session before, of which nothing is left, may have got the Will of its own client.
  const isOwnWill = circumstances.current?.publisher === `will of ${session.clientId}`;
  session.droppedTopics.add(topicName);
  const isReason = (message: ModelMessage, qos: QoS, identifiers: readonly number[]): boolean => {
    if (why === 'offline') return qos === 0 && isOwnWill;
    if (why === 'expired') return message.expiresAtMs <= circumstances.nowMs;
    if (why === 'packet-too-large') return circumstances.isTooLarge(message, qos, identifiers);
    if (why === 'outbox-full') return qos === 0 && circumstances.mayHaveStalled;
    return circumstances.hasQueueFull;
  };
  const candidates = session.owed.filter(
    (one) =>
      one.isRequired &&
      one.message.topicName === topicName &&
      isReason(one.message, one.qos, one.identifiers ?? []),
  );
  const current = candidates.find(({ message }) => message === circumstances.current);
  // Of these it is not known who has them: any may be the one.
  const hasShared = excuseGroups(model, session, topicName, isReason);
  const chosen = current ?? candidates.find(({ isReceived }) => !isReceived) ?? candidates[0];
  if (chosen !== undefined) {
    chosen.isRequired = false;
    chosen.dropped = why;
    return;
  }
  const retained = model.retained.get(topicName);
  for (const walk of session.walks) {
    if (walk.topics.get(topicName) !== true || retained === undefined) continue;
    if (!isReason(retained, Math.min(walk.qos, retained.qos) as QoS, [walk.identifier])) continue;
    walk.topics.set(topicName, false);
    return;
  }
  const mayBeOptional =
    hasShared ||
    isOwnWill ||
    session.owed.some((one) => !one.isRequired && one.message.topicName === topicName) ||
    session.walks.some(({ topicFilter, done }) => !done.has(topicName) && matches(topicFilter, topicName));
  expectThat(
    mayBeOptional,
    () => `the broker dropped a message on ${topicName} for ${session.clientId}: ${why}`,
  );
}

function excuseGroups(
  model: ReferenceModel,
  session: ModelSession,
  topicName: string,
  isReason: (message: ModelMessage, qos: QoS, identifiers: readonly number[]) => boolean,
): boolean {
  let isExcused = false;
  for (const delivery of model.groups.values()) {
    if (delivery.message.topicName !== topicName) continue;
    const { message, members } = delivery;
    const isReasonFor = members.some(
      ({ clientId, subscription }) =>
        clientId === session.clientId &&
        isReason(message, qosOf(message, subscription), [subscription.identifier]),
    );
    if (!isReasonFor) continue;
    delivery.isRequired = false;
    isExcused = true;
  }
  return isExcused;
}

function isSameList(one: readonly number[] | undefined, other: readonly number[] | undefined): boolean {
  if (one === undefined || other === undefined) return true;
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

function explain(model: ReferenceModel, session: ModelSession, receipt: Receipt): string {
  const { text, topicName, qos, retain, dup, packetId, identifiers } = receipt;
  const what = JSON.stringify({ text, topicName, qos, retain, dup, packetId, identifiers });
  const near = session.owed
    .filter(({ message }) => message.text === text || message.topicName === topicName)
    .map(({ key, qos, retain, identifiers, isReceived, packetId }) =>
      JSON.stringify({ key, qos, retain, identifiers, isReceived, packetId }),
    );
  const subscriptions = JSON.stringify([...session.subscriptions.keys()]);
  const groups = [...model.groups.values()].filter(({ message }) => isMessage(message, receipt));
  const holders = groups.map(
    ({ key, holders }) => `${key}: ${holders.map(({ clientId }) => clientId).join(' ')}`,
  );
  const why = `owed: ${near.join(' ')}; subscriptions: ${subscriptions}; ${holders.join('; ')}`;
  return `${session.clientId} got ${what} for no reason; ${why}`;
}
