import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { FairQueue } from '../../base/fair-queue.ts';
import { addressParty } from '../../base/networks.ts';
import { createDecoyHash, isPasswordOf, type PasswordHash } from './password-hash.ts';
import { VerifiedPasswords } from './verified-passwords.ts';

export type Verification =
  | 'right'
  /** Or no such user: nobody is told which. */
  | 'wrong'
  /** Too many are waiting, or this one waited too long. */
  | 'busy';

export type VerifierLimits = {
  /** Hashes that are computed at once; each takes a thread of four and the memory of its method. */
  readonly maxHashesAtOnce: number;
  /** Clients that wait for their turn. */
  readonly maxWaitingHashes: number;
  /** Those of one network address among them. */
  readonly maxWaitingHashesPerAddress: number;
  /** Who waited longer is sent away without a hash; shorter than the broker's `hookTimeoutMs`, or nobody hears it. */
  readonly maxHashWaitMs: number;
  /** Passwords that were right and are not hashed again. 0 remembers none. */
  readonly maxVerifiedPasswords: number;
};

export const DEFAULT_VERIFIER_LIMITS: VerifierLimits = {
  maxHashesAtOnce: 2,
  maxWaitingHashes: 512,
  maxWaitingHashesPerAddress: 256,
  maxHashWaitMs: 4000,
  maxVerifiedPasswords: 10_000,
};

export type VerifierCounters = {
  /** Hashes that were computed. */
  readonly hashes: number;
  /** Passwords that were known to be right. */
  readonly remembered: number;
  /** Answered with `busy`. */
  readonly busy: number;
  /** Waiting now. */
  readonly waiting: number;
};

type Claim = {
  readonly userName: string;
  /** A copy: what the client sent is gone when its turn comes. */
  readonly password: Buffer;
  readonly since: number;
  readonly settle: (verification: Verification | Promise<Verification>) => void;
};

const NO_PASSWORD = Buffer.alloc(0);
const always = (): boolean => true;

/** Checks passwords against stored hashes, a few at a time, callers in turn. */
export class PasswordVerifier {
  readonly #limits: VerifierLimits;
  readonly #clock: Clock;
  readonly #queue: FairQueue<Claim>;
  readonly #verified: VerifiedPasswords;
  readonly #decoyKey = randomBytes(32);
  readonly #decoy = createDecoyHash();
  #hashes: ReadonlyMap<string, PasswordHash> = new Map();
  #decoys: readonly PasswordHash[] = [];
  #running = 0;
  #computed = 0;
  #remembered = 0;
  #busy = 0;

  constructor(limits: VerifierLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    const { maxWaitingHashes: maxItems, maxWaitingHashesPerAddress: maxItemsPerCaller } = limits;
    this.#queue = new FairQueue({ maxItems, maxItemsPerCaller }, ({ settle }) => settle(this.#tellBusy()));
    this.#verified = new VerifiedPasswords(limits.maxVerifiedPasswords);
  }

  get counters(): VerifierCounters {
    const [hashes, remembered, busy] = [this.#computed, this.#remembered, this.#busy];
    return { hashes, remembered, busy, waiting: this.#queue.size };
  }

  /** Takes the place of all users, and forgets which passwords were right. */
  setUsers(hashes: ReadonlyMap<string, PasswordHash>): void {
    this.#hashes = hashes;
    this.#decoys = [...hashes.values()];
    this.#verified.clear();
  }

  /**
   * Costs one hash for every user and password, known or not; none for a password that was right a while ago.
   *
   * @param address - whose turns this one takes, with all of its network for IPv6
   */
  verify(
    userName: string,
    password: Uint8Array | undefined,
    address: string,
  ): Verification | Promise<Verification> {
    const hash = this.#hashes.get(userName);
    if (hash !== undefined && this.#verified.has(userName, hash, password ?? NO_PASSWORD)) {
      this.#remembered++;
      return 'right';
    }
    const { promise, resolve: settle } = Promise.withResolvers<Verification>();
    const copy = Buffer.from(password ?? NO_PASSWORD);
    const isTaken = this.#queue.push(addressParty(address), {
      userName,
      password: copy,
      since: this.#clock.monotonic(),
      settle,
    });
    if (!isTaken) return this.#tellBusy();
    this.#startNext();
    return promise;
  }

  #tellBusy(): Verification {
    this.#busy++;
    return 'busy';
  }

  #startNext(): void {
    while (this.#running < this.#limits.maxHashesAtOnce) {
      const claim = this.#queue.take(always);
      if (claim === undefined) return;
      if (this.#clock.monotonic() - claim.since > this.#limits.maxHashWaitMs) {
        claim.settle(this.#tellBusy());
      } else {
        this.#running++;
        claim.settle(this.#check(claim));
      }
    }
  }

  async #check({ userName, password }: Claim): Promise<Verification> {
    const hash = this.#hashes.get(userName);
    try {
      this.#computed++;
      const isRight = await isPasswordOf(hash ?? this.#decoyFor(userName), password);
      // The decoy is another user's hash: its password opens nothing here. Nor does one that was changed meanwhile.
      if (!isRight || hash === undefined || this.#hashes.get(userName)?.text !== hash.text) return 'wrong';
      this.#verified.add(userName, hash, password);
      return 'right';
    } finally {
      password.fill(0);
      this.#running--;
      this.#startNext();
    }
  }

  /**
   * Whose hash an unknown user's password is checked against: always the same one for the same name, so that unknown
   * names take as long as known ones also where the hashes of a file cost differently.
   */
  #decoyFor(userName: string): PasswordHash {
    if (this.#decoys.length === 0) return this.#decoy;
    const number = createHmac('sha256', this.#decoyKey).update(userName).digest().readUInt32BE();
    return this.#decoys[number % this.#decoys.length] ?? this.#decoy;
  }
}
