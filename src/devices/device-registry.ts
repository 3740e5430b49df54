import type { Clock } from '../base/clock.ts';
import { LogBudget } from '../base/log-budget.ts';
import { failureLogger, type Logger } from '../base/logger.ts';
import type { ValueCheck } from './device-events.ts';
import { MemoryDeviceStore, type DeviceStore, type GivenWords, type StoredDevice } from './device-store.ts';
import { Device, type DeviceLimits } from './device.ts';
import type { DeviceLink } from './device-link.ts';
import type { EventFeed } from './events.ts';
import type { Ledger } from '../base/ledger.ts';
import { KeptDescription } from './kept-description.ts';
import { LaneCounters } from './invocation-lane.ts';
import { nextPresence, presenceAfterRestart, type Presence, type PresenceReason } from './presence.ts';

const NO_TAGS: readonly string[] = [];

type RegistryLimits = DeviceLimits & {
  /** Devices kept in the list after they went; beyond it the one that left first is forgotten. */
  readonly maxOfflineDevices: number;
  /** What their descriptions may have in all, as JSON. */
  readonly maxOfflineDescriptionBytes: number;
};

class RegistryCounters extends LaneCounters {
  connects = 0;
  disconnects = 0;
  takeovers = 0;
  offlineForgotten = 0;
}

/** Told of each change of presence, after it happened. Must not throw. */
type PresenceObserver = (device: Device, presence: Presence) => void;

/** All devices that the hub knows. Gateways report to it; everything else asks it. */
export class DeviceRegistry {
  readonly counters = new RegistryCounters();
  readonly #devices = new Map<string, Device>();
  #offlineCharacters = 0;
  /** In the order of their leaving. */
  readonly #offline = new Set<string>();
  #lastOrder = 0;
  readonly #observers: PresenceObserver[] = [];
  readonly #forgetObservers: ((device: Device) => void)[] = [];
  readonly #goneObservers: ((device: Device) => void)[] = [];
  readonly #limits: RegistryLimits;
  readonly #feed: EventFeed;
  readonly #check: ValueCheck;
  readonly #store: DeviceStore;
  readonly #clock: Clock;
  readonly #log: LogBudget;
  readonly #onTags: () => void;

  /** @param options - `check`: for the data of events; `onTags`: people have given a device other tags */
  constructor(options: {
    limits: RegistryLimits;
    feed: EventFeed;
    check: ValueCheck;
    store?: DeviceStore;
    clock: Clock;
    log?: Logger;
    onTags?: () => void;
  }) {
    this.#onTags = options.onTags ?? (() => {});
    this.#limits = options.limits;
    this.#feed = options.feed;
    this.#check = options.check;
    this.#store = options.store ?? new MemoryDeviceStore();
    this.#clock = options.clock;
    this.#log = new LogBudget(options.clock, options.log ?? failureLogger);
  }

