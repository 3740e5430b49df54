import { connect, type Socket } from 'node:net';
import { formatHubAddress, type HubAddress, type LinkOptions } from './options.ts';

export type DialResult =
  | { readonly ok: true; readonly socket: Socket }
  /** Why not, for people. */
  | { readonly ok: false; readonly message: string };

/** Opens a TCP connection to the hub; gives up after `connectTimeoutMs`, or when `signal` is aborted. */
export function dial(options: LinkOptions, signal: AbortSignal): Promise<DialResult> {
  const { hub, localAddress, clock, connectTimeoutMs } = options;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ ok: false, message: 'Stopped.' });
    const socket = connect({ ...hub, noDelay: true, ...(localAddress !== undefined && { localAddress }) });
    const timer = clock.setTimer(connectTimeoutMs, () => {
      finish({
        ok: false,
        message: `${formatHubAddress(hub)} did not accept a connection within ${connectTimeoutMs} ms.`,
      });
    });
    const onAbort = (): void => finish({ ok: false, message: 'Stopped.' });
    const onError = (error: NodeJS.ErrnoException): void =>
      finish({ ok: false, message: explain(error, hub) });
    const onConnect = (): void => finish({ ok: true, socket });
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError);
    socket.on('connect', onConnect);

    function finish(result: DialResult): void {
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
export function explain(error: NodeJS.ErrnoException, hub: HubAddress): string {
  const where = formatHubAddress(hub);
  switch (error.code) {
    case 'ECONNREFUSED':
      return `Nothing listens at ${where}: is the hub running?`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `No machine named ${hub.host} was found: check the name.`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `There is no way to ${where}: check the network and the address.`;
    case 'ETIMEDOUT':
      return `${where} does not answer: check the address and the firewall.`;
    case 'EMFILE':
    case 'ENFILE':
      return 'This process may not open more connections: raise the limit of open files (ulimit -n).';
    case 'EADDRNOTAVAIL':
      return `No free local port or no such local address to connect to ${where} from.`;
    default:
      return `The connection to ${where} failed: ${error.message}.`;
  }
}
