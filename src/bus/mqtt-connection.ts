import type { Socket } from 'node:net';
import { connect, Store, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt';
import type { ProtocolVersion, QoS } from '../mqtt/codec/control-packet.ts';
import { ReasonCode } from '../mqtt/codec/reason-code.ts';
import { BusError } from './bus-error.ts';
import type { BrokerAddress } from './broker-address.ts';
import type { BusMessage, OutgoingMessage, PublishReceipt } from './bus.ts';
import type { BusSettings } from './bus-options.ts';
import {
  deniedError,
  lostError,
  refusedError,
  unreachableError,
  unusableError,
} from './connection-errors.ts';
import { asBuffer, mqttClientOptions } from './mqtt-client-options.ts';
import { fromMqttProperties, toMqttProperties } from './mqtt-properties.ts';
import type { Sender } from './bus-outbox.ts';

/** What the server said in CONNACK about what it takes. */
type ServerLimits = {
  readonly receiveMaximum: number;
  readonly maximumQos: QoS;
  readonly isRetainAvailable: boolean;
  readonly maxPacketBytes: number;
  readonly hasSubscriptionIdentifiers: boolean;
};

type ConnectionOptions = {
  readonly address: BrokerAddress;
  readonly protocolVersion: ProtocolVersion;
  readonly settings: BusSettings;
  /** Messages at QoS 2 that are half received; a continued session needs them on its next connection. */
  readonly incomingStore: Store;
  readonly onMessage: (message: BusMessage, subscriptionIdentifiers: readonly number[]) => void;
  readonly onDrain: () => void;
  /** Gives up connecting. */
  readonly signal: AbortSignal;
};

/** Packets of MQTT.js, as far as they are read here, of any kind. */
type AnyPacket = {
  readonly cmd: string;
  readonly messageId?: number;
  readonly reasonCode?: number;
  readonly properties?: { readonly reasonString?: string };
};

/** A fixed header, the length of the Topic Name, and a Packet Identifier. */
const PUBLISH_OVERHEAD_BYTES = 9;
const SUCCESSFUL = 0x80;

export function createIncomingStore(): Store {
  // MQTT.js empties a store that is "clean" when its client ends, which is at every loss.
  return new Store({ clean: false });
}

/**
 * One network connection to a broker, over MQTT.js. It never connects again by itself, keeps nothing while it is away,
 * and does not subscribe anew: `ClientBus` does these, in an order that MQTT.js does not have.
 */
export class MqttConnection implements Sender {
  readonly protocolVersion: ProtocolVersion;
  readonly isSessionPresent: boolean;
  readonly limits: ServerLimits;
  /** Settles when the connection is gone, with the reason. */
  readonly ended: Promise<BusError>;
  readonly #client: MqttClient;
  readonly #label: string;
  /** Reason Codes of PUBACK and PUBREC, by Packet Identifier: MQTT.js hands on only those of failures. */
  readonly #publishCodes: Map<number, number>;

  constructor(
    client: MqttClient,
    connack: IConnackPacket,
    parts: {
      address: BrokerAddress;
      protocolVersion: ProtocolVersion;
      ended: Promise<BusError>;
      publishCodes: Map<number, number>;
    },
  ) {
    this.#client = client;
    this.#label = parts.address.label;
    this.#publishCodes = parts.publishCodes;
    this.protocolVersion = parts.protocolVersion;
    this.isSessionPresent = connack.sessionPresent;
    this.ended = parts.ended;
    this.limits = readLimits(connack, parts.protocolVersion);
  }

  get receiveMaximum(): number {
    return this.limits.receiveMaximum;
  }

  get bufferedBytes(): number {
    return this.#client.stream.writableLength;
  }

  get isBlocked(): boolean {
    return this.#client.stream.writableNeedDrain;
  }

  findFault({ topicName, payload, qos = 0, retain = false }: OutgoingMessage): BusError | undefined {
    const { maximumQos, isRetainAvailable, maxPacketBytes } = this.limits;
    const bytes = payload.length + Buffer.byteLength(topicName) + PUBLISH_OVERHEAD_BYTES;
    if (bytes > maxPacketBytes) {
      return new BusError(
        'PACKET_TOO_LARGE',
        `a message of ${payload.length} bytes is too large for the MQTT broker at ${this.#label}, ` +
          `which takes packets of at most ${maxPacketBytes} bytes`,
      );
    }
    const where = { label: this.#label, packet: 'PUBLISH', what: `a message on ${topicName}` } as const;
    if (qos > maximumQos) return deniedError({ ...where, reasonCode: ReasonCode.QOS_NOT_SUPPORTED });
    if (retain && !isRetainAvailable)
      return deniedError({ ...where, reasonCode: ReasonCode.RETAIN_NOT_SUPPORTED });
    return undefined;
  }

  publish(message: OutgoingMessage): Promise<PublishReceipt> {
    const { topicName, payload, qos = 0, retain = false, properties } = message;
    const options = {
      qos,
      retain,
      ...(this.protocolVersion === 5 &&
        properties !== undefined && { properties: toMqttProperties(properties) }),
    };
    return new Promise((resolve, reject) => {
      this.#client.publish(topicName, asBuffer(payload), options, (error, packet) => {
        const code = this.#publishCodes.get(packet?.messageId ?? 0);
        this.#publishCodes.delete(packet?.messageId ?? 0);
        if (error === undefined || error === null) {
          resolve({ matched: this.#readMatched(qos, code) });
          return;
        }
        const reasonCode = reasonCodeOf(error);
        // Without a code it is the end of the connection, which `ended` tells.
        if (reasonCode === undefined) return;
        reject(
          deniedError({
            label: this.#label,
            packet: 'PUBACK',
            what: `a message on ${topicName}`,
            reasonCode,
          }),
        );
      });
    });
  }

  /**
   * @param identifier - Subscription Identifier; not sent to a server that has none
   * @returns the granted QoS
   * @throws {BusError} `BROKER_DENIED`, `BROKER_LOST`
   */
  subscribe(topicFilter: string, qos: QoS, identifier: number): Promise<QoS> {
    const hasIdentifier = this.protocolVersion === 5 && this.limits.hasSubscriptionIdentifiers;
    const options = { qos, ...(hasIdentifier && { properties: { subscriptionIdentifier: identifier } }) };
    if (!this.#client.connected) return Promise.reject(lostError(this.#label, undefined));
    return new Promise((resolve, reject) => {
      this.#client.subscribe(topicFilter, options, (error, _granted, suback) => {
        const code = suback?.granted[0];
        if (typeof code !== 'number') {
          reject(lostError(this.#label, error?.message));
        } else if (code >= SUCCESSFUL) {
          const reasonCode = code;
          reject(
            deniedError({
              label: this.#label,
              packet: 'SUBACK',
              what: `a subscription to ${topicFilter}`,
              reasonCode,
            }),
          );
        } else {
          resolve(code as QoS);
        }
      });
    });
  }

  /** @returns false when the connection ended before the broker answered */
  unsubscribe(topicFilter: string): Promise<boolean> {
    if (!this.#client.connected) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#client.unsubscribe(topicFilter, (error) => resolve(error === undefined || error === null));
    });
  }

  /** Says goodbye, and cuts the connection when the broker does not end it within `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    // MQTT.js would wait for acknowledgements that nobody needs any more.
    for (const packetId of Object.keys(this.#client.outgoing))
      this.#client.removeOutgoingMessage(Number(packetId));
    const guard = setTimeout(() => this.#client.stream.destroy(), timeoutMs);
    this.#client.end(false);
    await this.ended;
    clearTimeout(guard);
  }

  #readMatched(qos: QoS, code: number | undefined): boolean | undefined {
    if (qos === 0 || this.protocolVersion < 5) return undefined;
    return code !== ReasonCode.NO_MATCHING_SUBSCRIBERS;
  }
}

/**
 * Connects, once.
 *
 * @throws {BusError} `BROKER_UNREACHABLE`, `BROKER_REFUSED` (with the code of CONNACK); or the reason of the signal
 */
export function openMqttConnection(options: ConnectionOptions): Promise<MqttConnection> {
  const { address, protocolVersion, settings, signal } = options;
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  let client: MqttClient;
  try {
    client = connect(mqttClientOptions(options));
  } catch (error) {
    return Promise.reject(unusableError(address, error as Error));
  }
  const publishCodes = new Map<number, number>();
  let problem: Error | undefined;
  let refusal: AnyPacket | undefined;

  client.on('packetreceive', (any) => {
    const packet = any as AnyPacket;
    if (packet.cmd === 'connack') refusal = packet;
    if (packet.cmd === 'puback' || packet.cmd === 'pubrec')
      publishCodes.set(packet.messageId ?? 0, packet.reasonCode ?? 0);
  });
  client.on('message', (_topic, payload, packet) =>
    options.onMessage(toBusMessage(payload, packet), identifiersOf(packet)),
  );
  client.stream.on('drain', options.onDrain);
  // MQTT.js leaves small packets to Nagle's algorithm, which holds a request for 40 ms. `ws` does this by itself.
  (client.stream as Partial<Socket>).setNoDelay?.(true);
  const ended = new Promise<BusError>((resolve) => {
    client.on(
      'disconnect',
      (packet) => (problem ??= lostError(address.label, undefined, packet.reasonCode ?? 0)),
    );
    client.on('error', (error) => {
      problem ??= error;
      // After an error in what came, MQTT.js reads no further but stays.
      client.end(true);
    });
    client.once('close', () =>
      resolve(problem instanceof BusError ? problem : lostError(address.label, problem?.message)),
    );
  });

  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      problem ??= signal.reason as Error;
      client.end(true);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    client.once('connect', (connack) => {
      signal.removeEventListener('abort', giveUp);
      resolve(new MqttConnection(client, connack, { address, protocolVersion, ended, publishCodes }));
    });
    void ended.then(() => {
      signal.removeEventListener('abort', giveUp);
      const code = problem === undefined ? undefined : reasonCodeOf(problem);
      if (signal.aborted) reject(signal.reason as Error);
      else if (code === undefined) reject(unreachableError(address, problem, settings.connectTimeoutMs));
      else reject(refusedError(address, code, refusal?.properties?.reasonString));
    });
  });
}

function readLimits({ properties }: IConnackPacket, protocolVersion: ProtocolVersion): ServerLimits {
  return {
    receiveMaximum: properties?.receiveMaximum ?? 65_535,
    maximumQos: (properties?.maximumQoS ?? 2) as QoS,
    isRetainAvailable: properties?.retainAvailable ?? true,
    maxPacketBytes: properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    hasSubscriptionIdentifiers:
      protocolVersion === 5 && (properties?.subscriptionIdentifiersAvailable ?? true),
  };
}

function toBusMessage(payload: Buffer, packet: IPublishPacket): BusMessage {
  return {
    topicName: packet.topic,
    payload,
    qos: packet.qos,
    retain: packet.retain,
    packetId: packet.messageId ?? 0,
    properties: fromMqttProperties(packet.properties),
  };
}

function identifiersOf({ properties }: IPublishPacket): readonly number[] {
  const found = properties?.subscriptionIdentifier;
  if (found === undefined) return [];
  return typeof found === 'number' ? [found] : found;
}

/** Errors of the system have texts as codes; those of MQTT have numbers. */
function reasonCodeOf(error: Error): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}
