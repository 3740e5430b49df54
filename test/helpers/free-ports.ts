import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * A port that is free at this moment, for a server that goes and comes back at the same one. It lies below the range
 * that the system hands out by itself: the thousands of connections of other tests cannot take it meanwhile, and
 * whoever tries it while nobody listens cannot be given it as a port of its own. Nor can a test file that runs beside
 * this one be given it while a killed server is away: each of those has ports of its own.
 */
export const findFreeTcpPort = (): Promise<number> => findFreePort(isTcpPortFree);

/** The same for datagrams. */
export const findFreeUdpPort = (): Promise<number> => findFreePort(isUdpPortFree);

const FIRST_PORT = 10_240;
const END_PORT = 32_768;
/** As many as may ever run side by side. */
const MAX_WORKERS = 8;
const WORKER = Number(process.env['NODE_TEST_WORKER_ID'] ?? 0) % MAX_WORKERS;

async function findFreePort(isFree: (port: number) => Promise<boolean>): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST_PORT + MAX_WORKERS * randomInt((END_PORT - FIRST_PORT) / MAX_WORKERS) + WORKER;
    if (await isFree(port)) return port;
  }
  throw new Error('no free port was found');
}

function isTcpPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function isUdpPortFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
