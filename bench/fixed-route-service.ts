import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/* The HTTP service behind the proxy and behind the agent: answers a POST with a pong. Prints its port. */

const ANSWER = '{"message":"pong"}';

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length })
      .end(ANSWER);
  });
});

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
});
process.stdin.resume().once('end', () => process.exit(0));
