import { hash } from 'node:crypto';
import { Alarms } from '../../base/alarms.ts';
import { systemClock, type Clock, type Timer } from '../../base/clock.ts';
import type { Ledger } from '../../base/ledger.ts';
import { LogBudget } from '../../base/log-budget.ts';
import type { Logger } from '../../base/logger.ts';
import type { Bus, BusMessage, Subscription } from '../../bus/bus.ts';
import type { Device } from '../../devices/device.ts';
import type { DeviceRegistry } from '../../devices/device-registry.ts';
import { BROKER_PARTY, type DeviceBroker } from '../device-broker.ts';
import type { Gateway } from '../gateway.ts';
import { ConfigQueue, type WaitingConfig } from './config-queue.ts';
import { HomeAssistantCounters } from './counters.ts';
import { DiscoveredDevices } from './discovered-devices.ts';
import { discoveryFilters } from './discovery/discovery-topic.ts';
import { ForeignTopics } from './discovery/foreign-topics.ts';
import type { DiscoveredItem } from './discovery/describe-device.ts';
import type { EventFeed } from '../../devices/events.ts';
import { ItemReader } from './item-reader.ts';
import type { HomeAssistantContext } from './gateway-context.ts';
import type { HomeAssistantOptions } from './options.ts';
import { DevicePublisher } from './publication/device-publisher.ts';
import { isOwnConfigTopic } from './publication/published-config.ts';
import { StateTopics } from './state-topics.ts';
import { TASMOTA_FILTERS } from './tasmota/tasmota-reader.ts';

type HomeAssistantParts = {
  readonly broker: DeviceBroker;
  readonly ledger: Ledger;
  readonly registry: DeviceRegistry;
  /** For what is told of the hub's other devices. */
  readonly feed: EventFeed;
  /** Where these are shown over MQTT. */
  readonly shownPrefix: string;
  /** Topic Filters of what is the hub's own: configs must not name them. */
  readonly ownTopics: readonly string[];
  readonly log: Logger;
  readonly clock?: Clock;
};

/** A broker that is away is waited for. */
const SUBSCRIBE_TIMEOUT_MS = 2_147_483_647;
const NO_ROOM = 'the hub keeps as many configs as it may';
const BIRTH = Buffer.from('online');
const NONE = new Uint8Array(0);

/** Devices that announce themselves by Home Assistant's MQTT discovery, over the broker that the hub uses. */
export class HomeAssistantGateway implements Gateway {
  readonly name = 'home-assistant';
  readonly counters = new HomeAssistantCounters() as HomeAssistantCounters & Record<string, number>;
  readonly #options: HomeAssistantOptions;
  readonly #parts: HomeAssistantParts;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #logBudget: LogBudget;
  readonly #abort = new AbortController();
  #bus: Bus | undefined;
  #devices: DiscoveredDevices | undefined;
  #queue: ConfigQueue | undefined;
  #publisher: DevicePublisher | undefined;
  #subscriptions: Subscription[] = [];
  #unwatch: () => void = () => {};
  #settling: Timer | undefined;
  /** A config was refused: what the broker has of it is asked for again when something has become free. */
  #hasRefused = false;
  #asking: Timer | undefined;
  #lastConfigMs = 0;

