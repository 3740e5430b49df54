import { definedMembers } from '../../base/defined-members.ts';
import { readFileSync } from 'node:fs';
import { InvalidArgumentError, type Command } from 'commander';
import { bracketHost } from '../../base/address.ts';
import type { ClientBusOptions } from '../../bus/bus-options.ts';
import { isBrokerUrl, withoutSecret } from '../../mqtt/client/broker-address.ts';
import type { TlsOptions } from '../../mqtt/client/client-options.ts';
import type { OutgoingMessage } from '../../bus/bus.ts';
import { MAX_UINT_16, MAX_UINT_32, type ProtocolVersion, type QoS } from '../../mqtt/codec/control-packet.ts';
import { wholeNumber } from '../whole-number.ts';

/** What `recado pub` and `recado sub` have in common, as the command line gives it. */
export type ConnectionFlags = {
  readonly host?: string;
  readonly port?: number;
  readonly url?: string;
  /** The flag that `url` came from, for texts; `-L` when absent. */
  readonly urlFlag?: string;
  readonly id?: string;
  readonly username?: string;
  readonly pw?: string;
  readonly cafile?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecure?: true;
  readonly protocolVersion?: ProtocolVersion;
  readonly keepalive?: number;
  readonly disableCleanSession?: true;
  readonly sessionExpiryInterval?: number;
  readonly willTopic?: string;
  readonly willPayload?: string;
  readonly willQos?: QoS;
  readonly willRetain?: true;
};

/** Where to connect to, and how. */
export type BrokerTarget = {
  readonly url: string;
  readonly options: ClientBusOptions;
  /** Of `-L`. */
  readonly topic: string | undefined;
};

const DEFAULT_HOST = '127.0.0.1';
const PROTOCOL_VERSIONS: Readonly<Record<string, ProtocolVersion>> = {
  '31': 3,
  mqttv31: 3,
  '311': 4,
  mqttv311: 4,
  '5': 5,
  mqttv5: 5,
};

/** Adds the flags that say where and as whom to connect. `-h` is the host here, as in mosquitto_pub: help is --help. */
export function addConnectionFlags(command: Command): Command {
  return command
    .helpOption('--help', 'print help')
    .option('-h, --host <host>', `host of the broker (default: that of RECADO_BROKER, else ${DEFAULT_HOST})`)
    .option('-p, --port <number>', 'its port (default: 1883, with TLS 8883)', wholeNumber(1, 65_535))
    .option(
      '-L, --url <url>',
      'all in one: mqtt://user:password@host:port/topic, also mqtts://, ws:// and wss://',
    )
    .option(
      '-V, --protocol-version <version>',
      'mqttv5, mqttv311 or mqttv31 (default: 5, else 3.1.1)',
      readVersion,
    )
    .option('-i, --id <id>', 'client id (default: one with a random end)')
    .option('-u, --username <name>', 'user name')
    .option('-P, --pw <password>', 'password')
    .option('--cafile <file>', 'connect with TLS, and trust these certificates (PEM)')
    .option('--cert <file>', 'certificate of this client (PEM)')
    .option('--key <file>', 'its private key (PEM)')
    .option('--insecure', 'with TLS: take a certificate that is for another host')
    .option(
      '-k, --keepalive <seconds>',
      'longest silence before a ping (default: 60)',
      wholeNumber(0, MAX_UINT_16),
    )
    .option(
      '-c, --disable-clean-session',
      'continue the session of this client id, and leave it there; needs -i',
    )
    .option(
      '-x, --session-expiry-interval <seconds>',
      'how long it stays there, MQTT 5 (default: for ever)',
      readSeconds32,
    )
    .option('--will-topic <topic>', 'the broker publishes there when this client is gone without a word')
    .option('--will-payload <text>', 'what it publishes (default: nothing)')
    .option('--will-qos <qos>', 'at which QoS (default: 0)', readQos)
    .option('--will-retain', 'and keeps');
}

