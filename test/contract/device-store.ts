import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeviceRecord, DeviceStore, StoredDevice } from '../../src/devices/device-store.ts';

export type DeviceStoreRig = {
  /** The store, opened anew: what was not committed is gone, where anything is left at all. */
  open(): Promise<DeviceStore>;
  /** Makes the next commit fail; undefined where commits cannot. */
  failNextCommit?(): void;
  remove(): Promise<void>;
};

/** What a store of devices must do. `open` of the rig gives the same one again where it lives in memory only. */
export function describeDeviceStore(name: string, openRig: () => Promise<DeviceStoreRig>): void {
  describe(name, () => {
    it('gives back devices with their descriptions, the last word of each', async (t) => {
      const rig = await openRig();
      t.after(() => rig.remove());
      const store = await rig.open();
      assert.deepEqual(await loadAll(store), []);
      for (const deviceId of ['DE-2', 'a:b~c', 'gone']) {
        store.saveDescription(deviceId, '{"commands":[]}');
        store.saveDevice(record(deviceId, 1));
      }
      await store.commit();
      store.saveDevice(record('a:b~c', 2));
      store.saveDescription('DE-2', '{"title":"ç"}');
      store.deleteDevice('gone');
      await store.commit();
      assert.deepEqual(await loadAll(await rig.open()), [
        { record: record('DE-2', 1), descriptionText: '{"title":"ç"}' },
        { record: record('a:b~c', 2), descriptionText: '{"commands":[]}' },
      ]);
    });

    it('has a device again that was forgotten before', async (t) => {
      const rig = await openRig();
      t.after(() => rig.remove());
      const store = await rig.open();
      store.saveDescription('a', '1');
      store.saveDevice(record('a', 1));
      store.deleteDevice('a');
      await store.commit();
      assert.deepEqual(await loadAll(store), []);
      store.saveDescription('a', '2');
      store.saveDevice(record('a', 3));
      await store.commit();
      assert.deepEqual(await loadAll(await rig.open()), [{ record: record('a', 3), descriptionText: '2' }]);
    });

    it('keeps nothing of a commit that failed, and all of it with the next one', async (t) => {
      const rig = await openRig();
      t.after(() => rig.remove());
      const store = await rig.open();
      if (rig.failNextCommit === undefined) return t.skip('its commits cannot fail');
      rig.failNextCommit();
      store.saveDescription('a', '1');
      store.saveDevice(record('a', 1));
      await assert.rejects(async () => store.commit());
      store.saveDevice(record('a', 2));
      await store.commit();
      assert.deepEqual(await loadAll(await rig.open()), [{ record: record('a', 2), descriptionText: '1' }]);
    });
  });
}

async function loadAll(store: DeviceStore): Promise<StoredDevice[]> {
  const devices: StoredDevice[] = [];
  for await (const piece of store.load()) devices.push(...piece);
  return devices.toSorted((a, b) => (a.record.deviceId < b.record.deviceId ? -1 : 1));
}

function record(deviceId: string, sequence: number): DeviceRecord {
  const made: DeviceRecord = {
    deviceId,
    gateway: 'socket',
    order: 1,
    party: '127.0.0.1',
    presence: { status: 'online', sequence, reason: 'connected', since: 1 },
    lastSeen: 2,
    learnedTitle: undefined,
    given: { title: 'Pump', tags: ['cellar'] },
    version: 1,
    describedAt: 1,
  };
  return JSON.parse(JSON.stringify(made)) as DeviceRecord;
}
