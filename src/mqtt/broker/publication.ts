import type { PooledBlock, BlockPool } from '../../base/blocks.ts';
import { MAX_VARIABLE_BYTE_INTEGER, type ProtocolVersion, type QoS } from '../codec/control-packet.ts';
import { ForwardOptions, forwardPublish } from '../codec/forward-publish.ts';
import type { Framer } from '../codec/framer.ts';
import { expectQos } from '../codec/publish-flags.ts';
import { encodePublishHead, type PublishProperties } from '../codec/publish.ts';
import { readPropertiesToEnd } from '../codec/read-properties.ts';
import { PacketReader } from '../codec/reader.ts';
import { PublishFields } from '../codec/scan-publish.ts';
import { packetTooLarge, PacketWriter } from '../codec/writer.ts';
import type { ClientSession, OnAcknowledged } from './client-session.ts';
import {
  LARGE_PAYLOAD_BYTES,
  secondsLeft,
  storeMessage,
  type StoredMessage,
} from '../session/stored-message.ts';
import type { Route } from '../topics/route.ts';
import type { SharedGroup } from '../topics/shared-group.ts';
import type { TopicEntry } from '../topics/topic-table.ts';
import { Slice } from '../transport/slice.ts';
import type { ApplicationMessage, ClientInfo } from './hooks.ts';

const EMPTY = Buffer.alloc(0);
const VARIANTS = 12;
const NO_SLICE = -1;
const FIRST_BODY_BYTES = 4096;
/** Of a PUBLISH besides Topic Name, properties and payload: the lengths of the first two, and the Packet Identifier. */
const LENGTHS_BYTES = 8;

/** A message that does not come in a packet: of the embedding program, of the server, or a Will. */
export type ServerMessage = {
  readonly topicName: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: PublishProperties;
};

/** Encoded packets of one message: which one is a number from 0 to 11. */
export function variantOf(isVersion5: boolean, qos: QoS, retain: boolean): number {
  return (isVersion5 ? 6 : 0) + (retain ? 3 : 0) + qos;
}

/**
 * A message on its way through the broker, and the packets that were made of it: each variant of version, QoS and
 * RETAIN is encoded once, however many subscribers it goes to, and not at all where the packet that came in is
 * what goes out. One object is made once and filled for message after message; hooks see it as `ApplicationMessage`.
 */
export class Publication implements ApplicationMessage {
  bytes: Buffer = EMPTY;
  packetStart = 0;
  packetEnd = 0;
  /** Where the payload lies: in `bytes`; or elsewhere, when it is large and did not come in a packet. */
  payloadBytes: Buffer = EMPTY;
  readonly fields = new PublishFields();
  entry: TopicEntry<ClientSession> | undefined = undefined;
  /** Who published it, or whose Will it is. */
  from: ClientInfo | undefined = undefined;
  /** For a message of this program, which wants to know who has it. */
  onAcknowledged: OnAcknowledged | undefined = undefined;
  /** Something of it, or of what this program published for it, was noted in the store: its sender waits for that. */
  isNoted = false;
  /** Where it goes back to its sender, who is to have its PUBREC first. */
  readonly own: { readonly route: Route; readonly group: SharedGroup<ClientSession> | undefined }[] = [];
  topicName = '';
  /** Where the bytes of the Topic Name are: in `bytes`, or kept from the packet that gave the alias. */
  topicBytes: Buffer = EMPTY;
  topicStart = 0;
  topicEnd = 0;
  /** Seconds to send instead of the interval that came in; -1 leaves it. */
  #expiryLeft = -1;
  #stored: StoredMessage | undefined = undefined;
  #properties: PublishProperties | undefined = undefined;

  /** The variant that is the incoming packet itself. */
  #sliceVariant = NO_SLICE;
  #serial = 0;
  readonly #serials = new Int32Array(VARIANTS);
  readonly #starts = new Int32Array(VARIANTS);
  readonly #ends = new Int32Array(VARIANTS);
  readonly #packetIdAt = new Int32Array(VARIANTS);
  /** Where the packet that came in lies, when it can be held on to there. */
  #block: PooledBlock | undefined = undefined;
  /** Where a large payload was copied to: it lay where the next bytes will, or is this program's. */
  #copy: PooledBlock | undefined = undefined;
  readonly #blocks: BlockPool;
  readonly #scratch = new PacketWriter(4096);
  /** Topic Name, properties and small payload of a message of this side. */
  readonly #head = new PacketWriter();
  readonly #options = new ForwardOptions();
  #body = Buffer.allocUnsafeSlow(FIRST_BODY_BYTES);

  constructor(blocks: BlockPool) {
    this.#blocks = blocks;
  }

