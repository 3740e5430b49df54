import { connect, isIP, type Socket } from 'node:net';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { definedMembers } from '../../base/defined-members.ts';
import { acceptStream } from '../transport/stream.ts';
import { acceptSocket } from '../transport/tcp.ts';
import type { Peer } from '../transport/transport.ts';
import { peerOf, type Caller } from './caller.ts';
import type { BrokerAddress } from './broker-address.ts';
import type { ClientSettings, TlsOptions } from './client-options.ts';
import { askProxy, parseProxyUrl } from './socks-proxy.ts';
import { dialWebSocket } from './dial-websocket.ts';

type LocalAddress = { readonly localAddress?: string };

/** How to come to a broker. */
type Route = Pick<ClientSettings, 'tls' | 'localAddress' | 'proxy'>;

/**
 * Opens a network connection to a broker.
 *
 * @returns gives it up, while neither of the caller's functions was called
 * @throws when what is given as a certificate or a key is none
 */
export function dialBroker(address: BrokerAddress, route: Route, caller: Caller): () => void {
  const { protocol, host, port, path } = address;
  const { tls, proxy } = route;
  const from = definedMembers({ localAddress: route.localAddress });
  if (proxy !== undefined) return dialThroughProxy(address, { tls, proxy, from }, caller);
  if (protocol === 'mqtt+unix') return dialSocket(connect({ path }), 'unix', address, caller);
  if (protocol === 'mqtt')
    return dialSocket(connect({ host, port, noDelay: true, ...from }), 'tcp', address, caller);
  const secure = { ...secureOptions(address, tls), ...from };
  return protocol === 'mqtts'
    ? dialTls(address, secure, caller)
    : dialWebSocket(address, protocol === 'ws' ? from : secure, caller);
}

function dialThroughProxy(
  address: BrokerAddress,
  { tls, proxy, from }: { readonly tls: TlsOptions; readonly proxy: string; readonly from: LocalAddress },
  caller: Caller,
): () => void {
  const { protocol, host, port } = address;
  if (protocol !== 'mqtt' && protocol !== 'mqtts')
    throw new Error('a proxy leads to addresses that begin with mqtt: or mqtts:');
  const { host: proxyHost, port: proxyPort, login } = parseProxyUrl(proxy);
  const socket = connect({ host: proxyHost, port: proxyPort, noDelay: true, ...from });
  let giveUp = (): void => void socket.destroy();
  const onOpen = (): void => {
    if (protocol === 'mqtt') acceptStream(caller, socket, peerOf(address, 'tcp'));
    else giveUp = dialTls(address, { ...secureOptions(address, tls), socket }, caller);
  };
  askProxy(socket, { host, port, login }).then(onOpen, (error: Error) => {
    socket.destroy();
    caller.onUnreachable(error);
  });
  return () => giveUp();
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

function dialTls(address: BrokerAddress, options: ConnectionOptions, caller: Caller): () => void {
  const { host, port } = address;
  const node = process.getBuiltinModule('node:tls');
  const socket = node.connect({ host, port, ...options });
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
function secureOptions({ host }: BrokerAddress, options: TlsOptions): ConnectionOptions {
  const { checksHostName, version, protocols, sharedKey, ca, ...tls } = options;
  return {
    ...tls,
    ...(ca !== undefined && { ca: Array.isArray(ca) ? [...ca] : (ca as string | Buffer) }),
    // RFC 6066 section 3: an address is no name.
    ...(isIP(host) === 0 && { servername: host }),
    ...(version !== undefined && { minVersion: version, maxVersion: version }),
    ...(protocols !== undefined && { ALPNProtocols: [...protocols] }),
    ...(sharedKey !== undefined && sharedKeyOptions(sharedKey, options)),
    ...(checksHostName === false && { checkServerIdentity: () => undefined }),
  };
}

/** Node leaves these ciphers out unless they are named. */
function sharedKeyOptions(
  { identity, key }: NonNullable<TlsOptions['sharedKey']>,
  { ciphers = 'PSK', version = 'TLSv1.2' }: TlsOptions,
): ConnectionOptions {
  return {
    ciphers,
    maxVersion: version,
    pskCallback: () => ({ identity, psk: key }),
    checkServerIdentity: checkUnlessByKey,
  };
}

/** A shared key proves who the broker is, whatever its name; a certificate must be for the host. */
function checkUnlessByKey(host: string, certificate: PeerCertificate): Error | undefined {
  const isByKey = Object.keys(certificate).length === 0;
  return isByKey ? undefined : process.getBuiltinModule('node:tls').checkServerIdentity(host, certificate);
}
