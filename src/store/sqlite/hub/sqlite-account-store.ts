import type { AccountChange, AccountRecord, AccountStore } from '../../../accounts/account-store.ts';
import { StoreError } from '../../store-state.ts';
import type { HubDatabase } from './hub-database.ts';

/** Accounts in hub.db. */
export class SqliteAccountStore implements AccountStore {
  readonly #database: HubDatabase;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  /** @throws {StoreError} */
  async load(): Promise<readonly AccountRecord[]> {
    const loaded = await this.#database.load('loadAccounts', undefined);
    if (!loaded.ok) throw new StoreError(loaded.failure);
    return loaded.value;
  }

  /** @throws {StoreError} */
  async write(changes: readonly AccountChange[]): Promise<void> {
    const written = await this.#database.write('writeAccounts', changes);
    if (!written.ok) throw new StoreError(written.failure);
  }
}
