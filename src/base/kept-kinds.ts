/** One row of the table of limits: `docs/limits.md` is made of it. */
type KeptKindRow = {
  /** Label of the metrics. */
  readonly name: string;
  readonly what: string;
  /** Whose books it is in. */
  readonly whose: string;
  /** Measured on Node 24: what one costs beside its own bytes. */
  readonly fixedBytes: number;
  /** What each byte of it costs; 1 where bytes are kept as they came. */
  readonly perByte: number;
  /** Part of the whole that all of this kind may have, unless an option says a number of bytes. */
  readonly share: number;
  /** Whether closing a party's connections gives it back, so that the one that holds most may be closed for it. */
  readonly isReclaimable: boolean;
  /** What happens when there is no room. */
  readonly refusal: string;
  /** Keys of the configuration that bound it. */
  readonly options: readonly string[];
};

const CLIENT = 'client';

/** Measured on Node 24, idle: socket, transport, framer and timer. */
export const CONNECTION_BYTES = 3584;
export const HTTP_CONNECTION_BYTES = 12_288;
/** Measured on Node 24 with OpenSSL 3: state and buffers, outside the heap. */
export const TLS_BYTES = 49_152;
/** The same in the handshake. */
export const TLS_HANDSHAKE_BYTES = 73_728;

/** The cost that a line of the ledger has: its object, its key, its place in the table and in the books. */
export const PARTY_BYTES = 640;

/**
 * What a newcomer finds however much the others hold: a connection of HTTP and an answer; of MQTT, a CONNECT, a session
 * and subscriptions take less.
 */
export const NEWCOMER_BYTES = 20_480;

/** What one costs that has so many bytes of its own. */
export function costOf(kind: KeptKind, bytes: number): number {
  const { fixedBytes, perByte } = KEPT_KINDS[kind]!;
  return fixedBytes + perByte * bytes;
}

type Needed = 'what' | 'whose' | 'fixedBytes' | 'share' | 'refusal';

/** Of most kinds. */
const USUAL = { perByte: 1, isReclaimable: false, options: [] };

