import type { QoS } from '../../src/mqtt/codec/control-packet.ts';
import {
  ModelSession,
  moveDrop,
  type GroupDelivery,
  type ModelMessage,
  type ModelSubscription,
  type Obligation,
  type SessionWill,
} from './model-session.ts';
import { matches } from './naive-match.ts';
import { fail } from './simulation-failure.ts';

const NEVER = 0xffff_ffff;
/** As the engine counts a message against limits of bytes, about. */
const MESSAGE_OVERHEAD_BYTES = 160;

/** A Will that waits to be published. */
export type PendingWill = { readonly message: ModelMessage; dueAtMs: number; readonly clientId: string };

/** What would be there after a crash. */
export type Snapshot = {
  readonly sessions: readonly ModelSession[];
  readonly retained: ReadonlyMap<string, ModelMessage>;
  readonly groups: ReadonlyMap<string, GroupDelivery>;
  /** Those that waited. */
  readonly wills: readonly PendingWill[];
};

export type ModelOptions = {
  readonly nowMs: () => number;
  readonly maximumSessionExpiryInterval: number;
  readonly maxRetainedMessages: number;
  readonly queueQos0: boolean;
};

/** What a broker must do, said as simply as possible: lists, loops and no regard for speed. */
export class ReferenceModel {
  readonly options: ModelOptions;
  sessions = new Map<string, ModelSession>();
  localSessions: ModelSession[] = [];
  retained = new Map<string, ModelMessage>();
  groups = new Map<string, GroupDelivery>();
  wills: PendingWill[] = [];
  #events = 0;
  #sequence = 0;
  #serial = 0;
  #copies = 0;

  constructor(options: ModelOptions) {
    this.options = options;
  }

  get subscriptionCount(): number {
    let count = this.localSessions.length;
    for (const { subscriptions } of this.sessions.values()) count += subscriptions.size;
    return count;
  }

  /** A number that no other copy of a message has. */
  countCopy(): number {
    return ++this.#copies;
  }

