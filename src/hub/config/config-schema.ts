import { Type, type DeepReadonly, type Static } from '../../config/type.ts';
import { DEFAULT_MAX_KEPT_BYTES } from '../../base/ledger.ts';
import { httpListener } from '../../config/http-listener.ts';
import { bytes, count, longMs, ms, networks } from '../../config/leaf.ts';
import { mqtt } from './sections/mqtt.ts';
import { services } from './sections/services.ts';
import { HOME_ASSISTANT_OPTIONS } from '../../gateways/home-assistant/options.ts';
import { MQTT_GATEWAY_OPTIONS } from '../../gateways/mqtt/options.ts';
import { SOCKET_OPTIONS } from '../../gateways/socket/options.ts';

/*
 * The configuration, once: types, defaults, bounds, environment names and docs/config.md all come from here.
 * The larger sections are in `sections/`, and what a leaf may say in `sections/leaf.ts`.
 */

const size = (leaf: { readonly default: number; readonly description: string }) =>
  Type.Integer({ minimum: 1_048_576, maximum: Number.MAX_SAFE_INTEGER, unit: 'bytes', ...leaf });

const devices = Type.Object(
  {
    maxOfflineDevices: count({ default: 10_000, description: 'Devices kept in the list after they left.' }),
    maxOfflineDescriptionBytes: bytes({
      default: 16_777_216,
      description: 'What the descriptions of these may have in all; beyond it, who left first is forgotten.',
    }),
    maxQueuedInvocations: count({ default: 128, description: 'Most commands waiting for one device.' }),
    maxQueuedPerCaller: count({ default: 64, description: 'Most of these that one caller may hold.' }),
    maxEventBytes: bytes({ default: 16_384, description: 'Largest data of an event of a device, as JSON.' }),
    maxEventsPerSecond: count({ default: 100, description: 'Most events of one device.' }),
    maxQueuedBytes: bytes({
      default: 1_048_576,
      description: 'What the inputs of those that wait for one offline device may have in all.',
    }),
    maxQueuedBytesPerCaller: bytes({
      default: 524_288,
      description: 'Most of these that one caller may hold.',
    }),
  },
  { additionalProperties: false, description: 'All devices, whatever gateway they come through.' },
);

const events = Type.Object(
  {
    maxKeptEvents: Type.Integer({
      minimum: 1024,
      maximum: 16_777_216,
      default: 65_536,
      description:
        'Most events of devices that are kept for those who read them late, or come back; rounded up to a power of two.',
    }),
    maxKeptBytes: bytes({
      default: 16_777_216,
      description: 'What these may have in all besides numbers: texts, and events that are no readings.',
    }),
    maxStreams: count({ default: 1000, description: 'Most streams of `/api/v1/events` at once.' }),
    maxStreamsPerCaller: count({ default: 100, description: 'Most of these that one caller may have.' }),
    keepAliveMs: ms({
      default: 15_000,
      description: 'Silence after which a stream says that the hub is there.',
    }),
  },
  { additionalProperties: false, description: 'What happens at devices, as the hub tells it.' },
);

const webhooks = Type.Object(
  {
    allowedNetworks: networks(
      'Where webhooks may post beside addresses of the public internet, as `192.168.0.0/16`; asked of the address that is connected to.',
      [],
    ),
    maxWebhooks: count({ default: 100, description: 'Most webhooks at once.' }),
    timeoutMs: ms({ default: 10_000, description: 'Time for a receiver to answer.' }),
    giveUpMs: longMs({
      default: 86_400_000,
      description: 'After how long without success a webhook is given up, until somebody revives it.',
    }),
  },
  {
    additionalProperties: false,
    description: 'Programs that are told by HTTP what happens at devices: [http.md](http.md#webhooks).',
  },
);

