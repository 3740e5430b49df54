import { StoreError } from '../../store-state.ts';
import type { HubDatabase } from './hub-database.ts';
import type { RecordNote, RecordRow, RecordTable } from './record-tables.ts';

/**
 * The records of one store in hub.db. What changes is noted, the last word about each key, and one commit at a time
 * writes what was noted until it began.
 */
export class NotedRecords {
  readonly #database: HubDatabase;
  #noted = new Map<string, RecordNote>();
  #writing: Promise<void> | undefined;
  /** The commit after the one that is under way, for all who asked meanwhile. */
  #next: Promise<void> | undefined;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  save(table: RecordTable, key: string, record: object): void {
    this.#note([table, key, JSON.stringify(record)]);
  }

  delete(table: RecordTable, key: string): void {
    this.#note([table, key, null]);
  }

  /** In the order of their keys. Nothing where the file cannot be read: the health of the database says why. */
  async *load<T>(
    table: RecordTable,
  ): AsyncGenerator<readonly (readonly [key: string, record: T])[], void, void> {
    for (let after = ''; ;) {
      const piece = await this.#database.load('loadRecords', { table, after });
      const last = piece.ok ? piece.value.at(-1) : undefined;
      if (!piece.ok || last === undefined) return;
      [after] = last;
      yield this.#understand(piece.value) as readonly (readonly [key: string, record: T])[];
    }
  }

  #understand(rows: readonly RecordRow[]): readonly (readonly [key: string, record: unknown])[] {
    try {
      return rows.map(([key, record]) => [key, JSON.parse(record!) as unknown] as const);
    } catch (error) {
      this.#database.condemn((error as Error).message);
      return [];
    }
  }

  /** Makes lasting what was noted; undefined where there is nothing to wait for. */
  commit(): Promise<void> | undefined {
    if (this.#writing === undefined) return this.#noted.size === 0 ? undefined : this.#write();
    if (this.#noted.size === 0) return this.#writing;
    this.#next ??= this.#writing.catch(() => {}).then(() => this.#write());
    return this.#next;
  }

  #note(note: RecordNote): void {
    const [table, key] = note;
    this.#noted.set(`${table} ${key}`, note);
  }

  #write(): Promise<void> {
    this.#next = undefined;
    const noted = this.#noted;
    this.#noted = new Map();
    const writing = this.#save(noted).finally(() => (this.#writing = undefined));
    this.#writing = writing;
    return writing;
  }

  async #save(noted: ReadonlyMap<string, RecordNote>): Promise<void> {
    const saved = await this.#database.write('saveRecords', [...noted.values()]);
    if (saved.ok) return;
    // It stays noted, where nothing newer was.
    this.#noted = new Map([...noted, ...this.#noted]);
    throw new StoreError(saved.failure);
  }
}
