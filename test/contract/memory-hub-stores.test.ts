import { MemoryDeviceStore } from '../../src/devices/device-store.ts';
import { MemoryInvocationStore } from '../../src/devices/invocation-store.ts';
import { describeDeviceStore } from './device-store.ts';
import { describeInvocationStore } from './invocation-store.ts';

describeInvocationStore('MemoryInvocationStore', async () => {
  const store = new MemoryInvocationStore();
  return { open: async () => store, remove: async () => {} };
});

describeDeviceStore('MemoryDeviceStore', async () => {
  const store = new MemoryDeviceStore();
  return { open: async () => store, remove: async () => {} };
});
