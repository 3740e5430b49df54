import type { Place } from '../../../base/connection-places.ts';
import { CONNECTION_BYTES, costOf, KeptKind } from '../../../base/kept-kinds.ts';
import type { Holder, Holding } from '../../../base/holding.ts';
import type { Party } from '../../../base/ledger.ts';
import { WheelTimer } from '../../../base/timer-wheel.ts';
import { MAX_PACKET_BYTES, type ProtocolVersion } from '../../codec/control-packet.ts';
import type { ControlPacket } from '../../codec/decode-packet.ts';
import type { Framer } from '../../codec/framer.ts';
import { ReasonCode } from '../../codec/reason-code.ts';
import type { PacketWriter } from '../../codec/writer.ts';
import type { KeptWill } from '../../session/session-store.ts';
import type { ClientSession, SessionConnection } from '../client-session.ts';
import type { InboundTopicAliases, OutboundTopicAliases } from '../../topics/topic-alias.ts';
import type { TopicEntry } from '../../topics/topic-table.ts';
import type { Transport, TransportReceiver } from '../../transport/transport.ts';
import type { CompiledHooks } from '../compiled-hooks.ts';
import type { Engine } from '../engine.ts';
import type { ClientInfo } from '../hooks.ts';
import type { ConnectionOptions } from '../options.ts';
import { encodeWithin } from './encode-within.ts';
import type { EndCause, EndDetail } from './end-causes.ts';
import { Inbox, InboxState, type InboxOwner } from './inbox.ts';
import { Outbox, type OutboxOwner, type OutboxRules } from './outbox.ts';

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
export type AliasedTopic = { readonly entry: TopicEntry<ClientSession>; readonly bytes: Buffer };

/** The rules of the listener that a connection came through. */
export type ListenerRules = {
  readonly name: string;
  readonly options: ConnectionOptions;
  readonly hooks: CompiledHooks;
  readonly outboxRules: OutboxRules;
};

/** What a connection calls when something happens to it. */
export type ConnectionHandlers = {
  onPacket(connection: Connection, framer: Framer): void;
  /** A packet could not be handled, or the stream cannot be cut into packets. */
  onFault(connection: Connection, error: unknown): void;
  /** The client takes more again. */
  onRoom(connection: Connection): void;
  /** It is to end, or has ended. */
  onEnd(connection: Connection, cause: EndCause, detail: EndDetail): void;
  /** The transport has closed. */
  onClosed(connection: Connection): void;
};

/** An exchange of enhanced authentication that goes on (section 4.12). */
type OngoingAuthentication = {
  next(data: Uint8Array | undefined): void;
  /** The connection is over: what is still being decided no longer matters. */
  abandon(): void;
};

/**
 * One network connection: who is at its other end, and what was negotiated when it connected. What arrives is its
 * inbox's, what is to be sent its outbox's; what outlives it is in its session.
 */
export class Connection implements TransportReceiver, InboxOwner, OutboxOwner, SessionConnection, Holder {
  readonly engine: Engine;
  readonly acceptor: ListenerRules;
  readonly transport: Transport;
  /** Its address: for what is kept before it is known who it is. */
  readonly party: Party;
  /** At its listener. */
  place: Place<Connection> | undefined = undefined;
  #isBooked = true;
  readonly #holding: Holding;
  /** With the party of its session, while it has a Will. */
  #willHolding: Holding | undefined = undefined;
  #connectBytes = 0;
  #heldBytes = 0;
  #aliasCost = 0;
  #aliasCount = 0;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  state: ConnectionState = ConnectionState.NEW;
  version: ProtocolVersion = 4;
  session: ClientSession | undefined = undefined;
  client: ClientInfo | undefined = undefined;
  /** Another broker: what it sent does not go back to it, and RETAIN goes to it as it was published. */
  isBroker = false;
  /** The largest packet that the client takes. */
  maximumPacketSize = MAX_PACKET_BYTES;
  /** Whether acknowledgements may say in words why something was refused [MQTT-3.1.2-29]. */
  wantsProblemInformation = true;
  inboundAliases: InboundTopicAliases<AliasedTopic> | undefined = undefined;
  outboundAliases: OutboundTopicAliases<string> | undefined = undefined;
  /** As it came with the CONNECT, until it is published or given up. */
  will: KeptWill | undefined = undefined;
  /** While an exchange of enhanced authentication goes on. */
  authentication: OngoingAuthentication | undefined = undefined;
  authenticationMethod: string | undefined = undefined;
  /** Of the CONNECT: a DISCONNECT may change it only when it is not 0. */
  requestedSessionExpiry = 0;

