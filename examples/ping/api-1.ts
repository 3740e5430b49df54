// API 1: GET /ping asks over MQTT and waits 3 s for the answer. Settings: API_1_PORT (5000), RECADO_BROKER.
import { createServer } from 'node:http';
import { connectBus } from 'recado/bus';
import { createRequester } from 'recado/rpc';
import './say-why.ts';

const { API_1_PORT = '5000', RECADO_BROKER = 'mqtt://localhost:1883' } = process.env;
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

const bus = await connectBus(RECADO_BROKER);
const requester = createRequester(bus, {
  correlation: { responseTopic: 'api/ping/response' },
  timeoutMs: 3000,
});

/** @returns the status and the body of the answer over HTTP */
async function ping(): Promise<[number, object]> {
  try {
    const { topicName, payload } = await requester.request(
      'api/ping/request',
      JSON.stringify({ ask: 'ping' }),
    );
    const text = Buffer.from(payload).toString();
    say(`Topic: ${topicName}, Message: ${text}`);
    return [200, { response: JSON.parse(text) as unknown }];
  } catch {
    return [504, { error: 'timeout waiting MQTT response' }];
  }
}

const server = createServer((request, response) => {
  const answer = (status: number, body: object): unknown =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.url === '/ping') void ping().then(([status, body]) => answer(status, body));
  else answer(404, { error: 'not found' });
});
server.listen(Number(API_1_PORT), '127.0.0.1', () =>
  say(`API 1 listens on http://localhost:${API_1_PORT}/ping`),
);
server.on('error', ({ message }) => {
  throw new Error(`API 1 cannot listen (${message}): set API_1_PORT to another port`);
});
