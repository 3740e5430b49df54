import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';

/** What a test server was asked. */
export type SeenRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

const open: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();

/** Closes every server that was started, with its connections: for `afterEach`. */
export async function closeServers(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of open.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

/** Starts a server that answers as it is told, and remembers what it was asked; `url` is where one stood before. */
export async function serveAnswers(
  answer: (request: SeenRequest, response: ServerResponse) => void,
  url?: string,
): Promise<{ url: string; seen: SeenRequest[] }> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => (body += part));
    request.on('end', () => {
      const asked = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      seen.push(asked);
      answer(asked, response);
    });
  });
  return { url: await listen(server, url), seen };
}

/** Starts a server of raw bytes; `connection` counts from 1. */
export async function serveBytes(serve: (socket: Socket, connection: number) => void): Promise<string> {
  let connections = 0;
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    sockets.add(socket);
    serve(socket, ++connections);
  });
  return listen(server);
}

/** Answers JSON, as a problem when the status is an error. */
export function answerJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(JSON.stringify(value));
}

async function listen(server: Server | TcpServer, url?: string): Promise<string> {
  open.push(server);
  server.listen(url === undefined ? 0 : Number(new URL(url).port), '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