  /** One and a half times the Keep Alive [MQTT-3.1.2-22]; 0 when there is none. */
  keepAliveMs = 0;
  lastPacketMs: number;
  readonly #handlers: ConnectionHandlers;
  readonly timer = new WheelTimer(() => this.#onTimer());

  constructor(
    engine: Engine,
    acceptor: ListenerRules,
    transport: Transport,
    parts: { readonly handlers: ConnectionHandlers; readonly party: Party },
  ) {
    this.engine = engine;
    this.acceptor = acceptor;
    this.transport = transport;
    this.#handlers = parts.handlers;
    this.party = parts.party;
    this.#holding = parts.party.hold(this);
    this.inbox = new Inbox(this, transport, engine, acceptor.options.maxConnectBytes);
    this.outbox = new Outbox(this, transport, acceptor.outboxRules);
    this.lastPacketMs = engine.clock.monotonic();
    engine.wheel.set(this.timer, this.lastPacketMs + acceptor.options.connectTimeoutMs);
  }

  /** Whether it has not said, or not proven, who it is. */
  get isSilent(): boolean {
    return this.state < ConnectionState.CONNECTED;
  }

  /** Ends, because others need the room that its address has taken, where that gives back something of the kind. */
  yieldRoom(kind?: KeptKind): void {
    if (kind !== undefined && !this.#holds(kind)) return;
    const isUnread = this.outbox.isBooked;
    const reason = 'others need the room that was taken';
    this.end('refused', { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason });
    if (isUnread) this.#dropUnread();
    this.releaseBooking();
  }

  /** Who does not read is not told: what waits would go on to be kept for it. */
  #dropUnread(): void {
    this.outbox.discard();
    this.transport.destroy();
  }

  /** It is closed, or as good as that: gives back what it was booked with when it was accepted. */
  releaseBooking(): void {
    if (!this.#isBooked) return;
    this.#isBooked = false;
    this.#holding.leave();
    this.#willHolding?.leave();
    this.releaseConnect();
    this.#bookHeld(0);
    this.party.change(KeptKind.TOPIC_ALIAS, -this.#aliasCost, -this.#aliasCount);
    this.party.release(KeptKind.CONNECTION, CONNECTION_BYTES);
    this.party.close();
  }

  /** Its Will is booked to whoever it has proven to be. */
  holdWillFor(party: Party): void {
    if (this.will !== undefined && party !== this.party) this.#willHolding = party.hold(this);
  }

  #holds(kind: KeptKind): boolean {
    if (kind === KeptKind.PARTIAL) return this.#heldBytes > 0;
    if (kind === KeptKind.TOPIC_ALIAS) return this.#aliasCost > 0;
    if (kind === KeptKind.CONNECT) return this.#connectBytes > 0;
    if (kind === KeptKind.WILL) return this.will !== undefined;
    if (kind === KeptKind.OUTBOX) return this.outbox.isBooked;
    return kind === KeptKind.CONNECTION && this.#isBooked;
  }

  /** Whether there is room for what it needs to go on; what makes room may close it as well. */
  #findsRoom(kind: KeptKind, bytes: number): boolean {
    return this.party.makeRoomFor(kind, bytes) && this.#isBooked;
  }

  /** Books its CONNECT until it is decided; false when too much is being decided already. */
  bookConnect(packetBytes: number): boolean {
    const cost = costOf(KeptKind.CONNECT, packetBytes);
    if (!this.#findsRoom(KeptKind.CONNECT, cost)) return false;
    this.party.charge(KeptKind.CONNECT, cost);
    this.#connectBytes = cost;
    return true;
  }

  releaseConnect(): void {
    this.party.rebook(KeptKind.CONNECT, this.#connectBytes, 0);
    this.#connectBytes = 0;
  }

  /**
   * Books a topic of so many bytes that an alias stands for in place of another; false when there is no room. For one
   * that the client gives others may be closed: it could not go on.
   */
  bookAlias(topicBytes: number | undefined, before: number | undefined, isGivenByClient = false): boolean {
    const costBefore = before === undefined ? 0 : costOf(KeptKind.TOPIC_ALIAS, before);
    const cost = (topicBytes === undefined ? 0 : costOf(KeptKind.TOPIC_ALIAS, topicBytes)) - costBefore;
    if (cost > 0 && isGivenByClient && !this.#findsRoom(KeptKind.TOPIC_ALIAS, cost)) return false;
    if (cost > 0 && !isGivenByClient && !this.party.hasRoomFor(KeptKind.TOPIC_ALIAS, cost)) return false;
    const count = (topicBytes === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    this.party.change(KeptKind.TOPIC_ALIAS, cost, count);
    this.#aliasCost += cost;
    this.#aliasCount += count;
    return true;
  }

  onHeld(bytes: number): void {
    if (bytes > this.#heldBytes && !this.#findsRoom(KeptKind.PARTIAL, bytes - this.#heldBytes)) {
      const reason = 'the server keeps as much of packets that are not whole as it may';
      this.end('refused', { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason });
    } else if (this.#isBooked) this.#bookHeld(bytes);
  }

  #bookHeld(bytes: number): void {
    this.party.rebook(KeptKind.PARTIAL, this.#heldBytes, bytes);
    this.#heldBytes = bytes;
  }

  onBytes(bytes: Buffer, length: number): void {
    if (this.state === ConnectionState.CLOSED) return;
    this.engine.stats.bytesReceived += length;
    this.lastPacketMs = this.engine.clock.monotonic();
    this.inbox.push(bytes, length);
  }

  room(): Buffer | undefined {
    return this.inbox.room();
  }

  onKept(): void {
    this.outbox.kept();
  }

  onDrained(): void {
    this.outbox.drained();
  }

  onClosed(error: Error | undefined): void {
    this.#handlers.onClosed(this);
    this.end('lost', { reason: error?.message });
    this.inbox.release();
    this.outbox.discard();
  }

  onPacket(framer: Framer): void {
    this.#handlers.onPacket(this, framer);
  }

  onFault(error: unknown): void {
    this.#handlers.onFault(this, error);
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
    this.#handlers.onRoom(this);
  }

  /** Ends the connection, and tells the client why where it can be told. */
  end(cause: EndCause, detail: EndDetail = {}): void {
    this.#handlers.onEnd(this, cause, detail);
  }

  /** One that fails must not keep the others from being flushed: they would never be again. */
  endTurn(): void {
    try {
      this.outbox.endTurn();
    } catch (error) {
      this.end('unwritable', { error });
    }
  }

  get isConnected(): boolean {
    return this.state === ConnectionState.CONNECTED;
  }

  get takesMore(): boolean {
    return this.outbox.takesMore;
  }

  waitFor(epoch: number): boolean {
    return this.outbox.waitFor(epoch);
  }

  seal(): void {
    this.outbox.seal();
  }

  release(epoch: number): void {
    this.outbox.release(epoch);
  }

  storeFailed(): void {
    this.end('store-failed');
  }

  pause(): boolean {
    if (this.inbox.state !== InboxState.READING) return false;
    this.inbox.decide();
    return true;
  }

  /** Reads on after `inbox.decide`, or `pause`. */
  goOn(): void {
    if (this.inbox.state !== InboxState.DECIDING) return;
    // What the client sent meanwhile was not read: its silence is counted from here.
    this.lastPacketMs = this.engine.clock.monotonic();
    this.inbox.decided();
  }

  /**
   * Sends any packet that is not a PUBLISH. Reason strings are left out where they would make it too large.
   *
   * @param writer - of the outbox: `answers` for an acknowledgement
   */
  send(packet: ControlPacket, writer: PacketWriter = this.outbox.writer()): void {
    if (!encodeWithin(writer, packet, this.version, this.maximumPacketSize)) return this.#giveUp(packet);
    this.engine.stats.othersSent++;
    this.outbox.written();
  }

  /** [MQTT-3.1.2-24]: where the client waits for an answer that it does not take, it would wait for ever. */
  #giveUp({ type }: ControlPacket): void {
    if (type === 'connack' || type === 'disconnect') return; // the connection is about to end
    const reason = `the ${type.toUpperCase()} is larger than Maximum Packet Size`;
    this.end('refused', { reasonCode: ReasonCode.PACKET_TOO_LARGE, reason });
  }

  /** Nothing came in time: no CONNECT that was accepted, or no packet within the Keep Alive. */
  #onTimer(): void {
    const { engine } = this;
    if (this.state !== ConnectionState.CONNECTED) {
      this.end('connect-timeout');
      return;
    }
    const nowMs = engine.clock.monotonic();
    // While a hook decides nothing is read, so the client cannot be heard.
    const isHeard = this.inbox.state !== InboxState.DECIDING;
    const dueMs = (isHeard ? this.lastPacketMs : nowMs) + this.keepAliveMs;
    if (nowMs < dueMs) engine.wheel.set(this.timer, dueMs);
    else this.end('keep-alive-timeout'); // [MQTT-3.1.2-22]
  }
}
