import { MemoryAccountStore } from '../../src/accounts/memory-account-store.ts';
import { describeAccountStore } from './account-store.ts';

describeAccountStore('MemoryAccountStore', async () => {
  const store = new MemoryAccountStore();
  return { open: async () => store };
});
