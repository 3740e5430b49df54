import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { skipWithoutPaho, startGatewayProgram } from '../helpers/bridge-programs.ts';

const CALLERS = 64;
const QUESTIONS_PER_CALLER = 2;
/** Longer than a quick caller waits, shorter than a patient one does. */
const LATE_S = 0.25;
const QUICK_MS = 150;

function gatewayYaml(broker: string, quarantineMs: number): string {
  const topics = '\n    request: bad/questions\n    response: bad/answers';
  return `
http: { port: 0 }
broker: ${broker}
limits: { quarantineMs: ${quarantineMs} }
routes:
  - route: POST /quick${topics}
    timeoutMs: ${QUICK_MS}
  - route: POST /patient${topics}
    timeoutMs: 60000
`;
}

async function startAll(t: TestContext, { echo, quarantineMs }: { echo: boolean; quarantineMs: number }) {
  const { port, url, close } = await openBrokerOnTcp();
  t.after(close);
  const script = path.join(import.meta.dirname, 'bridge_bad_agent.py');
  const words = ['/usr/bin/python3', script, '--broker-port', String(port), '--late', String(LATE_S)];
  const agent = new ChildProgram([...words, ...(echo ? ['--echo'] : [])], { name: 'the bad agent' });
  t.after(() => agent.stop());
  await agent.waitForLine('Subscribed');
  const gateway = await startGatewayProgram(t, gatewayYaml(url, quarantineMs));
  return { agent, gateway };
}

type Outcomes = { right: number; timeouts: number; wrong: unknown[] };

async function callOften(url: string, patience: 'quick' | 'patient', outcomes: Outcomes): Promise<void> {
  for (let times = 0; times < QUESTIONS_PER_CALLER; times++) {
    const id = randomUUID();
    const body = JSON.stringify({ id, patience });
    const answer = await fetch(`${url}/${patience}`, { method: 'POST', body });
    const said = (await answer.json()) as { of?: string; error?: string };
    if (answer.status === 504 && said.error === 'timeout waiting MQTT response') outcomes.timeouts++;
    else if (said.of === createHash('sha256').update(id).digest('hex')) outcomes.right++;
    else outcomes.wrong.push({ status: answer.status, said, id });
  }
}

async function callFromAll(url: string): Promise<Outcomes> {
  const outcomes: Outcomes = { right: 0, timeouts: 0, wrong: [] };
  const callers = Array.from({ length: CALLERS }, (_, index) =>
    callOften(url, index % 4 === 0 ? 'quick' : 'patient', outcomes),
  );
  await Promise.all(callers);
  return outcomes;
}

describe('64 callers of one pair of topics', { skip: skipWithoutPaho }, () => {
  it('never get the answer to another, from an agent that is late, repeats, swaps and forgets', async (t) => {
    const { agent, gateway } = await startAll(t, { echo: true, quarantineMs: 500 });
    const { right, timeouts, wrong } = await callFromAll(gateway.url);
    assert.deepEqual(wrong, []);
    assert.equal(right + timeouts, CALLERS * QUESTIONS_PER_CALLER);
    for (const deed of ['late', 'twice', 'twice later'])
      assert.ok(agent.lines.includes(deed), `${deed} happened`);
    // A quarter of the callers is quick; all others wait as long as it takes.
    assert.ok(
      right >= (CALLERS / 4) * 3 * QUESTIONS_PER_CALLER * 0.9,
      `${right} right, ${timeouts} too late`,
    );
  });

  it('nor when its answers do not show whose they are, and are late', async (t) => {
    const { agent, gateway } = await startAll(t, { echo: false, quarantineMs: 60_000 });
    const { right, timeouts, wrong } = await callFromAll(gateway.url);
    assert.deepEqual(wrong, []);
    assert.equal(right + timeouts, CALLERS * QUESTIONS_PER_CALLER);
    assert.ok(agent.lines.includes('late'));
    assert.equal(right >= (CALLERS / 4) * 3 * QUESTIONS_PER_CALLER, true, 'who waits gets an answer');
  });
});
