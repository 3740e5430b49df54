import type { Socket } from 'node:net';
import { partyOf, type Principal } from '../accounts/principal.ts';
import type { Invocation } from '../devices/invocation.ts';
import type { Hub } from '../hub/hub.ts';

type Asker = { readonly principal: Principal; readonly address: string };

const callers = new WeakMap<Socket, ApiCaller>();

/** The far end of an HTTP connection. What it waits for is cancelled when it leaves. */
export class ApiCaller {
  readonly #hub: Hub;
  /** One as a rule; more when requests are pipelined. */
  readonly #awaited: Invocation[] = [];
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

  /** Whether closing the connection cancels something that is put down to a party. */
  static isAwaiting(socket: Socket, party: string): boolean {
    const caller = callers.get(socket);
    return caller !== undefined && caller.#party === party && caller.#awaited.length > 0;
  }

  constructor(socket: Socket, hub: Hub) {
    this.#hub = hub;
    socket.once('close', () => {
      for (const invocation of this.#awaited.splice(0)) this.#hub.cancel(invocation);
    });
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
    this.#awaited.push(invocation);
  }

  /** It has ended. */
  release(invocation: Invocation): void {
    const index = this.#awaited.indexOf(invocation);
    if (index >= 0) this.#awaited.splice(index, 1);
  }
}
