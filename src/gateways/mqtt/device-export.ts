import type { Bus, Subscription } from '../../bus/bus.ts';
import type { Device } from '../../devices/device.ts';
import type { DeviceEvent, EventFeed, FeedReader } from '../../devices/events.ts';
import { ExportedCommands, type DeviceCaller } from './exported-commands.ts';
import { descriptionMessage } from './description-message.ts';
import { deviceTopic, metricLevel } from './device-topics.ts';
import type { MqttGatewayContext } from './mqtt-context.ts';

type ExportParts = {
  readonly bus: Bus;
  readonly context: MqttGatewayContext;
  readonly feed: EventFeed;
  readonly caller: DeviceCaller;
  readonly hubId: string;
  /** The gateway whose devices speak for themselves. */
  readonly exceptOf: string;
};

const KINDS = new Set(['presence', 'description', 'reading', 'event', 'forgotten'] as const);
const NONE = new Uint8Array(0);

/** The hub's devices of other gateways, under the topics that devices over MQTT have. */
export class DeviceExport {
  readonly #parts: ExportParts;
  readonly #prefix: string;
  readonly #commands: ExportedCommands;
  /** What they say is shown, and what is said on their topics is the hub's own. */
  readonly #shown = new Map<string, Promise<Subscription[]>>();
  /** Those whose commands the broker did not let the hub hear: it is asked again with what they say next. */
  readonly #unheard = new Set<string>();
  /** Those whose description and presence are to be published; one after the other. */
  readonly #changed = new Set<string>();
  #isPublishing = false;
  #isWoken = false;
  #reader: FeedReader | undefined;
  #unwatch: () => void = () => {};
  /** Nobody waits for a broker that is away when the hub stops. */
  readonly #givenUp = new AbortController();

  constructor(parts: ExportParts) {
    this.#parts = parts;
    this.#prefix = parts.context.options.prefix;
    this.#commands = new ExportedCommands(parts);
  }

  start(): void {
    const { bus, feed } = this.#parts;
    this.#reader = feed.open({ devices: undefined, kinds: KINDS }, { wake: () => this.#wake() });
    this.#unwatch = bus.watch(({ type }) => {
      if (type === 'connected') this.#showAll();
    });
    this.#showAll();
    // A reader is woken once it has found nothing.
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#reader?.close();
    this.#reader = undefined;
    this.#unwatch();
    this.#changed.clear();
    const { bus } = this.#parts;
    const unwatch = bus.watch(({ type }) => {
      if (type === 'lost') this.#givenUp.abort();
    });
    if (!bus.isConnected) this.#givenUp.abort();
    const shown = [...this.#shown];
    this.#shown.clear();
    await Promise.all(
      shown.map(async ([id, subscribing]) => {
        const offline = this.#publish(bus, id, 'presence', this.#presence('offline', 'hub-stopping'));
        const subscriptions = await subscribing;
        await Promise.all([offline.catch(() => {}), ...subscriptions.map((each) => each.unsubscribe())]);
      }),
    );
    unwatch();
  }

  /** Whether the topics of this device are the hub's own. */
  has(deviceId: string): boolean {
    return this.#shown.has(deviceId);
  }

  #isOurs(device: Device | undefined): device is Device {
    return device !== undefined && device.gateway !== this.#parts.exceptOf;
  }

  #showAll(): void {
    for (const device of this.#parts.context.registry.all())
      if (this.#isOurs(device)) this.#change(device.id);
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
        if (event.kind === 'missed') this.#showAll();
        else this.#onEvent(event);
      }
    });
  }

  #onEvent(event: DeviceEvent): void {
    const { bus, context } = this.#parts;
    const { deviceId, time } = event;
    const isOurs = this.#isOurs(context.registry.get(deviceId));
    if (event.kind === 'forgotten' ? !this.has(deviceId) : !isOurs) return;
    if (event.kind === 'reading') {
      const level = metricLevel(event.metric);
      const topicName = deviceTopic(this.#prefix, deviceId, 'telemetry', level);
      const payload = Buffer.from(JSON.stringify(event.value));
      bus.send({
        topicName,
        payload,
        properties: { userProperties: [['at', new Date(time).toISOString()]] },
      });
    } else if (event.kind === 'event') {
      const topicName = deviceTopic(this.#prefix, deviceId, 'events', event.name);
      const payload = event.data === undefined ? NONE : Buffer.from(event.data);
      const properties = { userProperties: [['at', new Date(time).toISOString()] as const] };
      // A broker that is away, or full, does not hear of it.
      bus.publish({ topicName, payload, qos: 1, properties }).catch(() => {});
    } else {
      this.#change(deviceId);
    }
  }

  /** One after the other, so that a broker is never given more than it takes. When it is back, all are said again. */
  async #publishChanges(): Promise<void> {
    this.#isPublishing = true;
    const { bus } = this.#parts;
    try {
      for (const deviceId of this.#changed) {
        if (!bus.isConnected) break;
        this.#changed.delete(deviceId);
        await this.#publishState(deviceId);
      }
    } catch (error) {
      if (bus.isConnected) this.#tell(error as Error);
    } finally {
      this.#isPublishing = false;
    }
  }

  async #publishState(deviceId: string): Promise<void> {
    const { bus, context, hubId } = this.#parts;
    const device = context.registry.get(deviceId);
    if (this.#isOurs(device)) {
      if (this.#unheard.delete(deviceId) || !this.#shown.has(deviceId))
        this.#shown.set(deviceId, this.#takeCommands(deviceId));
      await this.#publish(bus, deviceId, 'description', descriptionMessage(device, hubId));
      const { status, reason } = device.presence;
      await this.#publish(bus, deviceId, 'presence', this.#presence(status, reason));
      return;
    }
    const subscribing = this.#shown.get(deviceId);
    // A device of MQTT with this id speaks for itself now.
    if (subscribing === undefined) return;
    this.#shown.delete(deviceId);
    this.#unheard.delete(deviceId);
    for (const subscription of await subscribing) await subscription.unsubscribe();
    if (device !== undefined) return;
    await this.#publish(bus, deviceId, 'description', '');
    await this.#publish(bus, deviceId, 'presence', '');
  }

  /** What the device says is shown all the same. */
  #takeCommands(deviceId: string): Promise<Subscription[]> {
    return this.#commands.take(deviceId, this.#givenUp.signal).catch((error: unknown) => {
      this.#unheard.add(deviceId);
      if (!this.#givenUp.signal.aborted) this.#tell(error as Error);
      return [];
    });
  }

  #presence(state: string, reason: string): string {
    return JSON.stringify({ state, reason, hub: this.#parts.hubId });
  }

  #publish(bus: Bus, deviceId: string, kind: 'description' | 'presence', text: string): Promise<unknown> {
    const topicName = deviceTopic(this.#prefix, deviceId, kind);
    const message = { topicName, payload: Buffer.from(text), qos: 1, retain: true } as const;
    return bus.publish(message, { signal: this.#givenUp.signal });
  }

  #tell({ message }: Error): void {
    const text = `devices cannot be shown over MQTT: ${message}`;
    this.#parts.context.logBudget.write('faults of devices', {}, text, '');
  }
}
