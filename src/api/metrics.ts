import { Registry } from 'prom-client';
import type { Hub } from '../hub/hub.ts';
import type { KeptHistory } from '../store/sqlite/telemetry/telemetry-files.ts';
import { registerAccountMetrics } from './account-metrics.ts';
import { registerLedgerMetrics } from './ledger-metrics.ts';
import { registerMqttMetrics } from './mqtt-metrics.ts';
import { countByStatus } from './webhooks/webhook-status.ts';
import type { Webhooks } from './webhooks/webhooks.ts';
import { addCounter, addGauge, snakeCase } from './read-metric.ts';
import { readResidentBytes } from './resident-bytes.ts';

const MICROSECONDS = 1e6;

/** Of the gateway: what begins with `mqtt` alone is the broker's. */
const MQTT_DEVICES = 'mqtt_devices';

/** What goes up and down; every other number only grows. */
const GAUGES = new Set(['connectionsOpen', 'datagramsLost']);

/** Counting is adding to plain numbers; they become metrics only when somebody asks. */
export function collectMetrics({ hub, webhooks }: { hub: Hub; webhooks: Webhooks }): Registry {
  const registry = new Registry();
  exposeAll(registry, 'devices', () => hub.devices.counters);
  for (const { name, counters } of hub.gateways)
    exposeAll(registry, name === 'mqtt' ? MQTT_DEVICES : name, () => counters);
  const { history, services } = hub;
  if (history !== undefined) exposeAll(registry, 'history', () => history.counters);
  if (hub.stores?.telemetry !== undefined) registerHistoryMetrics(registry, hub.stores.telemetry);
  if (services !== undefined) {
    exposeAll(registry, 'services', () => services.counters);
    const inFlight = (): number => services.serviceHub?.inFlightCount ?? 0;
    gauge(registry, 'recado_services_in_flight', 'Requests of services on their way', inFlight);
  }
  exposeAll(registry, 'webhooks', () => webhooks.counters);
  addGauge(registry, {
    name: 'recado_webhooks',
    help: 'Webhooks, by how it stands with them',
    labels: ['status'],
    read: () =>
      Object.entries(countByStatus(webhooks.deliveries.map(({ record }) => record))).map(
        ([status, count]) => [{ status }, count],
      ),
  });
  registerLedgerMetrics(registry, hub.ledger);
  registerAccountMetrics(registry, hub.accounts);
  addCounter(registry, {
    name: 'recado_http_connections_refused',
    help: 'Connections that did not get as far as HTTP, by reason',
    labels: ['reason'],
    read: () => Object.entries(hub.refusals.get('http') ?? {}).map(([reason, value]) => [{ reason }, value]),
  });
  if (hub.mqtt !== undefined) registerMqttMetrics(registry, hub.mqtt);
  gauge(registry, 'recado_devices_known', 'Devices in the list', () => hub.devices.size);
  gauge(registry, 'recado_devices_online', 'Devices that are online', () => hub.devices.onlineCount);
  gauge(
    registry,
    'process_resident_memory_bytes',
    'Memory of the hub',
    () => readResidentBytes() ?? Number.NaN,
  );
  addCounter(registry, {
    name: 'recado_log_lines_lost',
    help: 'Lines of the log that nobody read in time, or that a full disk did not take',
    read: () => hub.lostLogLines,
  });
  addCounter(registry, {
    name: 'recado_log_lines_withheld',
    help: 'Lines that the log left out because there were too many of their kind within a second, by kind',
    labels: ['kind'],
    read: () =>
      [...hub.withheldLogLines].map(([kind, lines]) => [{ kind: kind.replaceAll(' ', '-') }, lines]),
  });
  const read = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / MICROSECONDS;
  };
  addCounter(registry, { name: 'process_cpu_seconds', help: 'CPU time of the hub', read });
  return registry;
}

/** Nothing is told before the first batch: the thread that knows it begins with that. */
function registerHistoryMetrics(registry: Registry, store: { readonly kept: KeptHistory | undefined }): void {
  for (const part of ['files', 'bytes'] as const)
    addGauge(registry, {
      name: `recado_history_${part}`,
      help: `History on disk: ${part} with each reading, and with what they came to in each minute`,
      labels: ['grain'],
      read: () => Object.entries(store.kept ?? {}).map(([grain, kept]) => [{ grain }, kept[part]]),
    });
}

function exposeAll<T extends Readonly<Record<keyof T, number>>>(
  registry: Registry,
  group: string,
  counters: () => T,
): void {
  for (const key of Object.keys(counters()) as (keyof T & string)[])
    expose(registry, group, key, () => counters()[key]);
}

function expose(registry: Registry, group: string, key: string, read: () => number): void {
  const words = snakeCase(key).replaceAll('_', ' ');
  const name = `recado_${group.replaceAll('-', '_')}_${snakeCase(key)}`;
  if (GAUGES.has(key)) addGauge(registry, { name, help: words, read });
  else addCounter(registry, { name, help: `${group}: ${words}`, read });
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  addGauge(registry, { name, help, read });
}
