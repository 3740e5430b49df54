import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { ChildProgram } from '../helpers/child-program.ts';
import { skipWithoutPaho, startGatewayProgram } from '../helpers/bridge-programs.ts';

const CALLERS = 64;
/** Longer than a quick caller waits, shorter than a patient one does. */
const LATE_S = 0.25;
const QUICK_MS = 150;
/** Longer than a late answer takes on a busy machine, and than a second one stays behind the first. */
const QUARANTINE_MS = 3000;
const SETTLE_MS = 100;

function gatewayYaml(broker: string): string {
  const topics = '\n    request: bad/questions\n    response: bad/answers';
  return `
http: { port: 0 }
broker: ${broker}
limits: { quarantineMs: ${QUARANTINE_MS}, settleMs: ${SETTLE_MS} }
routes:
  - route: POST /quick${topics}
    timeoutMs: ${QUICK_MS}
  - route: POST /patient${topics}
    timeoutMs: 60000
`;
}

async function startAll(t: TestContext) {
  const { port, url, close } = await openBrokerOnTcp();
  t.after(close);
  const script = path.join(import.meta.dirname, 'bridge_bad_agent.py');
  const words = ['/usr/bin/python3', script, '--broker-port', String(port), '--late', String(LATE_S)];
  const agent = new ChildProgram(words, { name: 'the bad agent' });
  t.after(() => agent.stop());
  await agent.waitForLine('Subscribed');
  const gateway = await startGatewayProgram(t, gatewayYaml(url));
  return { agent, gateway };
}

type Outcomes = { right: number; timeouts: number; wrong: unknown[] };

async function callOnce(url: string, patience: 'quick' | 'patient', outcomes: Outcomes): Promise<void> {
  const id = randomUUID();
  const body = JSON.stringify({ id, patience });
  const answer = await fetch(`${url}/${patience}`, { method: 'POST', body });
  const said = (await answer.json()) as { of?: string; error?: string };
  if (answer.status === 504 && said.error === 'timeout waiting MQTT response') outcomes.timeouts++;
  else if (said.of === createHash('sha256').update(id).digest('hex')) outcomes.right++;
  else outcomes.wrong.push({ status: answer.status, said, id });
}

describe('64 callers of one pair of topics', { skip: skipWithoutPaho }, () => {
  it('never get the answer to another, from an agent that is late, repeats and forgets', async (t) => {
    const { agent, gateway } = await startAll(t);
    const outcomes: Outcomes = { right: 0, timeouts: 0, wrong: [] };
    const callers = Array.from({ length: CALLERS }, (_, index) =>
      callOnce(gateway.url, index % 4 === 0 ? 'quick' : 'patient', outcomes),
    );
    await Promise.all(callers);
    assert.deepEqual(outcomes.wrong, []);
    assert.equal(outcomes.right + outcomes.timeouts, CALLERS);
    for (const deed of ['late', 'twice']) await agent.waitForLine(deed);
    assert.equal(outcomes.right >= (CALLERS / 4) * 3, true, 'who waits gets an answer');
  });
});
