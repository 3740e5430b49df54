import { getHeapStatistics } from 'node:v8';
import { KeptKind } from '../../base/kept-kinds.ts';
import type { Engine } from './engine.ts';
import { packetsSentOf } from './stats.ts';

/** A number that the broker tells of itself, below `$SYS/broker/`; metrics are made of it by the same name. */
export type Figure = {
  /** Those of Mosquitto where it has one: monitoring programs know them, and make names of `/`, space and `_`. */
  readonly topic: string;
  /** A `counter` only grows while the broker runs. */
  readonly kind: 'counter' | 'gauge';
  /** For people; it begins as a sentence does. */
  readonly help: string;
  /** Behind the number below `$SYS`, and at the end of the metric's name. */
  readonly unit?: string;
  /** As it is now. */
  readonly read: () => number;
};

type Row = Omit<Figure, 'read'> & { readonly read: (engine: Engine) => number };

/** All of them, but for the messages that were dropped, which are told by reason. */
export const FIGURES: readonly Row[] = [
  ...counters({
    'bytes/received': ['Bytes that came from clients', ({ stats }) => stats.bytesReceived],
    'bytes/sent': ['Bytes that went to clients', ({ stats }) => stats.bytesSent],
    'messages/received': [
      'Packets of all types that came from clients',
      ({ stats }) => stats.packetsReceived,
    ],
    'messages/sent': ['Packets of all types that went to clients', ({ stats }) => packetsSentOf(stats)],
    'messages/too_large': [
      'Packets other than CONNECT and PUBLISH that were too large',
      ({ stats }) => stats.controlPacketsTooLarge,
    ],
    'publish/messages/received': ['Messages that came from clients', ({ stats }) => stats.publishReceived],
    'publish/messages/sent': ['Messages that went to clients', ({ stats }) => stats.publishSent],
    'publish/messages/denied': ['Messages that the access rules denied', ({ stats }) => stats.publishDenied],
    'publish/bytes/received': ['Bytes of payloads that came', ({ stats }) => stats.publishBytesReceived],
    'publish/bytes/sent': ['Bytes of payloads that went', ({ stats }) => stats.publishBytesSent],
    'connections/accepted': [
      'Network connections that were accepted',
      ({ stats }) => stats.connectionsAccepted,
    ],
    'connections/refused': [
      'Network connections that a limit refused',
      ({ stats }) => stats.connectionsRefused,
    ],
    'connections/yielded': [
      'Network connections that ended to make room for others',
      ({ stats }) => stats.connectionsYielded,
    ],
    'connections/taken_over': [
      'Connections that ended because their client connected again',
      ({ stats }) => stats.connectionsTakenOver,
    ],
    'connections/keep_alive_timeouts': [
      'Connections that ended because their client was silent for too long',
      ({ stats }) => stats.keepAliveTimeouts,
    ],
    'connections/connect_timeouts': [
      'Connections that ended because nobody said who was there',
      ({ stats }) => stats.connectTimeouts,
    ],
    'connections/protocol_errors': [
      'Connections that ended because of a packet that must not come',
      ({ stats }) => stats.protocolErrors,
    ],
    'connections/read_pauses': [
      'Times that a client was not read because it did not read itself',
      ({ stats }) => stats.readsPaused,
    ],
    'clients/refused': ['Clients that were refused', ({ stats }) => stats.connectsRefused],
    'clients/takeovers_refused': [
      'Clients that were refused because their id belongs to another user',
      ({ stats }) => stats.takeoversRefused,
    ],
    'clients/expired': [
      'Sessions that ended because their client stayed away',
      ({ stats }) => stats.sessionsExpired,
    ],
    'clients/yielded': ['Sessions that ended to make room for others', ({ stats }) => stats.sessionsYielded],
    'subscriptions/denied': [
      'Subscriptions that the access rules denied',
      ({ stats }) => stats.subscribeDenied,
    ],
    'retained messages/refused': [
      'Messages that were not retained because there were too many',
      ({ stats }) => stats.retainRefused,
    ],
    'wills/published': ['Will messages that were published', ({ stats }) => stats.willsPublished],
    'hooks/failures': ['Failures of hooks', ({ stats }) => stats.hookFailures],
    'hooks/timeouts': ['Hooks that did not answer in time', ({ stats }) => stats.hookTimeouts],
    'hooks/publish_loops': [
      'Messages that were not published because a subscriber answered itself',
      ({ stats }) => stats.publishLoops,
    ],
    'store/failures': ['Failures of the store', ({ stats }) => stats.storeFailures],
    'store/refusals': [
      'Clients and messages that were refused because the store is behind or fails',
      ({ stats }) => stats.storeRefusals,
    ],
    'store/publisher_pauses': [
      'Times that a client was not read because the store had not written',
      ({ stats }) => stats.publishersPaused,
    ],
  }),
  ...gauges({
    'clients/connected': ['Clients that are connected', ({ clients }) => clients.connected],
    'clients/maximum': ['The most clients that were connected at a time', ({ clients }) => clients.maximum],
    'clients/disconnected': [
      'Sessions whose client is away',
      ({ sessions, clients }) => Math.max(0, sessions.size - clients.connected),
    ],
    'clients/total': ['Sessions, those of connected clients included', ({ sessions }) => sessions.size],
    'connections/count': ['Network connections', ({ connectionCount }) => connectionCount],
    'subscriptions/count': ['Subscriptions', ({ subscriptions }) => subscriptions.size],
    'shared_subscriptions/count': [
      'Of the subscriptions, those that are shared',
      ({ subscriptions }) => subscriptions.sharedCount,
    ],
    'retained messages/count': [
      'Retained messages, those of $SYS included',
      ({ retained }) => retained.count,
    ],
    'retained messages/bytes': ['Bytes of retained messages', ({ retained }) => retained.bytes],
    'messages/stored': ['Messages that are retained or wait for clients', countStored],
    'store/messages/count': ['Messages that are retained or wait for clients', countStored],
    'heap/current': ['Bytes of memory of the whole program, its code and stacks left out', readHeap],
    'heap/maximum': [
      'The most that this was when it was told',
      (engine) => Math.max(engine.stats.heapMaximum, readHeap(engine)),
    ],
    'store/messages/bytes': ['Bytes of these', ({ retained, queued }) => retained.bytes + queued.bytes],
  }),
  {
    topic: 'uptime',
    kind: 'gauge',
    help: 'Time since the broker was made',
    unit: 'seconds',
    read: ({ clock, startedAtMs }) => Math.floor((clock.now() - startedAtMs) / 1000),
  },
];

type Rows = Readonly<Record<string, readonly [help: string, read: Row['read']]>>;

function counters(rows: Rows): Row[] {
  return Object.entries(rows).map(([topic, [help, read]]) => ({ topic, kind: 'counter', help, read }));
}

function gauges(rows: Rows): Row[] {
  return Object.entries(rows).map(([topic, [help, read]]) => ({ topic, kind: 'gauge', help, read }));
}

function readHeap({ stats }: Engine): number {
  // And not process.memoryUsage(), which opens a file, and throws where none can be opened.
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  const bytes = heap + external;
  stats.heapMaximum = Math.max(stats.heapMaximum, bytes);
  return bytes;
}

function countStored({ ledger, retained }: Engine): number {
  return retained.count + ledger.totals()[KeptKind.QUEUED]!.count;
}