  makeLocal(clientId: string): ModelSession {
    const session = new ModelSession(clientId, ++this.#serial, true);
    session.isConnected = true;
    this.localSessions.push(session);
    return session;
  }

  /** A CONNECT is taken: whether there is a session to go on with. An earlier connection must be detached before. */
  connect(clientId: string, cleanStart: boolean, expirySeconds: number): boolean {
    let session = this.sessions.get(clientId);
    if (session?.isConnected === true) fail(`model: ${clientId} is connected already`);
    if (session !== undefined && cleanStart) {
      this.endSession(session);
      session = undefined;
    }
    const isPresent = session !== undefined;
    if (session === undefined) {
      session = new ModelSession(clientId, ++this.#serial);
      this.sessions.set(clientId, session);
    }
    // [MQTT-3.1.3-9]: a Will whose delay has not passed is not published when the session goes on.
    this.wills = this.wills.filter(
      (will) => will.clientId !== clientId || will.dueAtMs <= this.options.nowMs(),
    );
    session.expirySeconds = Math.min(expirySeconds, this.options.maximumSessionExpiryInterval);
    session.isConnected = true;
    session.awaySinceMs = undefined;
    session.expiresAtMs = Number.POSITIVE_INFINITY;
    return isPresent;
  }

  /** A connection is over. */
  detach(session: ModelSession, publishesWill: boolean): void {
    const nowMs = this.options.nowMs();
    const will = publishesWill ? session.will : undefined;
    session.will = undefined;
    session.isConnected = false;
    session.awaySinceMs = nowMs;
    for (const obligation of session.owed) {
      if (obligation.qos > 0) continue;
      obligation.isRequired = false;
      if (obligation.dropped !== undefined) moveDrop(session, obligation, nowMs);
    }
    session.owed = session.owed.filter(({ qos }) => qos > 0 || this.options.queueQos0);
    for (const walk of session.walks) {
      for (const topic of walk.topics.keys()) {
        if (walk.qos === 0 || this.retained.get(topic)?.qos === 0) walk.topics.set(topic, false);
      }
    }
    if (will !== undefined) this.#awaitWill(session, will);
    if (session.expirySeconds === 0) this.endSession(session);
    else
      session.expiresAtMs = session.expirySeconds === NEVER ? Infinity : nowMs + session.expirySeconds * 1000;
  }

  endSession(session: ModelSession): void {
    this.sessions.delete(session.clientId);
    this.#hastenWill(session);
    for (const delivery of this.groups.values()) {
      if (!delivery.members.some(({ clientId }) => clientId === session.clientId)) continue;
      delivery.mayRepeat = true;
      const isQos2 = delivery.members.some(({ subscription }) => qosOf(delivery.message, subscription) === 2);
      const hasOthers = this.membersOf(delivery.filter).length > 0;
      if (isQos2 || !hasOthers) delivery.isRequired = false;
    }
  }

  /** Sessions whose time has passed end. */
  expireSessions(): void {
    const nowMs = this.options.nowMs();
    for (const session of this.sessions.values()) {
      if (!session.isConnected && session.expiresAtMs <= nowMs) this.endSession(session);
    }
    for (const message of this.retained.values()) {
      if (message.expiresAtMs <= nowMs) this.#clearRetained(message.topicName);
    }
  }

  /** Adds or replaces; says whether retained messages are to come. */
  subscribe(session: ModelSession, subscription: ModelSubscription): void {
    const { filter, shareName, topicFilter, retainHandling, qos, identifier } = subscription;
    const isNew = !session.subscriptions.has(filter);
    session.subscriptions.set(filter, subscription);
    if (shareName !== undefined) {
      for (const delivery of this.groups.values()) {
        if (delivery.filter !== filter) continue;
        delivery.members.push({ clientId: session.clientId, subscription });
        // At QoS 0 it may be lost on its way to this one.
        if (qosOf(delivery.message, subscription) === 0) delivery.isRequired = false;
      }
      return;
    }
    if (retainHandling === 2 || (retainHandling === 1 && !isNew)) return;
    const topics = new Map<string, boolean>();
    for (const topic of this.retained.keys()) if (matches(topicFilter, topic)) topics.set(topic, true);
    // One that is still going on for the same filter begins anew.
    giveUpWalks(session, topicFilter);
    // One that becomes retained before the broker has come to it may be given too.
    if (this.retained.size === 0) return;
    const startEvent = ++this.#events;
    const key = `walk ${startEvent}`;
    session.walks.push({ key, topicFilter, qos, identifier, startEvent, topics, done: new Set() });
  }

  /** False when there was no such subscription. */
  unsubscribe(session: ModelSession, filter: string): boolean {
    if (!session.subscriptions.delete(filter)) return false;
    giveUpWalks(session, filter);
    return true;
  }

  /** Members of a Shared Subscription, by its whole filter. */
  membersOf(filter: string): ModelSession[] {
    return [...this.sessions.values()].filter(({ subscriptions }) => subscriptions.has(filter));
  }

  /** False when there is no room for it: then it is refused as a whole. */
  retain(message: ModelMessage): boolean {
    const { topicName } = message;
    if (message.payload === '') {
      this.#clearRetained(topicName);
      return true;
    }
    const before = this.retained.get(topicName);
    if (before === undefined && this.retained.size >= this.options.maxRetainedMessages) return false;
    // Who was to get the one before, and has not, gets this one as it is published.
    this.#clearRetained(topicName);
    this.retained.set(topicName, message);
    message.retainedUntil = Number.POSITIVE_INFINITY;
    return true;
  }

  /** Who is owed a message; how many they are, a Shared Subscription counting as one. */
  publish(message: ModelMessage, publisher: ModelSession | undefined): number {
    message.sequence = ++this.#sequence;
    message.expiresAtMs = this.options.nowMs() + (message.expiryInterval ?? Infinity) * 1000;
    let count = 0;
    const groups = new Map<string, GroupDelivery>();
    for (const session of [...this.sessions.values(), ...this.localSessions]) {
      const matching: ModelSubscription[] = [];
      for (const subscription of session.subscriptions.values()) {
        if (!matches(subscription.topicFilter, message.topicName)) continue;
        if (subscription.shareName !== undefined) this.#intoGroup(groups, message, session, subscription);
        else if (!(subscription.noLocal && session === publisher)) matching.push(subscription);
      }
      if (matching.length === 0) continue;
      this.#owe(session, message, matching);
      count++;
    }
    for (const [key, delivery] of groups) this.groups.set(key, delivery);
    return count + groups.size;
  }

  /** A copy of all that lasts. */
  takeSnapshot(): Snapshot {
    return {
      sessions: [...this.sessions.values()]
        .filter((session) => session.expirySeconds > 0)
        .map((one) => one.copy()),
      retained: new Map(this.retained),
      wills: this.wills
        .filter(({ clientId }) => (this.sessions.get(clientId)?.expirySeconds ?? 0) > 0)
        .map((will) => ({ ...will })),
      groups: new Map(
        [...this.groups].map(([key, delivery]) => [key, { ...delivery, members: [...delivery.members] }]),
      ),
    };
  }

  /** The broker has crashed and starts with what it had committed. */
  restore({ sessions, retained, groups, wills }: Snapshot): void {
    const nowMs = this.options.nowMs();
    this.localSessions = [];
    this.wills = wills.map((will) => ({ ...will }));
    this.sessions = new Map();
    for (const stored of sessions) {
      const session = stored.copy();
      const sinceMs = session.awaySinceMs ?? nowMs;
      session.isConnected = false;
      session.awaySinceMs = sinceMs;
      session.expiresAtMs =
        session.expirySeconds === NEVER ? Infinity : sinceMs + session.expirySeconds * 1000;
      if (session.will !== undefined) this.#awaitWill(session, session.will);
      session.will = undefined;
      if (session.expiresAtMs <= nowMs) {
        this.#hastenWill(session);
        continue;
      }
      session.walks = session.walks.map((walk) => ({ ...walk, key: `${walk.key} restored` }));
      for (const walk of session.walks) for (const topic of walk.topics.keys()) walk.topics.set(topic, false);
      session.owed = session.owed.filter(({ qos }) => qos > 0 || this.options.queueQos0);
      for (const obligation of session.owed) if (obligation.qos === 0) obligation.isRequired = false;
      this.sessions.set(session.clientId, session);
    }
    for (const message of this.retained.values()) message.retainedUntil = ++this.#events;
    this.retained = new Map();
    for (const message of retained.values()) {
      if (message.expiresAtMs <= nowMs) continue;
      message.retainedUntil = Number.POSITIVE_INFINITY;
      this.retained.set(message.topicName, message);
    }
    this.#restoreGroups(groups);
  }

  #restoreGroups(groups: Snapshot['groups']): void {
    const before = this.groups;
    this.groups = new Map();
    for (const [key, stored] of groups) {
      const isLasting = stored.members.every(({ clientId }) => this.sessions.has(clientId));
      this.groups.set(key, {
        ...stored,
        members: [...stored.members],
        isRequired: stored.isRequired && isLasting,
        // What a client has had, it has had.
        holders: before.get(key)?.holders ?? stored.holders,
        mayRepeat: stored.mayRepeat || !isLasting,
      });
    }
  }

  #awaitWill({ clientId, expirySeconds }: ModelSession, { message, delaySeconds }: SessionWill): void {
    const delayMs = Math.min(delaySeconds, expirySeconds) * 1000;
    this.wills.push({ message, dueAtMs: this.options.nowMs() + delayMs, clientId });
  }

