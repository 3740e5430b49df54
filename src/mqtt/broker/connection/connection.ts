import { WheelTimer } from '../../../base/timer-wheel.ts';
import type { WillMessage } from '../../codec/connect.ts';
import { MAX_PACKET_BYTES, type ProtocolVersion } from '../../codec/control-packet.ts';
import type { ControlPacket } from '../../codec/decode-packet.ts';
import type { Framer } from '../../codec/framer.ts';
import { ReasonCode } from '../../codec/reason-code.ts';
import type { Session } from '../../session/session.ts';
import type { InboundTopicAliases, OutboundTopicAliases } from '../../topics/topic-alias.ts';
import type { TopicEntry } from '../../topics/topic-table.ts';
import type { Transport, TransportReceiver } from '../../transport/transport.ts';
import type { Acceptor } from '../acceptor.ts';
import type { Authentication } from '../authentication.ts';
import { dispatch } from '../dispatch.ts';
import type { Engine } from '../engine.ts';
import type { ClientInfo } from '../hooks.ts';
import { sendQueued } from '../send-queued.ts';
import { encodeWithin } from './encode-within.ts';
import { end, endForFault } from './end-connection.ts';
import { Inbox, InboxState, type InboxOwner } from './inbox.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';

export const ConnectionState = {
  /** CONNECT has not come. */
  NEW: 0,
  /** CONNECT has come, and is being decided. */
  CONNECTING: 1,
  CONNECTED: 2,
  /** Over for the broker; the transport may still be sending the last bytes. */
  CLOSED: 3,
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** A topic that an alias stands for, with the bytes to send it on. */
export type AliasedTopic = { readonly entry: TopicEntry<Session>; readonly bytes: Buffer };

/**
 * One network connection: who is at its other end, and what was negotiated when it connected. What arrives is its
 * inbox's, what is to be sent its outbox's; what outlives it is in its session.
 */
export class Connection implements TransportReceiver, InboxOwner, OutboxOwner {
  readonly engine: Engine;
  readonly acceptor: Acceptor;
  readonly transport: Transport;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  state: ConnectionState = ConnectionState.NEW;
  version: ProtocolVersion = 4;
  session: Session | undefined = undefined;
  client: ClientInfo | undefined = undefined;
  /** The largest packet that the client takes. */
  maximumPacketSize = MAX_PACKET_BYTES;
  /** QoS 1 and 2 messages that may be on their way at a time: the client's Receive Maximum, or less. */
  sendQuota = 0;
  /** QoS 2 messages of an earlier connection that are not released: the Receive Maximum counts anew (section 4.9). */
  receivedBefore = 0;
  /** Messages of an earlier connection that were sent again and are not acknowledged. */
  resentCount = 0;
  /** Whether acknowledgements may say in words why something was refused [MQTT-3.1.2-29]. */
  wantsProblemInformation = true;
  inboundAliases: InboundTopicAliases<AliasedTopic> | undefined = undefined;
  outboundAliases: OutboundTopicAliases<string> | undefined = undefined;
  willMessage: WillMessage | undefined = undefined;
  /** While an exchange of enhanced authentication goes on. */
  authentication: Authentication | undefined = undefined;
  authenticationMethod: string | undefined = undefined;
  /** Of the CONNECT: a DISCONNECT may change it only when it is not 0. */
  requestedSessionExpiry = 0;

  /** One and a half times the Keep Alive [MQTT-3.1.2-22]; 0 when there is none. */
  keepAliveMs = 0;
  lastPacketMs: number;
  readonly timer = new WheelTimer(() => this.#onTimer());

  constructor(engine: Engine, acceptor: Acceptor, transport: Transport) {
    this.engine = engine;
    this.acceptor = acceptor;
    this.transport = transport;
    this.inbox = new Inbox(this, transport, engine, acceptor.options.maxConnectBytes);
    this.outbox = new Outbox(this, transport, acceptor.outboxRules);
    this.lastPacketMs = engine.clock.monotonic();
    engine.wheel.set(this.timer, this.lastPacketMs + acceptor.options.connectTimeoutMs);
  }

  onBytes(bytes: Buffer): void {
    if (this.state === ConnectionState.CLOSED) return;
    this.engine.stats.bytesReceived += bytes.length;
    this.lastPacketMs = this.engine.clock.monotonic();
    this.inbox.push(bytes);
  }

  onDrained(): void {
    this.outbox.drained();
  }

  onClosed(error: Error | undefined): void {
    this.acceptor.forget(this);
    end(this, 'lost', { reason: error?.message });
    this.outbox.discard();
  }

  onPacket(framer: Framer): void {
    dispatch(this, framer);
  }

  onFault(error: unknown): void {
    endForFault(this, error);
  }

  get isOverfull(): boolean {
    return this.outbox.isOverfull;
  }

  flushLater(): void {
    this.engine.flushLater(this);
  }

  onOverfull(): void {
    if (this.inbox.fill()) this.engine.stats.readsPaused++;
  }

  onRoom(): void {
    this.inbox.roomLeft();
    if (this.session !== undefined) sendQueued(this.engine, this.session);
  }

  /** Reads on after `inbox.decide`. */
  goOn(): void {
    if (this.inbox.state !== InboxState.DECIDING) return;
    // What the client sent meanwhile was not read: its silence is counted from here.
    this.lastPacketMs = this.engine.clock.monotonic();
    this.inbox.decided();
  }

  /** Sends any packet that is not a PUBLISH. Reason strings are left out where they would make it too large. */
  send(packet: ControlPacket): void {
    if (encodeWithin(this.outbox.writer(), packet, this.version, this.maximumPacketSize))
      this.outbox.written();
    else this.#giveUp(packet);
  }

  /** [MQTT-3.1.2-24]: where the client waits for an answer that it does not take, it would wait for ever. */
  #giveUp({ type }: ControlPacket): void {
    if (type === 'connack' || type === 'disconnect') return; // the connection is about to end
    const reason = `the ${type.toUpperCase()} is larger than Maximum Packet Size`;
    end(this, 'refused', { reasonCode: ReasonCode.PACKET_TOO_LARGE, reason });
  }

  /** Nothing came in time: no CONNECT that was accepted, or no packet within the Keep Alive. */
  #onTimer(): void {
    const { engine } = this;
    if (this.state !== ConnectionState.CONNECTED) {
      end(this, 'connect-timeout');
      return;
    }
    const nowMs = engine.clock.monotonic();
    // While a hook decides nothing is read, so the client cannot be heard.
    const isHeard = this.inbox.state !== InboxState.DECIDING;
    const dueMs = (isHeard ? this.lastPacketMs : nowMs) + this.keepAliveMs;
    if (nowMs < dueMs) engine.wheel.set(this.timer, dueMs);
    else end(this, 'keep-alive-timeout'); // [MQTT-3.1.2-22]
  }
}
