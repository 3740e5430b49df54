import { fail, succeed, type Result } from '../../base/result.ts';
import { SERVICE_PROTOCOL_VERSION } from '../wire/announcement.ts';
import type { ServiceFailure } from '../wire/service-failure.ts';
import type { AgentEntry, ServiceEntry } from './service-directory.ts';

const NO_AGENT_RETRY_SECONDS = 5;
const BUSY_RETRY_SECONDS = 1;

/**
 * The agent with the fewest requests in flight; among equals the one whose turn is longest ago. One that was silent
 * gets a single request, when there is no other: if it answers, it is there again.
 *
 * @param tried - those that have failed this request already
 */
export function chooseAgent(
  service: ServiceEntry,
  tried: readonly AgentEntry[],
  turn: { last: number },
): Result<AgentEntry, ServiceFailure> {
  let best: AgentEntry | undefined;
  let silent: AgentEntry | undefined;
  let [present, healthy, untried] = [0, 0, 0];
  for (const agent of service.agents.values()) {
    if (agent.isLeaving) continue;
    if (agent.link.isSilent) {
      if (agent.link.size === 0 && agent.isHealthy && !tried.includes(agent)) silent = agent;
      continue;
    }
    present++;
    if (!agent.isHealthy) continue;
    healthy++;
    if (tried.includes(agent)) continue;
    untried++;
    if (agent.link.size < agent.maxInFlight && isBetter(agent, best)) best = agent;
  }
  best ??= silent;
  if (best !== undefined) {
    best.lastTurn = ++turn.last;
    return succeed(best);
  }
  return fail(describeNone(service, { present, healthy, untried }));
}

function isBetter(agent: AgentEntry, best: AgentEntry | undefined): boolean {
  if (best === undefined || agent.link.size < best.link.size) return true;
  return agent.link.size === best.link.size && agent.lastTurn < best.lastTurn;
}

function describeNone(
  { name, misfits }: ServiceEntry,
  { present, healthy, untried }: { present: number; healthy: number; untried: number },
): ServiceFailure {
  if (present === 0 && misfits.size > 0) {
    const [version = 0] = misfits.values();
    const older = version > SERVICE_PROTOCOL_VERSION ? 'the hub' : 'the agent';
    const message =
      `The agents of the service ${name} speak version ${version} of the protocol, ` +
      `and this hub speaks ${SERVICE_PROTOCOL_VERSION}: update ${older}.`;
    return { code: 'AGENT_INCOMPATIBLE', message };
  }
  if (present > 0 && healthy === 0) {
    const message = `No agent of the service ${name} can reach its target.`;
    return { code: 'TARGET_DOWN', message };
  }
  if (untried === 0) {
    const message = `No agent of the service ${name} is connected${present > 0 ? ' that has not failed' : ''}.`;
    return { code: 'NO_AGENT', message, retryAfterSeconds: NO_AGENT_RETRY_SECONDS };
  }
  const message = `Every agent of the service ${name} has as many requests as it takes.`;
  return { code: 'TOO_MANY_REQUESTS', message, retryAfterSeconds: BUSY_RETRY_SECONDS };
}
