import type { Command } from 'commander';
import { fail, succeed, type Result } from '../../base/result.ts';
import type { ConnectProperties, WillMessage } from '../../mqtt/codec/connect.ts';
import { MAX_UINT_16, MAX_UINT_32, MAX_VARIABLE_BYTE_INTEGER } from '../../mqtt/codec/control-packet.ts';
import type { DisconnectProperties } from '../../mqtt/codec/disconnect.ts';
import {
  propertiesInOrder,
  type Property,
  type PropertyHolder,
  type PropertyType,
} from '../../mqtt/codec/property.ts';
import type { PublishProperties } from '../../mqtt/codec/publish.ts';
import type { UserProperties } from '../../mqtt/client/message.ts';

/** What all `-D` flags say, by the packet that it is for. */
export type Properties = {
  readonly connect: ConnectProperties;
  readonly will: WillMessage['properties'];
  readonly publish: PublishProperties;
  readonly subscribe: { readonly subscriptionIdentifier?: number; readonly userProperties?: UserProperties };
  readonly unsubscribe: { readonly userProperties?: UserProperties };
  readonly disconnect: DisconnectProperties;
};

const HOLDERS: Readonly<Record<keyof Properties, PropertyHolder>> = {
  connect: 'CONNECT',
  will: 'WILL',
  publish: 'PUBLISH',
  subscribe: 'SUBSCRIBE',
  unsubscribe: 'UNSUBSCRIBE',
  disconnect: 'DISCONNECT',
};
/** These are a server's to send. */
const OF_SERVERS: readonly string[] = ['subscriptionIdentifiers', 'serverReference'];

type Reader = (text: string, row: Property) => unknown;
const numberUpTo =
  (highest: number): Reader =>
  (text, { min = 0, max = highest }) =>
    /^\d{1,10}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined;

/** The value of a property from its text; undefined when it cannot have that. A pair is read by its caller. */
const READERS: Readonly<Record<Exclude<PropertyType, 'utf8StringPair'>, Reader>> = {
  flag: (text) => (text === '0' || text === '1' ? text === '1' : undefined),
  byte: numberUpTo(255),
  uint16: numberUpTo(MAX_UINT_16),
  uint32: numberUpTo(MAX_UINT_32),
  variableByteInteger: numberUpTo(MAX_VARIABLE_BYTE_INTEGER),
  utf8String: (text) => text,
  topicName: (text) => (/^[^+#]+$/.test(text) ? text : undefined),
  binaryData: (text) => Buffer.from(text),
};

/** `Payload Format Indicator` → `payload-format-indicator`, as Mosquitto's programs write it. */
function nameOf({ title }: Property): string {
  return title.toLowerCase().replaceAll(' ', '-');
}

/** What `-D` may say of a packet. */
function rowsOf(command: keyof Properties): readonly Property[] {
  return propertiesInOrder(HOLDERS[command]).filter(({ name }) => !OF_SERVERS.includes(name));
}

/**
 * Reads what stands behind each `-D`: `publish content-type text/plain`, `connect user-property NAME VALUE`.
 *
 * @param flags - the words of each
 */
export function parsePropertyFlags(flags: readonly (readonly string[])[]): Result<Properties, string> {
  const found = Object.fromEntries(Object.keys(HOLDERS).map((command) => [command, {}]));
  for (const [given = '', name = '', value, second] of flags) {
    const command = given.toLowerCase();
    const into = found[command] as Record<string, unknown> | undefined;
    if (into === undefined) return fail(`-D ${given}: there are ${Object.keys(HOLDERS).join(', ')}`);
    const rows = rowsOf(command as keyof Properties);
    const row = rows.find((each) => nameOf(each) === name);
    if (row === undefined)
      return fail(`-D ${given} ${name}: there is no such property; there are ${rows.map(nameOf).join(', ')}`);
    if (value === undefined) return fail(`-D ${given} ${name}: its value is missing`);
    if (row.type === 'utf8StringPair') {
      if (second === undefined) return fail(`-D ${given} ${name} needs a name and a value`);
      into[row.name] = [...((into[row.name] as unknown[]) ?? []), [value, second]];
      continue;
    }
    into[row.name] = READERS[row.type](value, row);
    if (into[row.name] === undefined) return fail(`-D ${given} ${name}: it cannot be "${value}"`);
  }
  return succeed(found as Properties);
}

/** The properties of all `-D` flags. Ends through `command.error` when one is wrong. */
export function readPropertyFlags(flags: readonly (readonly string[])[] = [], command: Command): Properties {
  const reading = parsePropertyFlags(flags);
  return reading.ok ? reading.value : command.error(`error: ${reading.failure}`);
}

/** How many words belong to a `-D`, whose own are `words` and what follows. */
export function wordsOfProperty([, name]: readonly string[]): number {
  return name === 'user-property' ? 4 : 3;
}
