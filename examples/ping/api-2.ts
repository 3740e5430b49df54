// API 2: /ping answers pong, to GET and to POST. It knows nothing of MQTT. Setting: API_2_PORT (5001).
import { createServer } from 'node:http';
import './say-why.ts';

const { API_2_PORT = '5001' } = process.env;

const server = createServer((request, response) => {
  const isPing = /^\/ping(\?|$)/.test(request.url ?? '');
  const body = isPing ? { message: 'pong' } : { error: 'not found' };
  request.resume();
  response.writeHead(isPing ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
server.listen(Number(API_2_PORT), '127.0.0.1', () =>
  process.stdout.write(`API 2 listens on http://localhost:${API_2_PORT}/ping\n`),
);
server.on('error', ({ message }) => {
  throw new Error(`API 2 cannot listen (${message}): set API_2_PORT to another port`);
});
