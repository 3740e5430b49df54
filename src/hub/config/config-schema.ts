import { Type, type Static } from 'typebox';

/*
 * The configuration, once: types, defaults, bounds, environment names and docs/config.md all come from here.
 * Beside JSON Schema's own words a leaf may say `unit` (ms, bytes…), `secret` (never printed) and `format`
 * (`host`, `network`: checked by check-value.ts).
 */

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const MAX_TIME_MS = 3_600_000;
const MAX_SIZE_BYTES = 1_073_741_824;
const MAX_COUNT = 1_000_000;

/** Long enough that it cannot be guessed over the network; RFC 6750 section 2.1 names the characters. */
const TOKEN = { minLength: 16, maxLength: 512, pattern: '^[A-Za-z0-9._~+/=-]+$' };
/** What a device may call itself: `isDeviceId` of the model, in the words of JSON Schema. */
const DEVICE_ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$';

type LeafText = { readonly default: number; readonly description: string };

const port = (leaf: LeafText) => Type.Integer({ minimum: 0, maximum: 65_535, ...leaf });
const ms = (leaf: LeafText) => Type.Integer({ minimum: 10, maximum: MAX_TIME_MS, unit: 'ms', ...leaf });
const bytes = (leaf: LeafText) =>
  Type.Integer({ minimum: 256, maximum: MAX_SIZE_BYTES, unit: 'bytes', ...leaf });
const count = (leaf: LeafText) => Type.Integer({ minimum: 1, maximum: MAX_COUNT, ...leaf });

const host = (description: string) =>
  Type.String({ minLength: 1, maxLength: 253, format: 'host', default: '127.0.0.1', description });

const networks = (description: string) =>
  Type.Array(Type.String({ format: 'network', maxLength: 64 }), {
    maxItems: 1000,
    default: LOOPBACK,
    description,
  });

const http = Type.Object(
  {
    host: host('Address that the HTTP server listens on.'),
    port: port({ default: 5070, description: 'Port of the HTTP server; 0 takes any free port.' }),
    tokens: Type.Array(Type.String(TOKEN), {
      maxItems: 1000,
      default: [],
      secret: true,
      description: 'Tokens that callers may present as `Authorization: Bearer …`.',
    }),
    hostNames: Type.Array(Type.String({ format: 'host', maxLength: 253 }), {
      maxItems: 1000,
      default: [],
      description:
        'Public host names under which callers without a token may reach the hub; local names always may.',
    }),
    trustedNetworks: networks('Callers from these networks or addresses need no token.'),
    maxBodyBytes: bytes({ default: 1_048_576, description: 'Largest request body.' }),
  },
  { additionalProperties: false, description: 'The HTTP server: API and old routes.' },
);

