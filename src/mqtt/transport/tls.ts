import { formatHostPort } from '../../base/address.ts';
import { Handshakes, type HandshakeLimits } from './handshakes.ts';
import type { IncomingOptions } from './incoming.ts';
import { Refusals, type OnRefused, type RefusalCounts } from './refusals.ts';
import { openSecureIncoming } from './secure-incoming.ts';
import { acceptSocket } from './tcp.ts';
import { clientCertificate, type TlsMaterial, type TlsRules } from './tls-material.ts';
import type { Listener, TransportAcceptor } from './transport.ts';

export type TlsListenOptions = IncomingOptions &
  TlsMaterial &
  TlsRules &
  HandshakeLimits & { readonly onRefused?: OnRefused };

export type TlsListener = Listener & {
  readonly refusals: RefusalCounts;
  /**
   * Takes other certificates and keys for the connections that come from now on. When they cannot be used, the old
   * stay.
   *
   * @throws RecadoError CONFIG_INVALID, naming what cannot be used
   */
  reload(material: TlsMaterial): void;
};

/**
 * Listens for MQTT over TLS.
 *
 * @throws RecadoError CONFIG_INVALID for certificates and keys that cannot be used; PORT_IN_USE, or LISTEN_FAILED with
 *   the system's error as its cause
 */
export async function listenTls(
  acceptor: TransportAcceptor,
  options: TlsListenOptions,
): Promise<TlsListener> {
  const refusals = new Refusals(options.onRefused);
  const handshakes = new Handshakes(refusals, options);
  const { ledger } = acceptor;
  const server = await openSecureIncoming(options, { refusals, handshakes, ledger }, (secured) => {
    const { socket, incoming, address, port } = secured;
    if (!handshakes.finish(incoming)) return;
    const certificate = clientCertificate(socket);
    acceptSocket(acceptor, socket, { transport: 'tls', address, port, certificate });
  });
  return {
    url: `mqtts://${formatHostPort(options.host, server.port)}`,
    refusals: refusals.counts,
    ...server,
  };
}
