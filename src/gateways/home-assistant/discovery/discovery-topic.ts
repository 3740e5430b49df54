/** Whose config a topic carries. */
export type DiscoveryTopic = {
  /** `sensor`, `light` …; `device` for a whole device. */
  readonly component: string;
  readonly nodeId: string | undefined;
  readonly objectId: string;
};

const REST = /^(\w+)\/(?:([a-zA-Z0-9_-]+)\/)?([a-zA-Z0-9_-]+)\/config$/;

/** The two filters under which configs come. */
export function discoveryFilters(prefix: string): readonly string[] {
  return [`${prefix}/+/+/config`, `${prefix}/+/+/+/config`];
}

/** Undefined for a topic that is none of a config: its ids may have letters, digits, `_` and `-`. */
export function readDiscoveryTopic(topicName: string, prefix: string): DiscoveryTopic | undefined {
  const match = topicName.startsWith(`${prefix}/`) ? REST.exec(topicName.slice(prefix.length + 1)) : null;
  if (match === null) return undefined;
  const [, component = '', nodeId, objectId = ''] = match;
  return { component, nodeId, objectId };
}
