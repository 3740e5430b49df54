import { LOOPBACK_NETWORKS, Networks } from '../../base/networks.ts';
import { ALLOW, type BrokerHooks, type ClientInfo, type Verdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import { MAX_ANNOUNCEMENT_BYTES } from '../../services/wire/announcement.ts';
import { parseServiceTopic } from '../../services/wire/service-topics.ts';
import type { IdentifyMqttClient } from '../mqtt/mqtt-principal.ts';

type TopicGuardRules = {
  readonly topicPrefix: string;
  /** User name → services, `*` is any. When there are none, clients of this machine may offer all. */
  readonly agents: Readonly<Record<string, readonly string[]>>;
};

const ANY_SERVICE = '*';
const DENIED: Verdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.NOT_AUTHORIZED,
  reasonString: 'the topics of services are for the hub and its agents; see services.agents',
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
    return isItself && mayServe(client, service);
  }

  return {
    name: 'services',
    authorizeSubscribe(client, topicFilter) {
      // Wildcards from further up are held back message by message.
      if (!topicFilter.startsWith(below)) return ALLOW;
      return owns(client, topicFilter, ['in']) ? ALLOW : DENIED;
    },
    authorizePublish(client, message) {
      const { topicName } = message;
      if (!topicName.startsWith(below)) return ALLOW;
      if (owns(client, topicName, ['out'])) return message.retain ? DENIED : ALLOW;
      if (!owns(client, topicName, ['announcement'])) return DENIED;
      return message.payload.length <= MAX_ANNOUNCEMENT_BYTES ? ALLOW : TOO_LARGE;
    },
    authorizeReceive(client, topicName) {
      return !topicName.startsWith(below) || owns(client, topicName, ['in']);
    },
  };
}

function servingRule(
  { agents }: TopicGuardRules,
  identify: IdentifyMqttClient,
): (client: ClientInfo, service: string) => boolean {
  const byUser = new Map(Object.entries(agents).map(([user, services]) => [user, new Set(services)]));
  if (byUser.size === 0) {
    const loopback = new Networks(LOOPBACK_NETWORKS);
    return ({ peer }) => peer.transport === 'unix' || loopback.has(peer.address);
  }
  return (client, service) => {
    const { kind, name } = identify(client);
    const services = kind === 'user' ? byUser.get(name) : undefined;
    return services !== undefined && (services.has(service) || services.has(ANY_SERVICE));
  };
}
