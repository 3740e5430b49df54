import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

/**
 * A web application as there are many: one signs in and gets a cookie, and it redirects, takes uploads, sends events and
 * has a WebSocket. It knows of no proxy: it believes its `Host`, and sets its cookie for `/`. Prints its port.
 */
const sessions = new Set<string>();

const LOGIN = `<!doctype html><title>Sign in</title>
<form id="login" method="post" action="login"><input name="name" value="ana"></form>`;

const PAGE = `<!doctype html><title>Application</title><link rel="stylesheet" href="app.css">
<p id="color">ready</p><script src="app.js"></script>`;

/** Does everything at once, and keeps what came of it for whoever looks. */
const SCRIPT = `
const results = {};
window.results = results;
const bytes = new Uint8Array(3_000_000).fill(7);
fetch('upload', { method: 'POST', body: bytes }).then(async (answer) => { results.upload = await answer.json(); });
const events = new EventSource('events');
events.onmessage = ({ data }) => { results.events = [...(results.events ?? []), data]; if (data === '3') events.close(); };
const socket = new WebSocket(new URL('socket', location.href), ['other', 'chat']);
socket.onopen = () => { results.protocol = socket.protocol; socket.send('hello'); };
socket.onmessage = ({ data }) => { results.echo = data; socket.close(4001, 'bye'); };
socket.onclose = ({ code, reason }) => { results.closed = [code, reason]; };
results.color = getComputedStyle(document.querySelector('#color')).color;
`;

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://application');
  const route = ROUTES[`${request.method} ${pathname}`];
  if (route === undefined) response.writeHead(404).end('no such page');
  else if (pathname !== '/login' && !isSignedIn(request)) redirect(request, response, '/login');
  else route(request, response);
});

const ROUTES: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  'GET /': (_request, response) => html(response, PAGE),
  'GET /login': (_request, response) => html(response, LOGIN),
  'POST /login': (request, response) => {
    const session = randomUUID();
    sessions.add(session);
    response.setHeader('set-cookie', `session=${session}; Path=/; HttpOnly; SameSite=Lax`);
    request.resume().on('end', () => redirect(request, response, '/'));
  },
  'GET /app.js': (_request, response) => response.setHeader('content-type', 'text/javascript').end(SCRIPT),
  'GET /app.css': (_request, response) =>
    response.setHeader('content-type', 'text/css').end('#color { color: rgb(1, 2, 3) }'),
  'POST /upload': (request, response) => {
    const hash = createHash('sha256');
    request.on('data', (piece: Buffer) => hash.update(piece));
    request.on('end', () => response.end(JSON.stringify({ sha256: hash.digest('hex') })));
  },
  'GET /events': (_request, response) => {
    response.setHeader('content-type', 'text/event-stream');
    for (const data of [1, 2, 3]) response.write(`data: ${data}\n\n`);
  },
};

const sockets = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => (offered.has('chat') ? 'chat' : false),
});
server.on('upgrade', (request: IncomingMessage, socket, head) => {
  if (request.url !== '/socket' || !isSignedIn(request)) {
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('message', (data: Buffer) => webSocket.send(`echo ${data.toString()}`));
  });
});

function isSignedIn({ headers }: IncomingMessage): boolean {
  return sessions.has(/(?:^|; )session=([^;]*)/.exec(headers.cookie ?? '')?.[1] ?? '');
}

function redirect({ headers }: IncomingMessage, response: ServerResponse, path: string): void {
  response.writeHead(303, { location: `http://${headers.host}${path}` }).end();
}

function html(response: ServerResponse, text: string): void {
  response.setHeader('content-type', 'text/html; charset=utf-8').end(text);
}

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
});