  /** The end of a session does not wait for the delay of its Will. */
  #hastenWill(session: ModelSession): void {
    const nowMs = this.options.nowMs();
    for (const will of this.wills) {
      if (will.clientId === session.clientId) will.dueAtMs = Math.min(will.dueAtMs, nowMs);
    }
  }

  #clearRetained(topicName: string): void {
    const before = this.retained.get(topicName);
    if (before === undefined) return;
    before.retainedUntil = ++this.#events;
    this.retained.delete(topicName);
    for (const { walks } of [...this.sessions.values(), ...this.localSessions]) {
      for (const { topics } of walks) if (topics.has(topicName)) topics.set(topicName, false);
    }
  }

  #owe(session: ModelSession, message: ModelMessage, matching: readonly ModelSubscription[]): void {
    const qos = Math.max(...matching.map((subscription) => qosOf(message, subscription))) as QoS;
    if (qos === 0 && !session.isConnected && !this.options.queueQos0) return;
    const obligation: Obligation = {
      key: `live ${message.text}`,
      message,
      qos,
      retain: message.retain && matching.every(({ retainAsPublished }) => retainAsPublished),
      identifiers: identifiersOf(matching),
      sizeBytes: message.topicName.length + message.payload.length + MESSAGE_OVERHEAD_BYTES,
      // One with an empty payload cannot be told from others of its topic, so nobody waits for it.
      isRequired: message.payload !== '',
      dropped: undefined,
      isReceived: false,
      packetId: 0,
    };
    session.owed.push(obligation);
  }

  #intoGroup(
    groups: Map<string, GroupDelivery>,
    message: ModelMessage,
    { clientId }: ModelSession,
    subscription: ModelSubscription,
  ): void {
    const { filter } = subscription;
    const key = `group ${filter} ${message.text}`;
    let delivery = groups.get(key);
    if (delivery === undefined) {
      const rest = { isRequired: message.payload !== '', mayRepeat: false, holders: [] };
      groups.set(key, (delivery = { key, filter, message, members: [], ...rest }));
    }
    delivery.members.push({ clientId, subscription });
    if (qosOf(message, subscription) === 0) delivery.isRequired = false;
  }
}

/** What a message goes to a subscription with [MQTT-3.8.4-8]. */
export function qosOf(message: ModelMessage, subscription: ModelSubscription): QoS {
  return message.qos < subscription.qos ? message.qos : subscription.qos;
}

function identifiersOf(matching: readonly ModelSubscription[]): readonly number[] {
  return matching
    .map(({ identifier }) => identifier)
    .filter((identifier) => identifier > 0)
    .sort((one, other) => one - other);
}

/** What a subscription was still to get of the retained messages need not come any more. */
function giveUpWalks(session: ModelSession, topicFilter: string): void {
  for (const walk of session.walks) {
    if (walk.topicFilter !== topicFilter) continue;
    for (const topic of walk.topics.keys()) walk.topics.set(topic, false);
    // What is thought to have come for this one may have come for another.
    for (const { topics } of session.walks)
      for (const topic of walk.done) if (topics.has(topic)) topics.set(topic, false);
  }
}
