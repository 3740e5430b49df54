import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { formatHostPort } from '../base/address.ts';
import { listenError } from '../base/listen-error.ts';

/**
 * Opens the port that the section `http` of a configuration names.
 *
 * @returns `http://127.0.0.1:5070`, with the port that the system gave for 0
 * @throws {RecadoError} `PORT_IN_USE` or `LISTEN_FAILED`
 */
export async function listenHttp(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const keys = { portFlag: '--http-port', portKey: 'http.port', hostKey: 'http.host' };
    throw listenError(error, { kind: 'TCP', host, port, ...keys });
  }
  const { port: actual } = app.server.address() as AddressInfo;
  return `http://${formatHostPort(host, actual)}`;
}
