import type { Client, Device, Presence, Reading } from '../../client/index.ts';

/** Something about a device that was not so when it was last looked at. */
export type Observation =
  | { readonly type: 'presence'; readonly deviceId: string; readonly presence: Presence }
  | { readonly type: 'reading'; readonly deviceId: string; readonly reading: Reading }
  | { readonly type: 'forgotten'; readonly deviceId: string };

/** Tells what has changed at the devices of a hub: the first look tells all there is. */
export class Observer {
  readonly #client: Client;
  readonly #wanted: ReadonlySet<string>;
  readonly #tell: (observation: Observation) => void;
  readonly #sequences = new Map<string, number>();
  /** The time of the latest, by device and metric. */
  readonly #times = new Map<string, Map<string, string>>();

  /** @param wanted - only these devices; none: all */
  constructor(client: Client, wanted: ReadonlySet<string>, tell: (observation: Observation) => void) {
    this.#client = client;
    this.#wanted = wanted;
    this.#tell = tell;
  }

  /** Looks once. Throws what the client throws. */
  async look(signal: AbortSignal): Promise<void> {
    const seen = new Set<string>();
    const online: string[] = [];
    for await (const device of this.#devices(signal)) {
      seen.add(device.deviceId);
      this.#onPresence(device);
      if (device.presence.status === 'online') online.push(device.deviceId);
    }
    for (const deviceId of this.#sequences.keys()) if (!seen.has(deviceId)) this.#forget(deviceId);
    for (const deviceId of online) await this.#readings(deviceId, signal);
  }

  async *#devices(signal: AbortSignal): AsyncGenerator<Device, void, void> {
    if (this.#wanted.size === 0) yield* this.#client.devices.all({ limit: 1000, signal });
    for (const deviceId of this.#wanted) yield await this.#client.devices.get(deviceId, { signal });
  }

  #onPresence({ deviceId, presence }: Device): void {
    if (this.#sequences.get(deviceId) === presence.sequence) return;
    this.#sequences.set(deviceId, presence.sequence);
    this.#tell({ type: 'presence', deviceId, presence });
  }

  async #readings(deviceId: string, signal: AbortSignal): Promise<void> {
    const times = this.#times.get(deviceId) ?? new Map<string, string>();
    this.#times.set(deviceId, times);
    const { readings } = await this.#client.devices.telemetry(deviceId, { signal });
    for (const reading of readings) {
      if (times.get(reading.metric) === reading.time) continue;
      times.set(reading.metric, reading.time);
      this.#tell({ type: 'reading', deviceId, reading });
    }
  }

  #forget(deviceId: string): void {
    this.#sequences.delete(deviceId);
    this.#times.delete(deviceId);
    this.#tell({ type: 'forgotten', deviceId });
  }
}
