import type { Clock } from '../../base/clock.ts';
import type { QoS } from '../codec/control-packet.ts';
import { NO_PROPERTIES } from '../codec/property.ts';
import type { ReasonCode } from '../codec/reason-code.ts';
import type { SubscriptionRequest } from '../codec/subscribe.ts';
import { parseTopicFilter } from '../topics/topic-filter.ts';
import type { ClientConnection } from './client-connection.ts';
import { MqttClientError } from './client-error.ts';
import { deniedError, invalidFilterError, lostError } from './connection-errors.ts';
import type { Patience, UnsubscribeOptions, UserProperties } from './message.ts';
import { CallDeadlines, PendingCall } from './pending-call.ts';

const ANY_LEVELS = Number.POSITIVE_INFINITY;
const FAILURE = 0x80;

/** How a filter is subscribed to (section 3.8.3.1). Before MQTT 5 only the QoS travels. */
export type ClientSubscribeOptions = Partial<Omit<SubscriptionRequest, 'topicFilter'>> & {
  /** Comes back with each message, where the server has Subscription Identifiers. */
  readonly subscriptionIdentifier?: number;
  /** MQTT 5: what SUBSCRIBE says besides. */
  readonly userProperties?: UserProperties;
};

type CallChoice = {
  readonly isRestoring?: boolean;
  readonly userProperties?: UserProperties | undefined;
};

/** A SUBSCRIBE, or without options an UNSUBSCRIBE. */
class RequestCall extends PendingCall<QoS> {
  readonly topicFilter: string;
  readonly options: ClientSubscribeOptions | undefined;
  readonly userProperties: UserProperties | undefined;
  /** Its subscription was granted on an earlier connection: it ends with this one. */
  readonly isRestoring: boolean;

  constructor(
    topicFilter: string,
    options: ClientSubscribeOptions | undefined,
    { isRestoring = false, userProperties = options?.userProperties }: CallChoice = {},
  ) {
    super();
    this.topicFilter = topicFilter;
    this.options = options;
    this.isRestoring = isRestoring;
    this.userProperties = userProperties;
  }
}

type SubscriptionsParts = {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly label: string;
  readonly takePacketId: () => number;
  readonly onDenied: (topicFilter: string, error: MqttClientError) => void;
};

