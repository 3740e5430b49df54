import type { AcknowledgementType } from '../codec/acknowledgement.ts';
import type { ConnackPacket } from '../codec/connack.ts';
import type { ReasonCode } from '../codec/reason-code.ts';
import type { PacketIdSet } from '../session/packet-id-set.ts';
import type { MqttClientError } from './client-error.ts';
import type { ReceivedMessage } from './message.ts';

/** What a connection calls when something happens to it. */
export type ConnectionOwner = {
  /** Messages at QoS 2 that came and were not released. */
  readonly received: PacketIdSet;
  onConnected(connack: ConnackPacket): void;
  /** A promise, which does not reject, holds its acknowledgement back. */
  onMessage(message: ReceivedMessage): Promise<unknown> | undefined;
  onAcknowledged(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode): void;
  /** SUBACK or UNSUBACK; before MQTT 5 the latter says nothing. */
  onAnswered(packetId: number, reasonCode: ReasonCode): void;
  /** More may be sent. */
  onRoom(): void;
  /** Once, when the connection is gone, or did not come to be. */
  onEnded(error: MqttClientError): void;
};
