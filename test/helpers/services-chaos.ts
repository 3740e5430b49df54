import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { HANG_MS } from './until.ts';
import type { ServiceProcesses } from './services-processes.ts';

/** What the hub may say while agents come and go. */
const DOCUMENTED: ReadonlySet<string> = new Set([
  'AGENT_LOST',
  'NO_AGENT',
  'TARGET_DOWN',
  'TOO_MANY_REQUESTS',
  'BAD_ANSWER',
  'ANSWER_TIMEOUT',
]);
/** Of them every fourth is a POST, which may fail; the others may not. */
const POST_EVERY = 4;
/** A request that takes longer hangs. */

export type ChaosReport = {
  readonly answers: number;
  /** Another answer than the one to this request, or no documented status. */
  readonly wrong: readonly string[];
  /** Safe methods that did not succeed. */
  readonly failedSafe: readonly string[];
  /** POSTs that failed as documented, by code. */
  readonly failedPosts: Readonly<Record<string, number>>;
  readonly kills: number;
};

type Outcome = { readonly status: number; readonly text: string };

/**
 * Requests, so many at once, while agents are killed without warning and started again. One agent less one is always
 * left alone, as a service of several agents is meant to be run.
 */
export async function runChaos(
  processes: ServiceProcesses,
  {
    requests,
    atOnce,
    agents,
    killEveryMs,
  }: { requests: number; atOnce: number; agents: number; killEveryMs: number },
): Promise<ChaosReport> {
  const running = Array.from({ length: agents }, (_, index) => processes.startAgent(`agent-${index}`));
  await processes.waitForAgents(agents);
  const over = new AbortController();
  let kills = 0;
  const killing = (async () => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const index = turn % agents;
      running[index]!.signal('SIGKILL');
      kills++;
      await running[index]!.exit();
      running[index] = processes.startAgent(`agent-${index}`);
      await sleep(killEveryMs, undefined, { signal: over.signal }).catch(() => {});
      // Agents that take their time to start must not be missing all at once.
      if (!over.signal.aborted) await processes.waitForAgents(agents - 1);
    }
  })();
  const wrong: string[] = [];
  const failedSafe: string[] = [];
  const failedPosts: Record<string, number> = {};
  let [next, answers] = [0, 0];
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const worker = async (): Promise<void> => {
    while (next < requests) {
      const number = next++;
      const isPost = number % POST_EVERY === 0;
      const method = isPost ? 'POST' : (['GET', 'PUT', 'DELETE'][number % 3] ?? 'GET');
      const body = method === 'GET' || method === 'DELETE' ? '' : 'x'.repeat(number % 3000);
      const { status, text } = await ask(`${processes.url}/echo/${number}`, { method, body, agent });
      answers++;
      if (status === 200) {
        if (text !== `${method} /echo/${number} ${body.length}`)
          wrong.push(`${number}: ${text.slice(0, 100)}`);
        continue;
      }
      const code = /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? '';
      if (!DOCUMENTED.has(code)) wrong.push(`${number}: ${status} ${text.slice(0, 200)}`);
      else if (!isPost) failedSafe.push(`${method} ${number}: ${text.slice(0, 300)}`);
      else failedPosts[code] = (failedPosts[code] ?? 0) + 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, worker));
  } finally {
    over.abort();
    agent.destroy();
    await killing;
  }
  return { answers, wrong, failedSafe, failedPosts, kills };
}

/** Status 0 is a connection that broke, and -1 an answer that did not come. */
function ask(
  url: string,
  { method, body, agent }: { method: string; body: string; agent: Agent },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const headers = body === '' ? {} : { 'content-length': body.length };
    const call = httpRequest(url, { method, agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', (error) => resolve({ status: 0, text: error.message }));
    });
    call.setTimeout(HANG_MS, () => {
      resolve({ status: -1, text: `no answer in ${HANG_MS} ms` });
      call.destroy();
    });
    call.on('error', (error) => resolve({ status: 0, text: error.message }));
    call.end(body);
  });
}
