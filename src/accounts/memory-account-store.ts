import type { AccountChange, AccountRecord, AccountStore } from './account-store.ts';

/** Accounts that last as long as the process. */
export class MemoryAccountStore implements AccountStore {
  readonly #records = new Map<string, AccountRecord>();

  async load(): Promise<readonly AccountRecord[]> {
    return structuredClone([...this.#records.values()]);
  }

  async write(changes: readonly AccountChange[]): Promise<void> {
    for (const change of structuredClone(changes)) {
      if ('put' in change) this.#records.set(placeOf(change.put), change.put);
      else this.#records.delete(placeOf(change.remove));
    }
  }
}

function placeOf({ kind, key }: Pick<AccountRecord, 'kind' | 'key'>): string {
  return `${kind} ${key}`;
}
