import { LOOPBACK_NETWORKS, Networks } from '../../base/networks.ts';
import { ALLOW, type BrokerHooks, type ClientInfo, type Verdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import { MAX_ANNOUNCEMENT_BYTES } from '../../services/wire/announcement.ts';
import { parseServiceTopic } from '../../services/wire/service-topics.ts';
import type { IdentifyMqttClient } from '../mqtt/mqtt-principal.ts';
import { AgentOwners } from './agent-owners.ts';

type TopicGuardRules = {
  readonly topicPrefix: string;
  /** User name → services, `*` is any. When there are none, clients of this machine may offer all. */
  readonly agents: Readonly<Record<string, readonly string[]>>;
  /** Users prove who they are: clients of this machine are trusted then only for where they are, and as nobody. */
  readonly hasPasswords: boolean;
};

const ANY_SERVICE = '*';
/** Hubs that one agent answers, told apart. */
const MAX_ANSWERING = 100;
const DENIED: Verdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.NOT_AUTHORIZED,
  reasonString: 'the topics of services are for the hub and its agents; see services.agents',
});
const TAKEN = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
  reasonString: 'an agent of another user is connected with this client id',
});
const TOO_LARGE: Verdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.QUOTA_EXCEEDED,
  reasonString: `an announcement has at most ${MAX_ANNOUNCEMENT_BYTES} bytes`,
});

/**
 * Keeps the topics of services for the agents that may offer them, and each agent within its own: nobody else reads
 * the requests of callers, or answers them.
 */
export function guardServiceTopics(rules: TopicGuardRules, identify: IdentifyMqttClient): BrokerHooks {
  const below = `${rules.topicPrefix}/`;
  const mayServe = servingRule(rules, identify);
  const owners = new AgentOwners(identify);
  /** Topics that a client answers on, once that was found good: it is asked for each frame. */
  const answering = new WeakMap<ClientInfo, Set<string>>();

  function mayAnswer(client: ClientInfo, topicName: string): boolean {
    const known = answering.get(client);
    if (known?.has(topicName) === true) return true;
    if (!owns(client, topicName, ['out'])) return false;
    if (known === undefined || known.size >= MAX_ANSWERING) answering.set(client, new Set([topicName]));
    else known.add(topicName);
    return true;
  }

  function owns(
    client: ClientInfo,
    topic: string,
    kinds: readonly ('announcement' | 'in' | 'out')[],
  ): boolean {
    const parsed = parseServiceTopic(rules.topicPrefix, topic);
    if (parsed === undefined || !kinds.includes(parsed.kind)) return false;
    const { service, agentId } = parsed;
    // An agent of many services has a connection for each.
    const isItself = client.clientId === agentId || client.clientId === `${agentId}.${service}`;
    return isItself && mayServe(client, service) && owners.claim(client, `${service}/${agentId}`);
  }

  return {
    name: 'services',
    authenticate: (_, client) => (owners.isTakenFor(client) ? TAKEN : ALLOW),
    onDisconnected: (client) => owners.release(client),
    authorizeSubscribe(client, topicFilter) {
      // Wildcards from further up are held back message by message.
      if (!topicFilter.startsWith(below)) return ALLOW;
      return owns(client, topicFilter, ['in']) ? ALLOW : DENIED;
    },
    authorizePublish(client, message) {
      const { topicName } = message;
      if (!topicName.startsWith(below)) return ALLOW;
      if (mayAnswer(client, topicName)) return message.retain ? DENIED : ALLOW;
      if (!owns(client, topicName, ['announcement'])) return DENIED;
      return message.payload.length <= MAX_ANNOUNCEMENT_BYTES ? ALLOW : TOO_LARGE;
    },
    authorizeReceive(client, topicName) {
      return !topicName.startsWith(below) || owns(client, topicName, ['in']);
    },
  };
}

function servingRule(
  { agents, hasPasswords }: TopicGuardRules,
  identify: IdentifyMqttClient,
): (client: ClientInfo, service: string) => boolean {
  const byUser = new Map(Object.entries(agents).map(([user, services]) => [user, new Set(services)]));
  if (byUser.size === 0) {
    const loopback = new Networks(LOOPBACK_NETWORKS);
    return (client) => {
      const { transport, address } = client.peer;
      const isHere = transport === 'unix' || loopback.has(address);
      // Behind a proxy of this machine everybody seems to be here.
      return isHere && (!hasPasswords || identify(client).kind === 'network');
    };
  }
  return (client, service) => {
    const { kind, name } = identify(client);
    const services = kind === 'user' ? byUser.get(name) : undefined;
    return services !== undefined && (services.has(service) || services.has(ANY_SERVICE));
  };
}
