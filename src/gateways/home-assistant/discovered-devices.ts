import { costOf, KeptKind } from '../../base/kept-kinds.ts';
import type { Party } from '../../base/ledger.ts';
import type { Device } from '../../devices/device.ts';
import { DiscoveredDevice } from './discovered-device.ts';
import { identitiesOf, makeDeviceId } from './discovery/device-identity.ts';
import type { DiscoveredItem } from './discovery/describe-device.ts';
import type { HomeAssistantContext } from './gateway-context.ts';

/** A config that was read, and what has become of it. */
type KeptItem = {
  readonly item: DiscoveredItem;
  readonly digest: string;
  device: DiscoveredDevice;
  readonly party: Party;
  readonly bytes: number;
  /** The list shows its device as this says. */
  isDescribed: boolean;
  /** What the list shows instead, for as long as that is not so. */
  former: KeptItem | undefined;
};

type DevicesOwner = {
  readonly maxConfigs: number;
  /** Told of a config that was taken, and whose device could not be described with it. */
  readonly onRefused: (config: { topicName: string; why: string; from: string }) => void;
  /** Told when what a config had is free. */
  readonly onRoom: () => void;
};

/** All configs, and the devices that they make together. */
export class DiscoveredDevices {
  readonly #context: HomeAssistantContext;
  readonly #owner: DevicesOwner;
  readonly #items = new Map<string, KeptItem>();
  readonly #byIdentity = new Map<string, DiscoveredDevice>();
  readonly #byId = new Map<string, DiscoveredDevice>();
  /** Those whose configs have changed since they were described. */
  readonly #changed = new Set<DiscoveredDevice>();
  #lastOrder = 0;
  /** Ids of devices from before the hub was started, by what they are known as. */
  readonly #restored = new Map<string, string>();
  /** Those of them for whose configs there was no room: they are not gone. */
  readonly #refused = new Set<string>();

  constructor(context: HomeAssistantContext, owner: DevicesOwner) {
    this.#context = context;
    this.#owner = owner;
    for (const { id, gateway, description } of context.registry.all())
      if (gateway === context.name)
        for (const identity of description.discovered?.identities ?? []) this.#restored.set(identity, id);
  }

  all(): Iterable<DiscoveredDevice> {
    return this.#byId.values();
  }

  /** What tells one config of a topic from another one; undefined where there is none. */
  digestOf(topicName: string): string | undefined {
    return this.#items.get(topicName)?.digest;
  }

