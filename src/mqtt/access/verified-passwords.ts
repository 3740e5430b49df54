import { createHmac, randomBytes } from 'node:crypto';
import type { PasswordHash } from './password-hash.ts';

/**
 * Remembers which passwords were found right, so that thousands of clients that come back at once do not cost a
 * hash each. Holds no password: a keyed digest of user, stored hash and password, whose key never leaves the process.
 */
export class VerifiedPasswords {
  readonly #key = randomBytes(32);
  readonly #maxEntries: number;
  /** A Set keeps the order of insertion: the first is the oldest. */
  readonly #digests = new Set<string>();

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  has(userName: string, hash: PasswordHash, password: Uint8Array): boolean {
    return this.#digests.has(this.#digest(userName, hash, password));
  }

  /** Takes the place of the oldest one when there are `maxEntries`. */
  add(userName: string, hash: PasswordHash, password: Uint8Array): void {
    if (this.#maxEntries === 0) return;
    const digest = this.#digest(userName, hash, password);
    for (const oldest of this.#digests) {
      if (this.#digests.size < this.#maxEntries || this.#digests.has(digest)) break;
      this.#digests.delete(oldest);
    }
    this.#digests.add(digest);
  }

  clear(): void {
    this.#digests.clear();
  }

  #digest(userName: string, hash: PasswordHash, password: Uint8Array): string {
    // With their lengths, so that no two triples are the same bytes.
    return createHmac('sha256', this.#key)
      .update(`${userName.length}:${userName}${hash.text.length}:${hash.text}`)
      .update(password)
      .digest('base64');
  }
}
