import type { Peer, TransportAcceptor } from '../transport/transport.ts';
import type { BrokerAddress } from './broker-address.ts';

/** Who takes the connection when it stands, or is told why it does not. */
export type Caller = TransportAcceptor & { onUnreachable(error: Error): void };

/** A broker, as the other end of a transport. */
export function peerOf({ host, port }: BrokerAddress, transport: Peer['transport']): Peer {
  return { transport, address: host, port, certificate: undefined };
}
