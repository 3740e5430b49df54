import type { Registry } from 'prom-client';
import type { MqttServer } from '../hub/mqtt/mqtt-server.ts';
import type { Broker } from '../mqtt/broker/broker.ts';
import { addCounter, addGauge, snakeCase, type Sample } from './read-metric.ts';

type Stats = Broker['stats'];
type Counted = Exclude<keyof Stats, 'dropped'>;

/** What each number of the broker means; its name is made of the key. */
const STATS: Readonly<Record<Counted, string>> = {
  connectionsAccepted: 'Network connections that were accepted',
  connectionsRefused: 'Network connections that a limit refused',
  connectsRefused: 'Clients that were refused',
  connectionsTakenOver: 'Connections that ended because their client connected again',
  takeoversRefused: 'Clients that were refused because their id belongs to another user',
  keepAliveTimeouts: 'Connections that ended because their client was silent for too long',
  connectTimeouts: 'Connections that ended because nobody said who was there',
  protocolErrors: 'Connections that ended because of a packet that must not come',
  controlPacketsTooLarge: 'Packets other than CONNECT and PUBLISH that were too large',
  bytesReceived: 'Bytes that came from clients',
  bytesSent: 'Bytes that went to clients',
  publishReceived: 'Messages that came from clients',
  publishSent: 'Messages that went to clients',
  publishDenied: 'Messages that the access rules denied',
  subscribeDenied: 'Subscriptions that the access rules denied',
  retainRefused: 'Messages that were not retained because there were too many',
  willsPublished: 'Will messages that were published',
  hookFailures: 'Failures of hooks',
  publishLoops: 'Messages that were not published because a subscriber answered itself',
  hookTimeouts: 'Hooks that did not answer in time',
  storeFailures: 'Failures of the store',
  storeRefusals: 'Clients and messages that were refused because the store is behind or fails',
  publishersPaused: 'Times that a client was not read because the store had not written',
  sessionsExpired: 'Sessions that ended because their client stayed away',
  readsPaused: 'Times that a client was not read because it did not read itself',
};

const GAUGES: Readonly<Record<keyof Broker['counts'], string>> = {
  connections: 'Network connections now',
  sessions: 'Sessions now, those of clients that are away included',
  subscriptions: 'Subscriptions now',
  retainedMessages: 'Retained messages now, those of $SYS included',
  retainedBytes: 'Bytes of these',
  queuedBytes: 'Bytes of the messages that wait for clients now',
};

/** The numbers of the MQTT broker: read when somebody asks, so that a message pays nothing for them. */
export function registerMqttMetrics(registry: Registry, mqtt: MqttServer): void {
  const { broker } = mqtt;
  for (const [key, help] of Object.entries(STATS) as [Counted, string][])
    addCounter(registry, { name: `recado_mqtt_${snakeCase(key)}`, help, read: () => broker.stats[key] });
  for (const [key, help] of Object.entries(GAUGES) as [keyof Broker['counts'], string][])
    addGauge(registry, { name: `recado_mqtt_${snakeCase(key)}`, help, read: () => broker.counts[key] });
  addCounter(registry, {
    name: 'recado_mqtt_messages_dropped',
    help: 'Messages that did not go to a client, by reason',
    labels: ['reason'],
    read: () => Object.entries(broker.stats.dropped).map(([reason, value]) => [{ reason }, value]),
  });
  addCounter(registry, {
    name: 'recado_mqtt_handshakes_refused',
    help: 'Connections that did not get as far as MQTT, by listener and reason',
    labels: ['listener', 'reason'],
    read: () =>
      Object.entries(mqtt.counters.refusals).flatMap(([listener, counts]) =>
        Object.entries(counts).map(([reason, value]): Sample => [{ listener, reason }, value]),
      ),
  });
  addCounter(registry, {
    name: 'recado_mqtt_reloads',
    help: 'Times that changed files were read, by what they hold and by outcome',
    labels: ['files', 'outcome'],
    read: () => {
      const { access, tls } = mqtt.counters;
      return [
        [{ files: 'access', outcome: 'ok' }, access?.reloads ?? 0],
        [{ files: 'access', outcome: 'failed' }, access?.failedReloads ?? 0],
        [{ files: 'tls', outcome: 'ok' }, tls.reloads],
        [{ files: 'tls', outcome: 'failed' }, tls.failedReloads],
      ];
    },
  });
  addCounter(registry, {
    name: 'recado_mqtt_password_hashes',
    help: 'Passwords that were hashed to be checked',
    read: () => mqtt.counters.access?.hashes ?? 0,
  });
  addCounter(registry, {
    name: 'recado_mqtt_password_checks_busy',
    help: 'Clients that were sent away because too many passwords waited to be checked',
    read: () => mqtt.counters.access?.busy ?? 0,
  });
}
