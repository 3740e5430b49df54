import type { QoS } from '../codec/control-packet.ts';
import type { StoredMessage } from './stored-message.ts';

/** The Shared Subscription that a message came by. */
type QueuedFor = { readonly shareName: string; readonly topicFilter: string; readonly size: number };

/** A message as it goes to one client: waiting in its session, or in flight. */
export class QueuedMessage {
  readonly message: StoredMessage;
  /** Granted, and not more than the message's own. */
  readonly qos: QoS;
  /** The RETAIN flag that it is sent with. */
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
  /** Rises within a session: the order in which messages are sent, and sent again. */
  readonly sequence: number;
  /** The Shared Subscription that it was chosen by; another member gets it when this session ends (section 4.8.2). */
  group: QueuedFor | undefined;
  /** 0 until it was sent. */
  packetId = 0;
  isReleased = false;
  /** Called when it was sent for the first time. */
  onSent: ((packetId: number) => void) | undefined = undefined;
  /** Sent again over the present connection. */
  wasResent = false;

  constructor(
    message: StoredMessage,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
    sequence: number,
    group: QueuedFor | undefined,
  ) {
    this.message = message;
    this.qos = qos;
    this.retain = retain;
    this.subscriptionIdentifiers = subscriptionIdentifiers;
    this.sequence = sequence;
    this.group = group;
  }
}
