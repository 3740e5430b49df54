import { definedMembers } from '../base/defined-members.ts';
import type { IClientOptions, Store } from 'mqtt';
import type { ProtocolVersion } from '../mqtt/codec/control-packet.ts';
import type { BrokerAddress } from './broker-address.ts';
import type { BusSettings } from './bus-options.ts';
import type { OutgoingMessage } from './bus.ts';
import { toMqttProperties } from './mqtt-properties.ts';

type Parts = {
  readonly address: BrokerAddress;
  readonly protocolVersion: ProtocolVersion;
  readonly settings: BusSettings;
  readonly incomingStore: Store;
};

/** The options of one connection in the form of MQTT.js, with what it does by itself switched off. */
export function mqttClientOptions({
  address,
  protocolVersion,
  settings,
  incomingStore,
}: Parts): IClientOptions {
  const { ca, cert, key, rejectUnauthorized, checksHostName } = settings.tls;
  const tls = {
    ...definedMembers({ ca, cert, key, rejectUnauthorized }),
    ...(checksHostName === false && { checkServerIdentity: () => undefined }),
  };
  return {
    ...tls,
    wsOptions: tls as NonNullable<IClientOptions['wsOptions']>,
    protocol: address.protocol,
    hostname: address.host,
    host: address.host,
    port: address.port,
    ...(address.path !== '' && { path: address.path }),
    protocolVersion,
    protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    clientId: settings.clientId,
    ...definedMembers({
      username: settings.user ?? address.user,
      password: settings.password ?? address.password,
    }),
    ...(settings.will !== undefined && { will: willOf(settings.will, protocolVersion) }),
    ...(protocolVersion === 5 && {
      properties: {
        sessionExpiryInterval: settings.sessionExpiryInterval,
        maximumPacketSize: settings.maxPacketBytes,
      },
    }),
    clean: settings.cleanStart,
    keepalive: settings.keepAliveS,
    connectTimeout: settings.connectTimeoutMs,
    incomingStore,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
  };
}

function willOf(
  will: OutgoingMessage,
  protocolVersion: ProtocolVersion,
): NonNullable<IClientOptions['will']> {
  const { topicName, payload, qos = 0, retain = false, properties } = will;
  return {
    topic: topicName,
    payload: asBuffer(payload),
    qos,
    retain,
    ...(protocolVersion === 5 && properties !== undefined && { properties: toMqttProperties(properties) }),
  };
}

/** The same bytes: nothing is copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
