import { definedMembers } from '../../base/defined-members.ts';
import type { Command } from 'commander';
import type { Logger } from '../../base/logger.ts';
import type { Bus } from '../../bus/bus.ts';
import { connectBus } from '../../bus/client-bus.ts';
import { logPresence } from '../../bus/log-presence.ts';
import { agentWill, HttpServiceAgent } from '../../services/agent/http-service-agent.ts';
import { AllowList } from '../../services/agent/allow-list.ts';
import { isTarget } from '../../services/wire/message-heads.ts';
import { Upstream } from '../../services/agent/upstream.ts';
import { createHubLog } from '../hub-log.ts';
import type { BrokerTarget } from '../mqtt/connection-flags.ts';
import { stopInOrder, stopSignal } from '../stop-signal.ts';
import {
  readAgentId,
  readBroker,
  readLogLevel,
  readServices,
  type NamedTarget,
  type ServiceAgentFlags,
} from './service-agent-flags.ts';

/** A hub that cannot see a dead network otherwise hears of it within half as much again. */
const KEEP_ALIVE_S = 15;

type RunningAgent = { readonly agent: HttpServiceAgent; readonly bus: Bus; readonly upstream: Upstream };

type AgentParts = {
  readonly agentId: string;
  readonly target: BrokerTarget;
  readonly flags: ServiceAgentFlags;
  readonly log: Logger;
};

/** Serves until a signal; what is wrong with the flags is told before anything is connected. */
export async function runServiceAgents(flags: ServiceAgentFlags, command: Command): Promise<void> {
  const services = readServices(flags, command);
  const target = readBroker(flags, command);
  const level = readLogLevel(flags, command);
  const agentId = readAgentId(flags, command);
  if (flags.health !== undefined && !isTarget(flags.health))
    command.error('error: --health is a path, as /healthz');
  try {
    for (const { url } of services) checkTarget(url, flags.allow);
  } catch (error) {
    command.error(`error: ${(error as Error).message}`);
  }
  const log = createHubLog({ level, format: 'auto' });
  const stopped = stopSignal();
  const agents = await Promise.all(services.map((each) => openAgent(each, { agentId, target, flags, log })));
  // Whatever comes first: the broker may be long in coming.
  const started = Promise.all(agents.map(({ agent }) => agent.start())).then(() => undefined);
  const signal = await Promise.race([stopped, started.then(() => stopped)]);
  await stopInOrder(signal, log, () => Promise.all(agents.map(closeAgent)));
}

/** @throws {RecadoError} `CONFIG_INVALID` */
function checkTarget(url: string, rules: readonly string[] = []): AllowList {
  void new Upstream(url).close();
  return new AllowList(rules);
}

/** Each service has a connection of its own, because a connection has only one will. */
async function openAgent(
  { name, url }: NamedTarget,
  { agentId, target, flags, log }: AgentParts,
): Promise<RunningAgent> {
  const { maxInFlight, maxRequestBytes, timeout, topicPrefix, health, description, allow = [] } = flags;
  const bus = await connectBus(target.url, {
    ...target.options,
    clientId: `${agentId}.${name}`,
    keepAliveS: KEEP_ALIVE_S,
    will: agentWill(name, agentId, topicPrefix),
    waitsForConnection: false,
    log,
  });
  logPresence(bus, log, name);
  const upstream = new Upstream(url);
  const agent = new HttpServiceAgent({
    service: name,
    agentId,
    bus,
    upstream,
    allow: new AllowList(allow),
    healthPath: health,
    description,
    log,
    ...definedMembers({ maxInFlight, maxRequestBytes, topicPrefix }),
    ...(timeout !== undefined && { timeoutMs: timeout * 1000 }),
  });
  return { agent, bus, upstream };
}

async function closeAgent({ agent, bus, upstream }: RunningAgent): Promise<void> {
  await agent.stop();
  await bus.close();
  await upstream.close();
}
