import type { DeviceRecord, DeviceStore, StoredDevice } from '../../../devices/device-store.ts';
import type { HubDatabase } from './hub-database.ts';
import { NotedRecords } from './noted-records.ts';

/** Devices in hub.db: what is known of them changes often, what they say of themselves seldom, and is longer. */
export class SqliteDeviceStore implements DeviceStore {
  readonly #records: NotedRecords;

  constructor(database: HubDatabase) {
    this.#records = new NotedRecords(database);
  }

  async *load(): AsyncGenerator<readonly StoredDevice[], void, void> {
    const texts = new Map<string, string>();
    for await (const piece of this.#records.load<DescriptionRecord>('description'))
      for (const [deviceId, { text }] of piece) texts.set(deviceId, text);
    for await (const piece of this.#records.load<DeviceRecord>('device')) {
      yield piece.flatMap(([deviceId, record]) => {
        const descriptionText = texts.get(deviceId);
        return descriptionText === undefined ? [] : [{ record, descriptionText }];
      });
    }
  }

  saveDevice(record: DeviceRecord): void {
    this.#records.save('device', record.deviceId, record);
  }

  saveDescription(deviceId: string, text: string): void {
    this.#records.save('description', deviceId, { text } satisfies DescriptionRecord);
  }

  deleteDevice(deviceId: string): void {
    this.#records.delete('device', deviceId);
    this.#records.delete('description', deviceId);
  }

  commit(): Promise<void> | undefined {
    return this.#records.commit();
  }
}

type DescriptionRecord = { readonly text: string };
