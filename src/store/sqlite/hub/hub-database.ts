import { RecadoError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import type { DatabaseThread } from '../database-thread.ts';
import { createStoresThread } from '../stores-thread.ts';
import { WorkerDatabase } from '../worker-database.ts';
import type { HubOperations } from './serve-hub.ts';

/** hub.db: what a hub knows beside MQTT, in one file. */
export class HubDatabase extends WorkerDatabase<HubOperations> {
  constructor(
    file: string,
    { log, thread = createStoresThread(log) }: { log: Logger; thread?: DatabaseThread },
  ) {
    super({ name: 'hub', file, thread, log });
  }

  /** @throws {RecadoError} `DATA_FILE_FOREIGN` */
  async start(): Promise<void> {
    const opened = await this.open();
    if (!opened.ok) throw new RecadoError('DATA_FILE_FOREIGN', opened.failure.message);
  }
}