  constructor(options: HomeAssistantOptions, parts: HomeAssistantParts) {
    this.#options = options;
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#log = parts.log;
    this.#logBudget = new LogBudget(this.#clock, parts.log);
    parts.registry.observeForgotten((device) => this.#onForgotten(device));
    parts.registry.observeGone(() => this.#onRoom());
  }

  async start(): Promise<readonly []> {
    const bus = await this.#parts.broker.open();
    if (bus === undefined) return [];
    const { prefix } = this.#options;
    const ownTopics = [...this.#parts.ownTopics, ...discoveryFilters(prefix), ...TASMOTA_FILTERS];
    const foreign = new ForeignTopics(ownTopics);
    const context = this.#contextOf(bus, foreign);
    const devices = new DiscoveredDevices(context, {
      maxConfigs: this.#options.maxConfigs,
      onRefused: ({ topicName, why, from }) => this.#refuse(topicName, why, from),
      onRoom: () => this.#onRoom(),
    });
    const reader = new ItemReader(prefix, foreign);
    this.#bus = bus;
    this.#devices = devices;
    if (this.#options.publish) this.#publisher = this.#makePublisher(bus);
    this.#queue = new ConfigQueue({
      take: (config) => this.#take(config, reader),
      describe: (most) => {
        devices.describeChanged(most);
        return devices.hasChanges;
      },
    });
    this.#unwatch = bus.watch(({ type }) => {
      if (type === 'lost') {
        context.topics.onBrokerLost();
        for (const device of devices.all()) device.onBrokerLost();
      } else if (type === 'connected') for (const device of devices.all()) device.update('disconnected');
    });
    const subscribing = this.#subscribe(bus);
    if (bus.isConnected) await subscribing;
    else subscribing.catch((error: unknown) => this.#onUnheard(error as Error));
    return [];
  }

  async stop(): Promise<void> {
    if (this.#bus === undefined) return;
    this.#bus = undefined;
    // First of all: what is still subscribing sets no timer behind this.
    this.#abort.abort(new Error('the hub stops'));
    this.#settling?.clear();
    this.#asking?.clear();
    this.#unwatch();
    this.#queue?.close();
    await this.#publisher?.stop();
    for (const device of this.#devices?.all() ?? []) device.end('hub-stopping');
    await Promise.all(this.#subscriptions.map((subscription) => subscription.unsubscribe()));
    this.#logBudget.close();
    await this.#parts.broker.close();
  }

  #contextOf(bus: Bus, foreign: ForeignTopics): HomeAssistantContext {
    const { name, counters } = this;
    const { ledger, registry } = this.#parts;
    const alarms = new Alarms(this.#clock);
    const [clock, logBudget] = [this.#clock, this.#logBudget];
    const { maxMessageBytes } = this.#options;
    const isOwn = foreign.isOwn.bind(foreign);
    const topics = new StateTopics(bus, { counters, maxMessageBytes, isOwn });
    return { name, ledger, registry, counters, bus, topics, clock, alarms, logBudget };
  }

  async #subscribe(bus: Bus): Promise<void> {
    const { birthTopic, settleMs } = this.#options;
    const options = { timeoutMs: SUBSCRIBE_TIMEOUT_MS, signal: this.#abort.signal };
    await this.#askForConfigs(bus);
    // From here on everything that is retained is on its way.
    this.#lastConfigMs = this.#clock.monotonic();
    this.#settling = this.#clock.setTimer(settleMs, () => this.#onQuiet());
    if (birthTopic !== '')
      await bus
        .publish({ topicName: birthTopic, payload: BIRTH, qos: 1 }, options)
        .catch((error: unknown) => {
          if (this.#abort.signal.aborted) return;
          this.#log.warn(
            { err: error },
            `devices are not asked for their configs: ${(error as Error).message}`,
          );
        });
    // After the birth of this hub, which is not that of Home Assistant.
    if (!this.#abort.signal.aborted) await this.#publisher?.start();
  }

  /** The broker says all that it has retained to a new subscription: an old one ends when that is there. */
  async #askForConfigs(bus: Bus): Promise<void> {
    const options = { timeoutMs: SUBSCRIBE_TIMEOUT_MS, signal: this.#abort.signal, borrowsPayload: true };
    const before = this.#subscriptions.splice(0);
    for (const filter of [...discoveryFilters(this.#options.prefix), ...TASMOTA_FILTERS])
      this.#subscriptions.push(await bus.subscribe(filter, options, (message) => this.#onConfig(message)));
    await Promise.all(before.map((subscription) => subscription.unsubscribe()));
  }

  #makePublisher(bus: Bus): DevicePublisher {
    const { registry, feed, shownPrefix, broker } = this.#parts;
    const { prefix, birthTopic } = this.#options;
    const { hubId, hubUrl } = broker;
    return new DevicePublisher({
      bus,
      registry,
      feed,
      logBudget: this.#logBudget,
      prefix,
      birthTopic,
      shownPrefix,
      hubId,
      hubUrl,
      exceptOf: [this.name, 'mqtt'],
    });
  }

  /** Costs a hash where a config is the one that is known. */
  #onConfig({ topicName, payload, from }: BusMessage): void {
    const queue = this.#queue!;
    // What the hub itself has said is not read back.
    if (isOwnConfigTopic(this.#options.prefix, topicName)) {
      if (payload.length > 0) this.#publisher?.onOwnConfig(topicName, Buffer.from(payload).toString());
      return;
    }
    if (payload.length > this.#options.maxMessageBytes) {
      this.counters.messagesTooLarge++;
      return;
    }
    this.#lastConfigMs = this.#clock.monotonic();
    const digest = payload.length === 0 ? '' : hash('sha1', payload, 'base64');
    const known = queue.get(topicName)?.digest ?? this.#devices!.digestOf(topicName) ?? '';
    if (digest === known) {
      if (digest !== '') this.counters.configsUnchanged++;
      return;
    }
    const { clients } = this.#parts.broker;
    const party = this.#parts.ledger.open(
      from === undefined || clients === undefined ? BROKER_PARTY : clients.partyOf(from),
    );
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString();
    if (!queue.add({ topicName, payload: text, digest, from: party.key, client: from }, party))
      this.#refuse(topicName, NO_ROOM, party.key);
    party.close();
  }

  #take(config: WaitingConfig, reader: ItemReader): void {
    const devices = this.#devices!;
    const { topicName, payload, digest, from } = config;
    if (payload === '') {
      reader.forget(topicName);
      if (devices.remove(topicName)) this.counters.configsRemoved++;
      return;
    }
    const read = reader.read(topicName, payload);
    if (!read.ok) {
      this.counters.configsInvalid++;
      return this.#tell(topicName, `it ${read.failure}`, from);
    }
    if (read.value === 'migrating') return;
    const { items, broken } = read.value;
    this.counters.componentsRefused += broken.length;
    for (const { key, why } of broken) this.#tell(topicName, `the component ${key} ${why}`, from);
    for (const item of items) {
      const isOwn = item.topicName === topicName;
      if (item.components.length > 0)
        this.#keep(item, { ...config, digest: isOwn ? digest : (devices.digestOf(item.topicName) ?? '') });
      // All of it was taken away; what is only broken leaves what was known.
      else if (broken.length === 0) devices.remove(item.topicName);
    }
  }

  #keep(item: DiscoveredItem, { digest, payload, from, client }: WaitingConfig): void {
    const mayPublish = client && this.#parts.broker.clients?.limitsOf(client);
    const foreign = mayPublish && this.#devices!.findForeign(item, mayPublish);
    if (foreign !== undefined) {
      this.counters.configsDenied++;
      const why = `its device is described at ${foreign} too, where its publisher may not publish`;
      // Or it would be taken when the hub is started again, and nobody knows any more who published it.
      this.#clear(item.topicName);
      return this.#tell(item.topicName, why, from);
    }
    if (this.#devices!.put(item, { digest, bytes: payload.length, from })) this.counters.configsTaken++;
    else this.#refuse(item.topicName, NO_ROOM, from);
  }

  #refuse(topicName: string, why: string, party: string): void {
    this.counters.configsRefused++;
    this.#hasRefused = true;
    this.#tell(topicName, why, party);
  }

  /** Not at once: much becomes free in a row, and all that the broker has comes again. */
  #onRoom(): void {
    const bus = this.#bus;
    if (!this.#hasRefused || this.#asking !== undefined || bus === undefined) return;
    this.#asking = this.#clock.setTimer(this.#options.settleMs, () => {
      this.#asking = undefined;
      this.#hasRefused = false;
      this.#askForConfigs(bus).catch((error: unknown) => this.#onUnheard(error as Error));
    });
  }

  #onUnheard(error: Error): void {
    if (!this.#abort.signal.aborted)
      this.#log.error({ err: error }, `configs of devices cannot come: ${error.message}`);
  }

  #tell(topicName: string, why: string, party: string): void {
    const text = `the config at ${topicName} was not taken: ${why}`;
    this.#logBudget.write('faults of devices', { topic: topicName }, text, party);
  }

  /** A broker far away, or with many devices, takes its time. */
  #onQuiet(): void {
    const leftMs = this.#lastConfigMs + this.#options.settleMs - this.#clock.monotonic();
    if (leftMs <= 0) this.#onSettled();
    else this.#settling = this.#clock.setTimer(Math.ceil(leftMs), () => this.#onQuiet());
  }

  #onSettled(): void {
    const gone = this.#devices!.forgetGone();
    this.counters.devicesGone += gone.length;
    for (const device of gone)
      this.#log.info({ device }, `device ${device} is forgotten: no config describes it any more`);
  }

  /** Somebody wanted it: what is retained of it would bring it back. */
  #onForgotten(device: Device): void {
    if (device.gateway !== this.name || this.#bus === undefined) return;
    const topics = this.#devices!.topicsOf(device.id);
    this.#devices!.onForgotten(device);
    for (const topicName of topics) this.#clear(topicName);
  }

  /** Takes what the broker has retained off it. */
  #clear(topicName: string): void {
    this.#bus?.publish({ topicName, payload: NONE, qos: 1, retain: true }).catch((error: unknown) => {
      this.#log.warn(
        { err: error },
        `the config at ${topicName} could not be removed: ${(error as Error).message}`,
      );
    });
  }
}
