import type { PooledBlock } from '../../base/blocks.ts';
import type { QoS } from '../codec/control-packet.ts';
import type { PublishProperties } from '../codec/publish.ts';

/** What a message may carry beside its payload (MQTT 5.0 section 3.3.2.3). Before MQTT 5 it does not travel. */
export type MessageProperties = Pick<
  PublishProperties,
  | 'payloadFormatIndicator'
  | 'messageExpiryInterval'
  | 'contentType'
  | 'responseTopic'
  | 'correlationData'
  | 'userProperties'
>;

/** A message to publish. */
export type OutgoingMessage = {
  readonly topicName: string;
  readonly payload: Uint8Array;
  /** 0 when absent. */
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly properties?: MessageProperties;
};

/** A message to send at QoS 0, which nobody answers. */
export type UnacknowledgedMessage = Omit<OutgoingMessage, 'qos'> & { readonly qos?: 0 };

/** What the broker said about a message that it took. */
export type PublishReceipt = {
  /**
   * At QoS 1 and 2 over MQTT 5: false when the broker said that nobody subscribes (0x10 No matching subscribers), true
   * when it did not say so. Undefined where it cannot tell: before MQTT 5, and at QoS 0.
   */
  readonly matched: boolean | undefined;
};

/** How long to wait for the broker, connecting again included. */
export type Patience = {
  /** Default: the `timeoutMs` of the client or the bus. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

/** Names and values that MQTT 5 gives no meaning. */
export type UserProperties = NonNullable<MessageProperties['userProperties']>;

export type UnsubscribeOptions = Patience & {
  /** MQTT 5: what UNSUBSCRIBE says besides. */
  readonly userProperties?: UserProperties;
};

/** A message that came to a client. */
export type ReceivedMessage = {
  readonly topicName: string;
  /** Borrowed: valid during the call, or as long as `block` is held. */
  readonly payload: Buffer;
  readonly qos: QoS;
  /** It was kept by the broker and comes because of a new subscription. */
  readonly retain: boolean;
  /** The broker has sent it before, and does not know whether it arrived. */
  readonly dup: boolean;
  /** 1 to 65,535; 0 at QoS 0. */
  readonly packetId: number;
  readonly properties: MessageProperties;
  /** Those of the subscriptions that it comes for, where they have any. */
  readonly subscriptionIdentifiers: readonly number[];
  /** The Topic Alias that it came with; 0 without. */
  readonly topicAlias: number;
  /** That a large payload lies in: who holds it keeps the payload without a copy, and releases it. */
  readonly block: PooledBlock | undefined;
};
