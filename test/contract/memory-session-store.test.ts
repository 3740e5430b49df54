import { describeSessionStore } from './session-store.ts';
import { MemorySessionStore } from '../../src/mqtt/session/memory-session-store.ts';

describeSessionStore('MemorySessionStore', {
  canFail: false,
  openRig: async () => {
    const store = new MemorySessionStore();
    return { open: async () => store, remove: async () => {} };
  },
});

describeSessionStore('MemorySessionStore whose commits take a while', {
  canFail: true,
  openRig: async () => {
    let fails = false;
    const store = new MemorySessionStore({
      beforeCommit: async () => {
        const failsNow = fails;
        fails = false;
        await Promise.resolve();
        if (failsNow) throw new Error('disk full');
      },
    });
    return {
      open: async () => store,
      failNextCommit: () => {
        fails = true;
      },
      remove: async () => {},
    };
  },
});
