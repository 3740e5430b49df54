import { DatabaseSync } from 'node:sqlite';
import { HANG_MS } from './until.ts';

type Committing = { commit(): Promise<void> | undefined };

/** An SQLite file that another program may keep locked: what is written meanwhile fails. */
export class HeldFile {
  readonly #path: string;
  #holder: DatabaseSync | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  hold(): void {
    // What is written just now is waited for.
    this.#holder = new DatabaseSync(this.#path, { timeout: HANG_MS });
    this.#holder.exec('BEGIN IMMEDIATE');
  }

  letGo(): void {
    this.#holder?.close();
    this.#holder = undefined;
  }

  /** The store, after whose next commit the file is let go. */
  letGoAfterCommit<Store extends Committing>(store: Store): Store {
    const commit = store.commit.bind(store);
    store.commit = () => commit()?.finally(() => this.letGo());
    return store;
  }
}
