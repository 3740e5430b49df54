import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { fail, type Result } from '../base/result.ts';
import type { AccountFailure } from './account-failure.ts';
import type { UserRecord } from './account-store.ts';
import { digestSecret, isSameDigest } from './token-text.ts';
import type { UserAccounts } from './user-accounts.ts';

const CODE_BYTES = 24;
const GOOD_FOR_MS = 3_600_000;

type FirstAdminParts = {
  readonly users: UserAccounts;
  readonly clock: Clock;
  readonly isNeeded: () => boolean;
};

/** The way to the first account of a hub that lets nobody in: a code that is good once, and for an hour. */
export class FirstAdmin {
  readonly #users: UserAccounts;
  readonly #clock: Clock;
  readonly #isNeeded: () => boolean;
  #digest: string | undefined;
  #until = 0;

  /** @param isNeeded - whether there is still no account at all */
  constructor({ users, clock, isNeeded }: FirstAdminParts) {
    this.#users = users;
    this.#clock = clock;
    this.#isNeeded = isNeeded;
  }

  /** @returns the code, for the one link that holds it; a new one takes the place of the one before */
  open(): string {
    const code = randomBytes(CODE_BYTES).toString('base64url');
    this.#digest = digestSecret(code);
    this.#until = this.#clock.monotonic() + GOOD_FOR_MS;
    return code;
  }

  isGood(code: string): boolean {
    if (this.#digest === undefined || !this.#isNeeded() || this.#clock.monotonic() > this.#until)
      return false;
    return isSameDigest(this.#digest, digestSecret(code));
  }

  /** Makes the first admin. The code is used up by that, and not by a name or a password that does not fit. */
  async claim(
    code: string,
    { name, password }: { readonly name: string; readonly password: string },
  ): Promise<Result<UserRecord, AccountFailure>> {
    const used = { code: 'UNAUTHENTICATED', message: 'This link was used, or is too old.' } as const;
    if (!this.isGood(code)) return fail(used);
    const digest = this.#digest;
    // Of two who come with it at once, one is the first.
    this.#digest = undefined;
    const made = await this.#users
      .create({ name, password, roles: ['admin'], scopes: [] })
      .catch((error: unknown) => {
        this.#digest = digest;
        throw error;
      });
    if (!made.ok) this.#digest = digest;
    return made;
  }
}
