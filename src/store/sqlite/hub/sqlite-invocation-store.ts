import type { InvocationRecord } from '../../../devices/invocation-record.ts';
import type { InvocationStore } from '../../../devices/invocation-store.ts';
import type { HubDatabase } from './hub-database.ts';
import { NotedRecords } from './noted-records.ts';

/** Invocations that last, in a table of hub.db. */
export class SqliteInvocationStore implements InvocationStore {
  readonly outlivesHub = true;
  readonly #records: NotedRecords;

  constructor(database: HubDatabase) {
    this.#records = new NotedRecords(database);
  }

  async *load(): AsyncGenerator<readonly InvocationRecord[], void, void> {
    for await (const piece of this.#records.load<InvocationRecord>('invocation'))
      yield piece.map(([, record]) => record);
  }

  saveInvocation(record: InvocationRecord): void {
    this.#records.save('invocation', record.id, record);
  }

  deleteInvocation(id: string): void {
    this.#records.delete('invocation', id);
  }

  commit(): Promise<void> | undefined {
    return this.#records.commit();
  }
}
