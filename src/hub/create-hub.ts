import { Accounts } from '../accounts/accounts.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import { KeptKind } from '../base/kept-kinds.ts';
import type { Ledger } from '../base/ledger.ts';
import type { Logger } from '../base/logger.ts';
import { InvocationBook } from '../devices/invocation-book.ts';
import { MemoryInvocationStore } from '../devices/invocation-store.ts';
import { DeviceRegistry } from '../devices/device-registry.ts';
import { MemoryTelemetryStore } from '../devices/memory-telemetry-store.ts';
import type { TelemetryStore } from '../devices/telemetry-store.ts';
import { hostname } from 'node:os';
import type { EventFeed } from '../devices/events.ts';
import type { DeviceCaller } from '../gateways/mqtt/exported-commands.ts';
import type { Gateway } from '../gateways/gateway.ts';
import { HomeAssistantGateway } from '../gateways/home-assistant/home-assistant-gateway.ts';
import { MqttGateway } from '../gateways/mqtt/mqtt-gateway.ts';
import { MqttTopicsGateway } from '../gateways/mqtt-topics/mqtt-topics-gateway.ts';
import { SocketGateway } from '../gateways/socket/socket-gateway.ts';
import type { Broker } from '../mqtt/broker/broker.ts';
import type { Config } from './config/config-schema.ts';
import { findOpenListeners } from './config/open-listeners.ts';
import { createLedger } from './create-ledger.ts';
import { Feed } from './feed.ts';
import { History, type HistoryParts } from './history.ts';
import { readExternalBroker } from './hub-bus.ts';
import { HubStores } from './hub-stores.ts';
import { Hub } from './hub.ts';
import { ClientWatch } from './mqtt/client-watch.ts';
import { GatewayBroker } from './mqtt/gateway-broker.ts';
import { mqttRules } from './mqtt/mqtt-rules.ts';
import { identifyMqttClients } from './mqtt/mqtt-principal.ts';
import { shareConnections } from './share-connections.ts';
import { MqttServer } from './mqtt/mqtt-server.ts';
import { HubServices } from './services/hub-services.ts';
import { TopicRights } from './mqtt/topic-rights.ts';
import { TlsReload } from './tls/tls-reload.ts';
import { validateValue } from './validate-input.ts';

const HOUR_MS = 3_600_000;

/** Puts a hub together. It opens nothing before `start`. */
export function createHub(wanted: Config, parts: { log: Logger; clock?: Clock }): Hub {
  const config = shareConnections(wanted);
  const clock = parts.clock ?? systemClock;
  const ledger = createLedger(config);
  const stores = createStores(config, ledger, parts.log);
  const feed = new Feed(config.events, ledger);
  const devices = new DeviceRegistry({
    limits: config.devices,
    feed,
    check: validateValue,
    ...(stores !== undefined && { store: stores.devices }),
    clock,
    log: parts.log,
    onTags: () => accounts.tellTagsChanged(),
  });
  const telemetry = stores?.telemetry;
  const history = createHistory(config, { feed, ledger, devices, store: telemetry, log: parts.log, clock });
  const accounts = createAccounts(config, stores, { log: parts.log, clock });
  const openHosts = new Set(config.insecure ? findOpenListeners(config).map(({ path }) => path) : []);
  const identify = identifyMqttClients(config.mqtt, accounts);
  const rights = new TopicRights(identify, () => mqtt?.topicRules);
  const clients = new ClientWatch(identify, rights);
  const targetOf = devices.targetOf.bind(devices);
  const ruleParts = { accounts, identify, rights, clock, targetOf, devices };
  const hooks = [...mqttRules(config, ruleParts), clients.hooks];
  const mqttParts = { log: parts.log, clock, identify, hooks, ledger, accounts, store: stores?.sessions };
  const mqtt = config.mqtt.enabled ? new MqttServer({ mqtt: config.mqtt, openHosts }, mqttParts) : undefined;
  const broker = createGatewayBroker(config, { broker: mqtt?.broker, clients, log: parts.log, clock });
  const caller: DeviceCaller = {
    begin: (...asked) => hub.begin(...asked),
    cancel: (invocation) => hub.cancel(invocation),
  };
  const world = { ledger, registry: devices, accounts, broker, feed, caller };
  const gateways = createGateways(config, { ...world, log: parts.log, clock });
  const services = config.services.enabled
    ? createServices(config, { log: parts.log, clock, mqtt })
    : undefined;
  const { invocations } = config;
  const store = stores?.invocations ?? new MemoryInvocationStore();
  const book = new InvocationBook({ store, limits: invocations, clock, ledger });
  const hub = new Hub({
    ledger,
    accounts,
    feed,
    history,
    devices,
    book,
    gateways,
    mqtt,
    services,
    stores,
    externalBroker: () => readExternalBroker(config.mqtt.external, [broker, services]),
    invocations,
    log: parts.log,
    clock,
  });
  return hub;
}

