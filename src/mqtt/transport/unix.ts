import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { RecadoError } from '../../base/errors.ts';
import { openServer } from './open-server.ts';
import { Refusals, type OnRefused, type RefusalCounts } from './refusals.ts';
import { acceptSocket } from './tcp.ts';
import type { Listener, Peer, TransportAcceptor } from './transport.ts';

export type UnixOptions = {
  readonly path: string;
  /** Who may connect, as permissions of the socket's file: `0o660`. The umask of the process decides unless told. */
  readonly mode?: number;
  /** Connections that may wait to be accepted; 4096 unless told, and the system may allow less. */
  readonly backlog?: number;
  readonly onRefused?: OnRefused;
};

export type UnixListener = Listener & { readonly refusals: RefusalCounts };

const UNIX_PEER: Peer = { transport: 'unix', address: '', port: 0, certificate: undefined };

/**
 * Listens for MQTT over a Unix socket. The file that an ended process left behind is replaced; nothing else is.
 *
 * @throws RecadoError PORT_IN_USE when somebody listens there, or LISTEN_FAILED; the system's error is its cause
 */
export async function listenUnix(acceptor: TransportAcceptor, options: UnixOptions): Promise<UnixListener> {
  const { path } = options;
  const refusals = new Refusals(options.onRefused);
  const makeServer = (): Server =>
    createServer({ pauseOnConnect: true }, (socket) => acceptSocket(acceptor, socket, UNIX_PEER));
  let server = makeServer();
  try {
    await openWithMode(server, options, refusals);
  } catch (error) {
    const isTaken = error instanceof RecadoError && error.code === 'PORT_IN_USE';
    if (!isTaken || !(await isLeftBehind(path))) throw error;
    unlinkSync(path);
    server = makeServer();
    await openWithMode(server, options, refusals);
  }
  return {
    url: `mqtt+unix:${path}`,
    port: 0,
    refusals: refusals.counts,
    close: () => {
      // Removes the file too. Its callback would wait for every connection.
      server.close();
      return Promise.resolve();
    },
  };
}

async function openWithMode(server: Server, options: UnixOptions, refusals: Refusals): Promise<void> {
  const { path, mode, backlog } = options;
  // Node makes the file in the call of listen: nobody finds it with more than its mode. A worker has no umask to set.
  const before = mode === undefined || !isMainThread ? undefined : process.umask(0o777 & ~mode);
  const opened = openServer(server, { path }, refusals, backlog);
  if (before !== undefined) process.umask(before);
  await opened;
  if (mode !== undefined) chmodSync(path, mode);
}

/** True for the socket of a process that is gone: connections are refused. */
async function isLeftBehind(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return false;
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
