import { addressParty } from '../../../base/networks.ts';
import type { SessionContext, SocketPeer } from './device-session.ts';

/** Says in the log what a device did wrong. One that comes with many addresses has no more lines than another. */
export function tellFault(
  { logBudget }: Pick<SessionContext, 'logBudget'>,
  { address }: Pick<SocketPeer, 'address'>,
  fields: { readonly device?: string; readonly code?: string },
  text: string,
): void {
  logBudget.write('faults of devices', { ...fields, address }, text, addressParty(address));
}
