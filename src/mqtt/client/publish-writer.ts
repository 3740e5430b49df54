import type { ConnackProperties } from '../codec/connack.ts';
import { MAX_PACKET_BYTES, type ProtocolVersion, type QoS } from '../codec/control-packet.ts';
import { MqttError } from '../codec/errors.ts';
import { NO_PROPERTIES } from '../codec/property.ts';
import { encodePublish, type PublishProperties } from '../codec/publish.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { OutboundTopicAliases } from '../topics/topic-alias.ts';
import { MqttClientError } from './client-error.ts';
import type { ClientOutbox } from './client-outbox.ts';
import { deniedError } from './connection-errors.ts';
import type { OutgoingMessage } from './message.ts';

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Encodes the messages of one connection, within what its server takes. */
export class PublishWriter {
  /** Messages at QoS 1 and 2 without an acknowledgement that the server takes. */
  readonly receiveMaximum: number;
  readonly #outbox: ClientOutbox;
  readonly #version: ProtocolVersion;
  readonly #label: string;
  readonly #maximumQos: QoS;
  readonly #isRetainAvailable: boolean;
  readonly #maxPacketBytes: number;
  readonly #aliases: OutboundTopicAliases<string> | undefined;
  /** One for all messages: nothing is made for a message that only passes. */
  readonly #packet = {
    type: 'publish' as const,
    dup: false,
    qos: 0 as QoS,
    retain: false,
    topicName: '',
    packetId: 0,
    properties: NO_PROPERTIES as PublishProperties,
    payload: NO_BYTES,
  };

  /** @param said - what the server said in CONNACK about what it takes */
  constructor(
    outbox: ClientOutbox,
    version: ProtocolVersion,
    said: ConnackProperties,
    options: { readonly maxTopicAliases: number; readonly label: string },
  ) {
    this.#outbox = outbox;
    this.#version = version;
    this.#label = options.label;
    this.receiveMaximum = said.receiveMaximum ?? 65_535;
    this.#maximumQos = (said.maximumQos ?? 2) as QoS;
    this.#isRetainAvailable = said.retainAvailable ?? true;
    this.#maxPacketBytes = said.maximumPacketSize ?? MAX_PACKET_BYTES;
    const aliases = Math.min(options.maxTopicAliases, said.topicAliasMaximum ?? 0); // [MQTT-3.2.2-18]
    this.#aliases = aliases > 0 ? new OutboundTopicAliases(aliases) : undefined;
  }

  /**
   * @param packetId - 0 at QoS 0
   * @returns why it cannot be sent; then nothing is
   */
  write(message: OutgoingMessage, packetId: number, dup: boolean): MqttClientError | undefined {
    const { topicName, payload, qos = 0, retain = false, properties = NO_PROPERTIES } = message;
    if (qos > this.#maximumQos) return this.#denied(topicName, ReasonCode.QOS_NOT_SUPPORTED); // [MQTT-3.2.2-11]
    if (retain && !this.#isRetainAvailable) {
      return this.#denied(topicName, ReasonCode.RETAIN_NOT_SUPPORTED); // [MQTT-3.2.2-14]
    }
    const packet = this.#packet;
    packet.dup = dup;
    packet.qos = qos;
    packet.retain = retain;
    packet.topicName = topicName;
    packet.packetId = packetId;
    packet.properties = properties;
    packet.payload = payload;
    const failure = this.#aliases === undefined ? this.#encode(payload) : this.#encodeAliased(this.#aliases);
    packet.payload = NO_BYTES;
    if (failure === undefined) this.#outbox.written();
    return failure;
  }

  #encodeAliased(aliases: OutboundTopicAliases<string>): MqttClientError | undefined {
    const packet = this.#packet;
    const { topicName, properties, payload } = packet;
    const known = aliases.find(topicName);
    const topicAlias = known === 0 ? aliases.assign(topicName) : known;
    if (known !== 0) packet.topicName = '';
    packet.properties = { ...properties, topicAlias };
    const failure = this.#encode(payload);
    // The server never saw what a new alias was to stand for.
    if (failure !== undefined && known === 0) aliases.forget(topicAlias);
    return failure;
  }

  #encode(payload: Uint8Array): MqttClientError | undefined {
    const { writer } = this.#outbox;
    const before = writer.length;
    try {
      encodePublish(writer, this.#packet, this.#version);
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      if (error.code === 'MQTT_PACKET_TOO_LARGE') return this.#tooLarge(payload);
      return new MqttClientError('TOPIC_INVALID', `the message cannot be sent: ${error.message}`, {
        cause: error,
      });
    }
    if (writer.length - before <= this.#maxPacketBytes) return undefined;
    writer.truncate(before);
    return this.#tooLarge(payload); // [MQTT-3.2.2-15]
  }

  #tooLarge({ length }: Uint8Array): MqttClientError {
    return new MqttClientError(
      'PACKET_TOO_LARGE',
      `a message of ${length} bytes is too large for the MQTT broker at ${this.#label}, ` +
        `which takes packets of at most ${this.#maxPacketBytes} bytes`,
    );
  }

  #denied(topicName: string, reasonCode: ReasonCode): MqttClientError {
    const what = `a message on ${topicName}`;
    return deniedError({ label: this.#label, packet: 'PUBLISH', what, reasonCode });
  }
}
