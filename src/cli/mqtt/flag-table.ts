import { Command, InvalidArgumentError, Option } from 'commander';
import { MAX_UINT_16, MAX_UINT_32, type ProtocolVersion, type QoS } from '../../mqtt/codec/control-packet.ts';
import { wholeNumber } from '../whole-number.ts';
import { wordsOfProperty } from './property-flags.ts';

type Program = 'pub' | 'sub' | 'request';

/** One flag of the programs for MQTT: command line, help, document and test are made of these rows. */
type Flag = {
  /** In commander's way of writing. */
  readonly flags: string;
  readonly says: string;
  readonly of: readonly Program[];
  readonly read?: (text: string, before?: unknown) => unknown;
  readonly default?: unknown;
  /** Where Mosquitto's programs have it, and these do not: why. */
  readonly refused?: string;
};

/** Of each flag for it. */
export const PASSWORD_SAYS =
  'password (others of this machine see it; RECADO_BROKER=mqtt://user:password@host they do not)';

const ALL = ['pub', 'sub', 'request'] as const;
const SENDERS = ['pub', 'request'] as const;
const PRINTERS = ['sub', 'request'] as const;
/** setTimeout cannot wait longer than 24 days. */
const MAX_WAIT_S = 2_000_000;
const NO_ENGINES = 'OpenSSL 3 has no engines any more';

