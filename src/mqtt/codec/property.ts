import { PacketType, type PacketName } from './control-packet.ts';

/** How a property is written on the wire, and so what it is in an object. */
export type PropertyType =
  /** A byte that is 0 or 1: a boolean. */
  | 'flag'
  | 'byte'
  | 'uint16'
  | 'uint32'
  | 'variableByteInteger'
  | 'utf8String'
  /** A UTF-8 Encoded String that is a Topic Name: no wildcards, not empty. */
  | 'topicName'
  | 'binaryData'
  /** A UTF-8 String Pair: name and value. */
  | 'utf8StringPair';

/** What can hold properties: a packet, or the Will inside a CONNECT. */
export type PropertyHolder = Exclude<PacketName, 'PINGREQ' | 'PINGRESP'> | 'WILL';

type PropertyRow = {
  readonly id: number;
  /** The standard's name in camelCase; in the plural where it may stand many times. */
  readonly name: string;
  readonly title: string;
  readonly type: PropertyType;
  readonly holders: readonly PropertyHolder[];
  /** It may stand more than once: the object has a list, in the order of the packet. */
  readonly many?: true;
  /** The smallest and the largest value that the standard allows, where that is not what the type can hold. */
  readonly min?: number;
  readonly max?: number;
};

/**
 * Every property of MQTT 5.0 (section 2.2.2.2, table 2-4). The Subscription Identifier has two rows: a PUBLISH may hold
 * many, a SUBSCRIBE one.
 */
