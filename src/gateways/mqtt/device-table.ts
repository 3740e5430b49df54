import type { Bus, BusClient } from '../../bus/bus.ts';
import type { Device } from '../../devices/device.ts';
import type { PresenceReason } from '../../devices/presence.ts';
import { BROKER_PARTY } from '../device-broker.ts';
import { devicesBelow, readDeviceTopic } from './device-topics.ts';
import { MqttDevice } from './mqtt-device.ts';
import type { MqttGatewayContext } from './mqtt-context.ts';

/** All ids that anything is known of, and the clients of the hub's own broker that are these devices. */
export class DeviceTable {
  readonly #context: MqttGatewayContext;
  readonly #bus: Bus;
  readonly #below: string;
  readonly #devices = new Map<string, MqttDevice>();
  readonly #byClient = new Map<BusClient, Set<MqttDevice>>();

  constructor(bus: Bus, context: MqttGatewayContext) {
    this.#bus = bus;
    this.#context = context;
    this.#below = devicesBelow(context.options.prefix);
  }

  get(deviceId: string): MqttDevice | undefined {
    return this.#devices.get(deviceId);
  }

  /**
   * One that is known from now on, though it may not have described itself.
   *
   * @param from - who speaks of it
   * @returns undefined where there is no room for it
   */
  meet(deviceId: string, from: BusClient | undefined): MqttDevice | undefined {
    const known = this.#devices.get(deviceId);
    if (known !== undefined) return known;
    const { ledger } = this.#context;
    const met = new MqttDevice(deviceId, { bus: this.#bus, context: this.#context });
    const party = ledger.open(this.partyOf(deviceId, from));
    const hasRoom = met.book(party);
    party.close();
    if (!hasRoom) return undefined;
    this.#devices.set(deviceId, met);
    return met;
  }

  /** To whom it is booked what is kept of a device. */
  partyOf(deviceId: string, from: BusClient | undefined): string {
    const { clients, registry } = this.#context;
    if (from !== undefined && clients !== undefined) return clients.partyOf(from);
    return registry.get(deviceId)?.party.key ?? BROKER_PARTY;
  }

  /** Lets it go where there is nothing that would have to be kept. */
  tidy(device: MqttDevice): void {
    if (device.isEmpty) this.#remove(device);
  }

  /** It was forgotten. */
  forget({ id }: Device): void {
    const device = this.#devices.get(id);
    if (device !== undefined) this.#remove(device);
  }

  /** A client is the device, as long as it is connected. */
  attach(device: MqttDevice, client: BusClient): void {
    // Whose Will speaks has left already, and nobody will say so again.
    if (this.#context.clients?.isConnected(client) === false) return;
    const devices = this.#byClient.get(client);
    if (devices === undefined) this.#byClient.set(client, new Set([device]));
    else devices.add(device);
  }

  /** Who subscribes to the commands of one device is that device. */
  onSubscribed(client: BusClient, topicFilter: string): void {
    const topic = readDeviceTopic(this.#below, topicFilter);
    if (topic?.kind !== 'commands') return;
    const device = this.meet(topic.deviceId, client);
    if (device === undefined) return;
    this.attach(device, client);
    device.attach(client);
  }

  onDisconnected(client: BusClient, reason: PresenceReason): void {
    const devices = this.#byClient.get(client);
    if (devices === undefined) return;
    this.#byClient.delete(client);
    for (const device of devices) {
      device.detach(client, reason);
      this.tidy(device);
    }
  }

  /** Nothing is known of anybody's presence any more. */
  leaveAll(reason: PresenceReason): void {
    this.#byClient.clear();
    for (const device of this.#devices.values()) {
      device.leave(reason);
      this.tidy(device);
    }
  }

  #remove(device: MqttDevice): void {
    this.#devices.delete(device.id);
    device.release();
    for (const client of device.clients) {
      const devices = this.#byClient.get(client);
      devices?.delete(device);
      if (devices?.size === 0) this.#byClient.delete(client);
    }
  }
}
