import type {
  AuditEntry,
  AuditQuery,
  AuditRecord,
  AuditRetention,
  AuditStore,
} from '../../../accounts/audit.ts';
import { StoreError } from '../../store-state.ts';
import type { HubDatabase } from './hub-database.ts';

/** The audit in hub.db. */
export class SqliteAuditStore implements AuditStore {
  readonly #database: HubDatabase;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  /** @throws {StoreError} */
  async append(entries: readonly AuditEntry[], retention: AuditRetention): Promise<void> {
    const written = await this.#database.write('appendAudit', { entries, retention });
    if (!written.ok) throw new StoreError(written.failure);
  }

  /** @throws {StoreError} */
  async read(query: AuditQuery): Promise<readonly AuditRecord[]> {
    const found = await this.#database.read('readAudit', query);
    if (!found.ok) throw new StoreError(found.failure);
    return found.value;
  }
}
