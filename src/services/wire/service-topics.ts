/** A service, an agent or a hub: one level of a topic, and one segment of a path. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const DEFAULT_TOPIC_PREFIX = 'recado/services';

export function isServiceName(text: string): boolean {
  return NAME.test(text);
}

/** Where an agent says that it is there; retained. */
export function announcementTopic(prefix: string, service: string, agentId: string): string {
  return `${prefix}/${service}/agents/${agentId}`;
}

export function allAnnouncements(prefix: string): string {
  return `${prefix}/+/agents/+`;
}

/** From a hub to an agent. */
export function inTopic(prefix: string, service: string, agentId: string, hubId: string): string {
  return `${prefix}/${service}/agents/${agentId}/in/${hubId}`;
}

/** From an agent to a hub. */
export function outTopic(prefix: string, service: string, hubId: string, agentId: string): string {
  return `${prefix}/${service}/hubs/${hubId}/out/${agentId}`;
}

/** What a topic below the prefix is for. */
type ServiceTopic =
  | { readonly kind: 'announcement'; readonly service: string; readonly agentId: string }
  | {
      readonly kind: 'in' | 'out';
      readonly service: string;
      readonly agentId: string;
      readonly hubId: string;
    };

/**
 * Takes a topic apart; wildcards of a filter stay as they are.
 *
 * @returns undefined when it is none of services
 */
export function parseServiceTopic(prefix: string, topic: string): ServiceTopic | undefined {
  if (!topic.startsWith(prefix) || topic[prefix.length] !== '/') return undefined;
  const [service = '', group, first = '', way, last = '', ...more] = topic
    .slice(prefix.length + 1)
    .split('/');
  if (more.length > 0) return undefined;
  if (group === 'agents' && way === undefined && first !== '')
    return { kind: 'announcement', service, agentId: first };
  if (group === 'agents' && way === 'in') return { kind: 'in', service, agentId: first, hubId: last };
  if (group === 'hubs' && way === 'out') return { kind: 'out', service, agentId: last, hubId: first };
  return undefined;
}
