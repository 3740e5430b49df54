import type { Logger } from '../../base/logger.ts';
import { DatabaseThread } from './database-thread.ts';

/** The thread of sessions.db and hub.db: one of their own would take each some 14 MiB. */
export function createStoresThread(log: Logger): DatabaseThread {
  return new DatabaseThread({ name: 'stores', module: new URL('./stores-worker.ts', import.meta.url), log });
}
