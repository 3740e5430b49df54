import type { MessagePort } from 'node:worker_threads';
import type { StoreFault } from '../store-state.ts';
import type { ForeignFile } from './migrate.ts';

/** What a database can be asked, by name: called in its thread. What is given and returned is copied between them. */
export type DatabaseOperations = Readonly<Record<string, (input: never) => unknown>>;

/** What a thread is told of a database that it is to serve. */
export type ServedFile = {
  /** Which of those that the thread can serve: `sessions`. */
  readonly name: string;
  /** Empty for one in memory. */
  readonly file: string;
};

/** Where requests for it come from, and answers go. */
export type DatabaseConnection = ServedFile & { readonly port: MessagePort };

/** Said to a thread when nobody waits for it. */
export const GIVE_BACK_MEMORY = 'give back memory';

export type DatabaseCall = { readonly name: string; readonly input: unknown };

/** What is asked of the thread. */
export type DatabaseRequest =
  /** The first one. Its answer's output is an `OpenAnswer`. */
  | { readonly kind: 'open' }
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

/** What the thread says, in the order of the requests. */
export type DatabaseAnswer = readonly CallAnswer[];

export type OpenAnswer = {
  readonly foreign?: ForeignFile | undefined;
  /** It is not open for writing. */
  readonly fault?: StoreFault | undefined;
  /** It is tried again with each request. A file that is there and was not read is not: it was to be read first. */
  readonly isTriedAgain?: boolean;
};
