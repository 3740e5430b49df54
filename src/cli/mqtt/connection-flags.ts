import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { bracketHost } from '../../base/address.ts';
import { definedMembers } from '../../base/defined-members.ts';
import { isBrokerUrl, withoutSecret } from '../../mqtt/client/broker-address.ts';
import type { MqttClientOptions } from '../../mqtt/client/client-options.ts';
import { MAX_UINT_32, type ProtocolVersion, type QoS } from '../../mqtt/codec/control-packet.ts';
import { readPropertyFlags, type Properties } from './property-flags.ts';
import { randomClientId, randomEnd } from './random-client-id.ts';
import { readTlsFlags, wantsTls, type TlsFlags } from './tls-flags.ts';

/** What the programs for MQTT have in common, as the command line gives it. */
export type ConnectionFlags = TlsFlags & {
  readonly host?: string;
  readonly port?: number;
  readonly url?: string;
  /** The flag that `url` came from, for texts; `-L` when absent. */
  readonly urlFlag?: string;
  readonly unix?: string;
  readonly bindAddress?: string;
  readonly proxy?: string;
  readonly id?: string;
  readonly idPrefix?: string;
  readonly username?: string;
  readonly pw?: string;
  readonly protocolVersion?: ProtocolVersion;
  readonly keepalive?: number;
  readonly maxInflight?: number;
  readonly disableCleanSession?: true;
  readonly sessionExpiryInterval?: number;
  readonly willTopic?: string;
  readonly willPayload?: string;
  readonly willQos?: QoS;
  readonly willRetain?: true;
  readonly property?: readonly (readonly string[])[];
  readonly debug?: true;
  readonly quiet?: true;
};

/** Options that every way to a broker has. */
type TargetOptions = Omit<MqttClientOptions, 'onMessage' | 'onEvent' | 'acknowledgesByHand'>;

/** Where to connect to, and how. */
export type BrokerTarget = {
  readonly url: string;
  readonly options: TargetOptions;
  /** Of `-L`. */
  readonly topic: string | undefined;
  readonly properties: Properties;
};

const DEFAULT_HOST = '127.0.0.1';
/** What IANA gave to MQTT with TLS: Mosquitto's programs take it for a wish. */
const TLS_PORT = 8883;

/** Checks the flags together, and makes of them what a client needs. Ends through `command.error` when they are wrong. */
export function readTarget(given: ConnectionFlags, command: Command): BrokerTarget {
  const flags = withUsualBroker(given);
  const { username, pw, keepalive, bindAddress, proxy, maxInflight } = flags;
  const properties = readPropertyFlags(flags.property, command);
  const isSecureUrl = /^(mqtts|wss):/i.test(flags.url ?? '');
  const isSecure = wantsTls(flags) || isSecureUrl || (flags.port === TLS_PORT && flags.unix === undefined);
  const tls = readTlsFlags(flags, command);
  if (flags.url !== undefined && isSecure && !isSecureUrl)
    command.error(`error: with TLS the address of ${flags.urlFlag ?? '-L'} begins with mqtts: or wss:`);
  const { url, topic } = placeOf(flags, isSecure, command);
  const protocolVersion = flags.protocolVersion ?? (flags.property === undefined ? undefined : 5);
  const options: TargetOptions = {
    ...optionsOf(properties),
    ...definedMembers({
      clientId: clientIdOf(flags, command),
      user: username,
      password: pw,
      protocolVersion,
      keepAliveS: keepalive,
      localAddress: bindAddress,
      proxy,
      maxInflight,
    }),
    ...(isSecure && { tls }),
    ...readWill(flags, properties, command),
    ...readSession(flags, properties, command),
  };
  return { url, options, topic, properties };
}

/** The name of this client, where the flags do not say one. */
export function clientIdFor({ options }: BrokerTarget, program: string): string {
  return options.clientId ?? randomClientId(program);
}

