import type { WheelTimer } from '../../base/timer-wheel.ts';
import type { QoS } from '../codec/control-packet.ts';
import type { Inflight } from './inflight.ts';
import type { MessageQueue } from './message-queue.ts';
import type { PacketIdSet } from './packet-id-set.ts';
import { Quota } from './quota.ts';
import type { KeptWill } from './session-store.ts';

/** What a session asks of the connection of its client. */
export type Receiver = {
  /** Whether more should be given; what is not waits in the session. */
  readonly takesMore: boolean;
};

/** A Will that waits for its delay, or for the end of its session (section 3.1.3.2.2). */
type PendingWill = KeptWill & { readonly dueMs: number };

const SessionState = {
  /** Its client is not connected, or it has none but this program. */
  AWAY: 0,
  CONNECTED: 1,
  /** Nobody comes back to it. A connection that it had may still be closing. */
  ENDED: 2,
} as const;
type SessionState = (typeof SessionState)[keyof typeof SessionState];

/**
 * The state of a client, with or without its connection (section 4.1). What most sessions never need is made when it
 * is first needed: an idle one is little more than this object.
 */
export class Session<Connection extends Receiver> {
  readonly clientId: string;
  /** Its place among all sessions of its broker: greater than those of all before it. */
  number = 0;
  readonly quota = new Quota();
  #state: SessionState = SessionState.AWAY;
  /** Set by `connect` and `disconnect` alone; a plain field, for each delivery reads it. */
  connection: Connection | undefined = undefined;
  /** Seconds that it outlives its connection; 0xFFFFFFFF is for ever. */
  expiryInterval = 0;
  subscriptionCount = 0;
  /** What was sent and not acknowledged. */
  inflight: Inflight | undefined = undefined;
  /** What waits to be sent. */
  queue: MessageQueue | undefined = undefined;
  /** QoS 2 messages that came in and were not released. */
  received: PacketIdSet | undefined = undefined;
  will: PendingWill | undefined = undefined;
  /** Set while the client is away: for its Will, then for its end. */
  timer: WheelTimer | undefined = undefined;
  /** Wall-clock ms; undefined while its client is connected. */
  disconnectedAtMs: number | undefined = undefined;
  /** Monotonic ms; infinite when it never ends. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  nextSequence = 1;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  get hasEnded(): boolean {
    return this.#state === SessionState.ENDED;
  }

  /** Whether it goes on without its connection, so that what was sent must be kept until it is acknowledged. */
  get outlivesConnection(): boolean {
    return this.expiryInterval > 0;
  }

  /** Whether the next message could go to the client at once, and would overtake none. */
  get isIdle(): boolean {
    const { queue } = this;
    return this.connection?.takesMore === true && (queue === undefined || queue.count === 0);
  }

  /** The client has come. @throws when it is connected, or the session has ended */
  connect(connection: Connection): void {
    if (this.#state !== SessionState.AWAY) throw new Error(`a session in state ${this.#state} was connected`);
    this.#state = SessionState.CONNECTED;
    this.connection = connection;
  }

  /** The client has gone; one that has ended does not come back by it. */
  disconnect(): void {
    if (this.#state === SessionState.CONNECTED) this.#state = SessionState.AWAY;
    this.connection = undefined;
  }

  /** False when it had ended already. */
  end(): boolean {
    if (this.#state === SessionState.ENDED) return false;
    this.#state = SessionState.ENDED;
    return true;
  }

  /** Whether a message of this QoS could go to the client at once. */
  canSend(qos: QoS): boolean {
    return this.isIdle && (qos === 0 || this.quota.maySend(this.inflight));
  }
}
