import type { Duplex } from 'node:stream';

/** Gives a connection the address that a load balancer told of it, for all who ask where it comes from. */
export function setPeerAddress(socket: Duplex, address: string, port: number): void {
  Object.defineProperties(socket, { remoteAddress: { value: address }, remotePort: { value: port } });
}
