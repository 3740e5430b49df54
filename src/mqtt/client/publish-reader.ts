import type { PooledBlock } from '../../base/blocks.ts';
import type { ProtocolVersion } from '../codec/control-packet.ts';
import { malformed, MqttError, protocolError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { NO_PROPERTIES, SUBSCRIPTION_IDENTIFIER } from '../codec/property.ts';
import { readPropertiesToEnd } from '../codec/read-properties.ts';
import { PacketReader } from '../codec/reader.ts';
import { PublishFields, scanPublish } from '../codec/scan-publish.ts';
import { InboundTopicAliases } from '../topics/topic-alias.ts';
import type { MqttClientLimits } from './client-options.ts';
import type { MessageProperties, ReceivedMessage } from './message.ts';

const TOPIC_SLOTS = 256;
/** Longer topics repeat less. */
const MAX_KEPT_TOPIC_BYTES = 256;
const NO_IDENTIFIERS: readonly number[] = [];

type Properties = Pick<ReceivedMessage, 'properties' | 'subscriptionIdentifiers'>;

/** Reads the messages of one connection. Topics come again and again, and are made into text once. */
export class PublishReader {
  readonly #version: ProtocolVersion;
  readonly #aliases: InboundTopicAliases<string>;
  readonly #maxPropertiesBytes: number;
  readonly #fields = new PublishFields();
  readonly #reader = new PacketReader();
  /** By hash; topics that share a slot push each other out. */
  readonly #topics: string[] = Array.from({ length: TOPIC_SLOTS }, () => '');
  /** Lists of the one identifier that most messages come with. */
  readonly #lists = new Map<number, Properties>();

  constructor(version: ProtocolVersion, limits: MqttClientLimits) {
    this.#version = version;
    this.#aliases = new InboundTopicAliases(limits.maxTopicAliases);
    this.#maxPropertiesBytes = limits.maxControlPacketBytes;
  }

  /** @throws {MqttError} */
  read({ bytes, bodyStart, bodyEnd, firstByte, block }: Framer): ReceivedMessage {
    const fields = this.#fields;
    const flags = firstByte & 0x0f;
    scanPublish(bytes, bodyStart, bodyEnd, flags, this.#version, fields, this.#maxPropertiesBytes);
    const { qos, retain, dup, packetId, topicAlias, payloadStart, payloadEnd } = fields;
    const topicName = this.#topicName(bytes);
    const { properties, subscriptionIdentifiers } = this.#properties(bytes);
    const payload = bytes.subarray(payloadStart, payloadEnd);
    const kept: PooledBlock | undefined = block;
    return {
      topicName,
      payload,
      qos,
      retain,
      dup,
      packetId,
      properties,
      subscriptionIdentifiers,
      topicAlias,
      block: kept,
    };
  }

  #topicName(bytes: Buffer): string {
    const { topicStart, topicEnd, topicAlias } = this.#fields;
    const aliases = this.#aliases;
    if (topicStart === topicEnd) {
      const topicName = aliases.get(topicAlias);
      if (topicName === undefined) throw protocolError(`Topic Alias ${topicAlias} stands for nothing`);
      return topicName;
    }
    const topicName = this.#topicText(bytes, topicStart, topicEnd);
    if (topicAlias !== 0 && !aliases.set(topicAlias, topicName))
      throw new MqttError('MQTT_TOPIC_ALIAS_INVALID', `Topic Alias ${topicAlias} was not allowed`); // [MQTT-3.1.2-26]
    return topicName;
  }

  #topicText(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > MAX_KEPT_TOPIC_BYTES) return this.#decodeTopic(bytes, start, end);
    let hash = length;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    const slot = (hash ^ (hash >>> 15)) & (TOPIC_SLOTS - 1);
    const kept = this.#topics[slot]!;
    return isWritten(kept, bytes, start, length)
      ? kept
      : (this.#topics[slot] = this.#decodeTopic(bytes, start, end));
  }

  #decodeTopic(bytes: Buffer, start: number, end: number): string {
    const topicName = this.#reader.over(bytes, start - 2, end).readUtf8String('Topic Name');
    // [MQTT-3.3.2-2]
    if (topicName.includes('#') || topicName.includes('+')) throw malformed('Topic Name contains a wildcard');
    return topicName;
  }

  #properties(bytes: Buffer): Properties {
    const { propertiesStart, propertiesEnd, hasSubscriptionIdentifier } = this.#fields;
    if (propertiesStart === propertiesEnd) return NOTHING;
    const reader = this.#reader.over(bytes, propertiesStart, propertiesEnd);
    if (hasSubscriptionIdentifier && bytes[propertiesStart] === SUBSCRIPTION_IDENTIFIER) {
      reader.position++;
      const identifier = reader.readVariableByteInteger('Subscription Identifier');
      if (reader.remainingBytes === 0) return this.#listOf(identifier);
      reader.position = propertiesStart;
    }
    const {
      topicAlias: _,
      subscriptionIdentifiers = NO_IDENTIFIERS,
      ...properties
    } = readPropertiesToEnd(reader, 'PUBLISH');
    return { properties, subscriptionIdentifiers };
  }

  #listOf(identifier: number): Properties {
    const known = this.#lists.get(identifier);
    if (known !== undefined) return known;
    const made = { properties: NO_PROPERTIES as MessageProperties, subscriptionIdentifiers: [identifier] };
    if (this.#lists.size < TOPIC_SLOTS) this.#lists.set(identifier, made);
    return made;
  }
}

const NOTHING: Properties = { properties: NO_PROPERTIES, subscriptionIdentifiers: NO_IDENTIFIERS };

/** Whether `text` is what stands there. Only ASCII can be: other characters take more bytes than one. */
function isWritten(text: string, bytes: Buffer, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
