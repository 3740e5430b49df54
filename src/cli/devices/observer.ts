import {
  ProblemError,
  type Client,
  type Device,
  type HubEvent,
  type Presence,
  type Reading,
} from '../../client/index.ts';

type Told<Type extends HubEvent['type']> = Extract<HubEvent, { readonly type: Type }>;

/** Something about a device that was not so when it was last looked at, or that happened. */
export type Observation =
  | { readonly type: 'presence'; readonly deviceId: string; readonly presence: Omit<Presence, 'lastSeen'> }
  | { readonly type: 'reading'; readonly deviceId: string; readonly reading: Reading }
  | { readonly type: 'forgotten'; readonly deviceId: string }
  | Told<'description' | 'invocation' | 'event'>;

/** Tells what changes at the devices of a hub: the first look tells all there is. */
export class Observer {
  readonly #client: Client;
  readonly #wanted: ReadonlySet<string>;
  readonly #tell: (observation: Observation) => void;
  readonly #sequences = new Map<string, number>();
  /** The time of the latest, by device and metric. */
  readonly #times = new Map<string, Map<string, string>>();
  #hasLooked = false;

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
      this.#onPresence(device.deviceId, device.presence);
      if (device.presence.status === 'online') online.push(device.deviceId);
    }
    for (const deviceId of this.#sequences.keys()) if (!seen.has(deviceId)) this.#forget(deviceId);
    for (const deviceId of online) await this.#readings(deviceId, signal);
    this.#hasLooked = true;
  }

  /** What the hub tells by itself, unless the last look has told it. */
  take(event: HubEvent): void {
    if (event.type === 'presence') this.#onPresence(event.deviceId, event.presence);
    else if (event.type === 'reading') this.#onReading(event.deviceId, event);
    else if (event.type === 'forgotten') this.#forget(event.deviceId);
    else if (event.type === 'description' || event.type === 'invocation' || event.type === 'event')
      this.#tell(event);
  }

  async *#devices(signal: AbortSignal): AsyncGenerator<Device, void, void> {
    if (this.#wanted.size === 0) yield* this.#client.devices.all({ limit: 1000, signal });
    for (const deviceId of this.#wanted) {
      try {
        yield await this.#client.devices.get(deviceId, { signal });
      } catch (error) {
        // A name that was never right is a mistake; one that was is forgotten.
        const isForgotten = error instanceof ProblemError && error.code === 'DEVICE_UNKNOWN';
        if (!isForgotten || !this.#hasLooked) throw error;
      }
    }
  }

  #onPresence(deviceId: string, presence: Omit<Presence, 'lastSeen'>): void {
    if (this.#sequences.get(deviceId) === presence.sequence) return;
    this.#sequences.set(deviceId, presence.sequence);
    this.#tell({ type: 'presence', deviceId, presence });
  }

  async #readings(deviceId: string, signal: AbortSignal): Promise<void> {
    const { readings } = await this.#client.devices.telemetry(deviceId, { signal });
    for (const reading of readings) this.#onReading(deviceId, reading);
  }

  #onReading(deviceId: string, { metric, value, unit, time }: Reading): void {
    const times = this.#times.get(deviceId) ?? new Map<string, string>();
    this.#times.set(deviceId, times);
    if (times.get(metric) === time) return;
    times.set(metric, time);
    this.#tell({ type: 'reading', deviceId, reading: { metric, value, unit, time } });
  }

  #forget(deviceId: string): void {
    if (!this.#sequences.delete(deviceId)) return;
    this.#times.delete(deviceId);
    this.#tell({ type: 'forgotten', deviceId });
  }
}