/** The subscriptions of a client: those that the broker has granted, and what was asked and not answered. */
export class ClientSubscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #deadlines: CallDeadlines<RequestCall>;
  readonly #granted = new Map<string, ClientSubscribeOptions>();
  readonly #sent = new Map<number, RequestCall>();
  #waiting: RequestCall[] = [];
  #connection: ClientConnection | undefined = undefined;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
    this.#deadlines = new CallDeadlines({
      clock: parts.clock,
      timeoutMs: parts.timeoutMs,
      onGivenUp: (call, reason) => {
        this.#waiting = this.#waiting.filter((each) => each !== call);
        call.reject(reason);
      },
      lateError: ({ timeoutMs }) => this.#lateError(timeoutMs),
    });
  }

  isSent(packetId: number): boolean {
    return this.#sent.has(packetId);
  }

  subscribe(topicFilter: string, options: ClientSubscribeOptions, patience: Patience): Promise<QoS> {
    if (parseTopicFilter(topicFilter, ANY_LEVELS).ok)
      return this.#ask(new RequestCall(topicFilter, options), patience);
    return Promise.reject(invalidFilterError(topicFilter));
  }

  /** @param isKept - whether the broker keeps the subscription while this client is away */
  async unsubscribe(
    topicFilter: string,
    isKept: boolean,
    { userProperties, ...patience }: UnsubscribeOptions,
  ): Promise<void> {
    this.#granted.delete(topicFilter);
    // Its SUBSCRIBE is sent before there is a connection for others, when it is restored.
    const isAsked = [...this.#sent.values()].some((call) => call.topicFilter === topicFilter);
    if (this.#connection !== undefined || isKept || isAsked)
      await this.#ask(new RequestCall(topicFilter, undefined, { userProperties }), patience);
  }

  /** Subscribes anew to what was granted before; settles when the broker has answered, or is gone. */
  async restore(connection: ClientConnection): Promise<void> {
    const restored = [...this.#granted].map(async ([topicFilter, options]) => {
      const call = new RequestCall(topicFilter, options, { isRestoring: true });
      this.#send(call, connection);
      try {
        await call.promise;
      } catch (error) {
        if (!(error instanceof MqttClientError) || error.code !== 'BROKER_DENIED') return;
        this.#granted.delete(topicFilter);
        this.#parts.onDenied(topicFilter, error);
      }
    });
    await Promise.all(restored);
  }

  /** What was restored is there: asks what waits. */
  attach(connection: ClientConnection): void {
    this.#connection = connection;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) this.#send(call, connection);
  }

  /** What was not answered is asked again on the next connection. */
  detach(isSessionKept: boolean): void {
    this.#connection = undefined;
    const sent = [...this.#sent.values()];
    this.#sent.clear();
    for (const call of sent) if (call.isRestoring) call.reject(lostError(this.#parts.label, undefined));
    this.#waiting = [...sent, ...this.#waiting].filter(({ isSettled }) => !isSettled);
    if (isSessionKept) return;
    for (const call of this.#waiting) {
      if (call.options !== undefined) continue;
      this.#granted.delete(call.topicFilter);
      call.resolve(0);
    }
    this.#waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
  }

  /** SUBACK or UNSUBACK has come. */
  onAnswered(packetId: number, reasonCode: ReasonCode): void {
    const call = this.#sent.get(packetId);
    if (call === undefined) return;
    this.#sent.delete(packetId);
    const { topicFilter, options } = call;
    if (reasonCode >= FAILURE) {
      const packet = options === undefined ? 'UNSUBACK' : 'SUBACK';
      const what = `a subscription to ${topicFilter}`;
      return call.reject(deniedError({ label: this.#parts.label, packet, what, reasonCode }));
    }
    // Again for an UNSUBSCRIBE: a SUBSCRIBE that was on its way may have been granted before it.
    if (options === undefined) this.#granted.delete(topicFilter);
    else if (!call.isSettled && !call.isRestoring) this.#granted.set(topicFilter, options);
    call.resolve(options === undefined ? 0 : (reasonCode as QoS));
  }

  close(error: MqttClientError): void {
    this.#deadlines.close();
    const calls = [...this.#sent.values(), ...this.#waiting];
    this.#sent.clear();
    this.#waiting = [];
    for (const call of calls) call.reject(error);
  }

  #ask(call: RequestCall, patience: Patience): Promise<QoS> {
    const { signal } = patience;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (this.#connection === undefined) this.#waiting.push(call);
    else this.#send(call, this.#connection);
    this.#deadlines.watch(call, patience);
    return call.promise;
  }

  #send(call: RequestCall, connection: ClientConnection): void {
    const { topicFilter, options, userProperties } = call;
    const packetId = this.#parts.takePacketId();
    this.#sent.set(packetId, call);
    const properties = userProperties === undefined ? NO_PROPERTIES : { userProperties };
    if (options === undefined)
      return connection.send({ type: 'unsubscribe', packetId, properties, topicFilters: [topicFilter] });
    const { subscriptionIdentifier, userProperties: _, ...rest } = options;
    const plain = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    connection.send({
      type: 'subscribe',
      packetId,
      properties: connection.hasSubscriptionIdentifiers
        ? { ...properties, subscriptionIdentifier }
        : properties,
      subscriptions: [{ ...plain, ...rest, topicFilter }],
    });
  }

  #lateError(timeoutMs: number): MqttClientError {
    const [code, what] =
      this.#connection === undefined
        ? (['BROKER_OFFLINE', 'was not connected'] as const)
        : (['BROKER_TIMEOUT', 'did not answer'] as const);
    const text = `the MQTT broker at ${this.#parts.label} ${what} within ${timeoutMs} ms`;
    return new MqttClientError(code, text);
  }
}