/** Checks the flags together, and makes of them what a bus needs. Ends through `command.error` when they are wrong. */
export function readTarget(given: ConnectionFlags, command: Command): BrokerTarget {
  const flags = withUsualBroker(given);
  const { id, username, pw, protocolVersion, keepalive } = flags;
  const tls = readTls(flags, command);
  const { url, topic } = flags.url === undefined ? urlOf(flags, tls) : splitUrl(flags.url, flags, command);
  const options: ClientBusOptions = {
    ...definedMembers({
      clientId: id,
      user: username,
      password: pw,
      protocolVersion,
      keepAliveS: keepalive,
      tls,
    }),
    ...readWill(flags, command),
    ...readSession(flags, command),
  };
  return { url, options, topic };
}

/** Where nothing says which broker, it is the one of `RECADO_BROKER`. */
function withUsualBroker(flags: ConnectionFlags): ConnectionFlags {
  const { RECADO_BROKER: url = '' } = process.env;
  const isSaid = [flags.url, flags.host, flags.port].some((each) => each !== undefined);
  return isSaid || url === '' ? flags : { ...flags, url, urlFlag: 'RECADO_BROKER' };
}

export function readQos(text: string): QoS {
  if (text === '0' || text === '1' || text === '2') return Number(text) as QoS;
  throw new InvalidArgumentError('It must be 0, 1 or 2.');
}

/** The bytes of a file that a flag names. */
export function readFlagFile(flag: string, file: string, command: Command): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return command.error(`error: ${flag}: ${code === 'ENOENT' ? `there is no file ${file}` : message}`);
  }
}

function readSeconds32(text: string): number {
  return text === '-1' ? MAX_UINT_32 : wholeNumber(0, MAX_UINT_32)(text);
}

function readVersion(text: string): ProtocolVersion {
  const version = PROTOCOL_VERSIONS[text.toLowerCase()];
  if (version !== undefined) return version;
  throw new InvalidArgumentError('It must be mqttv5, mqttv311 or mqttv31 (or 5, 311, 31).');
}

function urlOf(
  { host = DEFAULT_HOST, port }: ConnectionFlags,
  tls: TlsOptions | undefined,
): { url: string; topic: undefined } {
  const name = bracketHost(host);
  return {
    url: `${tls === undefined ? 'mqtt' : 'mqtts'}://${name}${port === undefined ? '' : `:${port}`}`,
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

function readTls(flags: ConnectionFlags, command: Command): TlsOptions | undefined {
  const { cafile, cert, key, insecure } = flags;
  if ((cert === undefined) !== (key === undefined)) command.error('error: --cert and --key belong together');
  const isSecureUrl = /^(mqtts|wss):/i.test(flags.url ?? '');
  if (cafile === undefined && cert === undefined && !isSecureUrl) return undefined;
  if (flags.url !== undefined && !isSecureUrl)
    command.error(`error: with TLS the address of ${flags.urlFlag ?? '-L'} begins with mqtts: or wss:`);
  return {
    ...(cafile !== undefined && { ca: readFlagFile('--cafile', cafile, command) }),
    ...(cert !== undefined && { cert: readFlagFile('--cert', cert, command) }),
    ...(key !== undefined && { key: readFlagFile('--key', key, command) }),
    ...(insecure === true && { checksHostName: false }),
  };
}

function readWill(flags: ConnectionFlags, command: Command): { will?: OutgoingMessage } {
  const { willTopic, willPayload = '', willQos = 0, willRetain = false } = flags;
  if (willTopic !== undefined)
    return {
      will: { topicName: willTopic, payload: Buffer.from(willPayload), qos: willQos, retain: willRetain },
    };
  if (flags.willPayload !== undefined || flags.willQos !== undefined || willRetain)
    command.error('error: --will-payload, --will-qos and --will-retain need --will-topic');
  return {};
}

function readSession(flags: ConnectionFlags, command: Command): ClientBusOptions {
  const { id, disableCleanSession, sessionExpiryInterval } = flags;
  if (disableCleanSession !== true)
    return sessionExpiryInterval === undefined ? {} : { sessionExpiryInterval };
  if (id === undefined) command.error('error: -c continues the session of a client id: give the id with -i');
  return { cleanStart: false, sessionExpiryInterval: sessionExpiryInterval ?? MAX_UINT_32 };
}
