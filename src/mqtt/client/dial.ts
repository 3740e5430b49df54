import { connect, isIP, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { acceptStream } from '../transport/stream.ts';
import { acceptSocket } from '../transport/tcp.ts';
import type { Peer } from '../transport/transport.ts';
import { peerOf, type Caller } from './caller.ts';
import type { BrokerAddress } from './broker-address.ts';
import type { TlsOptions } from './client-options.ts';
import { dialWebSocket } from './dial-websocket.ts';

/**
 * Opens a network connection to a broker.
 *
 * @returns gives it up, while neither of the caller's functions was called
 * @throws when what is given as a certificate or a key is none
 */
export function dialBroker(address: BrokerAddress, tls: TlsOptions, caller: Caller): () => void {
  const { protocol, host, port, path } = address;
  if (protocol === 'mqtt+unix') return dialSocket(connect({ path }), 'unix', address, caller);
  if (protocol === 'mqtt') return dialSocket(connect({ host, port, noDelay: true }), 'tcp', address, caller);
  return protocol === 'mqtts'
    ? dialTls(address, tls, caller)
    : dialWebSocket(address, secureOptions(address, tls), caller);
}

function dialSocket(
  socket: Socket,
  transport: Peer['transport'],
  address: BrokerAddress,
  caller: Caller,
): () => void {
  const onError = (error: Error): void => caller.onUnreachable(error);
  // Nothing is read yet: its handle moves into another socket, which reads into a shared buffer.
  socket.pause();
  socket.once('error', onError);
  socket.once('connect', () => {
    socket.off('error', onError);
    acceptSocket(caller, socket, peerOf(address, transport));
  });
  return () => socket.destroy();
}

function dialTls(address: BrokerAddress, tls: TlsOptions, caller: Caller): () => void {
  const { host, port } = address;
  const node = process.getBuiltinModule('node:tls');
  const socket = node.connect({ host, port, ...secureOptions(address, tls) });
  socket.setNoDelay(true);
  const onError = (error: Error): void => caller.onUnreachable(error);
  socket.once('error', onError);
  socket.once('secureConnect', () => {
    socket.off('error', onError);
    acceptStream(caller, socket, peerOf(address, 'tls'));
  });
  return () => socket.destroy();
}

/** As Node wants them. */
function secureOptions({ host }: BrokerAddress, { checksHostName, ...tls }: TlsOptions): ConnectionOptions {
  return {
    ...tls,
    // RFC 6066 section 3: an address is no name.
    ...(isIP(host) === 0 && { servername: host }),
    ...(checksHostName === false && { checkServerIdentity: () => undefined }),
  };
}
