import { KeptKind } from '../../base/kept-kinds.ts';
import { protocolError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { ReasonCode, reasonCodeName } from '../codec/reason-code.ts';
import type { SubscribePacket, SubscriptionRequest } from '../codec/subscribe.ts';
import type { QoS } from '../codec/control-packet.ts';
import { hasWildcard, type TopicFilter } from '../topics/topic-filter.ts';
import { FILTER_STEPS } from '../topics/work-meter.ts';
import { subscriptionCost } from './client-session.ts';
import { askSubscribeHooks } from './ask-hooks.ts';
import { endForFault } from './connection/end-connection.ts';
import { ConnectionState, type Connection } from './connection/connection.ts';
import { decodeShown, readTopicFilter } from './decode.ts';
import type { Verdict } from './hooks.ts';
import { problemProperties } from './problem-properties.ts';

/** One Topic Filter of a SUBSCRIBE, with what is to be said about it. */
type Candidate = {
  readonly request: SubscriptionRequest;
  readonly filter: TopicFilter | undefined;
  /** Undefined where a hook must be asked, or nothing speaks against it. */
  readonly refusal: ReasonCode | undefined;
};

/** Section 3.8: check each filter, ask, subscribe, answer, then send what is retained. */
export function handleSubscribe(connection: Connection, framer: Framer): void {
  const packet = decodeShown<'subscribe'>(connection, framer);
  connection.engine.work += packet.subscriptions.length * FILTER_STEPS;
  const candidates = packet.subscriptions.map((request) => examine(connection, packet, request));
  const { engine, acceptor, client } = connection;
  const { authorizeSubscribe } = acceptor.hooks;
  if (authorizeSubscribe.length === 0) {
    conclude(connection, packet, candidates, []);
    return;
  }
  const verdicts = candidates.map(({ filter, refusal }) =>
    filter === undefined || refusal !== undefined
      ? undefined
      : askSubscribeHooks(engine, authorizeSubscribe, client!, filter.topicFilter),
  );
  if (!verdicts.some((verdict) => verdict instanceof Promise)) {
    conclude(connection, packet, candidates, verdicts as (Verdict | undefined)[]);
    return;
  }
  connection.inbox.decide();
  Promise.all(verdicts.map((verdict) => Promise.resolve(verdict)))
    .then((answers) => {
      if (connection.state !== ConnectionState.CONNECTED) return;
      conclude(connection, packet, candidates, answers);
      connection.goOn();
    })
    .catch((error: unknown) => endForFault(connection, error));
}

/** What speaks against a filter without asking anybody. */
function examine(connection: Connection, packet: SubscribePacket, asked: SubscriptionRequest): Candidate {
  const { acceptor, engine, isBroker } = connection;
  const { options } = acceptor;
  const filter = readTopicFilter(asked.topicFilter, engine.options.maxTopicLevels);
  const isShared = filter?.shareName !== undefined;
  const request = isBroker && !isShared ? { ...asked, noLocal: true, retainAsPublished: true } : asked;
  const refuse = (refusal: ReasonCode): Candidate => ({ request, filter: undefined, refusal });
  if (filter === undefined) return refuse(ReasonCode.TOPIC_FILTER_INVALID);
  // `$share/…` is a Shared Subscription for earlier versions too: their clients expect it of brokers that know it.
  if (isShared && request.noLocal) {
    throw protocolError('No Local is set on a Shared Subscription'); // [MQTT-3.8.3-4]
  }
  if (isShared && !options.sharedSubscriptionAvailable) {
    return refuse(ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED);
  }
  if (!options.wildcardSubscriptionAvailable && hasWildcard(filter)) {
    return refuse(ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED);
  }
  if (!options.subscriptionIdentifierAvailable && packet.properties.subscriptionIdentifier !== undefined) {
    return refuse(ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED);
  }
  return { request, filter, refusal: undefined };
}

function conclude(
  connection: Connection,
  packet: SubscribePacket,
  candidates: readonly Candidate[],
  verdicts: readonly (Verdict | undefined)[],
): void {
  const { engine } = connection;
  const session = connection.session!;
  const reasonCodes: ReasonCode[] = [];
  const reasons: string[] = [];
  const retained: { filter: TopicFilter; request: SubscriptionRequest; qos: QoS }[] = [];
  const subscriptionIdentifier = packet.properties.subscriptionIdentifier ?? 0;
  for (const [index, { request, filter, refusal: known }] of candidates.entries()) {
    // An observer has ended the session: nobody would ever take its subscriptions away again.
    if (session.hasEnded) return;
    const verdict = verdicts[index];
    const denial = verdict === undefined || verdict.allow ? undefined : verdict.reasonCode;
    const refusal = known ?? denial ?? findQuotaRefusal(connection, filter!);
    if (refusal !== undefined) {
      if (denial !== undefined) engine.stats.subscribeDenied++;
      const words = verdict === undefined || verdict.allow ? undefined : verdict.reasonString;
      reasons.push(`${request.topicFilter}: ${words ?? reasonCodeName(refusal, 'SUBACK')}`);
      reasonCodes.push(refusal);
      continue;
    }
    const { maximumQos } = connection.acceptor.options;
    const qos = request.qos < maximumQos ? request.qos : maximumQos; // [MQTT-3.2.2-10]
    const { noLocal, retainAsPublished, retainHandling } = request;
    const options = { qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier };
    const isNew = engine.subscriptions.add(session, filter!, options); // [MQTT-3.8.4-3]
    if (isNew) session.bookSubscription(filter!.topicFilter);
    engine.notes.noteSubscription(session, filter!, options);
    reasonCodes.push(qos);
    for (const hook of connection.acceptor.hooks.onSubscribed) {
      engine.observe(hook.name, 'onSubscribed', () =>
        hook.onSubscribed(connection.client!, request.topicFilter, qos),
      );
    }
    // Section 3.8.3.1; Shared Subscriptions get nothing that is retained (section 4.8.2).
    const wantsRetained = retainHandling === 0 || (retainHandling === 1 && isNew);
    if (filter!.shareName === undefined && wantsRetained) retained.push({ filter: filter!, request, qos });
  }
  if (session.hasEnded) return;
  const properties = problemProperties(connection, reasons);
  connection.send({ type: 'suback', packetId: packet.packetId, properties, reasonCodes });
  if (session.hasEnded) return; // with its connection, by a SUBACK larger than the client takes
  for (const { filter, qos } of retained) {
    engine.retainedDeliveries.begin(session, filter.topicFilter, { qos, subscriptionIdentifier });
  }
}

function findQuotaRefusal(
  { engine, session, acceptor }: Connection,
  filter: TopicFilter,
): ReasonCode | undefined {
  const { maxSubscriptionsPerClient } = acceptor.options;
  const hasRoom = session!.party.hasRoomFor(KeptKind.SUBSCRIPTION, subscriptionCost(filter.topicFilter));
  if (hasRoom && session!.subscriptionCount < maxSubscriptionsPerClient) return undefined;
  return engine.subscriptions.has(session!, filter) ? undefined : ReasonCode.QUOTA_EXCEEDED;
}
