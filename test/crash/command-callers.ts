import { request } from 'node:http';
import type { Json } from '../helpers/json.ts';
import type { LastingHub } from '../helpers/lasting-hub.ts';
import { until } from '../helpers/until.ts';

/** How a command is asked for: what its caller is promised. */
export type Asking = 'plain' | 'keyed' | 'queued' | 'async';

type CrashAnswer = { readonly status: number; readonly isReplay: boolean; readonly body: Json };

/** What a caller was told about one command; nothing, where the hub was gone before it said anything. */
export type Told = {
  /** Its input, which no other has. */
  readonly number: number;
  readonly deviceId: string;
  readonly asking: Asking;
  readonly answer: CrashAnswer | undefined;
};

type Call = Omit<Told, 'answer'>;

/** Asks for one command. With a key it asks until it is answered, as a program would that wants it done once. */
export async function callOnce(hub: LastingHub, call: Call): Promise<Told> {
  const answer = await (call.asking === 'plain'
    ? ask(hub, call)
    : until(`an answer to ${call.number}`, () => ask(hub, call)));
  return { ...call, answer };
}

/** Asked again with the same key, what the hub says of a command; undefined where it said nothing. */
export function ask(hub: LastingHub, { number, deviceId, asking }: Call): Promise<CrashAnswer | undefined> {
  const body = {
    input: number,
    timeoutMs: ANSWER_MS,
    ...(asking === 'queued' && { queueForMs: 600_000 }),
  };
  return say(hub, 'POST', `/api/v1/devices/${deviceId}/commands/work`, {
    body: JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      ...(asking !== 'plain' && { 'idempotency-key': `key-${number}` }),
      ...(asking === 'async' && { prefer: 'respond-async' }),
    },
  });
}

/** What became of an invocation. */
export function lookUp(hub: LastingHub, id: string): Promise<CrashAnswer | undefined> {
  return say(hub, 'GET', `/api/v1/invocations/${id}`, {});
}

/** How many invocations are in a state. */
export async function countIn(hub: LastingHub, state: string): Promise<number | undefined> {
  const answer = await say(hub, 'GET', `/api/v1/invocations?state=${state}`, {});
  return answer?.body.invocations.length;
}

/** A device that says nothing is waited for so long. */
const ANSWER_MS = 300;

/** One request on a connection of its own, which ends when the hub is killed. */
function say(
  hub: LastingHub,
  method: string,
  path: string,
  { body, headers = {} }: { body?: string; headers?: Record<string, string> },
): Promise<CrashAnswer | undefined> {
  return new Promise((resolve) => {
    const asking = request(hub.url + path, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          isReplay: response.headers['idempotency-replayed'] === 'true',
          body: JSON.parse(text),
        }),
      );
      response.once('error', () => resolve(undefined));
    });
    asking.once('error', () => resolve(undefined));
    asking.end(body);
  });
}
