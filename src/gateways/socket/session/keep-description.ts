import { partyOf } from '../../../accounts/principal.ts';
import type { DeviceDescription } from '../../../devices/description.ts';
import { KeptDescription } from '../../../devices/kept-description.ts';
import type { SessionContext, SocketPeer } from './device-session.ts';

/** Books a description to the device that has shown its token, else to its address; undefined without room. */
export function keepDescription(
  description: DeviceDescription,
  { principal, address }: SocketPeer,
  { ledger }: SessionContext,
): KeptDescription | undefined {
  const party = ledger.open(partyOf(principal, address));
  const kept = KeptDescription.keep(description, party);
  party.close();
  return kept;
}
