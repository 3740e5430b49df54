import type { Registry } from 'prom-client';
import type { MqttServer } from '../hub/mqtt/mqtt-server.ts';
import { addCounter, addGauge, type Sample } from './read-metric.ts';

/**
 * The numbers of the MQTT broker, by the names that they have below `$SYS`, without `total`: read when somebody asks,
 * so that a message pays nothing for them.
 */
export function registerMqttMetrics(registry: Registry, mqtt: MqttServer): void {
  const { broker } = mqtt;
  for (const { topic, kind, help, unit, read } of broker.figures) {
    const words = unit === undefined ? topic : `${topic} ${unit}`;
    const name = `recado_mqtt_${words.replaceAll(/[ /-]/g, '_')}`;
    if (kind === 'counter') addCounter(registry, { name, help, read });
    // At its end the word says of a number that it only grows.
    else addGauge(registry, { name: name.replace(/_total$/, ''), help, read });
  }
  addCounter(registry, {
    name: 'recado_mqtt_publish_messages_dropped',
    help: 'Messages that did not go to a client, by reason',
    labels: ['reason'],
    read: () => Object.entries(broker.stats.dropped).map(([reason, value]) => [{ reason }, value]),
  });
  addCounter(registry, {
    name: 'recado_mqtt_access_denied',
    help: 'What access rules denied, by rule of the file, others by hook; of what clients receive each message',
    labels: ['rule'],
    read: () => [...broker.denials].map(([rule, value]): Sample => [{ rule }, value]),
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
