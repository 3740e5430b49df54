import { WheelTimer } from '../../base/timer-wheel.ts';
import type { ProtocolVersion } from '../codec/control-packet.ts';
import { MAX_PACKET_BYTES } from '../codec/control-packet.ts';
import type { WillMessage } from '../codec/connect.ts';
import type { ControlPacket } from '../codec/decode-packet.ts';
import { Framer } from '../codec/framer.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import type { PacketWriter } from '../codec/writer.ts';
import type { Session } from '../session/session.ts';
import type { InboundTopicAliases, OutboundTopicAliases } from '../topics/topic-alias.ts';
import type { TopicEntry } from '../topics/topic-table.ts';
import { Written, type Transport, type TransportReceiver } from '../transport/transport.ts';
import type { Acceptor } from './acceptor.ts';
import type { Authentication } from './authentication.ts';
import { closeConnection, closeForError, closeForTime, dropConnection } from './close-connection.ts';
import { dispatch } from './dispatch.ts';
import { encodeWithin } from './encode-within.ts';
import type { Engine } from './engine.ts';
import type { ClientInfo } from './hooks.ts';
import { sendQueued } from './send-queued.ts';

/** A turn that collects more for one connection sends it before it ends. */
const FLUSH_BYTES = 65_536;
/** Acknowledgements beyond `maxOutboxBytes` that a client does not read: then it is not read any more either. */
const PAUSE_MARGIN_BYTES = 65_536;