  /**
   * Takes a PUBLISH that `scanPublish` has read into `fields`.
   *
   * @param aliasedTopic - of its Topic Alias when it has no Topic Name of its own; undefined when it has
   */
  takePacket(
    { bytes, packetStart, bodyEnd, block }: Framer,
    version: ProtocolVersion,
    entry: TopicEntry<ClientSession>,
    aliasedTopic: Buffer | undefined,
  ): void {
    const { fields } = this;
    this.#begin(bytes, packetStart, bodyEnd, entry.topicName);
    this.entry = entry;
    if (aliasedTopic !== undefined) {
      this.topicBytes = aliasedTopic;
      this.topicStart = 0;
      this.topicEnd = aliasedTopic.length;
    }
    this.#block = block;
    this.#sliceVariant =
      fields.topicAliasAt < 0 ? variantOf(version === 5, fields.qos, fields.retain) : NO_SLICE;
  }

  /**
   * Takes a message of this side, as if a client had sent it. Its `entry` is not set.
   *
   * Its payload must not change before `end`; a large one is copied, once, where somebody needs it longer.
   * @throws {MqttError} `MQTT_NOT_ENCODABLE`, `MQTT_PACKET_TOO_LARGE` when a client could not send it
   */
  takeMessage({ topicName, payload, qos, retain, properties }: ServerMessage): void {
    expectQos(qos);
    const { fields } = this;
    const head = this.#head;
    head.reset();
    encodePublishHead(head, topicName, properties, fields);
    const headBytes = head.position;
    if (payload.length + headBytes + LENGTHS_BYTES > MAX_VARIABLE_BYTE_INTEGER) throw packetTooLarge();
    const isLarge = payload.length >= LARGE_PAYLOAD_BYTES;
    if (!isLarge) head.writeBytes(payload);
    fields.qos = qos;
    fields.dup = false;
    fields.retain = retain;
    fields.packetId = 0;
    fields.payloadStart = isLarge ? 0 : headBytes;
    fields.payloadEnd = fields.payloadStart + payload.length;
    this.#begin(head.buffer, 0, headBytes + payload.length, topicName);
    if (isLarge) this.payloadBytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  }

  /** Takes a message that was kept. Its `entry` is not set: it goes to subscribers that are known already. */
  takeStored(message: StoredMessage, nowMs: number): void {
    const { body, topicEnd, propertiesEnd, largePayload } = message;
    const bytes = this.#bodyOf(body);
    const { fields } = this;
    fields.qos = message.qos;
    fields.dup = false;
    fields.retain = message.retain;
    fields.packetId = 0;
    fields.topicStart = 0;
    fields.topicEnd = topicEnd;
    fields.propertiesStart = topicEnd;
    fields.propertiesEnd = propertiesEnd;
    fields.payloadStart = largePayload === undefined ? propertiesEnd : 0;
    fields.payloadEnd = largePayload === undefined ? body.length : largePayload.length;
    fields.forgetProperties();
    fields.messageExpiryAt = message.messageExpiryAt;
    fields.messageExpiryInterval = secondsLeft(message, nowMs);
    this.#begin(bytes, 0, body.length + (largePayload?.length ?? 0), message.topicName);
    if (largePayload !== undefined) this.payloadBytes = largePayload;
    this.#expiryLeft = fields.messageExpiryInterval;
    this.#stored = message;
  }

  get qos(): QoS {
    return this.fields.qos;
  }

  get retain(): boolean {
    return this.fields.retain;
  }

  /** What it is sent with by this route. */
  qosBy({ qos }: Route): QoS {
    return qos < this.fields.qos ? qos : this.fields.qos;
  }

  retainBy({ retainAsPublished }: Route): boolean {
    return retainAsPublished && this.fields.retain;
  }

  get payload(): Uint8Array {
    return this.payloadBytes.subarray(this.fields.payloadStart, this.fields.payloadEnd);
  }

  get properties(): PublishProperties {
    if (this.#properties === undefined) {
      const { propertiesStart, propertiesEnd } = this.fields;
      this.#properties = readPublishProperties(this.bytes, propertiesStart, propertiesEnd, this.#expiryLeft);
    }
    return this.#properties;
  }

  get payloadLength(): number {
    return this.fields.payloadEnd - this.fields.payloadStart;
  }

  /** The message as it is kept: made at most once, and shared by all who keep it. */
  stored(nowMs: number): StoredMessage {
    this.#stored ??= storeMessage(this, nowMs);
    return this.#stored;
  }