/** Where nothing says which broker, it is the one of `RECADO_BROKER`. */
function withUsualBroker(flags: ConnectionFlags): ConnectionFlags {
  const { RECADO_BROKER: url = '' } = process.env;
  const isSaid = [flags.url, flags.host, flags.port, flags.unix].some((each) => each !== undefined);
  return isSaid || url === '' ? flags : { ...flags, url, urlFlag: 'RECADO_BROKER' };
}

function clientIdOf({ id, idPrefix }: ConnectionFlags, command: Command): string | undefined {
  if (id !== undefined && idPrefix !== undefined) command.error('error: -i and -I both say the client id');
  return idPrefix === undefined ? id : `${idPrefix}-${randomEnd()}`;
}

/** What of `-D connect` and `-D disconnect` the client has options for, and the rest. */
function optionsOf({ connect, disconnect }: Properties): TargetOptions {
  const { sessionExpiryInterval: _, receiveMaximum, maximumPacketSize, topicAliasMaximum, ...rest } = connect;
  return {
    ...definedMembers({
      receiveMaximum,
      maxPacketBytes: maximumPacketSize,
      maxTopicAliases: topicAliasMaximum,
    }),
    connectProperties: rest,
    disconnectProperties: disconnect,
  };
}

function placeOf(
  flags: ConnectionFlags,
  isSecure: boolean,
  command: Command,
): { url: string; topic: string | undefined } {
  const { unix, url, host, port } = flags;
  if (unix !== undefined) {
    if (url !== undefined || host !== undefined) command.error('error: --unix is instead of -h and -L');
    return { url: `mqtt+unix:${pathToFileURL(resolve(unix)).pathname}`, topic: undefined };
  }
  return url === undefined ? urlOf({ host, port }, isSecure) : splitUrl(url, flags, command);
}

function urlOf(
  { host = DEFAULT_HOST, port }: { host: string | undefined; port: number | undefined },
  isSecure: boolean,
): { url: string; topic: undefined } {
  const name = bracketHost(host);
  return {
    url: `${isSecure ? 'mqtts' : 'mqtt'}://${name}${port === undefined ? '' : `:${port}`}`,
    topic: undefined,
  };
}

/** What follows the host is a topic, letter by letter; not so with WebSockets and Unix sockets, where it is a path. */
function splitUrl(
  text: string,
  flags: ConnectionFlags,
  command: Command,
): { url: string; topic: string | undefined } {
  if (flags.host !== undefined || flags.port !== undefined)
    command.error('error: -L already says where the broker is: leave out -h and -p');
  const [, url = text, topic = ''] = /^(mqtts?:\/\/[^/]+)(?:\/(.*))?$/is.exec(text) ?? [];
  if (!isBrokerUrl(url))
    command.error(
      `error: ${flags.urlFlag ?? '-L'} "${withoutSecret(text)}" is no address; write mqtt://host:port${flags.urlFlag === undefined ? '/topic' : ''}`,
    );
  return { url, topic: topic === '' ? undefined : topic };
}

function readWill(
  flags: ConnectionFlags,
  { will: properties }: Properties,
  command: Command,
): Pick<TargetOptions, 'will'> {
  const { willTopic, willPayload = '', willQos = 0, willRetain = false } = flags;
  if (willTopic !== undefined)
    return {
      will: {
        topicName: willTopic,
        payload: Buffer.from(willPayload),
        qos: willQos,
        retain: willRetain,
        properties,
      },
    };
  if (flags.willPayload !== undefined || flags.willQos !== undefined || willRetain)
    command.error('error: --will-payload, --will-qos and --will-retain need --will-topic');
  return {};
}

function readSession(flags: ConnectionFlags, { connect }: Properties, command: Command): TargetOptions {
  const { id, disableCleanSession } = flags;
  const sessionExpiryInterval = flags.sessionExpiryInterval ?? connect.sessionExpiryInterval;
  if (disableCleanSession !== true)
    return sessionExpiryInterval === undefined ? {} : { sessionExpiryInterval };
  if (id === undefined) command.error('error: -c continues the session of a client id: give the id with -i');
  return { cleanStart: false, sessionExpiryInterval: sessionExpiryInterval ?? MAX_UINT_32 };
}