const socket = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Whether devices may come over plain TCP and UDP.' }),
    host: host('Address that TCP and UDP listen on.'),
    tcpPort: port({ default: 5050, description: 'TCP port for devices; 0 takes any free port.' }),
    udpPort: port({ default: 5060, description: 'UDP port for their readings; 0 takes any free port.' }),
    trustedNetworks: networks('Devices from these networks or addresses need no token.'),
    deviceTokens: Type.Record(Type.String({ pattern: DEVICE_ID_PATTERN }), Type.String(TOKEN), {
      additionalProperties: false,
      maxProperties: 100_000,
      default: {},
      secret: true,
      description: 'Tokens of framed (version 2) devices, by device id.',
    }),
    maxConnections: count({ default: 10_000, description: 'Most connections at once.' }),
    maxConnectionsPerAddress: count({
      default: 10_000,
      description: 'Most connections at once from one address.',
    }),
    maxMessageBytes: bytes({
      default: 65_536,
      description: 'Largest message of a plain (version 1) device.',
    }),
    maxCommandBytes: bytes({
      default: 2048,
      description:
        'Largest command to a plain (version 1) device; many read no more than 2048 bytes at once.',
    }),
    maxLineBytes: bytes({ default: 262_144, description: 'Longest line of a framed (version 2) device.' }),
    maxNestingDepth: Type.Integer({
      minimum: 1,
      maximum: 256,
      default: 32,
      description: 'Deepest nesting of lists and dictionaries in a message.',
    }),
    handshakeTimeoutMs: ms({ default: 5000, description: 'Time for a new connection to say who it is.' }),
    messageTimeoutMs: ms({ default: 5000, description: 'Time for a message that has begun to be complete.' }),
    keepAliveMs: ms({ default: 3000, description: 'How often a plain device is asked whether it is there.' }),
    keepAliveTimeoutMs: ms({ default: 5000, description: 'Time for a device to answer that it is there.' }),
    answerTimeoutMs: ms({ default: 5000, description: 'Time for a plain device to answer a command.' }),
    datagramWaitMs: ms({
      default: 2000,
      description: 'How long a read over UDP waits for the next datagram.',
    }),
    framedKeepAliveMs: ms({
      default: 15_000,
      description: 'Silence of a framed device after which it is pinged.',
    }),
    maxInFlightInvocations: count({
      default: 256,
      description: 'Most commands at once in one framed device.',
    }),
    maxOutboxBytes: bytes({
      default: 1_048_576,
      description: 'Most bytes waiting to be sent to one device.',
    }),
    receiveBufferBytes: bytes({
      default: 4_194_304,
      description: 'Receive buffer asked of the system for UDP.',
    }),
  },
  { additionalProperties: false, description: 'The gateway for devices over plain TCP and UDP.' },
);

const devices = Type.Object(
  {
    maxOfflineDevices: count({ default: 10_000, description: 'Devices kept in the list after they left.' }),
    maxOfflineDescriptionBytes: bytes({
      default: 16_777_216,
      description: 'What the descriptions of these may have in all; beyond it, who left first is forgotten.',
    }),
    maxQueuedInvocations: count({ default: 128, description: 'Most commands waiting for one device.' }),
    maxQueuedPerCaller: count({ default: 64, description: 'Most of these that one caller may hold.' }),
  },
  { additionalProperties: false, description: 'All devices, whatever gateway they come through.' },
);

const invocations = Type.Object(
  {
    defaultTimeoutMs: ms({
      default: 5000,
      description: 'Time for a command where neither caller nor device says.',
    }),
    maxInputDepth: Type.Integer({
      minimum: 1,
      maximum: 256,
      default: 32,
      description: 'Deepest nesting of an input.',
    }),
    maxInputValues: count({
      default: 4096,
      description: 'Most values in an input, members and items counted.',
    }),
    maxTimeoutMs: ms({ default: 600_000, description: 'Longest time that a caller may ask for.' }),
  },
  { additionalProperties: false, description: 'Execution of commands.' },
);

const log = Type.Object(
  {
    level: Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], {
      default: 'info',
      description: 'Least weight that is logged.',
    }),
    format: Type.Enum(['auto', 'pretty', 'json'], {
      default: 'auto',
      description: 'How lines look; `auto` is `pretty` on a terminal, else `json`.',
    }),
  },
  { additionalProperties: false, description: 'The log, on standard error.' },
);

export const ConfigSchema = Type.Object(
  {
    http,
    gateways: Type.Object({ socket }, { additionalProperties: false, description: 'Where devices come in.' }),
    devices,
    invocations,
    log,
    shutdownTimeoutMs: ms({ default: 5000, description: 'Time for everything to close when the hub stops.' }),
    insecure: Type.Boolean({
      default: false,
      description:
        'Start even where a listener is open to strangers. Only for networks that you trust wholly.',
    }),
  },
  { additionalProperties: false },
);

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** The whole configuration of a hub, every key present and checked. */
export type Config = DeepReadonly<Static<typeof ConfigSchema>>;
