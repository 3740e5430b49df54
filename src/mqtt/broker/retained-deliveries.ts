import type { QoS } from '../codec/control-packet.ts';
import type { Route } from '../topics/route.ts';
import type { ClientSession } from './client-session.ts';
import type { StoredMessage } from '../session/stored-message.ts';
import type { RetainedMatches } from '../topics/retained-matches.ts';
import type { WorkMeter } from '../topics/work-meter.ts';
import { deliverTo } from './deliver.ts';
import type { Engine } from './engine.ts';

/** Topics looked at in one go for one subscription, and in one turn for all of them. */
const PIECE_TOPICS = 256;
const TURN_TOPICS = 1024;
/** What a piece counts for besides its topics: one of a single topic is not free either. */
const MIN_TOPICS = 8;

/** The retained messages that a new subscription is still to get. */
type RetainedDelivery = Route & {
  readonly session: ClientSession;
  readonly topicFilter: string;
  qos: QoS;
  subscriptionIdentifiers: readonly number[];
  matches: RetainedMatches<StoredMessage>;
  /** Read from `matches`, of which the first `sentCount` have been sent. */
  found: readonly StoredMessage[];
  sentCount: number;
  /** In the list of those that can go on. */
  isActive: boolean;
};

/**
 * Sends retained messages to new subscriptions (section 3.3.1.3) in pieces, one turn after the other, so that a
 * subscription to everything does not keep the others waiting; and no faster than its client takes them.
 */
export class RetainedDeliveries {
  readonly #engine: Engine;
  readonly #bySession = new Map<ClientSession, readonly RetainedDelivery[]>();
  /** Those that can go on; the others wait for their clients. */
  readonly #active: RetainedDelivery[] = [];
  /** Topics that were looked at in this turn. */
  readonly #looked: WorkMeter = { work: 0 };

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  begin(
    session: ClientSession,
    topicFilter: string,
    { qos, subscriptionIdentifier }: { qos: QoS; subscriptionIdentifier: number },
  ): void {
    if (this.#engine.retained.count === 0) return;
    const delivery = this.#deliveryFor(session, topicFilter);
    delivery.qos = qos;
    delivery.subscriptionIdentifiers = subscriptionIdentifier === 0 ? [] : [subscriptionIdentifier];
    // At once what is little: most subscriptions are to few topics.
    if (this.#looked.work < TURN_TOPICS && !delivery.isActive) this.#goOn(delivery);
    else this.#activate(delivery);
    this.#engine.turnLater();
  }

  /** At the end of a turn: each that can goes on a little. */
  continue(): void {
    this.#looked.work = 0;
    const active = this.#active;
    const { length } = active;
    if (length === 0) return;
    let next = 0;
    while (next < length && this.#looked.work < TURN_TOPICS) {
      const delivery = active[next++]!;
      delivery.isActive = false;
      if (!isOver(delivery)) this.#goOn(delivery);
    }
    active.splice(0, next);
    if (active.length > 0) this.#engine.turnLater();
  }

  /** A client takes more again. */
  goOnFor(session: ClientSession): void {
    const deliveries = this.#bySession.get(session);
    if (deliveries === undefined) return;
    for (const delivery of deliveries) this.#activate(delivery);
    this.#engine.turnLater();
  }

  /** The session ends. */
  closeFor(session: ClientSession): void {
    const deliveries = this.#bySession.get(session) ?? [];
    this.#bySession.delete(session);
    for (const delivery of deliveries) this.#close(delivery);
  }

  /** A subscription ends. */
  closeFilter(session: ClientSession, topicFilter: string): void {
    for (const delivery of this.#bySession.get(session) ?? []) {
      if (delivery.topicFilter === topicFilter) this.#close(delivery);
    }
  }

  /** The one that this filter has begins anew: a client that asks again and again gets no more than one. */
  #deliveryFor(session: ClientSession, topicFilter: string): RetainedDelivery {
    const matches = this.#engine.retained.match(topicFilter, this.#looked);
    const deliveries = this.#bySession.get(session) ?? [];
    const known = deliveries.find((other) => other.topicFilter === topicFilter);
    if (known === undefined) {
      const route = { qos: 0, retainAsPublished: true, subscriptionIdentifiers: [] } as const;
      const rest = { found: [], sentCount: 0, isActive: false } as const;
      const delivery: RetainedDelivery = { ...route, ...rest, session, topicFilter, matches };
      this.#bySession.set(session, [...deliveries, delivery]);
      return delivery;
    }
    if (!known.matches.isDone) known.matches.close();
    known.matches = matches;
    known.found = [];
    known.sentCount = 0;
    return known;
  }

  #activate(delivery: RetainedDelivery): void {
    if (delivery.isActive) return;
    delivery.isActive = true;
    this.#active.push(delivery);
  }

  #goOn(delivery: RetainedDelivery): void {
    if (!canTake(delivery)) return;
    this.#sendFound(delivery, true);
    if (delivery.sentCount === delivery.found.length && !delivery.matches.isDone) {
      delivery.found = delivery.matches.next(PIECE_TOPICS);
      this.#looked.work += MIN_TOPICS;
      delivery.sentCount = 0;
      this.#sendFound(delivery, false);
    }
    if (isOver(delivery)) this.#close(delivery);
    else if (canTake(delivery)) this.#activate(delivery);
  }

  /** As many as the client takes. What was found in an earlier turn may have been replaced or removed since. */
  #sendFound(delivery: RetainedDelivery, mayBeOld: boolean): void {
    while (delivery.sentCount < delivery.found.length && canTake(delivery)) {
      const message = delivery.found[delivery.sentCount++]!;
      if (mayBeOld && this.#engine.retained.get(message.topicName) !== message) continue;
      this.#send(delivery, message);
    }
  }

  #send(delivery: RetainedDelivery, message: StoredMessage): void {
    const engine = this.#engine;
    const { session } = delivery;
    if (!engine.canReceive(session, message.topicName)) return;
    const publication = engine.takePublication();
    try {
      publication.takeStored(message, engine.clock.now());
      // [v3.1.1 MQTT-3.3.1-8]: RETAIN is 1, because it was there before the subscription.
      deliverTo(engine, publication, session, delivery, undefined);
    } finally {
      engine.givePublication();
    }
  }

  #close(delivery: RetainedDelivery): void {
    const { session, matches } = delivery;
    if (!matches.isDone) matches.close();
    // Still in the list of those that go on it may be: there it is over.
    delivery.found = [];
    delivery.sentCount = 0;
    const rest = this.#bySession.get(session)?.filter((other) => other !== delivery) ?? [];
    if (rest.length === 0) this.#bySession.delete(session);
    else this.#bySession.set(session, rest);
  }
}

function isOver({ matches, found, sentCount }: RetainedDelivery): boolean {
  return matches.isDone && sentCount === found.length;
}

/** One is sent only when it can go at once: nothing is lost to a full queue. */
function canTake({ session, qos }: RetainedDelivery): boolean {
  return session.local !== undefined || session.canSend(qos);
}
