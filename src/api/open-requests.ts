import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { Principal } from '../accounts/principal.ts';

/** The requests of those who came in by an account, until they are answered: who has lost it loses them too. */
export class OpenRequests {
  readonly #byPrincipal = new Map<Principal, Set<Socket>>();

  constructor(accounts: Accounts) {
    accounts.onChange(() => {
      for (const [principal, sockets] of this.#byPrincipal) {
        if (!accounts.hasEnded(principal)) continue;
        for (const socket of sockets) socket.destroy();
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
