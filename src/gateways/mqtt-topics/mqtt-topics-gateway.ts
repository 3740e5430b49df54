import { Alarms } from '../../base/alarms.ts';
import { systemClock, type Clock } from '../../base/clock.ts';
import { OWN_PARTY, type Ledger } from '../../base/ledger.ts';
import { LogBudget } from '../../base/log-budget.ts';
import type { Logger } from '../../base/logger.ts';
import type { DeviceRegistry } from '../../devices/device-registry.ts';
import type { DeviceBroker } from '../device-broker.ts';
import type { Gateway } from '../gateway.ts';
import { TopicDeviceCounters } from '../home-assistant/counters.ts';
import { DiscoveredDevice } from '../home-assistant/discovered-device.ts';
import type { HomeAssistantContext } from '../home-assistant/gateway-context.ts';
import { StateTopics } from '../home-assistant/state-topics.ts';
import { TemplateCache } from '../home-assistant/template/template-cache.ts';
import { buildNamedDevice } from './build-device.ts';
import type { NamedDevice } from './named-device.ts';

type MqttTopicsOptions = { readonly devices: readonly NamedDevice[]; readonly maxMessageBytes: number };

type MqttTopicsParts = {
  readonly broker: DeviceBroker;
  readonly ledger: Ledger;
  readonly registry: DeviceRegistry;
  readonly log: Logger;
  readonly clock?: Clock;
};

/** Devices that say nothing of themselves and only have topics: the configuration describes them. */
export class MqttTopicsGateway implements Gateway {
  readonly name = 'mqtt-topics';
  readonly counters = new TopicDeviceCounters() as TopicDeviceCounters & Record<string, number>;
  readonly #options: MqttTopicsOptions;
  readonly #parts: MqttTopicsParts;
  readonly #clock: Clock;
  readonly #logBudget: LogBudget;
  readonly #devices = new Map<string, DiscoveredDevice>();
  #unwatch: () => void = () => {};
  #isOpen = false;

  constructor(options: MqttTopicsOptions, parts: MqttTopicsParts) {
    this.#options = options;
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#logBudget = new LogBudget(this.#clock, parts.log);
    parts.registry.observeForgotten(({ id }) => this.#end(id));
  }

  async start(): Promise<readonly []> {
    const { broker, registry, ledger } = this.#parts;
    const bus = await broker.open();
    this.#isOpen = true;
    this.#forgetOthers();
    if (bus === undefined) return [];
    const { name, counters } = this;
    const [clock, logBudget, alarms] = [this.#clock, this.#logBudget, new Alarms(this.#clock)];
    const { maxMessageBytes } = this.#options;
    const topics = new StateTopics(bus, { counters, maxMessageBytes, isOwn: () => false });
    this.#describe({ name, ledger, registry, counters, bus, topics, clock, alarms, logBudget });
    this.#unwatch = bus.watch(({ type }) => {
      if (type === 'lost') topics.onBrokerLost();
      for (const device of this.#devices.values())
        if (type === 'lost') device.onBrokerLost();
        else if (type === 'connected') device.update('disconnected');
    });
    return [];
  }

  async stop(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#unwatch();
    for (const device of this.#devices.values()) device.end('hub-stopping');
    this.#devices.clear();
    this.#logBudget.close();
    await this.#parts.broker.close();
  }

  #describe(context: HomeAssistantContext): void {
    const templates = new TemplateCache();
    const party = context.ledger.open(OWN_PARTY);
    for (const [order, named] of this.#options.devices.entries()) {
      const device = new DiscoveredDevice(named.id, order, context);
      device.items.set('', buildNamedDevice(named, templates));
      device.identities = new Set([named.id]);
      const refusal = device.describe(party);
      if (refusal === undefined) this.#devices.set(named.id, device);
      else
        this.#parts.log.error(
          { device: named.id },
          `a device of gateways.mqtt.devices is left out: ${refusal}`,
        );
    }
    party.close();
  }

  /** The configuration does not have them any more. */
  #forgetOthers(): void {
    const { registry } = this.#parts;
    const ids = new Set(this.#options.devices.map(({ id }) => id));
    for (const { id, gateway } of registry.all())
      if (gateway === this.name && !ids.has(id)) registry.forget(id);
  }

  /** Somebody has had it forgotten: it is back when the hub is started again. */
  #end(id: string): void {
    this.#devices.get(id)?.end('disconnected');
    this.#devices.delete(id);
  }
}
