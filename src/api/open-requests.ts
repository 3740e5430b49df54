import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { Principal } from '../accounts/principal.ts';

/** Connections whose request takes something back from who asks, and must be answered all the same. */
const staying = new WeakSet<Socket>();

/** Has a request be answered although its own account, or session, may end by it. */
export function stayUntilAnswered(
  { raw: { socket } }: FastifyRequest,
  { raw: response }: FastifyReply,
): void {
  staying.add(socket);
  response.once('close', () => staying.delete(socket));
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** It may be answered for as long as its caller stays. */
    isLong?: boolean;
  }
}

/** The requests of those who may be let in no more one day, until they are answered: they lose these too. */
export class OpenRequests {
  readonly #byPrincipal = new Map<Principal, Set<Socket>>();

  /** @param hasEnded - whether who came in as this principal would not be let in so now */
  constructor(accounts: Accounts, hasEnded: (principal: Principal) => boolean) {
    accounts.onChange(() => {
      for (const [principal, sockets] of this.#byPrincipal) {
        if (!hasEnded(principal)) continue;
        for (const socket of sockets) if (!staying.has(socket)) socket.destroy();
      }
    });
  }

  add(
    { principal, raw: { socket }, routeOptions: { config } }: FastifyRequest,
    { raw: response }: FastifyReply,
  ): void {
    // Whom the configuration lets in has no name here. What it asks for is soon answered, streams excepted.
    if (principal.name === '' && config.isLong !== true) return;
    const sockets = this.#byPrincipal.get(principal) ?? new Set();
    this.#byPrincipal.set(principal, sockets);
    sockets.add(socket);
    response.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0 && this.#byPrincipal.get(principal) === sockets)
        this.#byPrincipal.delete(principal);
    });
  }
}