  /** Reads the devices that were known before the hub was started: they are offline until they come. */
  async load(ledger: Ledger): Promise<void> {
    const stored: StoredDevice[] = [];
    for await (const piece of this.#store.load()) stored.push(...piece);
    for (const device of stored.toSorted((a, b) => a.record.order - b.record.order))
      this.#restore(device, ledger);
    const bySince = [...this.#devices.values()].toSorted((a, b) => a.presence.since - b.presence.since);
    for (const { id } of bySince) this.#offline.add(id);
    this.#forgetOldest();
    await this.#store.commit();
  }

  get size(): number {
    return this.#devices.size;
  }

  get onlineCount(): number {
    return this.#devices.size - this.#offline.size;
  }

  get(deviceId: string): Device | undefined {
    return this.#devices.get(deviceId);
  }

  /** What scopes of accounts know a device by; one that is not there has no tags. */
  targetOf(deviceId: string): { readonly device: string; readonly tags: readonly string[] } {
    return { device: deviceId, tags: this.#devices.get(deviceId)?.given.tags ?? NO_TAGS };
  }

  /** All devices, online and offline, in the order in which the hub first met them. */
  all(): IterableIterator<Device> {
    return this.#devices.values();
  }

  observe(observer: PresenceObserver): void {
    this.#observers.push(observer);
  }

  /** Told of each device that somebody wanted to be forgotten; not of those for which there was no room. */
  observeForgotten(observer: (device: Device) => void): void {
    this.#forgetObservers.push(observer);
  }

  /** Told of each device that is off the list, whether somebody wanted it or there was no room for it. */
  observeGone(observer: (device: Device) => void): void {
    this.#goneObservers.push(observer);
  }

  /** Another gateway that has this id: it keeps it until the device is forgotten. Undefined where the id is free. */
  otherGatewayOf(deviceId: string, gateway: string): string | undefined {
    const known = this.#devices.get(deviceId);
    return known === undefined || known.gateway === gateway ? undefined : known.gateway;
  }

  /**
   * A device came. Where it is online already, the new link takes over: the old one is closed, and its
   * connection is told why.
   */
  connect(
    deviceId: string,
    arrival: {
      gateway: string;
      description: KeptDescription;
      link: DeviceLink;
      reason?: 'connected' | 'reconnected';
    },
  ): Device {
    const device = this.#devices.get(deviceId) ?? this.#add(deviceId, arrival.description);
    this.#leaveOffline(device);
    this.#describe(device, arrival);
    this.come(device, arrival.link, arrival.reason);
    return device;
  }

  /**
   * A device says what it is, apart from its coming: it is listed from then on, and offline until it comes. The device
   * may be off the list again at once, where there are as many as are kept.
   */
  describe(deviceId: string, said: { gateway: string; description: KeptDescription }): Device {
    const device = this.#devices.get(deviceId) ?? this.#add(deviceId, said.description);
    const { isOnline } = device;
    if (!isOnline) this.#leaveOffline(device);
    const isNews = this.#describe(device, said);
    if (!isOnline) this.#enterOffline(device);
    if (isNews) {
      this.#store.saveDevice(device.record());
      this.#commitSoon();
    }
    this.#forgetOldest();
    return device;
  }

  /** A device that has described itself came, as with `connect`. */
  come(device: Device, link: DeviceLink, reason?: 'connected' | 'reconnected'): void {
    const previous = device.link;
    this.#leaveOffline(device);
    device.link = link;
    device.lane.open(link);
    this.counters.connects++;
    if (previous !== undefined) {
      this.counters.takeovers++;
      previous.close('taken-over');
    }
    const isFirst = device.presence.sequence === 0;
    const came = reason ?? (isFirst ? 'connected' : 'reconnected');
    this.#change(device, 'online', previous === undefined ? came : 'taken-over');
    device.lane.resume();
  }

  /** A link ended. Ignored when another link has taken the device over meanwhile. */
  disconnect(device: Device, link: DeviceLink, reason: PresenceReason): void {
    if (device.link !== link) return;
    device.link = undefined;
    this.counters.disconnects++;
    this.#enterOffline(device);
    this.#change(device, 'offline', reason);
    device.lane.close();
    this.#forgetOldest();
  }

  /** Takes an offline device off the list. */
  forget(deviceId: string): 'forgotten' | 'unknown' | 'online' {
    const device = this.#devices.get(deviceId);
    if (device === undefined) return 'unknown';
    const { link } = device;
    if (link?.isPresumed === true) {
      link.close('disconnected');
      this.disconnect(device, link, 'disconnected');
    }
    if (device.isOnline) return 'online';
    this.#forget(device);
    for (const observer of this.#forgetObservers) observer(device);
    return 'forgotten';
  }

  #forget(device: Device): void {
    const { id: deviceId } = device;
    this.#devices.delete(deviceId);
    device.forget();
    this.#leaveOffline(device);
    this.#feed.publish({ kind: 'forgotten', deviceId, time: this.#clock.now() });
    this.#store.deleteDevice(deviceId);
    this.#commitSoon();
    for (const observer of this.#goneObservers) observer(device);
  }

  /** Settled when what was changed, or forgotten, lasts; undefined where nothing waits for that. */
  commit(): Promise<void> | undefined {
    return this.#store.commit();
  }

  /** People give a device a title and tags. They last when `commit` is done. */
  give(device: Device, words: GivenWords): void {
    const areOtherTags = words.tags.join('\n') !== device.given.tags.join('\n');
    device.given = words;
    if (areOtherTags) this.#onTags();
    device.tellDescription();
    this.#store.saveDevice(device.record());
  }

  /** Nobody waits for it; a store that fails says so itself. */
  #commitSoon(): void {
    this.#store.commit()?.catch(() => {});
  }

  #restore({ record, descriptionText }: StoredDevice, ledger: Ledger): void {
    const party = ledger.open(record.party);
    const device = this.#make(record.deviceId, KeptDescription.restore(descriptionText, party), {
      order: record.order,
      presence: presenceAfterRestart(record.presence, this.#clock.now()),
    });
    party.close();
    this.#lastOrder = Math.max(this.#lastOrder, record.order);
    device.gateway = record.gateway;
    device.given = record.given;
    device.version = record.version;
    device.describedAt = record.describedAt;
    device.lastSeen = record.lastSeen;
    device.learnedTitle = record.learnedTitle;
    this.#offlineCharacters += descriptionText.length;
  }

  /** @returns whether it is new, or describes itself otherwise than before */
  #describe(device: Device, said: { gateway: string; description: KeptDescription }): boolean {
    const { version } = device;
    const isNew = device.gateway === '';
    device.gateway = said.gateway;
    device.describe(said.description);
    const isNews = isNew || device.version !== version;
    if (isNews) this.#store.saveDescription(device.id, device.descriptionText);
    return isNews;
  }