const telemetry = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Whether numbers that devices report are kept.' }),
    maxMetricAgeMs: longMs({
      default: 300_000,
      description: 'Age at which a value is left out of `/metrics/devices`.',
    }),
    flushMs: ms({ default: 1000, description: 'After how long what was reported is written.' }),
    rawDays: count({
      default: 30,
      description: 'Days for which each reading is kept; after them, what they came to in each minute.',
    }),
    retentionDays: count({ default: 365, description: 'Days after which a file of history is taken away.' }),
    maxBytes: size({
      default: 4_294_967_296,
      description: 'What all files may have; beyond it the oldest go.',
    }),
    maxFileBytes: size({
      default: 268_435_456,
      description:
        'What a file may have before another is begun, at most a quarter of `maxBytes`; each day begins one.',
    }),
    maxReadingsInMemory: count({
      default: 1_000_000,
      description:
        'With `inMemory`: most readings that are kept; beyond it the older half of each metric goes.',
    }),
  },
  { additionalProperties: false, description: 'The history of what devices report.' },
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
    maxQueueForMs: longMs({
      default: 604_800_000,
      description: 'Longest time that a command may wait for an offline device.',
    }),
    maxHistory: count({ default: 10_000, description: 'Commands that ended and are kept to be read.' }),
    historyMs: longMs({ default: 604_800_000, description: 'How long they are kept.' }),
    maxBulksPerCaller: count({
      default: 8,
      description: 'Most commands to many devices that one caller may have at once.',
    }),
    maxBulkInFlight: count({
      default: 1000,
      description: 'Most devices that one caller asks at once by all of them.',
    }),
  },
  { additionalProperties: false, description: 'Execution of commands.' },
);

const accounts = Type.Object(
  {
    maxSessionHours: count({ default: 168, description: 'Longest time that a person stays signed in.' }),
    maxIdleHours: count({ default: 24, description: 'The same without doing anything.' }),
    auditDays: count({ default: 90, description: 'How long it is kept who did what.' }),
    maxAuditEntries: count({
      default: 100_000,
      description: 'Most entries of it; beyond, the oldest go. In memory only, 10,000.',
    }),
    commandTopics: Type.Array(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        pattern: '^(?:(?:\\+|[^+#/]*)/)*(?:\\+|#|[^+#/]*)$',
        expected: 'a topic filter, as house/+/set',
      }),
      {
        maxItems: 100,
        default: [],
        description:
          'Topics of MQTT, as `house/+/set`, on which clients give commands: each message there has an entry.',
      },
    ),
  },
  { additionalProperties: false, description: 'Who may come in, and do what: [accounts.md](accounts.md).' },
);

const memory = Type.Object(
  {
    maxKeptBytes: Type.Integer({
      minimum: 16_777_216,
      maximum: Number.MAX_SAFE_INTEGER,
      unit: 'bytes',
      default: DEFAULT_MAX_KEPT_BYTES,
      description:
        'Most bytes that all peers together make the hub keep; who has more than a fair share grows only while half is free.',
    }),
  },
  {
    additionalProperties: false,
    description: 'What is kept for peers; [limits.md](limits.md) has the shares.',
  },
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
    http: httpListener(5070, 'The HTTP server: API, services and old routes.'),
    console: Type.Object(
      {
        enabled: Type.Boolean({
          default: true,
          description:
            'Whether browsers find the web console at the address of the HTTP server, and the page of the API at `/docs`.',
        }),
      },
      { additionalProperties: false, description: 'The [web console](console.md).' },
    ),
    gateways: Type.Object(
      { socket: SOCKET_OPTIONS, mqtt: MQTT_GATEWAY_OPTIONS, homeAssistant: HOME_ASSISTANT_OPTIONS },
      { additionalProperties: false, description: 'Where devices come in.' },
    ),
    mqtt,
    services,
    devices,
    events,
    webhooks,
    telemetry,
    invocations,
    accounts,
    memory,
    log,
    dataDir: Type.String({
      minLength: 1,
      maxLength: 4096,
      isFileName: true,
      expected: 'the name of a folder',
      default: './recado-data',
      description:
        'The folder of what lasts: MQTT sessions, retained messages, accounts. It is made when it is not there; one hub at a time has it.',
    }),
    inMemory: Type.Boolean({
      default: false,
      description: 'Write nothing: with the hub ends all that it knows.',
    }),
    shutdownTimeoutMs: ms({ default: 5000, description: 'Time for everything to close when the hub stops.' }),
    insecure: Type.Boolean({
      default: false,
      description:
        'Start even where a listener is open to strangers. Only for networks that you trust wholly.',
    }),
  },
  { additionalProperties: false, formerKeys: { broker: 'mqtt.external' } },
);

/** The whole configuration of a hub, every key present and checked. */
export type Config = DeepReadonly<Static<typeof ConfigSchema>>;
