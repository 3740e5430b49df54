import type { Socket } from 'node:net';
import { KeptKind, TLS_BYTES, TLS_HANDSHAKE_BYTES } from '../../base/kept-kinds.ts';
import type { Ledger } from '../../base/ledger.ts';
import { addressParty } from '../../base/networks.ts';

/**
 * Books what TLS keeps of a connection to its address, from the first byte of the handshake until it is closed.
 *
 * @param socket - what TLS is spoken over
 * @returns what to call when the handshake is over; undefined where there is no room
 */
export function bookTls(ledger: Ledger, socket: Socket, address: string): (() => void) | undefined {
  const party = ledger.open(addressParty(address));
  if (!party.admit(KeptKind.TLS, TLS_HANDSHAKE_BYTES)) {
    party.close();
    return undefined;
  }
  let isOver = false;
  let bytes = TLS_HANDSHAKE_BYTES;
  const giveBack = (): void => {
    if (isOver) return;
    isOver = true;
    holding.leave();
    party.release(KeptKind.TLS, bytes);
    party.close();
  };
  const holding = party.hold({
    yieldRoom(kind) {
      if (kind !== undefined && kind !== KeptKind.TLS) return;
      giveBack();
      socket.destroy();
    },
  });
  socket.once('close', giveBack);
  return () => {
    if (!isOver) party.rebook(KeptKind.TLS, bytes, TLS_BYTES);
    bytes = TLS_BYTES;
  };
}
