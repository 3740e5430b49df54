import { Agent, createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * What a fixed route is held against: the smallest reverse proxy that Node makes. Connections to the service are kept,
 * head and body of request and answer are piped through as they come. The argument is the service's port; prints its own.
 */

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const target = { host: '127.0.0.1', port: Number(process.argv[2]), agent };

const server = createServer((request, response) => {
  const { method, url: path, headers } = request;
  const onward = forward({ ...target, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
});

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
});
process.stdin.resume().once('end', () => process.exit(0));
