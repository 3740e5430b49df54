import type { InteropBroker } from './interop-broker.ts';
import type { ProtocolVersion, QoS } from '../../../src/mqtt/codec/control-packet.ts';

export type ReceivedMessage = {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
};

export type WillOptions = { readonly topic: string; readonly payload: string; readonly qos: QoS };

export type ListenOptions = {
  readonly version: ProtocolVersion;
  readonly clientId: string;
  readonly topicFilter: string;
  readonly qos?: QoS;
  /** Its session stays when it goes; false by default. */
  readonly isDurable?: boolean;
  readonly will?: WillOptions;
};

export type PublishOptions = {
  readonly version: ProtocolVersion;
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos?: QoS;
  readonly retain?: boolean;
};

/** A client program that has subscribed. */
export type InteropListener = {
  /** What came to it so far. */
  readonly messages: readonly ReceivedMessage[];
  /** Says goodbye. */
  leave(): Promise<void>;
  /** Is gone without a word. */
  breakOff(): Promise<void>;
};

/** A client that others wrote, made to do what the tests of this folder ask of all of them. */
export type InteropDriver = {
  readonly name: string;
  /** Why it cannot run here. */
  readonly skip: string | false;
  /** Over MQTT 5.0 it asks for its Will when it leaves (0x04), and stays away when another takes its id. */
  readonly usesReasonCodes: boolean;
  /** Connects and subscribes; comes back again when its connection is lost. */
  listen(broker: InteropBroker, options: ListenOptions): Promise<InteropListener>;
  /** Connects, publishes, and goes when the message is acknowledged. */
  publish(broker: InteropBroker, options: PublishOptions): Promise<void>;
  /** Publishes one message for each line over one connection. */
  publishLines(
    broker: InteropBroker,
    options: Omit<PublishOptions, 'payload'>,
    lines: readonly string[],
  ): Promise<void>;
};
