import { parseJsonObject } from '../../base/json.ts';
import type { UnacknowledgedMessage } from '../../bus/bus.ts';

/** Which request is given up: where its answer would go, and its Correlation Data where others go there as well. */
export type Cancellation = { readonly answerTo: string; readonly id?: string | undefined };

/** Below the topic that was asked: each responder of a group hears it, whichever of them has the request. */
export const CANCEL_LEVEL = 'cancel';
const LAST_LEVEL = `/${CANCEL_LEVEL}`;

/** Tells the responders of a topic that nobody waits for this answer any more. */
export function cancelRequest(topicName: string, cancellation: Cancellation): UnacknowledgedMessage {
  return {
    topicName: `${topicName}${LAST_LEVEL}`,
    payload: Buffer.from(JSON.stringify(cancellation)),
  };
}

/** Undefined when the message is none. */
export function readCancellation(message: {
  readonly topicName: string;
  readonly payload: Uint8Array;
}): Cancellation | undefined {
  if (!message.topicName.endsWith(LAST_LEVEL)) return undefined;
  const { answerTo, id } = parseJsonObject(Buffer.from(message.payload).toString()) ?? {};
  if (typeof answerTo !== 'string' || (id !== undefined && typeof id !== 'string')) return undefined;
  return { answerTo, id };
}