function createStores(config: Config, ledger: Ledger, log: Logger): HubStores | undefined {
  if (config.inMemory) return undefined;
  // The other half is for what waits to be written.
  const maxBufferBytes = ledger.limitOf(KeptKind.HISTORY_READING) / 2;
  return new HubStores(config, { log, maxBufferBytes });
}

function createAccounts(
  { accounts: { maxSessionHours, maxIdleHours, auditDays, maxAuditEntries } }: Config,
  stores: HubStores | undefined,
  parts: { log: Logger; clock: Clock },
): Accounts {
  return new Accounts({
    signIns: { longestMs: maxSessionHours * HOUR_MS, longestIdleMs: maxIdleHours * HOUR_MS },
    auditLimits: { maxEntries: maxAuditEntries, maxAgeMs: auditDays * 24 * HOUR_MS },
    ...(stores && { store: stores.accounts, auditStore: stores.audit }),
    ...parts,
  });
}

function createGatewayBroker(
  { mqtt: { external: url }, gateways: { mqtt } }: Config,
  {
    broker,
    clients,
    ...parts
  }: { broker: Broker | undefined; clients: ClientWatch; log: Logger; clock: Clock },
): GatewayBroker {
  const hubId = mqtt.hubId === '' ? hostname().replace(/[^A-Za-z0-9._:-]/g, '-') : mqtt.hubId;
  return new GatewayBroker({ ...mqtt, url, broker, clients, hubId }, parts);
}

function createGateways(
  { gateways: { socket, mqtt, homeAssistant }, mqtt: { enabled: isBroker, external }, services }: Config,
  parts: {
    ledger: Ledger;
    registry: DeviceRegistry;
    accounts: Accounts;
    broker: GatewayBroker;
    feed: EventFeed;
    caller: DeviceCaller;
    log: Logger;
    clock: Clock;
  },
): Gateway[] {
  const hasBroker = isBroker || external !== '';
  // Home Assistant uses the topics under which devices are shown.
  const publish = homeAssistant.enabled && homeAssistant.publish && mqtt.enabled;
  const isShown = mqtt.export || publish;
  const ownTopics = [`${mqtt.prefix}/devices/#`, `${mqtt.prefix}/hubs/#`, `${services.topicPrefix}/#`];
  const socketTls = new TlsReload('socket-tls', socket.tls, parts);
  return [
    ...(socket.enabled ? [new SocketGateway(socket, { ...parts, tls: socketTls })] : []),
    ...(mqtt.enabled && hasBroker ? [new MqttGateway({ ...mqtt, export: isShown }, parts)] : []),
    ...(mqtt.enabled && hasBroker ? [new MqttTopicsGateway(mqtt, parts)] : []),
    ...(homeAssistant.enabled && hasBroker
      ? [
          new HomeAssistantGateway(
            { ...homeAssistant, publish },
            { ...parts, shownPrefix: mqtt.prefix, ownTopics },
          ),
        ]
      : []),
  ];
}

function createHistory(
  { telemetry: { enabled, flushMs, maxReadingsInMemory } }: Config,
  {
    devices,
    ...parts
  }: Omit<HistoryParts, 'partyOf' | 'store' | 'flushMs'> & {
    devices: DeviceRegistry;
    store: TelemetryStore | undefined;
  },
): History | undefined {
  if (!enabled) return undefined;
  const store = parts.store ?? new MemoryTelemetryStore({ maxReadings: maxReadingsInMemory });
  return new History({ ...parts, partyOf: (deviceId) => devices.get(deviceId)?.party, store, flushMs });
}

function createServices(
  { services, mqtt: { external: brokerUrl }, shutdownTimeoutMs }: Config,
  { log, clock, mqtt }: { log: Logger; clock: Clock; mqtt: MqttServer | undefined },
): HubServices {
  // Half of the time for stopping is left for all that comes after them.
  const drainMs = Math.floor(shutdownTimeoutMs / 2);
  return new HubServices({ services, brokerUrl, broker: mqtt?.broker, drainMs }, { log, clock });
}
