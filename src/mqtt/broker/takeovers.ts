import { addressParty } from '../../base/networks.ts';
import type { Clock } from '../../base/clock.ts';
import type { ClientInfo } from './hooks.ts';
import { shown, type LogBudget } from '../../base/log-budget.ts';

const KIND = 'takeovers of client ids';
const MAX_KNOWN = 1000;
const WINDOW_MS = 60_000;
/** So many takeovers within the window are two programs that fight, and not one that reconnects. */
const FLAPPING = 3;

type Takeovers = { count: number; sinceMs: number; isTold: boolean };

/** Notices clients that push each other out: two programs that were given one Client Identifier. */
export class TakeoverWatch {
  readonly #clock: Clock;
  readonly #log: LogBudget;
  readonly #known = new Map<string, Takeovers>();

  constructor(clock: Clock, log: LogBudget) {
    this.#clock = clock;
    this.#log = log;
  }

  note(earlier: ClientInfo, later: ClientInfo): void {
    const { clientId, peer } = later;
    const party = addressParty(peer.address);
    if (earlier.userName !== later.userName) {
      this.#log.write(
        KIND,
        { clientId: shown(clientId), from: nameOf(earlier), to: nameOf(later), address: peer.address },
        `client id ${shown(clientId)} of user ${nameOf(earlier)} was taken by user ${nameOf(later)}`,
        party,
      );
    }
    const nowMs = this.#clock.monotonic();
    let takeovers = this.#known.get(clientId);
    if (takeovers === undefined || nowMs - takeovers.sinceMs > WINDOW_MS) {
      takeovers = { count: 0, sinceMs: nowMs, isTold: false };
      this.#known.delete(clientId);
      this.#known.set(clientId, takeovers);
      if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    }
    takeovers.count++;
    if (takeovers.count < FLAPPING || takeovers.isTold) return;
    takeovers.isTold = true;
    const addresses = `${earlier.peer.address} and ${peer.address}`;
    this.#log.write(
      KIND,
      { clientId: shown(clientId), addresses: [earlier.peer.address, peer.address] },
      `two clients use the id ${shown(clientId)} and push each other out (${addresses}): give each its own id`,
      party,
    );
  }
}

function nameOf({ userName }: ClientInfo): string {
  return userName === undefined ? '(none)' : shown(userName);
}
