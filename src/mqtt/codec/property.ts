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

/** One row of the table. */
export type Property = {
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

const ANSWERS = 'PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK';

/**
 * Every property of MQTT 5.0 (section 2.2.2.2, table 2-4), with the packets that may hold it. The Subscription
 * Identifier has two rows: a PUBLISH may hold many, a SUBSCRIBE one.
 */
export const PROPERTIES = [
  row(0x01, 'payloadFormatIndicator', 'byte', 'PUBLISH WILL', { max: 1 }),
  row(0x02, 'messageExpiryInterval', 'uint32', 'PUBLISH WILL'),
  row(0x03, 'contentType', 'utf8String', 'PUBLISH WILL'),
  row(0x08, 'responseTopic', 'topicName', 'PUBLISH WILL'),
  row(0x09, 'correlationData', 'binaryData', 'PUBLISH WILL'),
  row(0x0b, 'subscriptionIdentifiers', 'variableByteInteger', 'PUBLISH', { many: true, min: 1 }),
  row(0x0b, 'subscriptionIdentifier', 'variableByteInteger', 'SUBSCRIBE', { min: 1 }),
  row(0x11, 'sessionExpiryInterval', 'uint32', 'CONNECT CONNACK DISCONNECT'),
  row(0x12, 'assignedClientIdentifier', 'utf8String', 'CONNACK'),
  row(0x13, 'serverKeepAlive', 'uint16', 'CONNACK'),
  row(0x15, 'authenticationMethod', 'utf8String', 'CONNECT CONNACK AUTH'),
  row(0x16, 'authenticationData', 'binaryData', 'CONNECT CONNACK AUTH'),
  row(0x17, 'requestProblemInformation', 'flag', 'CONNECT'),
  row(0x18, 'willDelayInterval', 'uint32', 'WILL'),
  row(0x19, 'requestResponseInformation', 'flag', 'CONNECT'),
  row(0x1a, 'responseInformation', 'utf8String', 'CONNACK'),
  row(0x1c, 'serverReference', 'utf8String', 'CONNACK DISCONNECT'),
  row(0x1f, 'reasonString', 'utf8String', `CONNACK ${ANSWERS} DISCONNECT AUTH`),
  row(0x21, 'receiveMaximum', 'uint16', 'CONNECT CONNACK', { min: 1 }),
  row(0x22, 'topicAliasMaximum', 'uint16', 'CONNECT CONNACK'),
  row(0x23, 'topicAlias', 'uint16', 'PUBLISH', { min: 1 }),
  row(0x24, 'maximumQos', 'byte', 'CONNACK', { max: 1 }),
  row(0x25, 'retainAvailable', 'flag', 'CONNACK'),
  row(
    0x26,
    'userProperties',
    'utf8StringPair',
    `CONNECT CONNACK PUBLISH WILL ${ANSWERS} SUBSCRIBE UNSUBSCRIBE DISCONNECT AUTH`,
    { many: true },
  ),
  row(0x27, 'maximumPacketSize', 'uint32', 'CONNECT CONNACK', { min: 1 }),
  row(0x28, 'wildcardSubscriptionAvailable', 'flag', 'CONNACK'),
  row(0x29, 'subscriptionIdentifierAvailable', 'flag', 'CONNACK'),
  row(0x2a, 'sharedSubscriptionAvailable', 'flag', 'CONNACK'),
] as const satisfies readonly Property[];

type Row = (typeof PROPERTIES)[number];
type Words<Text extends string> = Text extends `${infer Word} ${infer Rest}` ? Word | Words<Rest> : Text;
type RowRules = Pick<Property, 'many' | 'min' | 'max'>;

function row<
  const Name extends string,
  const Type extends PropertyType,
  const Holders extends string,
  const Rules extends RowRules = object,
>(id: number, name: Name, type: Type, holders: Holders, rules?: Rules) {
  const row = { id, name, title: titleOf(name), type, holders: holders.split(' ') as Words<Holders>[] };
  return { ...row, ...rules } as typeof row & Rules;
}

/** As the standard writes it: `maximumQos` → `Maximum QoS`, `userProperties` → `User Property`. */
function titleOf(name: string): string {
  const words = name.replaceAll(/[A-Z]/g, ' $&').replace('Qos', 'QoS');
  const title = words.replace('Properties', 'Property').replace('Identifiers', 'Identifier');
  return title.charAt(0).toUpperCase() + title.slice(1);
}

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
