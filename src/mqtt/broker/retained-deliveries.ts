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
};

/**
 * Sends retained messages to new subscriptions (section 3.3.1.3) in pieces, one turn after the other, so that a
 * subscription to everything does not keep the others waiting; and no faster than its client takes them.
 */
export class RetainedDeliveries {
  readonly #engine: Engine;
  /** Those that can go on; the others wait for their clients. */
  #active: RetainedDelivery[] = [];

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
    };
    (session.retainedDeliveries ??= []).push(delivery);
    this.#goOn(delivery, PIECE_TOPICS);
  }

  /** At the end of a turn: each that can goes on a little. */
  continue(): void {
    if (this.#active.length === 0) return;
    const active = this.#active;
    this.#active = [];
    let left = TURN_TOPICS;
    for (const delivery of active) {
      if (left <= 0) this.#active.push(delivery);
      else if (!delivery.matches.isDone) {
        this.#goOn(delivery, Math.min(PIECE_TOPICS, left));
        left -= PIECE_TOPICS;
      }
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

  #goOn(delivery: RetainedDelivery, maxTopics: number): void {
    const { session, matches } = delivery;
    if (!canTake(session)) return;
    for (const message of matches.next(maxTopics)) this.#send(delivery, message);
    if (matches.isDone) this.#close(delivery);
    else if (canTake(session)) this.#active.push(delivery);
    if (this.#active.length > 0) this.#engine.turnLater();
  }

  #send({ session, qos, subscriptionIdentifiers }: RetainedDelivery, message: StoredMessage): void {
    const engine = this.#engine;
    if (!engine.canReceive(session, message.topicName)) return;
    const publication = engine.takePublication();
    try {
      publication.takeStored(message, engine.clock.now());
      const granted = qos < message.qos ? qos : message.qos;
      // [MQTT-3.3.1-8]: RETAIN is 1, because it was there before the subscription.
      deliverTo(engine, publication, session, granted, true, subscriptionIdentifiers, undefined);
    } finally {
      engine.givePublication();
    }
  }

  #close(delivery: RetainedDelivery): void {
    const { session, matches } = delivery;
    if (!matches.isDone) matches.close();
    const rest = session.retainedDeliveries?.filter((other) => other !== delivery);
    session.retainedDeliveries = rest === undefined || rest.length === 0 ? undefined : rest;
    this.#active = this.#active.filter((other) => other !== delivery);
  }
}

/** More is read only when what was read before has gone: nothing is lost to a full queue. */
function canTake({ local, connection, queue }: Session): boolean {
  if (local !== undefined) return true;
  return connection !== undefined && !connection.isBlocked && (queue === undefined || queue.count === 0);
}
