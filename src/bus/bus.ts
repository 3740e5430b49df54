import type { Result } from '../base/result.ts';
import { ClientCounters } from '../mqtt/client/client-counters.ts';
import type { ClientEvent } from '../mqtt/client/client-options.ts';
import type {
  MessageProperties,
  OutgoingMessage,
  Patience,
  PublishReceipt,
  UnacknowledgedMessage,
} from '../mqtt/client/message.ts';
import type { ClientInfo } from '../mqtt/broker/hooks.ts';
import type { ProtocolVersion, QoS } from '../mqtt/codec/control-packet.ts';
import type { BusError } from './bus-error.ts';

export type { MessageProperties, OutgoingMessage, Patience, PublishReceipt, UnacknowledgedMessage };

/** A client of a broker in this process: the same object for as long as its connection lasts. */
export type BusClient = ClientInfo;

/** How to publish. */
export type PublishOptions = Patience & {
  /**
   * Called for each client that has acknowledged the message, above QoS 0, or refused it: with a Reason Code of 0x80 or
   * more. Only a broker in this process knows; over a connection nobody is ever told.
   */
  readonly onAcknowledged?: (client: BusClient, reasonCode: number) => void;
};

/** A message that came. */
export type BusMessage = {
  readonly topicName: string;
  /** The receiver may keep it: nobody writes into it again. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** It was kept by the broker and comes because of a new subscription. */
  readonly retain: boolean;
  /** The broker has sent it before, and does not know whether it arrived. */
  readonly dup: boolean;
  /** 1 to 65,535; 0 at QoS 0. */
  readonly packetId: number;
  readonly properties: MessageProperties;
  /** Who published it, or whose Will it is, where the broker is in this process and knows it. */
  readonly from?: BusClient | undefined;
};

export type SubscribeOptions = Patience & {
  /** The highest QoS that is asked for; 0 when absent. */
  readonly qos?: QoS;
  /** The handler keeps no payload beyond its call, so a bus need not copy what it only has for that long. */
  readonly borrowsPayload?: boolean;
};

export type Subscription = {
  readonly topicFilter: string;
  /** What the broker granted when it was asked: at most what was asked for. */
  readonly grantedQos: QoS;
  /**
   * The handler is not called any more from this call on. Settles when the broker knows, or does not need to; never
   * rejects.
   */
  unsubscribe(): Promise<void>;
};

/** What became of the connection. */
export type BusEvent = Exclude<ClientEvent, { readonly type: 'restoring' }>;

/** Counts since the bus was made. */
export class BusCounters extends ClientCounters {
  /** Of the messages that came, those without a handler. */
  unclaimed = 0;
}

/**
 * The seam to any MQTT broker: publish and subscribe, request properties included. Whoever opened a bus closes it.
 *
 * Order: messages are handed to the broker in the order of the calls, and come to a handler in the order of the broker.
 *
 * Loss of the connection: subscriptions are restored by the bus, and then what waited is sent. A message at QoS 1
 * without an acknowledgement is sent again, so it may arrive twice; one at QoS 2 is given up with `BROKER_LOST`,
 * because it would.
 */
export type Bus = {
  /** Undefined until the first connection; another connection may have another one, as the event `connected` says. */
  readonly protocolVersion: ProtocolVersion | undefined;
  /**
   * As whom the rules of the broker know this side: by the user name, else by the client id. Absent where there is no
   * connection that could have one.
   */
  readonly identity?: string;
  /** Whether the broker is there, with all subscriptions. */
  readonly isConnected: boolean;
  readonly counters: Readonly<BusCounters>;
  /** Whether what is sent goes to the broker at once; the event `room` tells when it does again. */
  readonly takesMore: boolean;

  /**
   * Resolves when the broker took the message: at QoS 0 when it is sent, at QoS 1 and 2 when it is acknowledged.
   *
   * @throws {BusError} `TOPIC_INVALID`, `PACKET_TOO_LARGE`, `BROKER_DENIED`, `BROKER_OFFLINE` (never sent),
   *   `BROKER_TIMEOUT` and `BROKER_LOST` (it may have arrived), `TOO_MANY_MESSAGES`, `BUS_CLOSED`; or the reason of the
   *   signal
   */
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<PublishReceipt>;

  /**
   * Hands a message to the broker now or not at all, at QoS 0 and without a promise: for what passes many times a
   * second. The payload is the caller's again when this returns. It does not wait behind what `publish` has waiting.
   *
   * Fails with `TOPIC_INVALID`, `PACKET_TOO_LARGE`, `BROKER_DENIED`, `BROKER_OFFLINE`, `TOO_MANY_MESSAGES` (what was
   * sent before waits for the broker, `maxQueuedBytes` of it), `BUS_CLOSED`.
   */
  send(message: UnacknowledgedMessage): Result<undefined, BusError>;

  /**
   * Resolves when the broker granted the subscription. Messages may come before. A filter may be subscribed to many
   * times and filters may overlap: over MQTT 5 each handler gets each message once. Before MQTT 5 the copies that a
   * broker may send for overlapping filters cannot be told apart, so each handler gets all of them; that holds for
   * `$share/…` beside a filter that overlaps it, too.
   *
   * @param topicFilter - may begin with `$share/{ShareName}/`
   * @param onMessage - is called on the turn in which the message came; what it throws is logged. A promise that it
   *   returns holds the acknowledgement of the message back, and of those that come after it, until it is settled
   * @throws {BusError} `TOPIC_INVALID`, `BROKER_DENIED`, `BROKER_OFFLINE`, `BROKER_TIMEOUT`, `BUS_CLOSED`; or the
   *   reason of the signal
   */
  subscribe(
    topicFilter: string,
    options: SubscribeOptions,
    onMessage: (message: BusMessage) => unknown,
  ): Promise<Subscription>;

  /** Tells of the connection, until the returned function is called. */
  watch(listener: (event: BusEvent) => void): () => void;

  /** Ends the connection in order. What waits, or waits for an acknowledgement, is rejected with `BUS_CLOSED`. */
  close(): Promise<void>;
};
