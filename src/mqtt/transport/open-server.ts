import type { AddressInfo, ListenOptions, Server, Socket } from 'node:net';
import { RecadoError } from '../../base/errors.ts';
import { closeIfLastFile } from '../../base/open-files.ts';
import type { Refusals } from './refusals.ts';

const BACKLOG_CONNECTIONS = 4096;

/** Where a listener listens: a TCP address, or the path of a Unix socket. */
type ListenPlace = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Listens, and after that counts what the system reports instead of letting it end the process.
 *
 * @param backlog - connections that may wait to be accepted; 4096 unless told, and the system may allow less
 * @returns the port that is open; 0 for a Unix socket
 * @throws RecadoError PORT_IN_USE, or LISTEN_FAILED; the system's error is its cause
 */
export async function openServer(
  server: Server,
  place: ListenPlace,
  refusals: Refusals,
  backlog = BACKLOG_CONNECTIONS,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => reject(listenFailure(error, place));
    server.once('error', onError);
    const options: ListenOptions = { ...place, backlog };
    server.listen(options, () => {
      server.off('error', onError);
      resolve();
    });
  });
  tellFailedAccepts(server, refusals);
  return 'port' in place ? (server.address() as AddressInfo).port : 0;
}

/** Counts and tells what the system cannot hand over, which would end the process else, or be told by nobody. */
export function tellFailedAccepts(server: Server, refusals: Refusals): void {
  server.on('error', (error) => refusals.tell('accept-failed', '', error));
  server.prependListener('connection', (socket: Socket) => {
    const why = closeIfLastFile(socket);
    if (why !== undefined) refusals.tell('accept-failed', '', new Error(why));
  });
}

function listenFailure(error: NodeJS.ErrnoException, place: ListenPlace): RecadoError {
  const where = 'path' in place ? `the socket ${place.path}` : `TCP port ${place.port} on ${place.host}`;
  if (error.code === 'EADDRINUSE')
    return new RecadoError(
      'PORT_IN_USE',
      `MQTT cannot listen on ${where}: another program does${'path' in place ? ', or it is no socket' : ''}.`,
      {
        cause: error,
      },
    );
  // What the system says of a long path is that an argument is not valid.
  const isTooLong = 'path' in place && error.code === 'EINVAL';
  const why = isTooLong
    ? `its path has ${Buffer.byteLength(place.path)} bytes, more than sockets may have`
    : error.message;
  return new RecadoError('LISTEN_FAILED', `MQTT cannot listen on ${where}: ${why}.`, { cause: error });
}
