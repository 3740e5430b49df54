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

/** The requests of those who came in by an account, until they are answered: who has lost it loses them too. */
export class OpenRequests {
  readonly #byPrincipal = new Map<Principal, Set<Socket>>();

  constructor(accounts: Accounts) {
    accounts.onChange(() => {
      for (const [principal, sockets] of this.#byPrincipal) {
        if (!accounts.hasEnded(principal)) continue;
        for (const socket of sockets) if (!staying.has(socket)) socket.destroy();
      }
    });
  }

  add({ principal, raw: { socket } }: FastifyRequest, { raw: response }: FastifyReply): void {
    // Whom the configuration lets in has no name here, and is let in for as long as the hub runs.
    if (principal.name === '') return;
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