export const PROPERTIES = [
  {
    id: 0x01,
    name: 'payloadFormatIndicator',
    title: 'Payload Format Indicator',
    type: 'byte',
    holders: ['PUBLISH', 'WILL'],
    max: 1,
  },
  {
    id: 0x02,
    name: 'messageExpiryInterval',
    title: 'Message Expiry Interval',
    type: 'uint32',
    holders: ['PUBLISH', 'WILL'],
  },
  {
    id: 0x03,
    name: 'contentType',
    title: 'Content Type',
    type: 'utf8String',
    holders: ['PUBLISH', 'WILL'],
  },
  {
    id: 0x08,
    name: 'responseTopic',
    title: 'Response Topic',
    type: 'topicName',
    holders: ['PUBLISH', 'WILL'],
  },
  {
    id: 0x09,
    name: 'correlationData',
    title: 'Correlation Data',
    type: 'binaryData',
    holders: ['PUBLISH', 'WILL'],
  },
  {
    id: 0x0b,
    name: 'subscriptionIdentifiers',
    title: 'Subscription Identifier',
    type: 'variableByteInteger',
    holders: ['PUBLISH'],
    many: true,
    min: 1,
  },
  {
    id: 0x0b,
    name: 'subscriptionIdentifier',
    title: 'Subscription Identifier',
    type: 'variableByteInteger',
    holders: ['SUBSCRIBE'],
    min: 1,
  },
  {
    id: 0x11,
    name: 'sessionExpiryInterval',
    title: 'Session Expiry Interval',
    type: 'uint32',
    holders: ['CONNECT', 'CONNACK', 'DISCONNECT'],
  },
  {
    id: 0x12,
    name: 'assignedClientIdentifier',
    title: 'Assigned Client Identifier',
    type: 'utf8String',
    holders: ['CONNACK'],
  },
  {
    id: 0x13,
    name: 'serverKeepAlive',
    title: 'Server Keep Alive',
    type: 'uint16',
    holders: ['CONNACK'],
  },
  {
    id: 0x15,
    name: 'authenticationMethod',
    title: 'Authentication Method',
    type: 'utf8String',
    holders: ['CONNECT', 'CONNACK', 'AUTH'],
  },
  {
    id: 0x16,
    name: 'authenticationData',
    title: 'Authentication Data',
    type: 'binaryData',
    holders: ['CONNECT', 'CONNACK', 'AUTH'],
  },
  {
    id: 0x17,
    name: 'requestProblemInformation',
    title: 'Request Problem Information',
    type: 'flag',
    holders: ['CONNECT'],
  },
  {
    id: 0x18,
    name: 'willDelayInterval',
    title: 'Will Delay Interval',
    type: 'uint32',
    holders: ['WILL'],
  },
  {
    id: 0x19,
    name: 'requestResponseInformation',
    title: 'Request Response Information',
    type: 'flag',
    holders: ['CONNECT'],
  },
  {
    id: 0x1a,
    name: 'responseInformation',
    title: 'Response Information',
    type: 'utf8String',
    holders: ['CONNACK'],
  },
  {
    id: 0x1c,
    name: 'serverReference',
    title: 'Server Reference',
    type: 'utf8String',
    holders: ['CONNACK', 'DISCONNECT'],
  },
  {
    id: 0x1f,
    name: 'reasonString',
    title: 'Reason String',
    type: 'utf8String',
    holders: ['CONNACK', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBACK', 'UNSUBACK', 'DISCONNECT', 'AUTH'],
  },
  {
    id: 0x21,
    name: 'receiveMaximum',
    title: 'Receive Maximum',
    type: 'uint16',
    holders: ['CONNECT', 'CONNACK'],
    min: 1,
  },
  {
    id: 0x22,
    name: 'topicAliasMaximum',
    title: 'Topic Alias Maximum',
    type: 'uint16',
    holders: ['CONNECT', 'CONNACK'],
  },
  { id: 0x23, name: 'topicAlias', title: 'Topic Alias', type: 'uint16', holders: ['PUBLISH'], min: 1 },
  { id: 0x24, name: 'maximumQos', title: 'Maximum QoS', type: 'byte', holders: ['CONNACK'], max: 1 },
  { id: 0x25, name: 'retainAvailable', title: 'Retain Available', type: 'flag', holders: ['CONNACK'] },
  {
    id: 0x26,
    name: 'userProperties',
    title: 'User Property',
    type: 'utf8StringPair',
    holders: [
      'CONNECT',
      'CONNACK',
      'PUBLISH',
      'WILL',
      'PUBACK',
      'PUBREC',
      'PUBREL',
      'PUBCOMP',
      'SUBSCRIBE',
      'SUBACK',
      'UNSUBSCRIBE',
      'UNSUBACK',
      'DISCONNECT',
      'AUTH',
    ],
    many: true,
  },
  {
    id: 0x27,
    name: 'maximumPacketSize',
    title: 'Maximum Packet Size',
    type: 'uint32',
    holders: ['CONNECT', 'CONNACK'],
    min: 1,
  },
  {
    id: 0x28,
    name: 'wildcardSubscriptionAvailable',
    title: 'Wildcard Subscription Available',
    type: 'flag',
    holders: ['CONNACK'],
  },
  {
    id: 0x29,
    name: 'subscriptionIdentifierAvailable',
    title: 'Subscription Identifier Available',
    type: 'flag',
    holders: ['CONNACK'],
  },
  {
    id: 0x2a,
    name: 'sharedSubscriptionAvailable',
    title: 'Shared Subscription Available',
    type: 'flag',
    holders: ['CONNACK'],
  },
] as const satisfies readonly PropertyRow[];

/** One row of the table. */
export type Property = PropertyRow;

type Row = (typeof PROPERTIES)[number];

type WireValue<T extends PropertyType> = T extends 'flag'
  ? boolean
  : T extends 'utf8String' | 'topicName'
    ? string
    : T extends 'binaryData'
      ? Uint8Array
      : T extends 'utf8StringPair'
        ? readonly [name: string, value: string]
        : number;

type ValueOf<R extends Row> = R extends { readonly many: true }
  ? readonly WireValue<R['type']>[]
  : WireValue<R['type']>;

/** The properties that a packet may hold, as the table says; an absent one is undefined. */
export type PropertiesOf<H extends PropertyHolder> = {
  readonly [R in Row as H extends R['holders'][number] ? R['name'] : never]?: ValueOf<R> | undefined;
};

/** No properties at all, and what a packet of MQTT 3.1 and 3.1.1 has. */
export const NO_PROPERTIES: Readonly<Record<string, never>> = Object.freeze({});

/** The identifier of a property, by its name. */
function propertyIdOf(name: Row['name']): number {
  return PROPERTIES.find((row) => row.name === name)!.id;
}

/** The identifiers that a broker itself looks for in a PUBLISH. */
export const PAYLOAD_FORMAT_INDICATOR = propertyIdOf('payloadFormatIndicator');
export const MESSAGE_EXPIRY_INTERVAL = propertyIdOf('messageExpiryInterval');
export const RESPONSE_TOPIC = propertyIdOf('responseTopic');
export const SUBSCRIPTION_IDENTIFIER = propertyIdOf('subscriptionIdentifiers');
export const TOPIC_ALIAS = propertyIdOf('topicAlias');
export const USER_PROPERTY = propertyIdOf('userProperties');
/** How long a Topic Alias is on the wire: its identifier and its value. */
export const TOPIC_ALIAS_BYTES = 3;

type RowsOfHolder = {
  readonly byId: readonly (Property | undefined)[];
  readonly inOrder: readonly Property[];
};

const ROWS = Object.fromEntries(
  [...Object.keys(PacketType), 'WILL'].map((holder) => [holder, rowsOf(holder)]),
) as Readonly<Record<PropertyHolder, RowsOfHolder>>;

/** The rows of the properties that a packet may hold, indexed by identifier. */
export function propertiesById(holder: PropertyHolder): readonly (Property | undefined)[] {
  return ROWS[holder].byId;
}

/** The rows of the properties that a packet may hold, in the order of their identifiers. */
export function propertiesInOrder(holder: PropertyHolder): readonly Property[] {
  return ROWS[holder].inOrder;
}

function rowsOf(holder: string): RowsOfHolder {
  const all: readonly Property[] = PROPERTIES;
  const inOrder = all.filter(({ holders }) => (holders as readonly string[]).includes(holder));
  const byId: (Property | undefined)[] = Array.from({ length: 0x2b }, () => undefined);
  for (const row of inOrder) byId[row.id] = row;
  return { byId, inOrder };
}
