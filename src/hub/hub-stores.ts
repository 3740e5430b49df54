import type { Logger } from '../base/logger.ts';
import { DataFolder } from '../store/data-folder.ts';
import { HubDatabase } from '../store/sqlite/hub/hub-database.ts';
import { SqliteAccountStore } from '../store/sqlite/hub/sqlite-account-store.ts';
import { SqliteDeviceStore } from '../store/sqlite/hub/sqlite-device-store.ts';
import { SqliteInvocationStore } from '../store/sqlite/hub/sqlite-invocation-store.ts';
import { SqliteAuditStore } from '../store/sqlite/hub/sqlite-audit-store.ts';
import { SqliteWebhookStore } from '../store/sqlite/hub/sqlite-webhook-store.ts';
import type { DatabaseThread } from '../store/sqlite/database-thread.ts';
import { createStoresThread } from '../store/sqlite/stores-thread.ts';
import { SqliteSessionStore } from '../store/sqlite/sessions/sqlite-session-store.ts';
import { SqliteTelemetryStore } from '../store/sqlite/telemetry/sqlite-telemetry-store.ts';
import type { TelemetryFilesOptions } from '../store/sqlite/telemetry/telemetry-files.ts';
import type { StoreHealth } from '../store/store-state.ts';

type TelemetryLimits = Omit<TelemetryFilesOptions, 'folder' | 'maxBufferBytes'> & {
  readonly enabled: boolean;
};

/** What a hub keeps on disk: the files of its data folder. */
export class HubStores {
  readonly folder: DataFolder;
  /** Of the MQTT broker, which closes it. */
  readonly sessions: SqliteSessionStore;
  readonly accounts: SqliteAccountStore;
  readonly devices: SqliteDeviceStore;
  readonly invocations: SqliteInvocationStore;
  readonly audit: SqliteAuditStore;
  readonly webhooks: SqliteWebhookStore;
  readonly #hub: HubDatabase;
  readonly #thread: DatabaseThread;

  /** Undefined where no history is kept. */
  readonly telemetry: SqliteTelemetryStore | undefined;

  constructor(
    { dataDir, telemetry }: { readonly dataDir: string; readonly telemetry: TelemetryLimits },
    { log, maxBufferBytes }: { readonly log: Logger; readonly maxBufferBytes: number },
  ) {
    this.folder = new DataFolder(dataDir);
    const { path: folder } = this.folder;
    this.telemetry = telemetry.enabled
      ? new SqliteTelemetryStore({ folder, maxBufferBytes, ...telemetry }, log)
      : undefined;
    const thread = createStoresThread(log);
    this.#thread = thread;
    this.sessions = new SqliteSessionStore({ file: this.folder.file('sessions.db'), log, thread });
    this.#hub = new HubDatabase(this.folder.file('hub.db'), { log, thread });
    this.accounts = new SqliteAccountStore(this.#hub);
    this.devices = new SqliteDeviceStore(this.#hub);
    this.invocations = new SqliteInvocationStore(this.#hub);
    this.audit = new SqliteAuditStore(this.#hub);
    this.webhooks = new SqliteWebhookStore(this.#hub);
  }

  /** How it stands with each. */
  get health(): readonly StoreHealth[] {
    return [this.sessions.health, this.#hub.health, ...(this.telemetry ? [this.telemetry.health] : [])];
  }

  /**
   * Takes the folder and opens what is in it. A disk that is full or a file that is damaged does not stop a hub: `health`
   * says so, and what would have to be stored is refused.
   *
   * @throws {RecadoError} `DATA_FOLDER_TAKEN`, `DATA_FILE_FOREIGN`. Nothing is left open then.
   */
  async start(): Promise<void> {
    this.folder.open();
    try {
      await Promise.all([this.sessions.open(), this.#hub.start()]);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Has their thread give back what the start has left behind. */
  giveBackMemory(): void {
    this.#thread.giveBackMemory();
  }

  /** After the parts of the hub that use them. */
  async stop(): Promise<void> {
    // What nobody waited for.
    await Promise.allSettled([this.devices.commit(), this.invocations.commit()]);
    await Promise.all([this.sessions.close(), this.#hub.close()]);
    this.folder.close();
  }
}
