import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../base/logger.ts';

// An import would load all that hangs on the module's names (docs/decisions/0020).
const { createServer } = process.getBuiltinModule('node:http');

/** In the data folder, which is its owner's alone. */
const SOCKET_FILE = 'control.sock';
/** Files that only their owner may use. */
const OWNER_ONLY = 0o177;

const owners = new WeakSet<Socket>();

/** Where a hub that runs over a data folder is asked by who has that folder. */
export function ownerSocketPath(dataFolder: string): string {
  return join(dataFolder, SOCKET_FILE);
}

/** Whether a connection came by the socket in the data folder: whoever may open that may change everything in it. */
export function isFromOwner(socket: Socket): boolean {
  return owners.has(socket);
}

/**
 * Takes requests by a socket in the data folder, for `recado user` and `recado token`. Where there can be none, the log
 * says so, and these have to wait until the hub does not run.
 *
 * @param app - that listens already
 * @returns what closes it
 */
export async function listenForOwner(
  app: FastifyInstance,
  dataFolder: string,
  log: Logger,
): Promise<() => void> {
  const path = ownerSocketPath(dataFolder);
  const server = createServer((request, response) => app.routing(request, response));
  server.on('connection', (socket: Socket) => owners.add(socket));
  try {
    // The folder is this hub's: what lies there is left of one that is gone.
    rmSync(path, { force: true });
    await listenAlone(server, path);
  } catch (error) {
    log.warn({}, `recado user and recado token cannot ask this hub: ${(error as Error).message}`);
  }
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

/** The file is made at once, so nobody else can open it in between. */
function listenAlone(server: Server, path: string): Promise<void> {
  const before = process.umask(OWNER_ONLY);
  try {
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(before);
  }
}
