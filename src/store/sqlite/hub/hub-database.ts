import { RecadoError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import { WorkerDatabase } from '../worker-database.ts';
import type { HubOperations } from './hub-worker.ts';

/** hub.db: what a hub knows beside MQTT, in one file with a thread of its own. */
export class HubDatabase extends WorkerDatabase<HubOperations> {
  constructor(file: string, log: Logger) {
    const worker = new URL('./hub-worker.ts', import.meta.url);
    super({ name: 'hub', file, worker, probe: 'writeVersion', log });
  }

  /** @throws {RecadoError} `DATA_FILE_FOREIGN` */
  async start(): Promise<void> {
    const opened = await this.open();
    if (!opened.ok) throw new RecadoError('DATA_FILE_FOREIGN', opened.failure.message);
  }
}
