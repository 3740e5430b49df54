import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool, type Dispatcher } from 'undici';

/*
 * What a service behind an agent is held against: two of these, one behind the other, are the smallest programs of Node
 * that do the same work, an HTTP server and an HTTP client, with HTTP between them. The argument is the address behind
 * it; prints its port.
 */

const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'expect']);
const pool = new Pool(process.argv[2] ?? '', { connections: null, headersTimeout: 0, bodyTimeout: 0 });

function passOn(raw: readonly (string | Buffer)[]): string[] {
  const fields: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]!.toString('latin1');
    if (!OF_THE_CONNECTION.has(name.toLowerCase())) fields.push(name, raw[index + 1]!.toString('latin1'));
  }
  return fields;
}

const server = createServer((request, response) => {
  const { method = 'GET', url: path = '/', rawHeaders, headers } = request;
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  const body = hasBody ? request : null;
  let controller: Dispatcher.DispatchController | undefined;
  pool.dispatch(
    { path, method, headers: passOn(rawHeaders), body },
    {
      onRequestStart: (started) => void (controller = started),
      onResponseStart: ({ rawHeaders: raw }, status) => {
        if (status >= 200) response.writeHead(status, passOn((raw ?? []) as Buffer[]));
      },
      onResponseData: (_, piece) => {
        if (response.write(piece)) return;
        controller?.pause();
        response.once('drain', () => controller?.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  );
});

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
});
process.stdin.resume().once('end', () => process.exit(0));
