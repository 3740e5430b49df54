import { definedMembers } from '../base/defined-members.ts';
import type { IPublishPacket } from 'mqtt';
import { NO_PROPERTIES } from '../mqtt/codec/property.ts';
import type { MessageProperties } from './bus.ts';

type MqttProperties = NonNullable<IPublishPacket['properties']>;
type UserProperties = NonNullable<MqttProperties['userProperties']>;

/**
 * Properties in the form of MQTT.js. It holds user properties by name, so those of one name travel together, at the
 * place of the first of them, and names that are whole numbers travel first; otherwise the order is kept. Of what comes
 * it loses an empty value that stands before others of its name.
 */
export function toMqttProperties(properties: MessageProperties): MqttProperties {
  const { payloadFormatIndicator, messageExpiryInterval, contentType } = properties;
  const { responseTopic, correlationData, userProperties } = properties;
  return definedMembers({
    payloadFormatIndicator: payloadFormatIndicator === undefined ? undefined : payloadFormatIndicator === 1,
    messageExpiryInterval,
    contentType,
    responseTopic,
    correlationData: correlationData && Buffer.from(correlationData),
    userProperties: userProperties && groupByName(userProperties),
  });
}

export function fromMqttProperties(properties: MqttProperties | undefined): MessageProperties {
  if (properties === undefined) return NO_PROPERTIES;
  const { payloadFormatIndicator, messageExpiryInterval, contentType } = properties;
  const { responseTopic, correlationData, userProperties } = properties;
  return definedMembers({
    payloadFormatIndicator: payloadFormatIndicator === undefined ? undefined : payloadFormatIndicator ? 1 : 0,
    messageExpiryInterval,
    contentType,
    responseTopic,
    correlationData,
    userProperties: userProperties && pairsOf(userProperties),
  });
}

function groupByName(pairs: NonNullable<MessageProperties['userProperties']>): UserProperties {
  // Without a prototype, `__proto__` is a name like any other.
  const byName = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of pairs) (byName[name] ??= []).push(value);
  return byName;
}

function pairsOf(byName: UserProperties): (readonly [string, string])[] {
  return Object.entries(byName).flatMap(([name, values]) =>
    typeof values === 'string' ? [[name, values] as const] : values.map((value) => [name, value] as const),
  );
}
