import type { Logger } from './logger.ts';
import { LOOPBACK_NETWORKS, Networks } from './networks.ts';
import { TellOnce } from './tell-once.ts';

type Secret = 'password' | 'token' | 'cookie';
const KINDS: readonly Secret[] = ['password', 'token', 'cookie'];
const LOOPBACK = new Networks(LOOPBACK_NETWORKS);

/** Warns of secrets that came to a listener such that others on the way could read them, once of each kind. */
export class PlainSecrets {
  readonly #log: TellOnce;
  readonly #listener: string;
  readonly #remedy: string;
  readonly #told = new Set<Secret>();

  /** @param listener - in words; `remedy`: what to set, in the imperative */
  constructor(log: Logger, { listener, remedy }: { readonly listener: string; readonly remedy: string }) {
    this.#log = new TellOnce(log, KINDS.length);
    this.#listener = listener;
    this.#remedy = remedy;
  }

  /** Something secret came over a connection without TLS. @param address - from where */
  note(secret: Secret, address: string): void {
    if (this.#told.has(secret) || LOOPBACK.has(address)) return;
    this.#told.add(secret);
    const text = `a ${secret} came over ${this.#listener} without TLS, and whoever is on the way could read it: ${this.#remedy}`;
    this.#log.warn(secret, '', text, { address });
  }
}