/** What peers make a program keep, by kind. */
const ROWS = {
  PARTY: {
    what: 'A line of the ledger itself',
    whose: 'nobody',
    fixedBytes: PARTY_BYTES,
    share: 1 / 16,
    refusal: 'newcomers share one line',
  },
  CONNECTION: {
    what: 'A connection of an MQTT client or a device',
    whose: 'the address it comes from',
    fixedBytes: CONNECTION_BYTES,
    share: 1,
    isReclaimable: true,
    refusal:
      'it is closed as soon as it came; for a newcomer, the connections of whoever holds most are closed',
    options: [
      'mqtt.maxConnections',
      'mqtt.maxConnectionsPerAddress',
      'gateways.socket.maxConnections',
      'gateways.socket.maxConnectionsPerAddress',
    ],
  },
  HTTP_CONNECTION: {
    what: 'A connection of a caller, with a head and a body of up to 4 KiB each',
    whose: 'the address it comes from',
    fixedBytes: HTTP_CONNECTION_BYTES,
    share: 1 / 4,
    isReclaimable: true,
    refusal: 'as for `connection`',
    options: ['http.maxConnections', 'http.maxConnectionsPerAddress'],
  },
  TLS: {
    what: `What TLS keeps of a connection of any kind; in its handshake ${TLS_HANDSHAKE_BYTES / 1024} KiB`,
    whose: 'the address it comes from',
    fixedBytes: TLS_BYTES,
    share: 1,
    isReclaimable: true,
    refusal: 'as for `connection`',
  },
  CONNECT: {
    what: 'A CONNECT that is being decided',
    whose: 'the address it comes from',
    fixedBytes: 2048,
    share: 1 / 8,
    isReclaimable: true,
    refusal: 'CONNACK 0x97 Quota exceeded (3.1.1: 0x03), and close',
    options: ['mqtt.maxConnectBytes', 'mqtt.connectTimeoutMs'],
  },
  SESSION: {
    what: 'A session, with or without its connection',
    whose: CLIENT,
    fixedBytes: 1024,
    share: 1 / 2,
    refusal:
      'its oldest without connection ends, or that of whoever has most; else CONNACK 0x97 Quota exceeded (3.1.1: 0x03)',
    options: ['mqtt.maxSessions'],
  },
  SUBSCRIPTION: {
    what: 'A subscription',
    whose: CLIENT,
    fixedBytes: 512,
    perByte: 2,
    share: 1 / 2,
    refusal: 'SUBACK 0x97 Quota exceeded (3.1.1: 0x80)',
    options: ['mqtt.maxSubscriptionsPerClient'],
  },
  QUEUED: {
    what: 'A message that waits in a session',
    whose: 'the client it is for',
    fixedBytes: 256,
    share: 1 / 2,
    refusal: 'it is dropped for that client and counted (`queue-full`)',
    options: ['mqtt.maxTotalQueuedBytes', 'mqtt.maxQueuedBytes', 'mqtt.maxQueuedMessages'],
  },
  INFLIGHT: {
    what: 'A message of QoS 1 or 2 that was sent and is not acknowledged',
    whose: 'the client it is for',
    fixedBytes: 256,
    share: 1 / 2,
    refusal: 'it waits in the queue, and counts there',
    options: ['mqtt.maxInflightMessages', 'mqtt.maxQueuedBytes', 'mqtt.maxTotalQueuedBytes'],
  },
  OUTBOX: {
    what: 'Bytes that wait for a peer that does not read',
    whose: 'the address it comes from',
    fixedBytes: 256,
    // Buffers grow by doubling, and a slice may keep a block alive that is twice as large.
    perByte: 2,
    share: 1 / 8,
    isReclaimable: true,
    refusal:
      'QoS 0 is dropped and counted, QoS 1 and 2 wait in the queue, a client is not read any more, a device is closed; for who has less, connections of whoever has most waiting are closed',
    options: ['mqtt.maxOutboxBytes', 'gateways.socket.maxOutboxBytes'],
  },
  WILL: {
    what: 'A Will Message',
    whose: CLIENT,
    fixedBytes: 512,
    share: 1 / 4,
    isReclaimable: true,
    refusal: 'CONNACK 0x97 Quota exceeded (3.1.1: 0x03)',
    options: ['mqtt.maxConnectBytes'],
  },
  RETAINED: {
    what: 'A retained message',
    whose: 'the client that published it',
    fixedBytes: 512,
    share: 1 / 2,
    refusal: 'PUBACK or PUBREC 0x97 Quota exceeded; at QoS 0 and before MQTT 5.0 it is dropped and counted',
    options: ['mqtt.maxRetainedBytes', 'mqtt.maxRetainedMessages'],
  },
  DESCRIPTION: {
    what: 'What a device says of itself',
    whose: 'the device, else its address',
    fixedBytes: 2048,
    share: 1 / 8,
    refusal:
      'a device at a socket is told DESCRIPTION_INVALID, and closed; of one over MQTT the log tells it, and it is counted',
    options: [
      'gateways.socket.maxLineBytes',
      'gateways.mqtt.maxMessageBytes',
      'devices.maxOfflineDescriptionBytes',
    ],
  },
  DISCOVERY_CONFIG: {
    what: "A config of Home Assistant's discovery, with what is read and sent by it",
    whose: 'the client that published it, else the broker',
    fixedBytes: 6144,
    // As objects, and as the functions that its templates become.
    perByte: 8,
    share: 1 / 8,
    refusal: 'it is left out and counted (`configsRefused`)',
    options: ['gateways.homeAssistant.maxConfigs', 'gateways.homeAssistant.maxMessageBytes'],
  },
  READING: {
    what: 'The latest value of a metric of a device',
    whose: 'the device, else its address',
    fixedBytes: 256,
    perByte: 2,
    share: 1 / 8,
    refusal: 'it is left out and counted (`refused`)',
  },
  SERIES: {
    what: 'A metric that has had readings for the history within a day: its names, here and in the thread of the history',
    whose: 'the device, else its address',
    fixedBytes: 1280,
    // The names here, and three times there.
    perByte: 4,
    share: 1 / 8,
    refusal: 'its readings are left out of the history and counted (`recado_history_readings_refused_total`)',
  },
  HISTORY_READING: {
    what: 'Room for readings on their way to the history: those that wait to be written, and those that no chunk has yet',
    whose: 'this program',
    fixedBytes: 20,
    share: 1 / 8,
    refusal:
      'chunks are made sooner; what waits beyond is left out of the history and counted (`recado_history_readings_lost_total`)',
    options: ['telemetry.flushMs', 'telemetry.maxReadingsInMemory'],
  },
  EVENT: {
    what: 'What happened at devices, kept for who reads it late',
    whose: 'this program',
    fixedBytes: 96,
    share: 1 / 16,
    refusal: 'the oldest is let go; a reader that still wanted it is told how many it missed',
    options: ['events.maxKeptEvents', 'events.maxKeptBytes'],
  },
  EVENT_STREAM: {
    what: 'A stream of events of devices, with what its reader has not taken',
    whose: 'the caller',
    fixedBytes: 8192,
    share: 1 / 8,
    isReclaimable: true,
    refusal: '429 TOO_MANY_REQUESTS',
    options: ['events.maxStreams', 'events.maxStreamsPerCaller'],
  },
  STREAM_TICKET: {
    what: 'A ticket for a stream of events that was not used yet, with what it is for: half a minute at the most',
    whose: 'the caller',
    fixedBytes: 640,
    // Lists of devices, as sets of their ids.
    perByte: 16,
    share: 1 / 64,
    refusal: '429 TOO_MANY_REQUESTS',
  },
  WEBHOOK: {
    what: 'A webhook, with the delivery that its receiver has not taken',
    whose: 'who made it',
    fixedBytes: 4096,
    share: 1 / 16,
    refusal: '409 WEBHOOKS_FULL',
    options: ['webhooks.maxWebhooks'],
  },
  PARTIAL: {
    what: 'What has come of a packet, a line, a message, or a head of HTTP of more than 4 KiB, that is not whole',
    whose: 'the address it comes from',
    fixedBytes: 256,
    share: 1 / 2,
    isReclaimable: true,
    refusal:
      'a client is told 0x97 Quota exceeded, a device MESSAGE_TOO_LARGE, a caller nothing, and it is closed',
    options: ['gateways.socket.maxMessageBytes', 'gateways.socket.maxLineBytes'],
  },
  BODY: {
    what: 'A body or a head of more than 4 KiB of a request to the HTTP API, until it is answered',
    whose: 'the caller',
    fixedBytes: 1024,
    share: 1 / 8,
    isReclaimable: true,
    refusal: '429 TOO_MANY_REQUESTS',
    options: ['http.maxBodyBytes'],
  },
  FRAME: {
    what: 'A request for a service with its head, and what of its body is kept to be sent again',
    whose: 'the caller',
    fixedBytes: 2048,
    // As it came, and as the frames that carry it.
    perByte: 2,
    share: 1 / 4,
    isReclaimable: true,
    refusal: '429 TOO_MANY_REQUESTS',
    options: ['services.maxKeptBytes', 'services.maxInFlightPerService'],
  },
  TOPIC_ALIAS: {
    what: 'A Topic Alias that a client gave or was given, with its topic',
    whose: 'the address it comes from',
    fixedBytes: 512,
    // Its bytes, its text, and the numbers that it is found by.
    perByte: 3,
    share: 1 / 8,
    isReclaimable: true,
    refusal:
      'DISCONNECT 0x97 Quota exceeded, and close; to a client that takes aliases no new one is given any more',
    options: ['mqtt.topicAliasMaximum'],
  },
  TOPIC: {
    what: 'A topic that was published to, and who gets its messages, kept to be used again',
    whose: 'this program',
    fixedBytes: 512,
    perByte: 2,
    share: 1 / 8,
    refusal: 'it is looked up anew for each message',
    options: ['mqtt.maxCachedTopics', 'mqtt.maxCachedMatches'],
  },
  INVOCATION: {
    what: 'A command that waits for its device, or for its answer, with its request and its input',
    whose: 'the caller',
    fixedBytes: 4096,
    share: 1 / 8,
    isReclaimable: true,
    refusal: '429 TOO_MANY_INVOCATIONS',
    options: ['devices.maxQueuedInvocations', 'devices.maxQueuedPerCaller', 'invocations.maxInputValues'],
  },
  LASTING_INVOCATION: {
    what: 'A command that goes on without its caller, until it has ended',
    whose: 'the caller',
    fixedBytes: 4096,
    // Here, and on its way to the store.
    perByte: 2,
    share: 1 / 16,
    refusal: '429 TOO_MANY_INVOCATIONS',
    options: [
      'devices.maxQueuedInvocations',
      'devices.maxQueuedPerCaller',
      'devices.maxQueuedBytes',
      'devices.maxQueuedBytesPerCaller',
    ],
  },
  IDEMPOTENCY_KEY: {
    what: 'An idempotency key, for 24 hours, with what became of its command',
    whose: 'the caller',
    fixedBytes: 512,
    perByte: 2,
    share: 1 / 16,
    refusal:
      'for who has less, the key of whoever has most whose command ended first is given up, and may be used anew; else 429 TOO_MANY_INVOCATIONS',
  },
  HISTORY: {
    what: 'What became of a command that ended, where no key stands for it',
    whose: 'this program',
    fixedBytes: 768,
    perByte: 2,
    share: 1 / 16,
    refusal: 'what ended first is forgotten',
    options: ['invocations.maxHistory', 'invocations.historyMs'],
  },
  ANSWER: {
    what: 'An answer of the HTTP API that its caller has not taken, with its request',
    whose: 'the caller',
    fixedBytes: 6144,
    // Its text, and what the socket makes of it.
    perByte: 2,
    share: 1 / 8,
    isReclaimable: true,
    refusal:
      '429 TOO_MANY_REQUESTS; a caller that has not read those before is closed; the output of a command is kept all the same',
  },
  BULK: {
    what: 'A command to many devices, with the list of them, and its last answers where its caller may come back',
    whose: 'the caller',
    fixedBytes: 4096,
    share: 1 / 32,
    isReclaimable: true,
    refusal: '429 TOO_MANY_REQUESTS',
    options: ['invocations.maxBulksPerCaller'],
  },
} satisfies Readonly<Record<string, Pick<KeptKindRow, Needed> & Partial<KeptKindRow>>>;

/** By kind. */
export const KEPT_KINDS: readonly KeptKindRow[] = Object.entries(ROWS).map(([name, row]) => ({
  ...USUAL,
  ...row,
  name: name.toLowerCase(),
}));

/** A kind's place in `KEPT_KINDS` and in the ledger's books, so that a booking on the hot path compares no text. */
export type KeptKind = number & { readonly isKeptKind: true };
export const KeptKind = Object.fromEntries(
  Object.keys(ROWS).map((name, kind) => [name, kind]),
) as unknown as Readonly<Record<keyof typeof ROWS, KeptKind>>;
