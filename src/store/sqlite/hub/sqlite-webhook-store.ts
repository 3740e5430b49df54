import type { WebhookChange, WebhookRecord, WebhookStore } from '../../../devices/webhook-store.ts';
import { StoreError } from '../../store-state.ts';
import type { HubDatabase } from './hub-database.ts';

/** Webhooks in hub.db. */
export class SqliteWebhookStore implements WebhookStore {
  readonly #database: HubDatabase;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  /** @throws {StoreError} */
  async load(): Promise<readonly WebhookRecord[]> {
    const loaded = await this.#database.load('loadWebhooks', undefined);
    if (!loaded.ok) throw new StoreError(loaded.failure);
    return loaded.value;
  }

  /** @throws {StoreError} */
  async write(change: WebhookChange): Promise<void> {
    const written = await this.#database.write('writeWebhook', change);
    if (!written.ok) throw new StoreError(written.failure);
  }
}
