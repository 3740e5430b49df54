// The agent: questions on api/ping/request become POST requests to API 2, and its answers go to api/ping/response.
// Settings: API_2_PORT (5001), RECADO_BROKER.
import { connectBus } from 'recado/bus';
import { createResponder } from 'recado/rpc';
import './say-why.ts';

const { API_2_PORT = '5001', RECADO_BROKER = 'mqtt://localhost:1883' } = process.env;
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

const bus = await connectBus(RECADO_BROKER);
const responder = createResponder(bus);
await responder.serve(
  'api/ping/request',
  async ({ payload, signal }) => {
    const question = Buffer.from(payload).toString();
    const headers = { 'content-type': 'application/json' };
    const url = `http://localhost:${API_2_PORT}/ping`;
    const answer = await fetch(url, { method: 'POST', headers, body: question, signal });
    const { message } = (await answer.json()) as { message: string };
    const reply = JSON.stringify({ message, received: JSON.parse(question) as unknown });
    say(`request: ${question} -> response: ${reply}`);
    return reply;
  },
  { responseTopic: 'api/ping/response', timeoutMs: 5000 },
);
say('The agent waits for questions');
