import { Attribution, type DatagramSource } from './attribution.ts';
import { DeviceIds } from './device-ids.ts';
import { MAX_REMEMBERED_ADDRESSES } from '../options.ts';

/** What others need of a connected plain device. */
export type PlainDevice = DatagramSource & {
  readonly id: string;
  readonly address: string;
  /** It has been heard from within the time in which it must answer. */
  readonly isGood: boolean;
  /** Takes a datagram that is this device's; false when it cannot be read. */
  onDatagram(bytes: Buffer): boolean;
};

/** What others need of a connected framed device. */
export type FramedDevice = {
  readonly id: string;
  /** What it showed in its hello. */
  readonly token: string | undefined;
  /** Takes a signed datagram that names this device; `message` is its JSON, not believed yet. */
  onDatagram(bytes: Buffer, message: Record<string, unknown>): void;
};

/** Who is connected: plain devices by address, framed ones by id. */
export class DeviceDirectory {
  readonly ids = new DeviceIds(MAX_REMEMBERED_ADDRESSES);
  readonly #plainByAddress = new Map<string, Attribution<PlainDevice>>();
  readonly #plainById = new Map<string, PlainDevice>();
  readonly #framedById = new Map<string, FramedDevice>();

  /** `now` is monotonic ms. */
  addPlain(device: PlainDevice, now: number): void {
    let group = this.#plainByAddress.get(device.address);
    if (group === undefined) {
      group = new Attribution();
      this.#plainByAddress.set(device.address, group);
    }
    group.join(device, now);
    this.#plainById.set(device.id, device);
  }

  removePlain(device: PlainDevice): void {
    const group = this.#plainByAddress.get(device.address);
    group?.leave(device);
    if (group?.size === 0) this.#plainByAddress.delete(device.address);
    if (this.#plainById.get(device.id) === device) this.#plainById.delete(device.id);
  }

  /** The plain devices of an address; undefined when it has none. */
  plainAt(address: string): Attribution<PlainDevice> | undefined {
    return this.#plainByAddress.get(address);
  }

  plain(deviceId: string): PlainDevice | undefined {
    return this.#plainById.get(deviceId);
  }

  addFramed(device: FramedDevice): void {
    this.#framedById.set(device.id, device);
  }

  removeFramed(device: FramedDevice): void {
    if (this.#framedById.get(device.id) === device) this.#framedById.delete(device.id);
  }

  framed(deviceId: string): FramedDevice | undefined {
    return this.#framedById.get(deviceId);
  }
}
