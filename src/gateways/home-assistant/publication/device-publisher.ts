import type { LogBudget } from '../../../base/log-budget.ts';
import { NOBODY } from '../../../base/log-budget.ts';
import type { Bus, Subscription } from '../../../bus/bus.ts';
import type { Device } from '../../../devices/device.ts';
import type { DeviceRegistry } from '../../../devices/device-registry.ts';
import type { EventFeed, FeedReader } from '../../../devices/events.ts';
import { deviceTopic, metricLevel } from '../../mqtt/device-topics.ts';
import { isConfigOfHub, ownConfigTopic, publishedConfig } from './published-config.ts';

type PublisherParts = {
  readonly bus: Bus;
  readonly registry: DeviceRegistry;
  readonly feed: EventFeed;
  readonly logBudget: LogBudget;
  /** Of the configs, and where Home Assistant says that it has started. */
  readonly prefix: string;
  readonly birthTopic: string;
  /** Where devices are shown: `recado`, and the name of this hub there. */
  readonly shownPrefix: string;
  readonly hubId: string;
  /** Where people reach it; empty where nobody is told. */
  readonly hubUrl: string;
  /** Gateways whose devices are not shown, or are known to Home Assistant already. */
  readonly exceptOf: readonly string[];
};

const KINDS = new Set(['description', 'forgotten'] as const);
const NONE = new Uint8Array(0);
/** Everybody publishes when Home Assistant has started: not all in the same moment. */
const MAX_BIRTH_DELAY_MS = 2000;

/** Tells Home Assistant of the hub's own devices, so that it shows them and commands them. */
export class DevicePublisher {
  readonly #parts: PublisherParts;
  /** Devices that have a config at the broker. */
  readonly #published = new Set<string>();
  /** Those whose config is to be published; one after the other. */
  readonly #changed = new Set<string>();
  readonly #subscriptions: Subscription[] = [];
  #isPublishing = false;
  #isWoken = false;
  #reader: FeedReader | undefined;
  #unwatch: () => void = () => {};
  #birth: NodeJS.Timeout | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { bus, feed, birthTopic } = this.#parts;
    this.#reader = feed.open({ devices: undefined, kinds: KINDS }, { wake: () => this.#wake() });
    this.#unwatch = bus.watch(({ type }) => {
      if (type === 'connected') this.#publishAll();
    });
    this.#publishAll();
    // A reader is woken once it has found nothing.
    this.#wake();
    if (birthTopic === '') return;
    const subscription = await bus.subscribe(birthTopic, {}, ({ payload, retain }) => {
      if (!retain && Buffer.from(payload).toString() === 'online') this.#onBirth();
    });
    this.#subscriptions.push(subscription);
  }

  async stop(): Promise<void> {
    this.#reader?.close();
    this.#reader = undefined;
    this.#unwatch();
    clearTimeout(this.#birth);
    this.#changed.clear();
    await Promise.all(this.#subscriptions.map((subscription) => subscription.unsubscribe()));
  }

  /** A config of the hub's own comes back: one of a device that is not there any more is taken away. */
  onOwnConfig(topicName: string, payload: string): void {
    const { bus, prefix, registry } = this.#parts;
    const isKnown = [...registry.all()].some(
      (device) => this.#isOurs(device) && ownConfigTopic(prefix, device.id) === topicName,
    );
    if (isKnown || !isConfigOfHub(payload, this.#hubTopic)) return;
    // What the broker still has of it is said again, should it not get there.
    bus.publish({ topicName, payload: NONE, qos: 1, retain: true }).catch(() => {});
  }

  get #hubTopic(): string {
    return `${this.#parts.shownPrefix}/hubs/${this.#parts.hubId}`;
  }

  #isOurs(device: Device | undefined): device is Device {
    return device !== undefined && !this.#parts.exceptOf.includes(device.gateway);
  }

  #publishAll(): void {
    for (const device of this.#parts.registry.all()) if (this.#isOurs(device)) this.#change(device.id);
  }

  /** Home Assistant has started: it wants the configs, and then what the devices show. */
  #onBirth(): void {
    this.#birth ??= setTimeout(() => {
      this.#birth = undefined;
      this.#publishAll();
      for (const device of this.#parts.registry.all()) if (this.#isOurs(device)) this.#sendReadings(device);
    }, Math.random() * MAX_BIRTH_DELAY_MS);
  }

  #sendReadings({ id, telemetry }: Device): void {
    const { bus, shownPrefix } = this.#parts;
    for (const { metric, value, time } of telemetry.latest())
      bus.send({
        topicName: deviceTopic(shownPrefix, id, 'telemetry', metricLevel(metric)),
        payload: Buffer.from(JSON.stringify(value)),
        properties: { userProperties: [['at', new Date(time).toISOString()]] },
      });
  }

  #change(deviceId: string): void {
    this.#changed.add(deviceId);
    if (!this.#isPublishing) void this.#publishChanges();
  }

  /** In the middle of what happens at a device: it is read when that is over. */
  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      const reader = this.#reader;
      for (let event = reader?.next(); event !== undefined; event = reader?.next()) {
        if (event.kind === 'missed') this.#publishAll();
        else this.#change(event.deviceId);
      }
    });
  }

  /** One after the other, so that a broker is never given more than it takes. When it is back, all are said again. */
  async #publishChanges(): Promise<void> {
    this.#isPublishing = true;
    const { bus, logBudget } = this.#parts;
    try {
      for (const deviceId of this.#changed) {
        if (!bus.isConnected) break;
        this.#changed.delete(deviceId);
        await this.#publish(deviceId);
      }
    } catch (error) {
      const text = `Home Assistant is not told of devices: ${(error as Error).message}`;
      if (bus.isConnected) logBudget.write('faults of devices', {}, text, NOBODY);
    } finally {
      this.#isPublishing = false;
    }
  }

  async #publish(deviceId: string): Promise<void> {
    const { bus, registry, prefix, shownPrefix, hubUrl } = this.#parts;
    const device = registry.get(deviceId);
    const config = this.#isOurs(device)
      ? publishedConfig(device, {
          hub: this.#hubTopic,
          hubUrl,
          presence: deviceTopic(shownPrefix, deviceId, 'presence'),
          metric: (metric) => deviceTopic(shownPrefix, deviceId, 'telemetry', metricLevel(metric)),
          command: (name) => deviceTopic(shownPrefix, deviceId, 'commands', `${name}/home-assistant.${name}`),
        })
      : undefined;
    if (config === undefined && !this.#published.delete(deviceId)) return;
    if (config !== undefined) this.#published.add(deviceId);
    const payload = config === undefined ? NONE : Buffer.from(config);
    await bus.publish({ topicName: ownConfigTopic(prefix, deviceId), payload, qos: 1, retain: true });
  }
}
