import type { Presence } from './presence.ts';

/** What people call a device, and the words by which they find it. */
export type GivenWords = { readonly title: string | undefined; readonly tags: readonly string[] };

/** What is known of a device apart from what it says of itself. */
export type DeviceRecord = {
  readonly deviceId: string;
  /** The one that has its id until it is forgotten. */
  readonly gateway: string;
  readonly order: number;
  /** To whom it is booked. */
  readonly party: string;
  readonly presence: Presence;
  readonly lastSeen: number;
  /** A title that it gave outside of its description. */
  readonly learnedTitle: string | undefined;
  readonly given: GivenWords;
  readonly version: number;
  readonly describedAt: number;
};

/** A device as it comes back; its description as JSON. */
export type StoredDevice = { readonly record: DeviceRecord; readonly descriptionText: string };

/**
 * Where devices outlive the hub. Owned by the registry, which notes what changes and commits. Nobody waits for
 * that, but who changes a device by hand, or forgets it.
 *
 * The calls that change something only note it; `commit` makes everything noted so far last, at once.
 */
export type DeviceStore = {
  /** Everything that was committed, in any order. Called once, before anything else, and read to its end. */
  load(): AsyncIterable<readonly StoredDevice[]>;
  /** New, or known and changed. */
  saveDevice(record: DeviceRecord): void;
  /** It describes itself for the first time, or otherwise than before. */
  saveDescription(deviceId: string, text: string): void;
  /** With its description. */
  deleteDevice(deviceId: string): void;
  /**
   * Makes lasting what was noted.
   *
   * @returns undefined when nothing has to wait; else a promise. When it rejects, nothing of it has been made lasting,
   *   and it stays noted: the next commit makes it lasting too.
   */
  commit(): Promise<void> | undefined;
};

/** For a hub that forgets everything when it ends. */
export class MemoryDeviceStore implements DeviceStore {
  readonly #records = new Map<string, DeviceRecord>();
  readonly #texts = new Map<string, string>();

  async *load(): AsyncGenerator<readonly StoredDevice[], void, void> {
    const stored = [...this.#records.values()].map((record) => ({
      record,
      descriptionText: this.#texts.get(record.deviceId)!,
    }));
    if (stored.length > 0) yield stored;
  }

  saveDevice(record: DeviceRecord): void {
    this.#records.set(record.deviceId, record);
  }

  saveDescription(deviceId: string, text: string): void {
    this.#texts.set(deviceId, text);
  }

  deleteDevice(deviceId: string): void {
    this.#records.delete(deviceId);
    this.#texts.delete(deviceId);
  }

  commit(): undefined {
    return undefined;
  }
}
