/** Answers over MQTT 5 come below it, unless a requester is told otherwise. */
export const DEFAULT_PREFIX = 'recado/rpc';

/** `{topic}/requests/{owner}/{requesterId}/{requestId}`: by it a responder knows where the answer goes. */
const ADDRESSED = /^(.+)\/requests\/([^/]+\/[^/]+\/[^/]+)$/;
/** Requests that say so by their topic, below the topic that is asked. */
export const ADDRESSED_REQUESTS = 'requests/+/+/+';

export function requestTopicOf(topicName: string, address: readonly string[]): string {
  return `${topicName}/requests/${address.join('/')}`;
}

export function answerTopicOf(topicName: string, address: readonly string[]): string {
  return `${topicName}/answers/${address.join('/')}`;
}

/** The topic that was asked, and the one for the answer, out of the topic of a request; undefined when it has none. */
export function readAddress(
  topicName: string,
): { readonly topicName: string; readonly answerTopic: string } | undefined {
  const [, asked, address] = ADDRESSED.exec(topicName) ?? [];
  if (asked === undefined || address === undefined) return undefined;
  return { topicName: asked, answerTopic: answerTopicOf(asked, [address]) };
}

/** Where all answers of a requester come over MQTT 5. */
export function responseTopicOf(prefix: string, owner: string, requesterId: string): string {
  return `${prefix}/answers/${owner}/${requesterId}`;
}

/** A user name or client id as one level of a topic: what would divide it, or stand for others, is escaped. */
export function asTopicLevel(name: string): string {
  return name.replaceAll(/[/+#%]/g, encodeURIComponent);
}

/** Whether a topic lies below one of these. */
export function isBelow(topicName: string, roots: readonly string[]): boolean {
  return roots.some((root) => topicName.length > root.length + 1 && topicName.startsWith(`${root}/`));
}