export const ConnectionState = {
  /** CONNECT has not come, or is being decided. */
  CONNECTING: 0,
  CONNECTED: 1,
  /** Over for the broker; the transport may still be sending the last bytes. */
  CLOSED: 2,
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** A topic that an alias stands for, with the bytes to send it on. */
export type AliasedTopic = { readonly entry: TopicEntry<Session>; readonly bytes: Buffer };

/**
 * One network connection: cuts what arrives into packets, and collects what is to be sent until the turn ends.
 * What a client asked for when it connected is here; what outlives the connection is in its session.
 */
export class Connection implements TransportReceiver {
  readonly engine: Engine;
  readonly acceptor: Acceptor;
  readonly transport: Transport;
  readonly framer: Framer;
  state: ConnectionState = ConnectionState.CONNECTING;
  /** Its CONNECT has come and is being decided, or was. */
  hasConnect = false;
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

  /** Nothing more should be given: the client does not read, or the store has not written. */
  isBlocked = false;
  /** Waits for a commit. */
  isHeld = false;
  heldForEpoch = 0;
  #out: PacketWriter | undefined = undefined;
  #chunks: Buffer[] | undefined = undefined;
  #chunkBytes = 0;
  /** How many of the chunks wait for the commit that is being done; the others wait for a later one. */
  #sealedChunks = 0;
  /** How many of the chunks may go although the connection waits. */
  #freeChunks = 0;
  /** It was ended while it waited. */
  #isEnding = false;
  #isTransportBlocked = false;
  #isHalted = false;
  /** Has given more to do than one turn has time for: its next packets come in the next turn. */
  #isPutOff = false;
  #isPaused = false;
  #isDirty = false;
  /** What is collected before it is sent, or looked at. */
  readonly #flushBytes: number;

  constructor(engine: Engine, acceptor: Acceptor, transport: Transport) {
    this.engine = engine;
    this.acceptor = acceptor;
    this.transport = transport;
    this.framer = new Framer(acceptor.options.maxConnectBytes);
    this.#flushBytes = Math.min(FLUSH_BYTES, acceptor.options.maxOutboxBytes);
    this.lastPacketMs = engine.clock.monotonic();
    engine.wheel.set(this.timer, this.lastPacketMs + acceptor.options.connectTimeoutMs);
  }

  /** Bytes that wait here, and not yet in the transport. */
  get pendingBytes(): number {
    return this.#chunkBytes + (this.#out === undefined ? 0 : this.#out.length);
  }

  /** Waits for a decision, and reads nothing. */
  get isHalted(): boolean {
    return this.#isHalted;
  }

  onBytes(bytes: Buffer): void {
    if (this.state === ConnectionState.CLOSED) return;
    this.engine.stats.bytesReceived += bytes.length;
    this.lastPacketMs = this.engine.clock.monotonic();
    this.framer.push(bytes, 0, bytes.length);
    if (this.#isHalted || this.#isPutOff) this.framer.hold();
    else this.#readPackets();
  }

  onDrained(): void {
    if (this.state === ConnectionState.CLOSED) return;
    this.#isTransportBlocked = false;
    this.#unblock();
  }

  onClosed(error: Error | undefined): void {
    this.acceptor.forget(this);
    dropConnection(this, error);
    this.discard();
  }

  /** Stops reading packets until `goOn`: something has to be decided first. */
  halt(): void {
    this.#isHalted = true;
    this.#pauseTransport();
  }

  goOn(): void {
    if (!this.#isHalted || this.state === ConnectionState.CLOSED) return;
    this.#isHalted = false;
    // What the client sent meanwhile was not read: its silence is counted from here.
    this.lastPacketMs = this.engine.clock.monotonic();
    this.#readPackets();
    this.#readOn();
  }

  /** In the turn after the one that had no time for more. */
  takeTurn(): void {
    this.#isPutOff = false;
    if (this.state === ConnectionState.CLOSED || this.#isHalted) return;
    this.#readPackets();
    this.#readOn();
  }

  /** Where to encode a packet that is to be sent. Call `written` afterwards. */
  writer(): PacketWriter {
    return this.#out ?? this.#open();
  }

  /** After something was encoded into `writer`. */
  written(): void {
    if (this.#out !== undefined && this.#out.length >= this.#flushBytes) this.#overflow();
  }

  /** Sends a packet that is encoded; index of its first byte in the writer's buffer, to patch it in this turn. */
  append(source: Uint8Array, start: number, end: number): Buffer {
    const writer = this.#out ?? this.#open();
    this.appendedAt = writer.appendPackets(source, start, end);
    return writer.buffer;
  }

  /** Where `append` put its packet. */
  appendedAt = 0;

  /** Sends a large packet without copying it: nobody may write to `shared` any more. */
  appendShared(head: Uint8Array, headEnd: number, shared: Buffer): void {
    if (this.state === ConnectionState.CLOSED) return;
    const writer = this.#out ?? this.#open();
    if (headEnd > 0) writer.appendPackets(head, 0, headEnd);
    if (writer.length > 0) this.#pushChunk(writer.detach());
    this.#pushChunk(shared);
    if (this.#chunkBytes >= this.#flushBytes) this.#overflow();
  }

  /** Sends any packet that is not a PUBLISH. Reason strings are left out where they would make it too large. */
  send(packet: ControlPacket): void {
    if (encodeWithin(this.writer(), packet, this.version, this.maximumPacketSize)) this.written();
    else this.#giveUp(packet);
  }

  /** [MQTT-3.1.2-24]: where the client waits for an answer that it does not take, it would wait for ever. */
  #giveUp({ type }: ControlPacket): void {
    if (type === 'connack' || type === 'disconnect') return; // the connection is about to end
    const reason = `the ${type.toUpperCase()} is larger than Maximum Packet Size`;
    closeConnection(this, ReasonCode.PACKET_TOO_LARGE, reason);
  }

  /** At the end of a turn. */
  endTurn(): void {
    this.#isDirty = false;
    this.#flush();
  }

  /** A commit begins: what was collected until now waits for it, and for none that comes after it. */
  seal(): void {
    this.#closeOut();
    this.#sealedChunks = this.#chunks?.length ?? 0;
  }

  /** A commit that this connection waited for is done. It may wait for the next one already, with what came since. */
  release(epoch: number): void {
    if (this.heldForEpoch === epoch) this.isHeld = false;
    else this.#freeChunks = this.#sealedChunks;
    this.#sealedChunks = 0;
    if (this.state !== ConnectionState.CLOSED) this.#unblock();
    else if (this.#isEnding && !this.isHeld) this.end();
  }

  /** Ends the connection at once, as if it had broken. */
  abort(error: Error): void {
    dropConnection(this, error);
    this.discard();
    this.transport.destroy();
  }

  /** Gives everything to the transport and has it close, when nothing waits any more. Nothing is sent after this. */
  end(): void {
    this.#isEnding = this.isHeld;
    this.#closeOut();
    if (this.isHeld) return;
    for (const chunk of this.#chunks ?? []) this.transport.write(chunk);
    this.discard();
    this.transport.end(this.engine.options.lingerMs);
  }

  #readPackets(): void {
    const { engine } = this;
    try {
      while (this.framer.next()) {
        dispatch(this, this.framer);
        if (this.state === ConnectionState.CLOSED) return;
        if (this.#isHalted) {
          this.framer.hold();
          return;
        }
        if (++engine.work >= engine.workLimit) {
          this.#putOff();
          return;
        }
      }
    } catch (error) {
      closeForError(this, error);
    }
  }

  #open(): PacketWriter {
    if (this.state === ConnectionState.CLOSED) return this.engine.writers.nowhere;
    this.#out = this.engine.writers.take();
    if (!this.#isDirty) {
      this.#isDirty = true;
      this.engine.flushLater(this);
    }
    return this.#out;
  }

  /** A lot has been collected: sends it, and sees whether it must wait. */
  #overflow(): void {
    this.#flush();
    if (this.isHeld && this.pendingBytes >= this.acceptor.options.maxOutboxBytes) this.isBlocked = true;
    if (this.#isFull) {
      if (!this.#isPaused) this.engine.stats.readsPaused++;
      this.#pauseTransport();
    }
  }

  /** So much waits that the client is not read any more, until some of it has gone. */
  get #isFull(): boolean {
    return this.pendingBytes >= this.acceptor.options.maxOutboxBytes + PAUSE_MARGIN_BYTES;
  }

  #unblock(): void {
    if (this.#isTransportBlocked) return;
    this.isBlocked = false;
    this.#flush();
    if (this.isHeld && this.pendingBytes >= this.acceptor.options.maxOutboxBytes) this.isBlocked = true;
    if (this.isBlocked) return;
    this.#readOn();
    if (this.session !== undefined) sendQueued(this.engine, this.session);
  }

  #flush(): void {
    if (this.#isTransportBlocked) return;
    if (this.isHeld) {
      if (this.#freeChunks > 0) this.#flushChunks(this.#freeChunks);
      return;
    }
    if (this.#chunks !== undefined && !this.#flushChunks(this.#chunks.length)) return;
    const out = this.#out;
    if (out === undefined) return;
    const { length } = out;
    if (length > 0) {
      const written = this.transport.write(out.bytes());
      this.engine.stats.bytesSent += length;
      if (written === Written.TAKEN) out.reset();
      else {
        out.detach();
        if (written === Written.BLOCKED) this.#block();
      }
    }
    this.engine.writers.give(out);
    this.#out = undefined;
  }

  /** False when the transport wants no more. */
  #flushChunks(count: number): boolean {
    const chunks = this.#chunks!;
    let sent = 0;
    while (sent < count && !this.#isTransportBlocked) {
      const chunk = chunks[sent++]!;
      this.#chunkBytes -= chunk.length;
      this.engine.stats.bytesSent += chunk.length;
      if (this.transport.write(chunk) === Written.BLOCKED) this.#block();
    }
    if (sent === chunks.length) this.#chunks = undefined;
    else chunks.splice(0, sent);
    this.#freeChunks = Math.max(0, this.#freeChunks - sent);
    this.#sealedChunks = Math.max(0, this.#sealedChunks - sent);
    return !this.#isTransportBlocked;
  }

  #block(): void {
    this.#isTransportBlocked = true;
    this.isBlocked = true;
  }

  #closeOut(): void {
    const out = this.#out;
    if (out === undefined) return;
    if (out.length > 0) this.#pushChunk(out.detach());
    this.engine.writers.give(out);
    this.#out = undefined;
  }

  #pushChunk(chunk: Buffer): void {
    (this.#chunks ??= []).push(chunk);
    this.#chunkBytes += chunk.length;
  }

  /** Throws away what was not sent. */
  discard(): void {
    if (this.#out !== undefined) this.engine.writers.give(this.#out);
    this.#out = undefined;
    this.#chunks = undefined;
    this.#chunkBytes = 0;
    this.#freeChunks = 0;
    this.#sealedChunks = 0;
    this.#isEnding = false;
  }

  #putOff(): void {
    this.#isPutOff = true;
    this.framer.hold();
    this.#pauseTransport();
    this.engine.readLater(this);
  }

  #readOn(): void {
    if (!this.#isHalted && !this.#isPutOff && !this.#isFull) this.#resumeTransport();
  }

  #pauseTransport(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.transport.pause();
  }

  #resumeTransport(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.transport.resume();
  }

  #onTimer(): void {
    closeForTime(this);
  }
}