const PROTOCOL_VERSIONS: Readonly<Record<string, ProtocolVersion>> = {
  '31': 3,
  mqttv31: 3,
  '311': 4,
  mqttv311: 4,
  '5': 5,
  mqttv5: 5,
};
const TLS_VERSIONS = { 'tlsv1.1': 'TLSv1.1', 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' } as const;
export type TlsVersion = (typeof TLS_VERSIONS)[keyof typeof TLS_VERSIONS];

/** In the order of the help. */
export const FLAG_TABLE: readonly Flag[] = [
  { flags: '-t, --topic <topic>', says: 'topic to publish to', of: ['pub'] },
  {
    flags: '-t, --topic <filter>',
    says: 'topic, or filter with + and #; may be given many times',
    of: ['sub'],
    read: collect,
  },
  { flags: '-t, --topic <topic>', says: 'topic to ask on: the same as the argument', of: ['request'] },
  { flags: '-e, --response-topic <topic>', says: 'the topic on which all answers come', of: ['request'] },
  {
    flags: '--correlation <way>',
    says: 'how the answer finds the request: auto, mqtt5, topic or envelope; see below',
    of: ['request'],
    read: oneOf({ auto: 'auto', mqtt5: 'mqtt5', topic: 'topic', envelope: 'envelope' }),
    default: 'auto',
  },
  { flags: '-m, --message <text>', says: 'send this text', of: SENDERS },
  { flags: '-f, --file <file>', says: 'send what is in a file', of: SENDERS },
  { flags: '-l, --stdin-line', says: 'send each line of the standard input', of: ['pub'] },
  { flags: '-s, --stdin-file', says: 'send the whole standard input as one message', of: SENDERS },
  { flags: '-n, --null-message', says: 'send an empty message', of: SENDERS },
  {
    flags: '-q, --qos <qos>',
    says: 'quality of service: 0, 1 or 2',
    of: ['pub', 'sub'],
    read: readQos,
    default: 0,
  },
  {
    flags: '-q, --qos <qos>',
    says: 'quality of service: 0, 1 or 2',
    of: ['request'],
    read: readQos,
    default: 1,
  },
  { flags: '-r, --retain', says: 'let the broker keep it for later subscribers', of: ['pub'] },
  {
    flags: '--repeat <number>',
    says: 'send it so many times',
    of: ['pub'],
    read: wholeNumber(1, 1_000_000_000),
    default: 1,
  },
  {
    flags: '--repeat-delay <seconds>',
    says: 'wait so long in between',
    of: ['pub'],
    read: readDelay,
    default: 0,
  },
  { flags: '-v, --verbose', says: 'print the topic before the payload', of: PRINTERS },
  {
    flags: '-F, --format <format>',
    says: 'print messages in this form; recado sub --help lists all',
    of: PRINTERS,
  },
  { flags: '--pretty', says: 'the JSON of %j and %J on many lines', of: PRINTERS },
  { flags: '-N, --no-newline', says: 'no end of line after each message', of: PRINTERS },
  {
    flags: '-C, --count <number>',
    says: 'end after so many messages',
    of: ['sub'],
    read: wholeNumber(1, 1_000_000_000),
  },
  {
    flags: '-W, --timeout <seconds>',
    says: 'end after this time',
    of: ['sub'],
    read: wholeNumber(1, MAX_WAIT_S),
  },
  {
    flags: '-W, --timeout <seconds>',
    says: 'wait so long for the answer',
    of: ['request'],
    read: readTimeout,
    default: 10,
  },
  { flags: '-E, --exit-after-subscribing', says: 'end as soon as the broker has answered', of: ['sub'] },
  {
    flags: '-U, --unsubscribe <filter>',
    says: 'take a subscription out of the session',
    of: ['sub'],
    read: collect,
  },
  { flags: '-R, --no-retained', says: 'leave out what the broker had kept', of: ['sub'] },
  {
    flags: '-R, --no-retained',
    says: 'take nothing that the broker had kept for an answer; always so',
    of: ['request'],
  },
  {
    flags: '--retained-only',
    says: 'only what the broker had kept; end at the first other message',
    of: ['sub'],
  },
  {
    flags: '--remove-retained',
    says: 'have the broker forget each retained message that comes',
    of: ['sub'],
  },
  {
    flags: '--retain-as-published',
    says: 'MQTT 5: show the retain flag as the publisher set it',
    of: ['sub'],
  },
  {
    flags: '-T, --filter-out <filter>',
    says: 'leave these topics out; may be given many times',
    of: ['sub'],
    read: collect,
  },
  {
    flags: '--random-filter <percent>',
    says: 'print so many of a hundred messages, chosen by chance',
    of: ['sub'],
    read: readPercent,
  },
  {
    flags: '-D, --property <words>',
    says: 'MQTT 5: PACKET NAME VALUE, or PACKET user-property NAME VALUE; packets are connect, publish, subscribe, unsubscribe, will and disconnect',
    of: ALL,
    read: (text, before = []) => [...(before as string[][]), JSON.parse(text) as string[]],
  },
  {
    flags: '-h, --host <host>',
    says: 'host of the broker (default: that of RECADO_BROKER, else 127.0.0.1)',
    of: ALL,
  },
  {
    flags: '-p, --port <number>',
    says: 'its port (default: 1883, with TLS 8883)',
    of: ALL,
    read: wholeNumber(1, 65_535),
  },
  {
    flags: '-L, --url <url>',
    says: 'all in one: mqtt://user:password@host:port/topic, also mqtts://, ws:// and wss://',
    of: ALL,
  },
  { flags: '--unix <file>', says: 'a Unix socket instead of host and port', of: ALL },
  { flags: '-A, --bind-address <address>', says: 'the address of this machine to connect from', of: ALL },
  { flags: '--proxy <url>', says: 'through a SOCKS 5 proxy: socks5h://user:password@host:port', of: ALL },
  {
    flags: '-S',
    says: 'find the broker by SRV records',
    of: ALL,
    refused: 'name the broker with -h; builds of Debian lack it too',
  },
  { flags: '--nodelay', says: 'send at once; always so', of: ALL },
  {
    flags: '-V, --protocol-version <version>',
    says: 'mqttv5, mqttv311 or mqttv31 (default: 5, else 3.1.1)',
    of: ALL,
    read: oneOf(PROTOCOL_VERSIONS),
  },
  { flags: '-i, --id <id>', says: 'client id (default: one with a random end)', of: ALL },
  { flags: '-I, --id-prefix <prefix>', says: 'client id that begins so, with a random end', of: ALL },
  { flags: '-u, --username <name>', says: 'user name', of: ALL },
  { flags: '-P, --pw <password>', says: PASSWORD_SAYS, of: ALL },
  {
    flags: '-k, --keepalive <seconds>',
    says: 'longest silence before a ping (default: 60)',
    of: ALL,
    read: wholeNumber(0, MAX_UINT_16),
  },
  {
    flags: '-M, --max-inflight <number>',
    says: 'messages at QoS 1 and 2 under way at a time',
    of: ALL,
    read: wholeNumber(1, MAX_UINT_16),
  },
  {
    flags: '-c, --disable-clean-session',
    says: 'continue the session of this client id, and leave it there; needs -i',
    of: ALL,
  },
  {
    flags: '-x, --session-expiry-interval <seconds>',
    says: 'how long it stays there, MQTT 5 (default: for ever)',
    of: ALL,
    read: (text) => (text === '-1' || text === '∞' ? MAX_UINT_32 : wholeNumber(0, MAX_UINT_32)(text)),
  },
  {
    flags: '--will-topic <topic>',
    says: 'the broker publishes there when this client is gone without a word',
    of: ALL,
  },
  { flags: '--will-payload <text>', says: 'what it publishes (default: nothing)', of: ALL },
  { flags: '--will-qos <qos>', says: 'at which QoS (default: 0)', of: ALL, read: readQos },
  { flags: '--will-retain', says: 'and keeps', of: ALL },
  { flags: '--cafile <file>', says: 'connect with TLS, and trust these certificates (PEM)', of: ALL },
  { flags: '--capath <folder>', says: 'the same with every certificate in a folder', of: ALL },
  { flags: '--tls-use-os-certs', says: "the same with the system's certificates", of: ALL },
  { flags: '--cert <file>', says: 'certificate of this client (PEM)', of: ALL },
  { flags: '--key <file>', says: 'its private key (PEM)', of: ALL },
  {
    flags: '--keyform <form>',
    says: 'pem',
    of: ALL,
    read: (text) => (text === 'pem' ? text : refuse(NO_ENGINES)),
  },
  { flags: '--tls-engine <engine>', says: 'a key in hardware', of: ALL, refused: NO_ENGINES },
  { flags: '--tls-engine-kpass-sha1 <hash>', says: 'its password', of: ALL, refused: NO_ENGINES },
  { flags: '--insecure', says: 'with TLS: take a certificate that is for another host', of: ALL },
  { flags: '--ciphers <list>', says: 'ciphers for TLS, as OpenSSL names them', of: ALL },
  {
    flags: '--tls-version <version>',
    says: Object.keys(TLS_VERSIONS).join(', '),
    of: ALL,
    read: oneOf(TLS_VERSIONS),
  },
  {
    flags: '--tls-alpn <protocol>',
    says: 'what is to be spoken, for a port that has several protocols',
    of: ALL,
  },
  {
    flags: '--psk <hex>',
    says: 'connect with TLS (1.2) by a key that both sides have',
    of: ALL,
    read: readHex,
  },
  { flags: '--psk-identity <name>', says: 'whose key that is', of: ALL },
  { flags: '-d, --debug', says: 'tell on standard error what happens', of: ALL },
  { flags: '--quiet', says: 'tell no failures; the exit code does', of: ALL },
];

/** A command that takes as many words after `-D` as belong to it, so that others may follow. */
class MqttCommand extends Command {
  override parseOptions(words: string[]): ReturnType<Command['parseOptions']> {
    const joined: string[] = [];
    for (let at = 0; at < words.length; at++) {
      const word = words[at]!;
      if (word === '--') return super.parseOptions([...joined, ...words.slice(at)]);
      const option = this.options.find(({ short, long }) => word === short || word === long);
      if (option?.long === '--property') {
        const count = wordsOfProperty(words.slice(at + 1));
        joined.push(`--property=${JSON.stringify(words.slice(at + 1, at + 1 + count))}`);
        at += count;
      } else {
        joined.push(word);
        // What it needs is its value, whatever it looks like.
        if (option?.required === true && at + 1 < words.length) joined.push(words[++at]!);
      }
    }
    return super.parseOptions(joined);
  }
}

/** A command with the flags of its row in the table. `-h` is the host, as in mosquitto_pub: help is --help. */
export function mqttCommand(program: Program, description: string): Command {
  const command = new MqttCommand(program).description(description).helpOption('--help', 'print help');
  for (const flag of FLAG_TABLE) {
    if (!flag.of.includes(program)) continue;
    const option = new Option(flag.flags, flag.says);
    const { refused } = flag;
    if (flag.read !== undefined) option.argParser(flag.read);
    if (flag.default !== undefined) option.default(flag.default);
    command.addOption(refused === undefined ? option : option.hideHelp());
    if (refused !== undefined)
      command.on(`option:${option.name()}`, () =>
        command.error(`error: ${flag.flags} is not taken: ${refused}`),
      );
  }
  return command;
}

function readQos(text: string): QoS {
  if (text === '0' || text === '1' || text === '2') return Number(text) as QoS;
  return refuse('It must be 0, 1 or 2.');
}

function readDelay(text: string): number {
  const seconds = /^\d{1,6}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return seconds >= 0 ? seconds : refuse('It must be a number of seconds.');
}

function readTimeout(text: string): number {
  const seconds = /^\d{1,7}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_WAIT_S) return seconds;
  return refuse(`It must be a number of seconds, ${MAX_WAIT_S} at most.`);
}

function readPercent(text: string): number {
  const percent = /^\d{1,3}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return percent >= 0.1 && percent <= 100 ? percent : refuse('It must be a number from 0.1 to 100.');
}

function readHex(text: string): Buffer {
  return /^([\da-f]{2})+$/i.test(text)
    ? Buffer.from(text, 'hex')
    : refuse('It must be bytes in hexadecimal.');
}

function oneOf(choices: Readonly<Record<string, unknown>>): (text: string) => unknown {
  return (text) =>
    Object.hasOwn(choices, text.toLowerCase())
      ? choices[text.toLowerCase()]
      : refuse(`It must be one of ${Object.keys(choices).join(', ')}.`);
}

function collect(text: string, before: unknown = []): readonly string[] {
  return [...(before as readonly string[]), text];
}

function refuse(why: string): never {
  throw new InvalidArgumentError(why);
}
