import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Ledger } from '../../base/ledger.ts';
import { bookTls } from './book-tls.ts';
import type { Handshakes } from './handshakes.ts';
import { openIncoming, type IncomingOptions, type TakeIncoming } from './incoming.ts';
import type { Refusals } from './refusals.ts';
import { TlsIdentities, type TlsMaterial, type TlsRules } from './tls-material.ts';

/** A TLS connection that is up. `incoming` is what lies under it, for `Handshakes`. */
type Secured = {
  readonly socket: TLSSocket;
  readonly incoming: Socket;
  readonly address: string;
  readonly port: number;
};

type SecureServer = {
  readonly port: number;
  reload: (material: TlsMaterial) => void;
  close: () => Promise<void>;
};

type Known = { readonly address: string; readonly port: number; readonly settle: () => void };

const NOTHING = (): void => {};

/** Makes TLS connections of those that come. */
export function secureIncoming(
  options: TlsMaterial & TlsRules,
  { handshakes, ledger }: { readonly handshakes: Handshakes; readonly ledger: Ledger | undefined },
  take: (secured: Secured) => void,
): { readonly take: TakeIncoming; readonly reload: (material: TlsMaterial) => void } {
  const { createServer } = process.getBuiltinModule('node:tls');
  const identities = new TlsIdentities(options, options);
  const known = new WeakMap<Socket, Known>();
  // It listens nowhere: connections come from the server that reads the PROXY header, which is not encrypted.
  const secureServer = createServer(identities.serverOptions, (socket) => {
    const incoming = underneath(socket);
    const { address, port, settle } = known.get(incoming) ?? { address: '', port: 0, settle: NOTHING };
    settle();
    take({ socket, incoming, address, port });
  });
  secureServer.on('tlsClientError', (error, socket) => {
    const isRefused = socket.authorizationError !== null || isWithoutCertificate(error);
    handshakes.refuse(underneath(socket), isRefused ? 'certificate-refused' : 'tls-failed', error);
    socket.destroy();
  });
  return {
    take: (incoming, address, port) => {
      const settle = ledger === undefined ? NOTHING : bookTls(ledger, incoming, address);
      if (settle === undefined) return handshakes.refuse(incoming, 'no-room');
      known.set(incoming, { address, port, settle });
      secureServer.emit('connection', incoming);
    },
    reload: (material) => identities.replace(material, (own) => secureServer.setSecureContext(own)),
  };
}

/** Listens for TCP connections, reads their PROXY headers where they must have one, and shakes hands. */
export async function openSecureIncoming(
  options: IncomingOptions & TlsMaterial & TlsRules,
  parts: { refusals: Refusals; handshakes: Handshakes; ledger: Ledger | undefined },
  take: (secured: Secured) => void,
): Promise<SecureServer> {
  const secure = secureIncoming(options, parts, take);
  const { port, close } = await openIncoming(options, { ...parts, hasHandshake: true }, secure.take);
  return { port, reload: secure.reload, close };
}

/** The socket that the TLS socket was made over. Node tells it nowhere else. */
function underneath(socket: TLSSocket): Socket {
  return (socket as unknown as { _parent: Socket })._parent;
}

function isWithoutCertificate(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE';
}
