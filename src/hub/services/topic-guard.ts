import { isLetIn, may } from '../../accounts/permissions.ts';
import { LOOPBACK_NETWORKS, Networks } from '../../base/networks.ts';
import { ALLOW, type BrokerHooks, type ClientInfo, type Verdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import { MAX_ANNOUNCEMENT_BYTES } from '../../services/wire/announcement.ts';
import { parseServiceTopic } from '../../services/wire/service-topics.ts';
import { isTrustedPeer } from '../mqtt/admission.ts';
import type { IdentifyMqttClient } from '../mqtt/mqtt-principal.ts';
import { AgentOwners } from './agent-owners.ts';

type TopicGuardRules = {
  readonly topicPrefix: string;
  /** User name → services, `*` is any. When there are none, clients of this machine may offer all. */
  readonly agents: Readonly<Record<string, readonly string[]>>;
  /** Whether clients prove who they are: those of this machine are trusted only for where they are then. */
  readonly wantsProof: () => boolean;
};

type AgentTopicKind = 'announcement' | 'in' | 'out';

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
  const isConfigured = servingRule(rules, identify);
  const mayServe = (client: ClientInfo, service: string): boolean => {
    const principal = identify(client);
    // Of whom the configuration lets in, it says which services are theirs.
    return may(principal, 'serve', { service }) && (!isLetIn(principal) || isConfigured(client, service));
  };
  const owners = new AgentOwners(identify);
  /** Topics that a client answers on, once that was found good: it is asked for each frame. */
  const answering = new WeakMap<ClientInfo, Set<string>>();

  function mayAnswer(client: ClientInfo, topicName: string): boolean {
    const known = answering.get(client);
    if (known?.has(topicName) === true) return true;
    if (!claims(client, topicName, 'out')) return false;
    if (known === undefined || known.size >= MAX_ANSWERING) answering.set(client, new Set([topicName]));
    else known.add(topicName);
    return true;
  }

  function claims(client: ClientInfo, topic: string, kind: AgentTopicKind): boolean {
    const key = keyOf(client, topic, kind);
    return key !== undefined && owners.claim(client, key);
  }

  /** What the client would have to own; undefined where the topic is not for it. */
  function keyOf(client: ClientInfo, topic: string, kind: AgentTopicKind): string | undefined {
    const parsed = parseServiceTopic(rules.topicPrefix, topic);
    if (parsed === undefined || parsed.kind !== kind) return undefined;
    const { service, agentId } = parsed;
    // An agent of many services has a connection for each.
    const isItself = client.clientId === agentId || client.clientId === `${agentId}.${service}`;
    return isItself && mayServe(client, service) ? `${service}/${agentId}` : undefined;
  }

  return {
    name: 'services',
    authorizeConnect: (client) => (owners.isTakenFor(client) ? TAKEN : ALLOW),
    onConnected: (client) => owners.connect(client),
    onDisconnected: (client) => owners.release(client),
    authorizeSubscribe(client, topicFilter) {
      // Wildcards from further up are held back message by message.
      if (!topicFilter.startsWith(below)) return ALLOW;
      return claims(client, topicFilter, 'in') ? ALLOW : DENIED;
    },
    authorizePublish(client, message) {
      const { topicName } = message;
      if (!topicName.startsWith(below)) return ALLOW;
      if (mayAnswer(client, topicName)) return message.retain ? DENIED : ALLOW;
      if (!claims(client, topicName, 'announcement')) return DENIED;
      return message.payload.length <= MAX_ANNOUNCEMENT_BYTES ? ALLOW : TOO_LARGE;
    },
    authorizeReceive(client, topicName) {
      if (!topicName.startsWith(below)) return true;
      // It may be a session without its connection: it gets nothing that would have to be released.
      const key = keyOf(client, topicName, 'in');
      return key !== undefined && owners.isOpenTo(client, key);
    },
  };
}

function servingRule(
  { agents, wantsProof }: TopicGuardRules,
  identify: IdentifyMqttClient,
): (client: ClientInfo, service: string) => boolean {
  const byUser = new Map(Object.entries(agents).map(([user, services]) => [user, new Set(services)]));
  if (byUser.size === 0) {
    const loopback = new Networks(LOOPBACK_NETWORKS);
    return (client) => {
      // Behind a proxy of this machine everybody seems to be here.
      return isTrustedPeer(client.peer, loopback) && (!wantsProof() || identify(client).kind === 'network');
    };
  }
  return (client, service) => {
    const { kind, name } = identify(client);
    const services = kind === 'user' ? byUser.get(name) : undefined;
    return services !== undefined && (services.has(service) || services.has(ANY_SERVICE));
  };
}
