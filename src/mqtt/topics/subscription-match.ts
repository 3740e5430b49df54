/** What a client asked for with one Topic Filter (MQTT 5.0 section 3.8.3.1); `qos` is what it was granted. */
export type SubscriptionOptions = {
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  /** 1 to 268,435,455; 0 when the SUBSCRIBE had none. */
  readonly subscriptionIdentifier: number;
};

const NO_IDENTIFIERS: readonly number[] = [];

/**
 * How a message goes to one subscriber: by one subscription, or by several that overlap and make one copy
 * [MQTT-3.3.4-2]. Never changed once it is in a result, so results can be kept and shared.
 */
export class SubscriptionMatch<S> {
  readonly subscriber: S;
  /** The highest that was granted; the message's own QoS limits it further [MQTT-3.3.4-2] [MQTT-3.8.4-8]. */
  readonly qos: 0 | 1 | 2;
  /** The subscriber gets none of what it published itself [MQTT-3.8.3-3]. */
  readonly noLocal: boolean;
  /** The RETAIN flag goes on as it was published [MQTT-3.3.1-13], else it is 0 [MQTT-3.3.1-12]. */
  readonly retainAsPublished: boolean;
  /** Of all that match and have one [MQTT-3.3.4-3] [MQTT-3.3.4-4]; the same twice if it was given twice. */
  readonly subscriptionIdentifiers: readonly number[];
  /**
   * Takes the place of this match for messages that the subscriber published itself; undefined when this one serves.
   * Only where some of the overlapping subscriptions say No Local and others do not.
   */
  readonly ownMessages: SubscriptionMatch<S> | undefined;
  /** What was decided about what the subscriber may receive holds while this is the same. */
  readonly verdictEpoch: number;

  constructor(
    subscriber: S,
    qos: 0 | 1 | 2,
    noLocal: boolean,
    retainAsPublished: boolean,
    subscriptionIdentifiers: readonly number[],
    ownMessages: SubscriptionMatch<S> | undefined,
    verdictEpoch: number,
  ) {
    this.subscriber = subscriber;
    this.qos = qos;
    this.noLocal = noLocal;
    this.retainAsPublished = retainAsPublished;
    this.subscriptionIdentifiers = subscriptionIdentifiers;
    this.ownMessages = ownMessages;
    this.verdictEpoch = verdictEpoch;
  }
}

/** The match by one subscription. */
export function makeMatch<S>(
  subscriber: S,
  options: Omit<SubscriptionOptions, 'retainHandling'>,
  verdictEpoch = 0,
): SubscriptionMatch<S> {
  const { qos, noLocal, retainAsPublished, subscriptionIdentifier } = options;
  const identifiers = subscriptionIdentifier === 0 ? NO_IDENTIFIERS : [subscriptionIdentifier];
  return new SubscriptionMatch(
    subscriber,
    qos,
    noLocal,
    retainAsPublished,
    identifiers,
    undefined,
    verdictEpoch,
  );
}

/**
 * The match by overlapping subscriptions of one subscriber, as one copy with the highest QoS [MQTT-3.3.4-2] and all
 * identifiers [MQTT-3.3.4-4].
 *
 * No Local speaks of what is forwarded for the subscription that has it [MQTT-3.8.3-3]. It takes nothing from the
 * others: the subscriber's own messages go by those without it alone, with their QoS and their identifiers.
 *
 * Retain As Published likewise speaks of what is forwarded "using this subscription". One copy cannot obey both
 * values; it keeps RETAIN only when all ask for it, because to a subscription without the option RETAIN 1 says
 * that the message was stored before the subscription was made (section 3.8.3.1).
 */
export function mergeMatches<S>(
  one: SubscriptionMatch<S>,
  other: SubscriptionMatch<S>,
): SubscriptionMatch<S> {
  return new SubscriptionMatch(
    one.subscriber,
    one.qos > other.qos ? one.qos : other.qos,
    one.noLocal && other.noLocal,
    one.retainAsPublished && other.retainAsPublished,
    joinIdentifiers(one.subscriptionIdentifiers, other.subscriptionIdentifiers),
    mergeOwnMessages(one, other),
    one.verdictEpoch,
  );
}

function mergeOwnMessages<S>(
  one: SubscriptionMatch<S>,
  other: SubscriptionMatch<S>,
): SubscriptionMatch<S> | undefined {
  const isMixed =
    one.noLocal !== other.noLocal || one.ownMessages !== undefined || other.ownMessages !== undefined;
  if (!isMixed) return undefined;
  const fromOne = one.noLocal ? undefined : (one.ownMessages ?? one);
  const fromOther = other.noLocal ? undefined : (other.ownMessages ?? other);
  if (fromOne === undefined || fromOther === undefined) return fromOne ?? fromOther;
  return mergeMatches(fromOne, fromOther);
}

function joinIdentifiers(one: readonly number[], other: readonly number[]): readonly number[] {
  if (one.length === 0) return other;
  return other.length === 0 ? one : one.concat(other);
}
