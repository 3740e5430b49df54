import type { StoreFault } from '../store-state.ts';
import type { ForeignFile } from './migrate.ts';

/** What a database can be asked, by name: called in its thread. What is given and returned is copied between them. */
export type DatabaseOperations = Readonly<Record<string, (input: never) => unknown>>;

/** What the worker of a database is started with. */
export type DatabaseFile = {
  /** Empty for one in memory. */
  readonly file: string;
};

export type DatabaseCall = { readonly name: string; readonly input: unknown };

/** What is asked of the worker. */
export type DatabaseRequest =
  /** One call outside of a transaction. */
  | { readonly kind: 'read'; readonly call: DatabaseCall }
  /** Calls that are committed together. */
  | { readonly kind: 'write'; readonly calls: readonly DatabaseCall[] }
  | { readonly kind: 'close' };

/** How one call ended: what it returned, what the disk said, or what the program did wrong. */
export type CallAnswer =
  | { readonly output: unknown }
  | { readonly fault: StoreFault }
  | { readonly error: unknown };

/** What the worker says, in the order of the requests; at first whether the file is open. */
export type DatabaseAnswer = readonly CallAnswer[];

export type OpenAnswer =
  | { readonly state: 'open' }
  | { readonly state: 'foreign'; readonly foreign: ForeignFile }
  /** A file that was to be made is tried again with each request; one that is there is not: it was to be read first. */
  | { readonly state: 'fault'; readonly fault: StoreFault; readonly isTriedAgain: boolean };
