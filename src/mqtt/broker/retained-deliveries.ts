import type { QoS } from '../codec/control-packet.ts';
import type { Session } from '../session/session.ts';
import type { StoredMessage } from '../session/stored-message.ts';
import type { RetainedMatches } from '../topics/retained-matches.ts';
import { deliverTo } from './deliver.ts';
import type { Engine } from './engine.ts';

/** Topics looked at in one go for one subscription, and in one turn for all of them. */
const PIECE_TOPICS = 256;
const TURN_TOPICS = 1024;

/** The retained messages that a new subscription is still to get. */
export type RetainedDelivery = {
  readonly session: Session;
  readonly topicFilter: string;
  readonly qos: QoS;
  readonly subscriptionIdentifiers: readonly number[];
  readonly matches: RetainedMatches<StoredMessage>;
  /** Read from `matches`, of which the first `sentCount` have been sent. */
  found: readonly StoredMessage[];
  sentCount: number;
};

/**
 * Sends retained messages to new subscriptions (section 3.3.1.3) in pieces, one turn after the other, so that a
 * subscription to everything does not keep the others waiting; and no faster than its client takes them.
 */
export class RetainedDeliveries {
  readonly #engine: Engine;
  /** Those that can go on; the others wait for their clients. */
  #active: RetainedDelivery[] = [];
  /** Topics that may still be looked at in this turn. */
  #left = TURN_TOPICS;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  begin(
    session: Session,
    topicFilter: string,
    { qos, subscriptionIdentifier }: { qos: QoS; subscriptionIdentifier: number },
  ): void {
    if (this.#engine.retained.count === 0) return;
    const delivery: RetainedDelivery = {
      session,
      topicFilter,
      qos,
      subscriptionIdentifiers: subscriptionIdentifier === 0 ? [] : [subscriptionIdentifier],
      matches: this.#engine.retained.match(topicFilter),
      found: [],
      sentCount: 0,
    };
    (session.retainedDeliveries ??= []).push(delivery);
    this.#active.push(delivery);
    // At once what is little: most subscriptions are to few topics.
    // Nobody is called back before `Broker.subscribe` has returned.
    if (this.#left > 0 && session.local === undefined) {
      this.#active.pop();
      this.#goOn(delivery);
    }
    this.#engine.turnLater();
  }

  /** At the end of a turn: each that can goes on a little. */
  continue(): void {
    this.#left = TURN_TOPICS;
    if (this.#active.length === 0) return;
    const active = this.#active;
    this.#active = [];
    for (const delivery of active) {
      if (this.#left <= 0) this.#active.push(delivery);
      else if (!isOver(delivery)) this.#goOn(delivery);
    }
    if (this.#active.length > 0) this.#engine.turnLater();
  }

  /** A client takes more again. */
  goOnFor(session: Session): void {
    for (const delivery of session.retainedDeliveries ?? []) {
      if (!this.#active.includes(delivery)) this.#active.push(delivery);
    }
    this.#engine.turnLater();
  }

  /** The session ends. */
  closeFor(session: Session): void {
    for (const delivery of session.retainedDeliveries ?? []) this.#close(delivery);
  }

  /** A subscription ends. */
  closeFilter(session: Session, topicFilter: string): void {
    for (const delivery of session.retainedDeliveries ?? []) {
      if (delivery.topicFilter === topicFilter) this.#close(delivery);
    }
  }

  #goOn(delivery: RetainedDelivery): void {
    if (!canTake(delivery)) return;
    this.#sendFound(delivery, true);
    if (delivery.sentCount === delivery.found.length && !delivery.matches.isDone) {
      this.#left -= PIECE_TOPICS;
      delivery.found = delivery.matches.next(PIECE_TOPICS);
      delivery.sentCount = 0;
      this.#sendFound(delivery, false);
    }
    if (isOver(delivery)) this.#close(delivery);
    else if (canTake(delivery)) this.#active.push(delivery);
  }

  /** As many as the client takes. What was found in an earlier turn may have been replaced or removed since. */
  #sendFound(delivery: RetainedDelivery, mayBeOld: boolean): void {
    while (delivery.sentCount < delivery.found.length && canTake(delivery)) {
      const message = delivery.found[delivery.sentCount++]!;
      if (mayBeOld && this.#engine.retained.get(message.topicName) !== message) continue;
      this.#send(delivery, message);
    }
  }

  #send({ session, qos, subscriptionIdentifiers }: RetainedDelivery, message: StoredMessage): void {
    const engine = this.#engine;
    if (!engine.canReceive(session, message.topicName)) return;
    const publication = engine.takePublication();
    try {
      publication.takeStored(message, engine.clock.now());
      const granted = qos < message.qos ? qos : message.qos;
      // [v3.1.1 MQTT-3.3.1-8]: RETAIN is 1, because it was there before the subscription.
      deliverTo(engine, publication, session, granted, true, subscriptionIdentifiers, undefined);
    } finally {
      engine.givePublication();
    }
  }

  #close(delivery: RetainedDelivery): void {
    const { session, matches } = delivery;
    if (!matches.isDone) matches.close();
    delivery.found = [];
    delivery.sentCount = 0;
    const rest = session.retainedDeliveries?.filter((other) => other !== delivery);
    session.retainedDeliveries = rest === undefined || rest.length === 0 ? undefined : rest;
    this.#active = this.#active.filter((other) => other !== delivery);
  }
}

function isOver({ matches, found, sentCount }: RetainedDelivery): boolean {
  return matches.isDone && sentCount === found.length;
}

/** One is sent only when it can go at once: nothing is lost to a full queue. */
function canTake({ session, qos }: RetainedDelivery): boolean {
  const { local, connection, queue, inflight } = session;
  if (local !== undefined) return true;
  if (connection === undefined || connection.isBlocked) return false;
  if (queue !== undefined && queue.count > 0) return false;
  return qos === 0 || inflight === undefined || inflight.count < connection.sendQuota;
}
