import type { AssignableRole, Scope } from './permissions.ts';

/** What somebody may, as it is kept. */
export type Rights = { readonly roles: readonly AssignableRole[]; readonly scopes: readonly Scope[] };

/** A person. Times are ms since 1970. */
export type UserRecord = Rights & {
  readonly name: string;
  /** Of the password, as a PHC string. */
  readonly hash: string;
  readonly createdAt: number;
  readonly passwordAt: number;
};

/** A token of a program, a device or an agent; its secret is kept by nobody but its holder. */
export type TokenRecord = Rights & {
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly digest: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly lastUsedAt?: number;
};

/** Somebody who is signed in. */
export type SignInRecord = {
  /** Of what the cookie has. */
  readonly digest: string;
  readonly userName: string;
  /** That of the user when it was made: with another password it is good no more. */
  readonly passwordAt: number;
  readonly createdAt: number;
  readonly lastUsedAt: number;
};

export type AccountRecord =
  | { readonly kind: 'user'; readonly key: string; readonly value: UserRecord }
  | { readonly kind: 'token'; readonly key: string; readonly value: TokenRecord }
  | { readonly kind: 'sign-in'; readonly key: string; readonly value: SignInRecord };

type AccountKey = Pick<AccountRecord, 'kind' | 'key'>;

/** A record that is put in the place of the one with its key, or the key of one that is taken out. */
export type AccountChange = { readonly put: AccountRecord } | { readonly remove: AccountKey };

/** What accounts are kept by. Whoever makes one has it run `test/contract/account-store.ts`. */
export type AccountStore = {
  /** Everything that is kept, each record once. */
  load(): Promise<readonly AccountRecord[]>;
  /** Makes changes, in their order: all of them or none. They last when this resolves. */
  write(changes: readonly AccountChange[]): Promise<void>;
};
