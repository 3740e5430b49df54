import { connect, type Socket } from 'node:net';
import { fail, succeed, type Result } from '../base/result.ts';
import { formatHubAddress, type HubAddress, type LinkOptions } from './options.ts';
import type { DeviceStateReason } from './state.ts';

/** Why there is no connection: a reason for programs, and a sentence for people. */
export type ConnectFailure = { readonly reason: DeviceStateReason; readonly message: string };

/** For whoever was stopped while it waited: nobody reads it. */
export const STOPPED: ConnectFailure = { reason: 'connect-failed', message: 'Stopped.' };

/** Opens a TCP connection to the hub; gives up after `connectTimeoutMs`, or when `signal` is aborted. */
export function dial(options: LinkOptions, signal: AbortSignal): Promise<Result<Socket, ConnectFailure>> {
  const { hub, localAddress, clock, connectTimeoutMs } = options;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(fail(STOPPED));
    const socket = connect({ ...hub, noDelay: true, ...(localAddress !== undefined && { localAddress }) });
    const timer = clock.setTimer(connectTimeoutMs, () => {
      const message = `${formatHubAddress(hub)} did not accept a connection within ${connectTimeoutMs} ms.`;
      finish(fail({ reason: 'hub-unreachable', message }));
    });
    const onAbort = (): void => finish(fail(STOPPED));
    const onError = (error: NodeJS.ErrnoException): void => finish(fail(explain(error, hub)));
    const onConnect = (): void => finish(succeed(socket));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError);
    socket.on('connect', onConnect);

    function finish(result: Result<Socket, ConnectFailure>): void {
      timer.clear();
      signal.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect);
      socket.off('error', onError);
      if (!result.ok) {
        socket.on('error', ignore); // A socket that fails while it closes has nobody left to tell.
        socket.destroy();
      }
      resolve(result);
    }
  });
}

const ignore = (): void => {};

/** What a failed connection means, and what to do. */
function explain(error: NodeJS.ErrnoException, hub: HubAddress): ConnectFailure {
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
    default:
      return because('connect-failed', `The connection to ${where} failed: ${error.message}.`);
  }
}
