import type { Socket } from 'node:net';
import { partyOf, type Principal } from '../accounts/principal.ts';
import type { Holder, Holding } from '../base/holding.ts';
import { KeptKind } from '../base/kept-kinds.ts';
import type { Invocation } from '../devices/invocation.ts';
import type { Hub } from '../hub/hub.ts';

type Awaited = { readonly invocation: Invocation; readonly holding: Holding };
type Asker = { readonly principal: Principal; readonly address: string };

const callers = new WeakMap<Socket, ApiCaller>();

/** The far end of an HTTP connection. What it waits for is cancelled when it leaves. */
export class ApiCaller implements Holder {
  readonly #hub: Hub;
  readonly #socket: Socket;
  /** One as a rule; more when requests are pipelined. */
  readonly #awaited: Awaited[] = [];
  #principal: Principal | undefined;
  #address = '';
  #party = '';

  /** Made once for each connection: that costs less than to watch each response. */
  static of(socket: Socket, hub: Hub): ApiCaller {
    const known = callers.get(socket);
    if (known !== undefined) return known;
    const caller = new ApiCaller(socket, hub);
    callers.set(socket, caller);
    return caller;
  }

  constructor(socket: Socket, hub: Hub) {
    this.#hub = hub;
    this.#socket = socket;
    socket.once('close', () => this.#leave());
  }

  /** To whom a request is put down: over one connection of a proxy come those of many. */
  party({ principal, address }: Asker): string {
    if (principal !== this.#principal || address !== this.#address) {
      this.#principal = principal;
      this.#address = address;
      this.#party = partyOf(principal, address);
    }
    return this.#party;
  }

  await(invocation: Invocation): void {
    const party = this.#hub.ledger.open(this.#party);
    this.#awaited.push({ invocation, holding: party.hold(this) });
    party.close();
  }

  /** It has ended. */
  release(invocation: Invocation): void {
    const index = this.#awaited.findIndex((each) => each.invocation === invocation);
    if (index >= 0) this.#awaited.splice(index, 1)[0]!.holding.leave();
  }

  /** The connection is closed for others: what it waits for is booked to whoever asked for it. */
  yieldRoom(kind: KeptKind | undefined): void {
    if (kind !== undefined && kind !== KeptKind.INVOCATION) return;
    this.#leave();
    this.#socket.destroy();
  }

  #leave(): void {
    for (const { invocation, holding } of this.#awaited.splice(0)) {
      holding.leave();
      this.#hub.cancel(invocation);
    }
  }
}
