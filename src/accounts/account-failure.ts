import type { ErrorCode } from '../base/errors.ts';

/** Most users, and most tokens. All of them are in memory. */
export const MAX_ACCOUNTS = 10_000;

/** Why nothing was changed. */
export type AccountFailure = { readonly code: ErrorCode; readonly message: string };

const TEXTS = {
  USER_UNKNOWN: (name: string) => `There is no user ${name}.`,
  USER_EXISTS: (name: string) => `There is a user ${name} already.`,
  REQUEST_INVALID: (why: string) => why,
  TOKEN_UNKNOWN: (id: string) => `There is no token ${id}.`,
  ACCOUNTS_FULL: () => `There are ${MAX_ACCOUNTS} already, and there may be no more.`,
} as const;

/** @param name - of the account that it is about, or what is wrong */
export function accountFailure(code: keyof typeof TEXTS, name = ''): AccountFailure {
  return { code, message: TEXTS[code](name) };
}