  /** Makes a variant, unless it is made. Then `sourceOf`, `startOf`, `endOf`, `packetIdAtOf` say where it is. */
  prepare(variant: number, version: ProtocolVersion, qos: QoS, retain: boolean): void {
    if (this.#serials[variant] === this.#serial) return;
    this.#serials[variant] = this.#serial;
    if (variant === this.#sliceVariant) {
      this.#starts[variant] = this.packetStart;
      this.#ends[variant] = this.packetEnd;
      this.#packetIdAt[variant] = qos === 0 ? -1 : this.fields.topicEnd - this.packetStart;
      return;
    }
    const scratch = this.#scratch;
    const start = scratch.length;
    const packetIdAt = this.encode(scratch, this.optionsFor(version, qos, retain, 1));
    this.#starts[variant] = start;
    this.#ends[variant] = scratch.length;
    this.#packetIdAt[variant] = packetIdAt < 0 ? -1 : packetIdAt - start;
  }

  sourceOf(variant: number): Buffer {
    return variant === this.#sliceVariant ? this.bytes : this.#scratch.buffer;
  }

  startOf(variant: number): number {
    return this.#starts[variant]!;
  }

  endOf(variant: number): number {
    return this.#ends[variant]!;
  }

  /** From the packet's first byte; -1 at QoS 0. */
  packetIdAtOf(variant: number): number {
    return this.#packetIdAt[variant]!;
  }

  /** That the payload lies in, when it stays there for who holds it. */
  get block(): PooledBlock | undefined {
    return this.#copy ?? this.#block;
  }

  /** Whether the payload is sent from where it lies: see `payloadSlice`. */
  get isLarge(): boolean {
    // A store may keep a smaller one as bytes too.
    return this.payloadBytes !== this.bytes || this.payloadLength >= LARGE_PAYLOAD_BYTES;
  }

  /** The block that the packet lies in, when it may leave as it came in; undefined when it must be encoded. */
  asItCame(isVersion5: boolean, qos: QoS, retain: boolean): PooledBlock | undefined {
    return qos === 0 && variantOf(isVersion5, qos, retain) === this.#sliceVariant ? this.#block : undefined;
  }

  /** A large payload where it stays for who holds the block: where it lies, or a copy that is made once. */
  payloadSlice(): Slice {
    if (this.block === undefined) {
      const kept = this.#stored?.largePayload;
      if (kept !== undefined) return new Slice(kept, 0, kept.length, undefined);
      this.#copyPayload();
    }
    const { payloadStart, payloadEnd } = this.fields;
    return new Slice(this.payloadBytes, payloadStart, payloadEnd, this.block);
  }

  #copyPayload(): void {
    const { fields, payloadLength } = this;
    this.#copy = this.#blocks.take(payloadLength);
    this.payloadBytes.copy(this.#copy.buffer, 0, fields.payloadStart, fields.payloadEnd);
    this.payloadBytes = this.#copy.buffer;
    fields.payloadStart = 0;
    fields.payloadEnd = payloadLength;
  }

  /** Nobody looks at it any more. */
  end(): void {
    this.#copy?.release();
    this.#copy = undefined;
    this.#block = undefined;
    this.from = undefined;
    this.onAcknowledged = undefined;
    this.isNoted = false;
    if (this.own.length > 0) this.own.length = 0;
  }

  /**
   * How the message is to be encoded, without aliases and identifiers until they are set. Valid until the next call.
   *
   * @param packetId - any that is valid, where it is patched in afterwards
   */
  optionsFor(version: ProtocolVersion, qos: QoS, retain: boolean, packetId: number): ForwardOptions {
    const options = this.#options;
    options.version = version;
    options.qos = qos;
    options.dup = false;
    options.retain = retain;
    options.packetId = packetId;
    options.messageExpiryInterval = this.#expiryLeft;
    options.topicAlias = 0;
    options.omitTopicName = false;
    options.subscriptionIdentifiers = undefined;
    options.omitPayload = false;
    return options;
  }

  /**
   * Encodes the message for one receiver.
   *
   * @returns index of the Packet Identifier in the writer, for `patchPacketId`; -1 at QoS 0
   */
  encode(writer: PacketWriter, options: ForwardOptions): number {
    const topic = this.topicBytes.subarray(this.topicStart, this.topicEnd);
    return forwardPublish(writer, this.bytes, this.fields, topic, options);
  }

  /** Begins anew with what lies where `fields` say. */
  #begin(bytes: Buffer, start: number, end: number, topicName: string): void {
    this.bytes = bytes;
    this.packetStart = start;
    this.packetEnd = end;
    this.payloadBytes = bytes;
    this.entry = undefined;
    this.topicName = topicName;
    this.topicBytes = bytes;
    this.topicStart = this.fields.topicStart;
    this.topicEnd = this.fields.topicEnd;
    this.#expiryLeft = -1;
    this.#stored = undefined;
    this.#properties = undefined;
    this.#sliceVariant = NO_SLICE;
    this.#serial = (this.#serial + 1) | 0;
    if (this.#serial === 0) this.#forgetSerials();
    if (this.#scratch.length > 0) this.#scratch.reset();
    this.end();
  }

  /** Once in four thousand million messages the numbers begin anew, and the old ones must not be met again. */
  #forgetSerials(): void {
    this.#serials.fill(0);
    this.#serial = 1;
  }

  #bodyOf(body: string): Buffer {
    const { length } = body;
    if (this.#body.length < length)
      this.#body = Buffer.allocUnsafeSlow(Math.max(length, this.#body.length * 2));
    this.#body.write(body, 0, length, 'latin1');
    return this.#body;
  }
}

/** Reads the properties of a PUBLISH as they lie in it, without their length. */
function readPublishProperties(
  bytes: Buffer,
  start: number,
  end: number,
  expiryLeft: number,
): PublishProperties {
  const reader = new PacketReader().over(bytes, start, end);
  const { topicAlias: _, ...properties } = readPropertiesToEnd(reader, 'PUBLISH');
  return expiryLeft < 0 ? properties : { ...properties, messageExpiryInterval: expiryLeft };
}
