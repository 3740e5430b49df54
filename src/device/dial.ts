import { connect, type Socket } from 'node:net';
import { formatHubAddress, type HubAddress, type LinkOptions } from './options.ts';

/** Why there is no connection: a reason for programs, and a sentence for people. */
type DialFailure = {
  readonly ok: false;
  readonly reason: 'hub-not-listening' | 'hub-unknown' | 'hub-unreachable' | 'connect-failed';
  readonly message: string;
};

type DialResult = { readonly ok: true; readonly socket: Socket } | DialFailure;

/** For whoever was stopped while it waited: nobody reads it. */
export const STOPPED: DialFailure = { ok: false, reason: 'connect-failed', message: 'Stopped.' };

/** Opens a TCP connection to the hub; gives up after `connectTimeoutMs`, or when `signal` is aborted. */
export function dial(options: LinkOptions, signal: AbortSignal): Promise<DialResult> {
  const { hub, localAddress, clock, connectTimeoutMs } = options;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(STOPPED);
    const socket = connect({ ...hub, noDelay: true, ...(localAddress !== undefined && { localAddress }) });
    const timer = clock.setTimer(connectTimeoutMs, () => {
      finish({
        ok: false,
        reason: 'hub-unreachable',
        message: `${formatHubAddress(hub)} did not accept a connection within ${connectTimeoutMs} ms.`,
      });
    });
    const onAbort = (): void => finish(STOPPED);
    const onError = (error: NodeJS.ErrnoException): void => finish(explain(error, hub));
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
function explain(error: NodeJS.ErrnoException, hub: HubAddress): DialFailure {
  const where = formatHubAddress(hub);
  const fail = (reason: DialFailure['reason'], message: string): DialFailure => ({
    ok: false,
    reason,
    message,
  });
  switch (error.code) {
    case 'ECONNREFUSED':
      return fail('hub-not-listening', `Nothing listens at ${where}: is the hub running?`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return fail('hub-unknown', `No machine named ${hub.host} was found: check the name.`);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return fail('hub-unreachable', `There is no way to ${where}: check the network and the address.`);
    case 'ETIMEDOUT':
      return fail('hub-unreachable', `${where} does not answer: check the address and the firewall.`);
    case 'EMFILE':
    case 'ENFILE':
      return fail(
        'connect-failed',
        'This process may not open more connections: raise the limit of open files (ulimit -n).',
      );
    case 'EADDRNOTAVAIL':
      return fail(
        'connect-failed',
        `No free local port or no such local address to connect to ${where} from.`,
      );
    default:
      return fail('connect-failed', `The connection to ${where} failed: ${error.message}.`);
  }
}
