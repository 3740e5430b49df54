import { LOOPBACK_NETWORKS, Networks } from '../base/networks.ts';

/**
 * The networks whose callers need no proof: those that somebody wrote. Where nobody did it is this machine, until proof
 * is wanted: a proxy may stand there, and strangers behind it.
 */
export class TrustedNetworks {
  readonly #networks: Networks;
  readonly #isWritten: boolean;
  readonly #isProofWanted: () => boolean;
  /** Whoever asked last asks again, as a rule. */
  #lastAddress = '';
  #isLastWithin = false;

  /**
   * @param networks - of the configuration
   * @param isProofWanted - whether there is anything that somebody could prove who it is by
   */
  constructor(networks: readonly string[], isProofWanted: () => boolean) {
    this.#networks = new Networks(networks);
    // The list itself stands where nobody wrote one.
    this.#isWritten = networks !== LOOPBACK_NETWORKS;
    this.#isProofWanted = isProofWanted;
  }

  /** Whether they are trusted no more, because they were so only while there was no proof of who somebody is. */
  get isOver(): boolean {
    return !this.#isWritten && this.#isProofWanted();
  }

  has(address: string): boolean {
    if (this.isOver) return false;
    if (address === this.#lastAddress) return this.#isLastWithin;
    this.#lastAddress = address;
    this.#isLastWithin = this.#networks.has(address);
    return this.#isLastWithin;
  }
}
