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
  readonly device: DiscoveredDevice;
  readonly party: Party;
  readonly bytes: number;
};

/** All configs, and the devices that they make together. */
export class DiscoveredDevices {
  readonly #context: HomeAssistantContext;
  readonly #items = new Map<string, KeptItem>();
  readonly #byIdentity = new Map<string, DiscoveredDevice>();
  readonly #byId = new Map<string, DiscoveredDevice>();
  /** Those whose configs have changed since they were described. */
  readonly #changed = new Set<DiscoveredDevice>();
  #lastOrder = 0;
  /** Ids of devices from before the hub was started, by what they are known as. */
  readonly #restored = new Map<string, string>();

  constructor(context: HomeAssistantContext) {
    this.#context = context;
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
   * Takes a config in the place of what its topic had said before.
   *
   * @param from - to whom it is booked
   * @returns false when there is no room for it
   */
  put(
    item: DiscoveredItem,
    { digest, bytes, from }: { digest: string; bytes: number; from: string },
  ): boolean {
    const { ledger, options } = this.#context;
    const before = this.#items.get(item.topicName);
    if (before === undefined && this.#items.size >= options.maxConfigs) return false;
    const party = ledger.open(from);
    const cost = costOf(KeptKind.DISCOVERY_CONFIG, bytes);
    const hasRoom = party.book(KeptKind.DISCOVERY_CONFIG, cost);
    party.close();
    if (!hasRoom) return false;
    const device = this.#deviceOf(item);
    if (before !== undefined) this.#drop(before);
    this.#items.set(item.topicName, { item, digest, device, party, bytes: cost });
    device.items.set(item.topicName, item);
    this.#changed.add(device);
    return true;
  }

  /** A topic says nothing any more; false when it had said nothing. */
  remove(topicName: string): boolean {
    const kept = this.#items.get(topicName);
    if (kept === undefined) return false;
    this.#drop(kept);
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
      if (!device.describe(this.#partyOf(device))) this.#context.counters.configsRefused++;
    }
  }

  /** Devices that were known before the hub was started and that no config speaks of are forgotten. */
  forgetGone(): readonly string[] {
    const { registry } = this.#context;
    const gone = [...new Set(this.#restored.values())].filter((id) => !this.#byId.has(id));
    this.#restored.clear();
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

  #drop({ item, device, party, bytes }: KeptItem): void {
    this.#items.delete(item.topicName);
    device.items.delete(item.topicName);
    party.release(KeptKind.DISCOVERY_CONFIG, bytes);
    this.#changed.add(device);
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
      this.#items.set(topicName, { ...kept, device });
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