  #enterOffline(device: Device): void {
    this.#offline.add(device.id);
    this.#offlineCharacters += device.descriptionText.length;
  }

  #leaveOffline(device: Device): void {
    if (this.#offline.delete(device.id)) this.#offlineCharacters -= device.descriptionText.length;
  }

  #add(deviceId: string, description: KeptDescription): Device {
    const presence = nextPresence(undefined, {
      status: 'offline',
      reason: 'disconnected',
      now: this.#clock.now(),
    });
    const device = this.#make(deviceId, description, {
      order: ++this.#lastOrder,
      presence: { ...presence, sequence: 0 },
    });
    device.tellDescription({ isNew: true });
    return device;
  }

  #make(
    deviceId: string,
    description: KeptDescription,
    known: { readonly order: number; readonly presence: Presence },
  ): Device {
    const device = new Device(deviceId, description, {
      ...known,
      limits: this.#limits,
      counters: this.counters,
      feed: this.#feed,
      check: this.#check,
      clock: this.#clock,
      log: this.#log,
    });
    this.#devices.set(deviceId, device);
    return device;
  }

  #change(device: Device, status: Presence['status'], reason: PresenceReason): void {
    const now = this.#clock.now();
    device.presence = nextPresence(device.presence, { status, reason, now });
    if (status === 'online') device.lastSeen = now;
    this.#feed.publish({ kind: 'presence', deviceId: device.id, time: now, presence: device.presence });
    this.#store.saveDevice(device.record());
    this.#commitSoon();
    for (const observer of this.#observers) observer(device, device.presence);
  }

  #forgetOldest(): void {
    const { maxOfflineDevices, maxOfflineDescriptionBytes } = this.#limits;
    for (const deviceId of this.#offline) {
      if (this.#offline.size <= maxOfflineDevices && this.#offlineCharacters <= maxOfflineDescriptionBytes)
        return;
      this.#forget(this.#devices.get(deviceId)!);
      this.counters.offlineForgotten++;
    }
  }
}
