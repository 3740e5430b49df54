import { connect, isIP, type Socket } from 'node:net';
import { fail, succeed, type Result } from '../base/result.ts';
import { TLS_FAULT_WORDS, tlsFaultOf, type TlsFault } from '../base/tls-fault.ts';
import { formatHubAddress, type LinkOptions } from './options.ts';
import type { DeviceStateReason } from './state.ts';

/** Why there is no connection: a reason for programs, and a sentence for people. */
export type ConnectFailure = { readonly reason: DeviceStateReason; readonly message: string };

/** For whoever was stopped while it waited: nobody reads it. */
export const STOPPED: ConnectFailure = { reason: 'connect-failed', message: 'Stopped.' };

/** Opens a connection to the hub, over TLS where that is wanted; gives up after `connectTimeoutMs`, or when `signal` is aborted. */
export function dial(options: LinkOptions, signal: AbortSignal): Promise<Result<Socket, ConnectFailure>> {
  const { hub, tls, clock, connectTimeoutMs } = options;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(fail(STOPPED));
    const socket = open(options);
    const timer = clock.setTimer(connectTimeoutMs, () => {
      const message = `${formatHubAddress(hub)} did not accept a connection within ${connectTimeoutMs} ms.`;
      finish(fail({ reason: 'hub-unreachable', message }));
    });
    const onAbort = (): void => finish(fail(STOPPED));
    const onError = (error: NodeJS.ErrnoException): void => finish(fail(explain(error, options)));
    const onConnect = (): void => finish(succeed(socket));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError);
    const connected = tls === undefined ? 'connect' : 'secureConnect';
    socket.on(connected, onConnect);

    function finish(result: Result<Socket, ConnectFailure>): void {
      timer.clear();
      signal.removeEventListener('abort', onAbort);
      socket.off(connected, onConnect);
      socket.off('error', onError);
      if (!result.ok) {
        socket.on('error', ignore); // A socket that fails while it closes has nobody left to tell.
        socket.destroy();
      }
      resolve(result);
    }
  });
}

function open({ hub, tls, localAddress }: LinkOptions): Socket {
  const from = localAddress !== undefined && { localAddress };
  const socket = connect({ ...hub, noDelay: true, ...from });
  if (tls === undefined) return socket;
  const { ca, serverName = hub.host } = tls;
  // An address is no name that a server could be asked for, and is checked all the same.
  const name = isIP(serverName) === 0 ? { servername: serverName } : { host: serverName };
  const secure = process
    .getBuiltinModule('node:tls')
    .connect({ socket, ...name, ...(ca !== undefined && { ca }) });
  // A connection that fails under TLS is the failure of both.
  socket.on('error', (error) => secure.destroy(error));
  return secure;
}

const TLS_REMEDIES: Readonly<Record<TlsFault, string>> = {
  'certificate-untrusted': 'name the certificate of its CA',
  'certificate-name': 'use the name in the certificate',
  'certificate-time': 'renew it, or set the clock of this machine',
  'no-tls': 'correct the port',
};

const ignore = (): void => {};

/** What a failed connection means, and what to do. */
function explain(error: NodeJS.ErrnoException, { hub, tls }: LinkOptions): ConnectFailure {
  const where = formatHubAddress(hub);
  const because = (reason: DeviceStateReason, message: string): ConnectFailure => ({ reason, message });
  switch (error.code) {
    case 'ECONNREFUSED':
      return because('hub-not-listening', `Nothing listens at ${where}: is the hub running?`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return because('hub-unknown', `No machine named ${hub.host} was found: check the name.`);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return because('hub-unreachable', `There is no way to ${where}: check the network and the address.`);
    case 'ETIMEDOUT':
      return because('hub-unreachable', `${where} does not answer: check the address and the firewall.`);
    case 'EMFILE':
    case 'ENFILE':
      return because(
        'connect-failed',
        'This process may not open more connections: raise the limit of open files (ulimit -n).',
      );
    case 'EADDRNOTAVAIL':
      return because(
        'connect-failed',
        `No free local port or no such local address to connect to ${where} from.`,
      );
    default: {
      // What takes the first bytes of TLS for something else may end the connection without a word.
      const fault = tls !== undefined && error.code === 'ECONNRESET' ? 'no-tls' : tlsFaultOf(error);
      const why = fault === undefined ? error.message : `${TLS_FAULT_WORDS[fault]}; ${TLS_REMEDIES[fault]}`;
      return because('connect-failed', `The connection to ${where} failed: ${why}.`);
    }
  }
}