  /** The topics of the configs of a device. */
  topicsOf(deviceId: string): readonly string[] {
    return [...(this.#byId.get(deviceId)?.items.keys() ?? [])];
  }

  /**
   * The topic of a config that describes the same device as an item, and that somebody may not publish. Whoever may not
   * say it anew has no part in what it describes.
   */
  findForeign(item: DiscoveredItem, mayPublish: (topicName: string) => boolean): string | undefined {
    for (const identity of identitiesOfItem(item))
      for (const topicName of this.#byIdentity.get(identity)?.items.keys() ?? [])
        if (!mayPublish(topicName)) return topicName;
    return undefined;
  }

  /**
   * Takes a config in the place of what its topic had said before.
   *
   * @param from - to whom it is booked
   * @returns false when there is no room for it
   */
  put(
    item: DiscoveredItem,
    { digest, bytes, from }: { digest: string; bytes: number; from: string },
  ): boolean {
    const { ledger } = this.#context;
    const before = this.#items.get(item.topicName);
    if (before === undefined && this.#items.size >= this.#owner.maxConfigs) return false;
    const party = ledger.open(from);
    const cost = costOf(KeptKind.DISCOVERY_CONFIG, bytes);
    const hasRoom = party.book(KeptKind.DISCOVERY_CONFIG, cost);
    party.close();
    if (!hasRoom) return false;
    const device = this.#deviceOf(item);
    const former = before && this.#replace(before, device);
    this.#items.set(item.topicName, {
      item,
      digest,
      device,
      party,
      bytes: cost,
      isDescribed: false,
      former,
    });
    device.items.set(item.topicName, item);
    this.#changed.add(device);
    return true;
  }

  /** Of a topic that says something else: what the list shows of it until its device is described anew. */
  #replace(before: KeptItem, device: DiscoveredDevice): KeptItem | undefined {
    if (before.device !== device) this.#drop(before);
    else if (before.isDescribed) return before;
    else {
      this.#release(before);
      return before.former;
    }
    return undefined;
  }

  /** A topic says nothing any more; false when it had said nothing. */
  remove(topicName: string): boolean {
    const kept = this.#items.get(topicName);
    if (kept === undefined) return false;
    this.#drop(kept);
    this.#owner.onRoom();
    return true;
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** Describes some of the devices whose configs have changed, and lets those go that have none any more. */
  describeChanged(most: number): void {
    let count = 0;
    for (const device of this.#changed) {
      if (count++ >= most) return;
      this.#changed.delete(device);
      if (device.items.size === 0) {
        this.#end(device);
        continue;
      }
      this.#forgetIdentities(device);
      const refusal = device.describe(this.#partyOf(device));
      if (refusal === undefined) this.#settle(device);
      else this.#giveBack(device, refusal);
    }
  }

  /** The list shows what its configs say: what they had said before is not needed any more. */
  #settle(device: DiscoveredDevice): void {
    for (const topicName of device.items.keys()) {
      const kept = this.#items.get(topicName)!;
      kept.isDescribed = true;
      if (kept.former !== undefined) this.#release(kept.former);
      kept.former = undefined;
    }
  }

  /** What is not shown is not kept: the same config is read again when it comes again. */
  #giveBack(device: DiscoveredDevice, why: string): void {
    const refused = [...device.items.keys()]
      .map((topicName) => this.#items.get(topicName)!)
      .filter(({ isDescribed }) => !isDescribed);
    for (const kept of refused) {
      const { item, former, party } = kept;
      const { topicName } = item;
      this.#release(kept);
      if (former === undefined) {
        this.#items.delete(topicName);
        device.items.delete(topicName);
      } else {
        this.#items.set(topicName, former);
        device.items.set(topicName, former.item);
      }
      this.#owner.onRefused({ topicName, why, from: party.key });
    }
    // Without them it may be another one than the list shows: parts of it may have been taken away meanwhile.
    if (device.isDescribed && refused.length > 0) this.#changed.add(device);
    if (device.isDescribed || device.items.size > 0) return;
    if ([...device.identities].some((identity) => this.#restored.get(identity) === device.id))
      this.#refused.add(device.id);
    this.#leave(device);
  }

  /** Devices that were known before the hub was started and that no config speaks of are forgotten. */
  forgetGone(): readonly string[] {
    const { registry } = this.#context;
    const ids = new Set([...this.#restored.values()].filter((id) => !this.#refused.has(id)));
    const gone = [...ids].filter((id) => !this.#byId.has(id));
    for (const [identity, id] of this.#restored) if (ids.has(id)) this.#restored.delete(identity);
    return gone.filter(
      (id) => registry.get(id)?.gateway === this.#context.name && registry.forget(id) === 'forgotten',
    );
  }

  /** Somebody has had it forgotten. */
  onForgotten({ id }: Device): void {
    const device = this.#byId.get(id);
    if (device === undefined) return;
    for (const topicName of device.items.keys()) this.remove(topicName);
    this.#changed.delete(device);
    this.#leave(device);
    device.end('disconnected');
  }

  #drop(kept: KeptItem): void {
    const { item, device, former } = kept;
    this.#items.delete(item.topicName);
    device.items.delete(item.topicName);
    this.#release(kept);
    if (former !== undefined) this.#release(former);
    this.#changed.add(device);
  }

  #release({ party, bytes }: KeptItem): void {
    party.release(KeptKind.DISCOVERY_CONFIG, bytes);
  }

  #end(device: DiscoveredDevice): void {
    this.#leave(device);
    device.end('disconnected');
    const { registry, name } = this.#context;
    if (registry.otherGatewayOf(device.id, name) === undefined) registry.forget(device.id);
  }

  #leave(device: DiscoveredDevice): void {
    this.#byId.delete(device.id);
    for (const identity of device.identities)
      if (this.#byIdentity.get(identity) === device) this.#byIdentity.delete(identity);
  }

  #partyOf(device: DiscoveredDevice): Party {
    const [topicName = ''] = device.items.keys();
    return this.#items.get(topicName)!.party;
  }

  /** The device that a config speaks of. One that names two of them joins them: the older one stays. */
  #deviceOf(item: DiscoveredItem): DiscoveredDevice {
    const identities = identitiesOfItem(item);
    const known = new Set(
      identities.map((identity) => this.#byIdentity.get(identity)).filter((device) => device !== undefined),
    );
    const [first, ...others] = [...known].toSorted((one, other) => one.order - other.order);
    const device = first ?? this.#make(identities);
    for (const other of others) this.#join(device, other);
    this.#know(device, identities);
    return device;
  }

  #make(identities: readonly string[]): DiscoveredDevice {
    const { registry } = this.#context;
    const stored = identities.map((identity) => this.#restored.get(identity)).find((id) => id !== undefined);
    const isTaken = (id: string): boolean => this.#byId.has(id) || registry.get(id) !== undefined;
    const id =
      stored !== undefined && !this.#byId.has(stored) ? stored : makeDeviceId(identities[0]!, isTaken);
    const device = new DiscoveredDevice(id, ++this.#lastOrder, this.#context);
    this.#byId.set(id, device);
    return device;
  }

  #join(device: DiscoveredDevice, other: DiscoveredDevice): void {
    for (const topicName of other.items.keys()) {
      const kept = this.#items.get(topicName)!;
      kept.device = device;
      kept.isDescribed = false;
      if (kept.former !== undefined) this.#release(kept.former);
      kept.former = undefined;
      device.items.set(topicName, kept.item);
    }
    other.items.clear();
    const { identities } = other;
    other.identities = new Set();
    this.#know(device, identities);
    this.#changed.add(other);
  }

  #know(device: DiscoveredDevice, identities: Iterable<string>): void {
    device.identities = new Set([...device.identities, ...identities]);
    for (const identity of identities) this.#byIdentity.set(identity, device);
  }

  /** What only a config said that says something else now does not tell it from others any more. */
  #forgetIdentities(device: DiscoveredDevice): void {
    const said = new Set([...device.items.values()].flatMap(identitiesOfItem));
    for (const identity of device.identities)
      if (!said.has(identity) && this.#byIdentity.get(identity) === device) this.#byIdentity.delete(identity);
    device.identities = new Set([...device.identities].filter((identity) => said.has(identity)));
  }
}

function identitiesOfItem(item: DiscoveredItem): readonly string[] {
  const named = identitiesOf(item.device);
  return named.length > 0 ? named : [ownIdentity(item)];
}

/** A component without a device is one. */
function ownIdentity({ components, topicName }: DiscoveredItem): string {
  return (
    components.map(({ uniqueId }) => uniqueId).find((id) => id !== undefined) ?? topicName.split('/').at(-2)!
  );
}
